# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The detached watcher as a real process, on a real switch directory, a real access log and real HTTP servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.miniedge import NEW, OLD, MiniEdge
from kit.miniwatch import call, mini, until, verdict
from kit.starter import ENVIRONMENT, starter_of

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import code_copy, process
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.module import manage

CANARY = "canary-7f3a-secret"


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[MiniEdge]:
    with mini(tmp_path) as running:
        yield running


def replayed(events: Path) -> dict[str, Any]:
    argv = [sys.executable, "-m", code_copy.ENTRY, "--replay", str(events)]
    done = subprocess.run(argv, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_outlives_its_starter_and_takes_a_bad_release_back(edge: MiniEdge) -> None:
    # No probes use these secrets: what matters is that they leave no trace.
    params = edge.params(probe_secrets={"ciam": {"password": CANARY, "client_secret": CANARY}})
    with edge.load(10):
        starter = starter_of(params)
        edge.share["green"] = 0.5
        edge.cut_over()
        flipped = time.monotonic()
        os.killpg(starter.pid, signal.SIGKILL)
        starter.wait()
        until(lambda: edge.switch.read().live == "blue", 20, "the rollback")
        took = time.monotonic() - flipped
        told = verdict(edge, 20)
    assert took <= 16
    assert (told["verdict"], told["colour"], told["flip"]) == ("FAIL", "green", "00112233aabbccdd")
    assert told["rolled_back"]["done"] and told["rolled_back"]["to"] == "blue" and not told["rolled_back"]["public"]
    assert told["images"] == {"site": "sha256:1"}
    assert told["evidence"]["routes"][0]["route"] == "olympus.test/login 500"
    assert edge.switch.read().token == 2
    folder = edge.state_dir / "releases" / NEW
    assert "FAIL" in (folder / "report.html").read_text()
    again = replayed(folder / "watch/events.jsonl")
    assert (again["verdict"], again["reasons"]) == ("FAIL", told["reasons"])
    for path in edge.state_dir.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert CANARY.encode() not in content and b"canary-query" not in content, path


def test_a_healthy_release_passes(edge: MiniEdge) -> None:
    with edge.load(20):
        assert call(edge, window=6.0, parameters={"margin": 0.1})[1]["how"] == "session"
        assert call(edge, window=6.0)[0] is False
        edge.cut_over()
        told = verdict(edge, 20)
    assert told["verdict"] == "PASS", told["reasons"]
    assert edge.switch.read().live == "green"
    assert told["rolled_back"] == {}
    assert told["evidence"]["traffic"]["n"] >= 60
    # The same cutover is judged: nothing to start.
    assert call(edge)[0] is False


def test_without_visitors_it_says_so(edge: MiniEdge) -> None:
    call(edge, window=5.0, min_events=4, parameters={"margin": 0.9})
    edge.cut_over()
    told = verdict(edge, 20)
    assert told["verdict"] == "PASS_SYNTHETIC_ONLY"
    assert told["evidence"]["traffic"]["n"] == 0
    assert any(agent.startswith("olympus-bluegreen") for agent in edge.agents)


def test_a_silent_log_never_passes(edge: MiniEdge) -> None:
    edge.write(time.time(), 200, "blue", "visitor", "/")
    edge.logging = False
    with edge.load(10):
        call(edge, window=12.0, min_events=4, parameters={"margin": 0.9})
        edge.cut_over()
        told = verdict(edge, 30)
    assert told["verdict"] == "INCONCLUSIVE"
    assert any("SOURCE_DOWN" in reason for reason in told["reasons"])


@pytest.mark.slow
def test_it_does_not_go_back_to_a_dead_colour(edge: MiniEdge) -> None:
    with edge.load(10):
        call(edge)
        edge.share["green"] = 1.0
        edge.cut_over()
        edge.stop("blue")
        told = verdict(edge, 60)
    assert told["verdict"] == "FAIL"
    assert told["rolled_back"]["done"] is False and "blue is not alive" in told["rolled_back"]["why"]
    assert edge.switch.read().live == "green"


@pytest.mark.parametrize("how", ["rollback", "newer flip"])
def test_somebody_else_moves_the_switch(edge: MiniEdge, how: str) -> None:
    with edge.load(10):
        call(edge)
        edge.cut_over()
        until(lambda: any(e["event"] == "sample" for e in call(edge, state="read")[1]["events"]), 10, "a sample")
        if how == "rollback":
            edge.switch.rollback()
        else:
            edge.switch.rollback()
            token = edge.switch.claim(0)
            edge.switch.prepare(ReturnTo("blue", OLD, "ffffffffffffffff", time.time()), token)
            edge.switch.flip("green", token)
        told = verdict(edge, 20)
    assert told["verdict"] == "INCONCLUSIVE"
    # A rollback and a new flip between two looks can only be told by the flip's id.
    assert any(word in told["reasons"][0] for word in ("not by the watcher", "newer cutover"))
    assert edge.switch.read().live == ("blue" if how == "rollback" else "green")


def test_stop_and_another_release(edge: MiniEdge) -> None:
    """A new watch ends the old one; stop ends only the process that it knows."""
    call(edge)
    first = call(edge, state="read", release="")[1]["watcher"]
    assert first["alive"] and first["release"] == NEW
    other = "v3-2222222222"
    assert call(edge, release=other)[0] is True
    assert not process.alive(first)
    second = call(edge, state="read", release="")[1]["watcher"]
    assert second["alive"] and second["release"] == other
    assert call(edge, state="stopped", release=other)[0] is True
    assert not process.alive(second)
    assert call(edge, state="stopped", release=other)[0] is False
    told = json.loads((edge.state_dir / "releases" / NEW / "verdict.json").read_text())
    assert told["verdict"] == "INCONCLUSIVE"


def test_a_flip_that_never_comes(edge: MiniEdge) -> None:
    call(edge, wait=1.0)
    assert "was not live within 1 s" in verdict(edge, 10)["reasons"][0]


def test_a_watcher_that_can_not_begin_is_an_error(edge: MiniEdge) -> None:
    with pytest.raises(BluegreenError, match="did not start"):
        call(edge, probes={"ciam": {"kratos": "nobody"}})


def test_check_mode_starts_nothing(edge: MiniEdge) -> None:
    plan, result = manage(edge.params(), True, SubprocessRunner(), SystemClock())
    assert plan.changed and not result["watcher"]["alive"]
    assert not (edge.state_dir / "watch.json").exists()


def test_a_full_disk_does_not_stop_the_rollback(edge: MiniEdge) -> None:
    """The record can't be written any more; the switch is only renamed."""
    with edge.load(10):
        call(edge)
        edge.share["green"] = 1.0
        events = edge.state_dir / "releases" / NEW / "watch/events.jsonl"
        events.unlink()
        events.mkdir()
        edge.cut_over()
        until(lambda: edge.switch.read().live == "blue", 25, "the rollback")
        assert verdict(edge, 20)["rolled_back"]["done"] is True
