# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that take too long, and podman whose answer is no answer."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import CommandError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, SubprocessRunner


def lives(pid: int) -> bool:
    try:
        fields = Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
    except OSError:
        return False
    return fields[0] != "Z"


@pytest.mark.parametrize("inherited", [True, False])
def test_what_takes_too_long_ends_with_all_that_it_started(inherited: bool, tmp_path: Path) -> None:
    """But for what has a session of its own: a container's monitor outlives who began it."""
    lines = "sleep 300 & echo $! >child; setsid sleep 300 & echo $! >monitor; trap '' TERM; wait; wait"
    reading, writing = os.pipe()
    runner = SubprocessRunner((writing,) if inherited else ())
    assert runner.run(["sh", "-c", lines], cwd=str(tmp_path), timeout=3).rc == 124
    child, monitor = (int((tmp_path / name).read_text()) for name in ("child", "monitor"))
    try:
        assert not lives(child) and lives(monitor)
    finally:
        os.kill(monitor, signal.SIGKILL)
        os.close(reading)
        os.close(writing)


class Says:
    def __init__(self, rc: int, out: str, err: str) -> None:
        self.result = Result(rc, out, err)

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        return self.result


@pytest.mark.parametrize(
    ("rc", "err", "words"),
    [
        (-9, "", "ended with -9"),
        (125, "Error: open /etc/containers/storage.conf: file not found", "storage.conf"),
        (125, "Error: network inspection mismatch: asked to join 2 network(s)", "run adopt"),
    ],
)
def test_podman_that_did_not_answer_has_not_said_that_nothing_is_there(rc: int, err: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        Podman(Says(rc, "", err)).inspect("container", ["a"])


@pytest.mark.parametrize(
    "err",
    [
        'Error: inspecting object: no such container "a"',
        "Error: inspecting object: a: image not known",
        "Error: inspecting object: unable to find network with name or ID a: network not found",
        "Error: inspecting object: no such volume a",
        'Error: no such object: "a"',
    ],
)
def test_what_is_not_there_is_left_out(err: str) -> None:
    assert Podman(Says(125, "[]\n", err)).inspect("container", ["a"]) == []
