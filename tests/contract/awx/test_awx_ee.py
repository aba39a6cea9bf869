# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution environment as ansible-builder makes it: its build context, and what it finds in the collection."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml
from kit.awx_data import ROOT

BUILDER = str(Path(sys.executable).parent / "ansible-builder")


def builder(*argv: str) -> str:
    done = subprocess.run([BUILDER, *argv], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_build_context_is_made(tmp_path: Path) -> None:
    context = tmp_path / "context"
    builder("create", "-f", str(ROOT / "awx/execution-environment.yml"), "-c", str(context))
    made = (context / "Containerfile").read_text()
    assert 'ANSIBLE_INSTALL_REFS="ansible-core~=' in made and "ansible-runner~=" in made and "python3.11" in made
    galaxy = yaml.safe_load((context / "_build/requirements.yml").read_text())
    assert [one["name"] for one in galaxy["collections"]] == ["olympus.bluegreen"]


def test_the_collection_brings_ssh_and_no_python(tmp_path: Path) -> None:
    folder = tmp_path / "ansible_collections/olympus"
    folder.mkdir(parents=True)
    (folder / "bluegreen").symlink_to(ROOT)
    found = yaml.safe_load(builder("introspect", str(tmp_path)))
    ssh = "openssh-clients [platform:rpm]  # from collection olympus.bluegreen"
    assert ssh in found["system"] and found["python"] == [], found


def test_the_metadata_name_files_that_are_there() -> None:
    meta = yaml.safe_load((ROOT / "meta/execution-environment.yml").read_text())
    assert meta["version"] == 3
    for path in meta["dependencies"].values():
        assert (ROOT / path).is_file()
