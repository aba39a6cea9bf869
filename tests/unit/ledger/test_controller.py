# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a controller may say about the holder of a lock: dead or alive only where it can really know."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.plugin_utils import controller

ME = {"host": "ctl", "boot": "b1", "namespace": "pid:[1]", "pid": 10, "start": "5"}


def lock(**changes: Any) -> dict[str, Any]:
    return {"run": "r", "controller": {**ME, "pid": os.getpid(), "start": controller._started(os.getpid()), **changes}}


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ({}, {}),
        (lock(), {"run": "r", "alive": True}),
        (lock(start="1"), {"run": "r", "alive": False}),
        (lock(host="other"), {}),
        (lock(boot="b0"), {"run": "r", "alive": False}),
        (lock(namespace="pid:[2]"), {}),
        ({"run": "r", "controller": {}}, {}),
    ],
)
def test_what_it_knows(held: dict[str, Any], told: dict[str, Any]) -> None:
    assert controller.knows(ME, held) == told


def test_a_dead_process_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = controller._started(child.pid)
    assert controller.knows(ME, lock(pid=child.pid, start=start)) == {"run": "r", "alive": True}
    child.communicate(b"\n")
    assert controller.knows(ME, lock(pid=child.pid, start=start)) == {"run": "r", "alive": False}


def test_one_id_a_run() -> None:
    assert controller.run_id(ME, {}) == "ctl-10-5"
    assert controller.run_id({**ME, "start": "6"}, {}) != controller.run_id(ME, {})
    assert controller.run_id(ME, {"awx_job_id": 77}) == "job-77"
    assert controller.operator({"awx_user_name": "anna"}) == "anna"
