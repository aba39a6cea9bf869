# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks say by themselves, without any host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def play(path: Path, *options: str, **variables: Any) -> tuple[int, str]:
    """Its rc and what it printed, folded."""
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    env.pop("ANSIBLE_INVENTORY", None)
    argv = [str(Path(sys.executable).parent / "ansible-playbook"), str(path), *options, "-e", json.dumps(variables)]
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("tags", [[], ["--tags", "rollback"], ["--tags", "status"]])
def test_without_an_inventory_nothing_ends_well(tags: list[str]) -> None:
    rc, said = play(ROOT / "bluegreen.yml", *tags, version="v1.5.0")
    assert rc == 2 and "no host in group olympus_edge" in said and "ANSIBLE_INVENTORY" in said


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"returned_to": "blue", "not_returned": ""}, "FAIL: 5xx Live again: blue Report: r"),
        (
            {"returned_to": "", "not_returned": "blue is not alive"},
            "FAIL: 5xx STILL LIVE, not rolled back: blue is not alive. "
            "Type: ansible-playbook bluegreen.yml --tags rollback",
        ),
    ],
)
def test_a_bad_verdict_says_who_is_live(result: dict[str, str], words: str, tmp_path: Path) -> None:
    tasks = yaml.safe_load((ROOT / "playbooks/watch.yml").read_text())[0]["tasks"]
    verdict = next(task for task in tasks if task["name"] == "The verdict")
    (tmp_path / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [verdict]}])
    )
    seen = {"verdict": "FAIL", "reasons": ["5xx"], "report": "r", **result}
    rc, said = play(tmp_path / "play.yml", watch_result=seen, bluegreen_watch_order="")
    assert rc == 2 and words in said, said
