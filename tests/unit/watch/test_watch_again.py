# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The watcher's own death: whoever is killed, a bad release is taken back and the record stays one."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.miniedge import NEW, MiniEdge
from kit.miniwatch import call, events, launch, mini, release, until, verdict

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import process
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import main
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.watcher import Resume

SECRETS = {"ciam": {"password": "canary-91c2-secret", "client_secret": "canary-91c2-secret"}}


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[MiniEdge]:
    with mini(tmp_path) as running:
        yield running


def about(edge: MiniEdge) -> dict[str, Any]:
    return dict(launch(edge).observe(NEW).about)


def kill(known: dict[str, Any]) -> None:
    assert process.alive(known)
    os.kill(int(known["pid"]), signal.SIGKILL)


def kill_all(edge: MiniEdge) -> None:
    """The watcher and who keeps it, as the out-of-memory killer or a lost control group does."""
    known = about(edge)
    os.killpg(int(known["keeper"]["pid"]), signal.SIGKILL)
    until(lambda: not launch(edge).observe(NEW).alive, 20, "their end")


def watched(edge: MiniEdge, **changes: Any) -> None:
    """A watch that has seen a few healthy seconds of green."""
    call(edge, **{"parameters": {"slot": 1.0}, **changes})
    edge.cut_over()
    until(lambda: len(events(edge, "sample")) > 3, 15, "samples")


def test_a_killed_watcher_is_begun_again_with_what_it_knew(edge: MiniEdge) -> None:
    with edge.load(10):
        watched(edge)
        first = about(edge)
        kill(first)
        until(lambda: events(edge, "resumed"), 20, "the next watcher")
        second = about(edge)
        assert second["pid"] != first["pid"] and second["keeper"] == first["keeper"] and second["deaths"] == 1
        edge.share["green"] = 0.5
        told = verdict(edge, 30)
    assert told["verdict"] == "FAIL" and told["rolled_back"]["done"] and edge.switch.read().live == "blue"
    assert len(events(edge, "armed")) == 1 and told["flip"] == events(edge, "armed")[0]["flip"]
    seen = sum(event["new"]["n"] for event in events(edge, "sample"))
    assert told["evidence"]["traffic"]["n"] == seen


def test_without_its_keeper_it_goes_on_alone(edge: MiniEdge) -> None:
    with edge.load(10):
        watched(edge)
        known = about(edge)
        kill(known["keeper"])
        until(lambda: not process.alive(known["keeper"]), 20, "the keeper's end")
        assert launch(edge).observe(NEW).alive
        edge.share["green"] = 1.0
        assert verdict(edge, 30)["verdict"] == "FAIL"


def test_both_killed_whoever_follows_begins_it_again(edge: MiniEdge) -> None:
    """What nobody watched is judged from the edge's log: the release went bad while no watcher was there."""
    with edge.load(10):
        watched(edge, probe_secrets=SECRETS)
        kill_all(edge)
        assert launch(edge).observe(NEW).died
        edge.share["green"] = 1.0
        begun = time.time()
        until(lambda: time.time() - begun > 4, 20, "errors in three slots")
        assert edge.switch.read().live == "green"
        assert call(edge, state="restarted", release="", probe_secrets=SECRETS)[0] is True
        told = verdict(edge, 10)
    assert told["verdict"] == "FAIL" and edge.switch.read().live == "blue"
    assert len(events(edge, "armed")) == 1
    assert call(edge, state="restarted", release="")[0] is False
    for path in edge.state_dir.rglob("*"):
        assert not path.is_file() or b"canary-91c2" not in path.read_bytes(), path


def test_the_window_goes_on_where_it_was(edge: MiniEdge) -> None:
    """Nobody watched for longer than the window: a short look with probes is left, not another window."""
    with edge.load(20):
        watched(edge, window=4.0, parameters={"margin": 0.1})
        kill_all(edge)
        armed = events(edge, "armed")[0]["at"]
        until(lambda: time.time() > armed + 6, 10, "the window's end")
        begun = time.monotonic()
        assert call(edge, state="restarted", release="")[0] is True
        told = verdict(edge, 20)
    assert told["verdict"] == "PASS", told["reasons"]
    assert 3.5 <= time.monotonic() - begun <= 12
    times = [event["at"] for event in events(edge, "sample")]
    # The log speaks for the time in which nobody looked.
    assert max(after - before for before, after in zip(times, times[1:])) < 6
    log = [json.loads(line) for line in Path(edge.log).read_text().splitlines()]
    visited = sum("/login" in one["request"]["uri"] and armed < one["ts"] <= times[-1] for one in log)
    assert visited > 50 and sum(e["new"]["n"] for e in events(edge, "sample")) >= 0.8 * visited


def test_killed_before_the_flip(edge: MiniEdge) -> None:
    """It dies while it waits, the flip comes, and only later somebody looks: the log says what green did."""
    with edge.load(10):
        call(edge, parameters={"slot": 1.0})
        kill_all(edge)
        edge.share["green"] = 1.0
        edge.cut_over()
        begun = time.time()
        until(lambda: time.time() - begun > 4, 20, "errors in three slots")
        assert call(edge, state="restarted", release="")[0] is True
        told = verdict(edge, 10)
    assert told["verdict"] == "FAIL" and edge.switch.read().live == "blue"
    assert abs(told["since"] - begun) < 2


def test_ended_before_the_flip(edge: MiniEdge) -> None:
    """Its wait was over, and the cutover came all the same: what it said then is no verdict of what is live now."""
    with edge.load(10):
        call(edge, parameters={"slot": 1.0}, wait=0.5)
        assert verdict(edge, 20)["verdict"] == "INCONCLUSIVE"
        assert launch(edge).observe().verdict and not launch(edge).observe().died
        assert call(edge, state="restarted", release="")[0] is False
        edge.cut_over()
        assert launch(edge).observe().died and launch(edge).result()["verdict"] == ""
        edge.share["green"] = 1.0
        assert call(edge, state="restarted", release="")[0] is True
        until(lambda: launch(edge).observe().verdict, 30, "a verdict of its own")
    told = launch(edge).observe().verdict
    assert told["verdict"] == "FAIL" and edge.switch.read().live == "blue"


@pytest.mark.parametrize("moved", [False, True])
def test_killed_on_the_way_back(edge: MiniEdge, moved: bool) -> None:
    """Between the note of it, the switch and the verdict: the next watcher ends what was begun, and calls it ours."""
    watched(edge)
    kill_all(edge)
    with (release(edge) / "watch/events.jsonl").open("a") as record:
        at = time.time()
        bad = [{"event": "rule", "rule": "not ready", "bad": True, "detail": "x", "at": at, "v": 1}] * 3
        rolling = {"event": "rolling_back", "to": "blue", "flip": "00112233aabbccdd", "at": at, "v": 1}
        record.write("".join(json.dumps(event) + "\n" for event in (*bad, rolling)))
    if moved:
        edge.switch.rollback()
    call(edge, state="restarted", release="")
    told = verdict(edge, 10)
    assert told["verdict"] == "FAIL" and told["rolled_back"]["done"] and told["rolled_back"]["to"] == "blue"
    assert edge.switch.read().live == "blue" and edge.switch.read().token == 2


def test_killed_after_the_verdict(edge: MiniEdge) -> None:
    """verdict.json is there and the report is not: the next one writes the report and judges nothing again."""
    watched(edge)
    known = about(edge)
    os.kill(int(known["pid"]), signal.SIGSTOP)
    said = {"verdict": "FAIL", "flip": "00112233aabbccdd", "release": NEW, "colour": "green", "reasons": ["x"]}
    (release(edge) / "verdict.json").write_text(json.dumps(said))
    kill(known)
    until(lambda: not launch(edge).observe(NEW).alive, 20, "the end of both")
    assert "FAIL" in (release(edge) / "report.html").read_text()
    assert json.loads((release(edge) / "verdict.json").read_text()) == said and edge.switch.read().live == "green"
    assert call(edge, state="restarted", release="")[0] is False


def test_one_that_always_dies_is_given_up(edge: MiniEdge) -> None:
    watched(edge)
    kill_all(edge)
    config = launch(edge).kept(NEW)
    assert config is not None
    assert main.keep(lambda _deaths: main.watch_alone(config, {}, main.LIVES - 1), lambda: False) == 0
    told = verdict(edge, 1)
    assert (told["verdict"], told["reasons"]) == ("INCONCLUSIVE", ["the watcher died 19 times"])
    assert told["flip"] == "00112233aabbccdd" and edge.switch.read().live == "green"


def test_a_stop_reaches_the_keeper_too(edge: MiniEdge) -> None:
    watched(edge)
    known = about(edge)
    assert call(edge, state="stopped")[0] is True
    until(lambda: not process.alive(known["keeper"]), 20, "the keeper's end")
    assert verdict(edge, 5)["verdict"] == "INCONCLUSIVE" and len(events(edge, "resumed")) == 0


def test_a_host_that_goes_down_ends_no_watch(edge: MiniEdge) -> None:
    """systemd tells everybody to end; nobody said that the watch shall. It goes on when somebody begins it again."""
    watched(edge)
    known = about(edge)
    os.killpg(int(known["keeper"]["pid"]), signal.SIGTERM)
    until(lambda: not process.watched(known), 20, "the watcher's end")
    assert not launch(edge).observe().verdict and launch(edge).observe().died
    assert call(edge, state="restarted")[0] is True
    until(lambda: events(edge, "resumed"), 15, "the watch to go on")


def struck() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@pytest.mark.parametrize(
    ("lives", "begun", "deaths", "code"),
    [
        ([lambda: 0], True, 1, 0),
        ([lambda: main.HELD], True, 1, main.HELD),
        ([lambda: 1], False, 1, 1),
        ([lambda: 1, lambda: 0], True, 2, 0),
        ([struck, lambda: 0], False, 2, 0),
        ([lambda: 1 // 0, lambda: 0], True, 2, 0),
        ([lambda: 1] * main.LIVES, True, main.LIVES, 1),
    ],
)
def test_when_the_keeper_begins_anew(
    lives: list[Callable[[], int]], begun: bool, deaths: int, code: int, tmp_path: Path
) -> None:
    def watch(number: int) -> int:
        (tmp_path / str(number)).touch()
        return lives[number]()

    assert main.keep(watch, lambda: begun, pause=0) == code
    assert sorted(int(path.name) for path in tmp_path.iterdir()) == list(range(deaths))


def test_a_keeper_that_cannot_fork_waits_and_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """B1: a release that takes every process of the host must not end its own watch."""
    real, tries = os.fork, [OSError(11, "again"), OSError(12, "no memory")]

    def fork() -> int:
        if tries:
            raise tries.pop()
        return real()

    monkeypatch.setattr(os, "fork", fork)
    assert main.keep(lambda _deaths: 0, lambda: False, pause=0) == 0 and not tries
    tries[:] = [OSError(11, "again")] * 999
    assert main.keep(lambda _deaths: 0, lambda: False, pause=0) == 1


def test_what_a_past_says() -> None:
    armed = {"event": "armed", "at": 5.0, "flip": "f"}
    seen = {"event": "containers", "at": 1.0, "seen": {"site": ["running", 3, 0]}}
    assert Resume.of([]).armed == {} and Resume.of([seen]).containers == {"site": ("running", 3, 0)}
    found = Resume.of([seen, armed, {"event": "sample", "at": 7.0}, {"event": "sample", "at": 6.0}])
    assert (found.armed, found.until, found.rolling) == (armed, 7.0, False)
    assert Resume.of([armed, {"event": "rolling_back", "at": 8.0}]).rolling


def test_what_can_still_be_asked_without_secrets() -> None:
    config = Config("d", "/s", "r", "green", "/w", probes={"ciam": {}, "iam": {}}, probe_secrets={"iam": {}})
    assert list(config.askable().probes) == ["iam"]
