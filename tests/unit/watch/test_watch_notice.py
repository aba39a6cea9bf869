# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The watcher tells its verdict itself: a real process whose starter is killed, and receivers that are not well."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.miniedge import MiniEdge
from kit.miniwatch import call, events, launch, mini, until, verdict
from kit.receiver import SECRET, Receiver
from kit.starter import starter_of
from prometheus_client.parser import text_string_to_metric_families as parsed


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[MiniEdge]:
    with mini(tmp_path) as running:
        yield running


def metric(path: Path, name: str) -> dict[str, float]:
    """The samples of one metric by their last label's value."""
    found = [one for one in parsed(path.read_text()) if one.name == "olympus_bluegreen_" + name]
    return {list(one.labels.values())[-1]: one.value for family in found for one in family.samples}


def no_trace(edge: MiniEdge) -> None:
    for path in edge.state_dir.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_a_rollback_is_told_with_a_dead_controller(edge: MiniEdge, tmp_path: Path) -> None:
    metrics = tmp_path / "olympus.prom"
    with Receiver([503]) as receiver, edge.load(10):
        starter = starter_of(edge.params(notify_url=receiver.url, textfile=str(metrics)))
        until(metrics.exists, 10, "the metrics of a watch that waits")
        assert metric(metrics, "watch_running") == {"mini": 1} and metric(metrics, "live")["blue"] == 1
        edge.share["green"] = 0.5
        edge.cut_over()
        flipped = time.time()
        os.killpg(starter.pid, signal.SIGKILL)
        starter.wait()
        told = verdict(edge, 30)
        assert (told["verdict"], edge.switch.read().live) == ("FAIL", "blue")
        until(lambda: not launch(edge).observe().alive, 15, "the end of the watcher")
    (body,) = receiver.bodies
    facts = {"event": "verdict", "verdict": "FAIL", "returned_to": "blue", "version": "v2", "deployment": "mini"}
    assert facts.items() <= body.items() and "The watcher rolled back: blue is live again" in body["text"]
    # The way back comes first, and waits for no receiver.
    assert flipped < told["rolled_back"]["at"] < receiver.moments[0] < flipped + 45
    assert [event["done"] for event in events(edge, "notified")] == [True]
    no_trace(edge)
    assert metric(metrics, "watch_running") == {"mini": 0} and metric(metrics, "verdict")["FAIL"] == 1
    assert metric(metrics, "live") == {"blue": 1, "green": 0}
    assert metric(metrics, "last_rollback_timestamp_seconds")["mini"] == pytest.approx(told["until"], abs=5)


def test_a_receiver_that_is_silent_delays_no_rollback(edge: MiniEdge) -> None:
    with Receiver(silent=True) as receiver, edge.load(10):
        call(edge, notify_url=receiver.url)
        edge.share["green"] = 0.5
        edge.cut_over()
        flipped = time.monotonic()
        until(lambda: edge.switch.read().live == "blue", 20, "the rollback")
        assert time.monotonic() - flipped <= 16
        until(lambda: events(edge, "verdict"), 10, "the verdict, while no answer has come")
        assert not events(edge, "notified")


def test_a_watcher_that_was_killed_before_it_told_tells_once(edge: MiniEdge) -> None:
    with Receiver([503] * 3) as receiver, edge.load(10):
        call(edge, notify_url=receiver.url)
        edge.share["green"] = 0.5
        edge.cut_over()
        until(lambda: receiver.moments, 30, "the first try")
        os.kill(int(launch(edge).observe().about["pid"]), signal.SIGKILL)
        verdict(edge, 30)
        until(lambda: events(edge, "notified"), 20, "the message of the next watcher")
        until(lambda: not launch(edge).observe().alive, 15, "the end of the watcher")
    assert len(receiver.bodies) == 1
    no_trace(edge)


def test_of_a_watch_that_another_hand_ended_that_hand_tells(edge: MiniEdge) -> None:
    with Receiver() as receiver, edge.load(10):
        call(edge, notify_url=receiver.url)
        edge.cut_over()
        until(lambda: events(edge, "armed"), 10, "the flip")
        edge.switch.rollback()
        assert verdict(edge, 20)["verdict"] == "INCONCLUSIVE"
    assert receiver.moments == []


def test_a_pass_is_told_where_it_is_asked_for(edge: MiniEdge, tmp_path: Path) -> None:
    hook = tmp_path / "hook"
    with Receiver() as receiver, edge.load(20):
        hook.write_text(receiver.url)
        hook.chmod(0o600)
        notify = {"kind": "slack", "url_file": str(hook), "events": ["verdict"]}
        call(edge, window=4.0, min_events=4, parameters={"margin": 0.9}, notify=notify)
        edge.cut_over()
        assert verdict(edge, 20)["verdict"].startswith("PASS")
    (body,) = receiver.bodies
    assert set(body) == {"path", "text"} and "PASS" in body["text"]
