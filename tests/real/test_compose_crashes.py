# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""podman_compose_release converges from a death at every moment, on real podman."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from typing import Any

import pytest
from compose_bench import GREEN, Bench, Crash, CrashingRunner, facts

pytestmark = [pytest.mark.lab, pytest.mark.slow]


def converge(bench: Bench, state: str, given: dict[str, Any]) -> None:
    done = bench.run(state, **given)
    assert not bench.run(state, **given)["changed"]
    assert done["off_networks"] == [] and done["foreign"] == []


def crash_everywhere(bench: Bench, state: str, given: dict[str, Any], reset: Any) -> int:
    """Die after the first changing command, then after the second, ... until a run gets through. Returns how many."""
    for crashes in range(1, 40):
        reset()
        try:
            bench.run(state, runner=CrashingRunner(crashes), **given)
        except Crash:
            converge(bench, state, given)
            continue
        return crashes - 1
    raise AssertionError("never got through")


def test_adopt_converges_from_every_crash(bench: Bench) -> None:
    operator = facts()
    assert crash_everywhere(bench, "adopted", {}, lambda: bench.run("adopted", undo=True)) == 10
    assert facts() == operator


def test_start_and_absent_converge_from_every_crash(bench: Bench) -> None:
    bench.run("adopted")
    operator = facts()

    def gone() -> None:
        bench.run("absent", colour="green", live_colour="blue")

    assert crash_everywhere(bench, "started", GREEN, gone) == 4
    assert crash_everywhere(bench, "started", {**GREEN, "version": "c"}, lambda: bench.run("started", **GREEN)) == 6
    where = {"colour": "green", "live_colour": "blue"}
    assert crash_everywhere(bench, "absent", where, lambda: bench.run("started", **GREEN)) == 2
    assert facts() == operator


CHILD = """
import sys
sys.path[:0] = %r
from pathlib import Path
from compose_bench import Bench
bench = Bench.__new__(Bench)
bench.__dict__.update(source=Path(%r), state_dir=Path(%r), podman_compose=%r)
bench.run("started", **%r)
"""


def test_start_converges_from_kill_9_of_everything(bench: Bench) -> None:
    """The module and its podman children die together, at any moment."""
    bench.run("adopted")
    chance = random.Random(7)
    code = CHILD % (sys.path, str(bench.source), str(bench.state_dir), bench.podman_compose, GREEN)
    killed = 0
    for _round in range(12):
        child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stderr=subprocess.DEVNULL)
        try:
            child.wait(timeout=chance.uniform(0.3, 3.5))
        except subprocess.TimeoutExpired:
            killed += 1
        os.killpg(child.pid, signal.SIGKILL) if child.poll() is None else None
        child.wait()
        converge(bench, "started", GREEN)
        bench.run("absent", colour="green", live_colour="blue")
    assert killed >= 6
