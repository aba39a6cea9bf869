# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""podman_compose_release converges from a death at every moment, on real podman."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from typing import Any

import pytest
from kit.compose_bench import GREEN, Bench, Crash, CrashingRunner, facts, nets, podman
from kit.dying import podman_dies

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

pytestmark = pytest.mark.lab
slow = pytest.mark.slow


def converge(bench: Bench, state: str, given: dict[str, Any]) -> None:
    done = bench.run(state, **given)
    assert not bench.run(state, **given)["changed"]
    assert done["off_networks"] == [] and done["unmanaged"] == []


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


@slow
def test_adopt_converges_from_every_crash(bench: Bench) -> None:
    operator = facts()
    assert crash_everywhere(bench, "adopted", {}, lambda: bench.run("adopted", undo=True)) == 10
    assert facts() == operator


@slow
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
from kit.compose_bench import Bench
bench = Bench.__new__(Bench)
bench.__dict__.update(source=Path(%r), state_dir=Path(%r), podman_compose=%r)
bench.run("started", **%r)
"""


@slow
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


def die_over(bench: Bench, number: int, after: bool, state: str, given: dict[str, Any]) -> bool:
    """Podman dies over the ``number``-th network that it sets up. False: there were not so many."""
    with podman_dies(bench.state_dir.parent, number, after) as setups, suppress(BluegreenError):
        bench.run(state, **given)
    return len(setups.read_text().splitlines()) >= number


def answers(bench: Bench) -> None:
    """Green is reached at its recorded addresses, by one way only; the operator's own network is not counted."""
    for service in bench.run("read", colour="green")["services"].values():
        with urllib.request.urlopen("http://%s:8080/" % service["colour_address"], timeout=10) as response:
            assert response.read().decode().startswith("green")
    ours = [name for name in nets() if name.startswith("bgtest-")]
    subnets = [json.loads(podman("network", "inspect", name))[0]["subnets"][0]["subnet"] for name in ours]
    assert len(subnets) == len(set(subnets)) == 4
    routes = subprocess.run(["ip", "-4", "route", "show"], capture_output=True, text=True, check=True).stdout
    assert all(routes.count("%s " % subnet) <= 1 for subnet in subnets)


BEFORE_AND_AFTER = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


@pytest.mark.parametrize("after", [pytest.param(False, marks=slow), True], ids=["before", "after"])
def test_a_start_converges_when_podman_died_over_an_address(after: bool, bench: Bench) -> None:
    """Podman keeps the address, and the colour's network gets another name."""
    bench.run("adopted")
    operator, green = facts(), bench.run("started", **GREEN)
    called = [name for name in nets() if name.startswith("bgtest-green")]
    bench.run("absent", colour="green", live_colour="blue")
    assert die_over(bench, 1, after, "started", GREEN)
    converge(bench, "started", GREEN)
    again = bench.run("started", **GREEN)
    assert again["release"] == green["release"] and again["services"].keys() == green["services"].keys()
    now = [name for name in nets() if name.startswith("bgtest-green")]
    assert [len(called), len(now)] == [1, 1] and called != now
    assert {name: ident for name, (ident, _pid) in facts().items()} == {n: i for n, (i, _p) in operator.items()}
    answers(bench)


@slow
@BEFORE_AND_AFTER
def test_a_start_converges_from_every_death_of_podman(after: bool, bench: Bench) -> None:
    bench.run("adopted")
    operator = facts()
    for number in range(1, 20):
        if not die_over(bench, number, after, "started", GREEN):
            break
        converge(bench, "started", GREEN)
        answers(bench)
        bench.run("absent", colour="green", live_colour="blue")
    assert number - 1 == 4 and facts() == operator


@slow
@BEFORE_AND_AFTER
def test_adopt_converges_from_every_death_of_podman(after: bool, bench: Bench) -> None:
    operator = facts(), nets()
    for number in range(1, 20):
        if not die_over(bench, number, after, "adopted", {}):
            break
        converge(bench, "adopted", {})
        bench.run("adopted", undo=True)
    bench.run("adopted", undo=True)
    assert number - 1 == 6 and (facts(), nets()) == operator
