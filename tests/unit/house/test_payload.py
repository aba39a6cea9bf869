# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible sends for a task of each module: own files with content, not compressed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from kit.payload import ROOT, names

FILES, SIZE = 80, 400 * 1024
# These carry the code of the watcher.
WATCHER = {"release_boot": (120, 600 * 1024), "release_watch": (120, 600 * 1024)}
# Above the limit when this test came: (files, KB) that they may not pass. One that fits has to leave this list.
ABOVE = {
    "caddy_upstream": (75, 490),
    "cloudflare_lb_pool": (67, 402),
    "podman_compose_release": (103, 670),
    "release_boot": (183, 1220),
    "release_preflight": (101, 610),
    "release_watch": (153, 1000),
    "schema_proof": (118, 780),
}


@pytest.fixture(scope="module")
def payloads() -> dict[str, dict[str, int]]:
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "PYTHONPATH": str(ROOT / "tests")}
    argv = [sys.executable, "-m", "kit.payload"]
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("module", names())
def test_a_task_carries_what_it_needs(module: str, payloads: dict[str, dict[str, int]]) -> None:
    files, size = len(payloads[module]), sum(payloads[module].values())
    most_files, most = WATCHER.get(module, (FILES, SIZE))
    fits, measured = files <= most_files and size <= most, "%d files, %d KB" % (files, size // 1024)
    if module in ABOVE:
        assert not fits, "it fits: take it out of ABOVE"
        most_files, most = ABOVE[module][0], ABOVE[module][1] * 1024
    assert files <= most_files and size <= most, measured
