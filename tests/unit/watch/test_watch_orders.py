# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Orders to a watch: what may be typed, what each does, that one counts once; then a real watcher obeys them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.miniedge import NEW, MiniEdge
from kit.miniwatch import call, events, launch, mini, order, release, until, verdict

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._verdict.parameters import Judgement
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import orders
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.orders import HELD_AT_MOST, Order, Window

PASSED, OPEN = Judgement("PASS", ("well",)), Judgement("INCONCLUSIVE", ("only 3 events of the 300 that a PASS needs",))


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[MiniEdge]:
    with mini(tmp_path) as running:
        yield running


def given(do: str, seconds: int = 0, ident: str = "1") -> Order:
    return Order(ident, do, "op at ctl", 5.0, seconds)


@pytest.mark.parametrize(
    ("do", "extend", "words"),
    [
        ("stop", "", "bluegreen_watch_do='stop': unknown order to a watch. Fix: give one of abort, hold, resume"),
        ("", "", "bluegreen_watch_do='': unknown order"),
        ("extend", "", "bluegreen_watch_extend='': not a number of seconds from 1 to 86400"),
        ("extend", "ten", "bluegreen_watch_extend='ten'"),
        ("extend", "0", "bluegreen_watch_extend='0'"),
        ("extend", "-5", "bluegreen_watch_extend='-5'"),
        ("extend", "1.5", "bluegreen_watch_extend='1.5'"),
        ("extend", "86401", "bluegreen_watch_extend='86401'"),
        ("hold", "60", "bluegreen_watch_extend='60': counts only for the order extend"),
    ],
)
def test_what_can_not_be_ordered(do: str, extend: str, words: str) -> None:
    with pytest.raises(BluegreenError) as told:
        orders.order_of(do, extend, "op", "1", 0.0)
    assert words in str(told.value)


def test_one_order_at_a_time_and_nothing_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "control"
    assert orders.pending(str(path)) is None
    assert orders.put(str(path), given("hold"))
    assert not orders.put(str(path), given("abort", ident="2"))
    assert orders.pending(str(path)) == given("hold")
    orders.clear(str(path))
    orders.clear(str(path))
    for content in ("", "{", "[]", '{"do": "abort"}', '{"id": 1, "do": "a", "by": "b", "at": "x", "seconds": 0}'):
        path.write_text(content)
        assert orders.pending(str(path)) is None and not path.exists()


def fold(window: Window, *orders: Order, judged: Judgement = PASSED, live: bool = True) -> list[dict[str, Any]]:
    told = []
    for one in orders:
        told.append({"at": 9.0, **window.answer(one, live, judged)})
        window.add(told[-1])
    return told


def test_hold_keeps_it_open_and_resume_lets_it_end() -> None:
    window = Window(100)
    assert window.over(100) and not window.over(99)
    fold(window, given("hold"), given("hold"))
    assert not window.over(100) and window.over(100 + HELD_AT_MOST)
    fold(window, given("resume"), given("resume"))
    assert window.over(100) and window.end is None


def test_extend_adds_and_is_known_again() -> None:
    window = Window(100)
    told = fold(window, given("extend", 50), given("extend", 10, "2"))
    assert window.seconds == 160 and window.knows(given("extend", 50)) and not window.knows(given("extend", 50, "3"))
    assert Window(100, told).seconds == 160


@pytest.mark.parametrize(
    ("live", "judged", "why"),
    [(True, PASSED, ""), (False, PASSED, "not live yet"), (True, OPEN, "no PASS: only 3 events")],
)
def test_promote_needs_a_pass(live: bool, judged: Judgement, why: str) -> None:
    window = Window(100)
    (told,) = fold(window, given("promote"), judged=judged, live=live)
    assert why in told["why"] and told["done"] is not bool(why)
    assert window.end == (None if why else ("promoted", ""))
    assert window.signed == ({} if why else {"by": "op at ctl", "at": 9.0})


def test_abort_ends_without_a_rollback(edge: MiniEdge) -> None:
    with edge.load(10):
        call(edge)
        edge.cut_over()
        until(lambda: events(edge, "sample"), 10, "a sample")
        assert "nothing is rolled back, by op at ctl" in order(edge, "abort")
        told = verdict(edge, 10)
    assert (told["verdict"], told["reasons"][0]) == ("INCONCLUSIVE", "op at ctl ended the watch")
    assert edge.switch.read().live == "green" and told["rolled_back"] == {}
    assert call(edge, state="ordered", order="abort")[0] is False
    with pytest.raises(Refused, match="has ended: INCONCLUSIVE"):
        order(edge, "hold")
    assert "signed off by op at ctl" in order(edge, "promote")
    assert call(edge, state="ordered", order="promote")[0] is False
    signed = json.loads((release(edge) / "verdict.json").read_text())
    assert (signed["verdict"], signed["signed_off"]["by"]) == ("INCONCLUSIVE", "op at ctl")
    ledger = [json.loads(line) for line in (edge.state_dir / "ledger.jsonl").read_text().splitlines()]
    assert sorted(event["event"] for event in ledger) == ["signed_off", "verdict", "watch_order"]
    assert "signed off by op at ctl" in (release(edge) / "report.md").read_text()


def test_what_is_not_live_any_more_is_not_signed_off(edge: MiniEdge) -> None:
    call(edge)
    edge.cut_over()
    until(lambda: events(edge, "armed"), 10, "the flip")
    order(edge, "abort")
    verdict(edge, 10)
    edge.switch.rollback()
    with pytest.raises(Refused, match="not what is live"):
        order(edge, "promote")


def test_hold_extend_and_promote_with_a_death_between(edge: MiniEdge) -> None:
    """Held over the end of its window and over its watcher's death, then ended early by a person."""
    with edge.load(20):
        call(edge, window=3.0, parameters={"margin": 0.1})
        order(edge, "hold")
        edge.cut_over()
        until(lambda: events(edge, "armed"), 10, "the flip")
        order(edge, "extend", "600")
        first = launch(edge).observe(NEW).about
        os.kill(int(first["pid"]), signal.SIGKILL)
        until(lambda: events(edge, "resumed"), 10, "the next watcher")
        until(lambda: [e for e in events(edge, "progress") if e["held"] == "op at ctl"], 15, "that it is held")
        assert not (release(edge) / "verdict.json").exists()
        answer = until(lambda: promoted(edge), 20, "enough answers for a PASS")
        told = verdict(edge, 10)
    assert "ended early" in answer
    assert (told["verdict"], told["signed_off"]["by"]) == ("PASS", "op at ctl"), told["reasons"]
    assert [event["do"] for event in events(edge, "control") if event["done"]] == ["hold", "extend", "promote"]
    assert edge.switch.read().live == "green"


def promoted(edge: MiniEdge) -> str:
    try:
        return order(edge, "promote")
    except Refused as refused:
        assert "what was seen so far is no PASS" in str(refused)
        return ""


def test_a_held_watch_still_rolls_back(edge: MiniEdge) -> None:
    with edge.load(10):
        call(edge, window=1.0)
        order(edge, "hold")
        edge.cut_over()
        until(lambda: events(edge, "armed"), 10, "the flip")
        edge.share["green"] = 1.0
        told = verdict(edge, 30)
    assert told["verdict"] == "FAIL" and edge.switch.read().live == "blue"
    with pytest.raises(Refused, match="has ended: FAIL"):
        order(edge, "promote")


def test_an_order_without_a_watch(edge: MiniEdge) -> None:
    with pytest.raises(Refused, match="no release was watched yet"):
        order(edge, "hold")
