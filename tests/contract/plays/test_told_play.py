# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of a stage as plays reach it: one that goes well, that fails, that is rescued, and a fast rollback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit.caddy_played import ROOT, World, world
from kit.miniedge import MiniEdge
from kit.plays import Play
from kit.ports import free_port
from kit.receiver import SECRET, Receiver
from prometheus_client.parser import text_string_to_metric_families as parsed

END = str(ROOT / "playbooks" / "tasks" / "end.yml")
ACTS = {"proceed": True, "live": "blue", "idle": "green", "release": "v1-0000000000"}
# Registered as the roles do; what it says, a module says.
BROKEN = {"ansible.builtin.command": "false", "register": "watch_result", "name": "gate"}


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[MiniEdge]:
    port = free_port()
    with MiniEdge(tmp_path, port, 100 + port % 100) as running:
        yield running


def stage(edge: MiniEdge, url: str, *tasks: dict[str, Any], proceeds: bool = True, **notify: Any) -> Play:
    """One stage: what begin.yml leaves, ``tasks``, and the end that every stage has."""
    (edge.root / "group_vars").mkdir()
    described = {"name": "mini", "state_dir": str(edge.state_dir), "textfile": str(edge.root / "olympus.prom")}
    seen = {"decision": {**ACTS, "proceed": proceeds}, "facts": {"edge": {"directory": edge.switch.path}}}
    given = {
        "bluegreen_stage": "deploy",
        "bluegreen_version": "v2",
        "bluegreen_described": {**described, "notify": notify},
        "bluegreen_notify_url": "{{ hidden }}",
        "hidden": url,
    }
    (edge.root / "group_vars" / "all.yml").write_text(yaml.safe_dump(given))
    begin = {"ansible.builtin.set_fact": {"preflight_result": seen}, "name": "begin"}
    end = {"ansible.builtin.import_tasks": END, "name": "end"}
    return Play(edge, {"block": [begin, *tasks], "always": [end], "name": "stage"})


def test_a_stage_that_acted_is_told_and_measured(edge: MiniEdge) -> None:
    with Receiver() as receiver:
        play = stage(edge, receiver.url)
        assert play.wait() == 0, play.out
    (body,) = receiver.bodies
    assert body["text"].endswith("v2 runs on green and passed its gate. blue stays live.")
    assert (body["event"], body["live"], body["version"]) == ("deploy", "blue", "v2") and body["operator"]
    found = {one.name: one.samples for one in parsed((edge.root / "olympus.prom").read_text())}
    assert {one.labels["colour"]: one.value for one in found["olympus_bluegreen_live"]} == {"blue": 1, "green": 0}


def test_one_that_had_nothing_to_do_is_not(edge: MiniEdge) -> None:
    with Receiver() as receiver:
        assert stage(edge, receiver.url, proceeds=False).wait() == 0
    assert receiver.moments == [] and (edge.root / "olympus.prom").exists()


def test_one_that_failed_says_why_and_hides_the_address(edge: MiniEdge) -> None:
    with Receiver() as receiver:
        play = stage(edge, receiver.url, BROKEN)
        assert play.wait() == 2
    (body,) = receiver.bodies
    assert body["event"] == "failed" and "Deploy failed. Live: blue. non-zero return code" in body["text"]
    assert SECRET not in play.out + play.err
    for path in edge.state_dir.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_one_that_was_rescued_did_not_fail(edge: MiniEdge) -> None:
    rescued = {"block": [BROKEN], "rescue": [{"ansible.builtin.debug": {"msg": "queued"}}]}
    with Receiver() as receiver:
        assert stage(edge, receiver.url, rescued).wait() == 0
    assert [one["event"] for one in receiver.bodies] == ["deploy"]


def test_only_what_the_operator_wants(edge: MiniEdge) -> None:
    with Receiver() as receiver:
        assert stage(edge, receiver.url, events=["failed"]).wait() == 0
    assert receiver.moments == []


def test_a_receiver_that_is_gone_is_a_warning_and_no_failure(edge: MiniEdge) -> None:
    with Receiver([404]) as receiver:
        play = stage(edge, receiver.url)
        assert play.wait() == 0
    assert "The message was not delivered: the receiver answered 404" in play.out + play.err


def test_a_fast_rollback_is_told_by_its_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    with world() as played, Receiver() as receiver:
        monkeypatch.setenv("BLUEGREEN_NOTIFY_URL", receiver.url)
        played.cut_over()
        # The second one finds nothing to do.
        for _time in range(2):
            done = played.run(ROOT / "bluegreen.yml", "--tags", "rollback", "-vvv")
            assert done.returncode == 0 and SECRET not in done.stdout + done.stderr
            assert played.switch.read().live == "blue"
            assert [one["event"] for one in receiver.bodies] == ["rollback"]
        assert receiver.texts[0].endswith("Rolled back: blue is live.")


def test_a_rollback_that_is_refused_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with world() as played, Receiver() as receiver:
        monkeypatch.setenv("BLUEGREEN_NOTIFY_URL", receiver.url)
        refused_by(played)
        done = played.run(ROOT / "bluegreen.yml", "--tags", "rollback")
        assert done.returncode == 2
    assert [one["event"] for one in receiver.bodies] == ["failed"] and "Rollback failed." in receiver.texts[0]


def refused_by(played: World) -> None:
    """Its target is being removed."""
    played.cut_over()
    (Path(played.switch.path) / "switch" / "removing-blue").touch()
