# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The watch of a flip that no cutover made, and of one that leads away from a sick colour."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.miniedge import MiniEdge
from kit.miniwatch import call, events, mini, release, until, verdict

from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.flips import HAND


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[MiniEdge]:
    with mini(tmp_path) as running:
        yield running


def test_to_a_colour_that_is_known_to_fail_it_does_not_go_back(edge: MiniEdge) -> None:
    """It judges, it reports, and a person decides."""
    with edge.load(10):
        call(edge, stays="blue itself fails: login", parameters={"slot": 1.0})
        edge.cut_over()
        edge.share["green"] = 1.0
        told = verdict(edge, 30)
    assert told["verdict"] == "FAIL" and edge.switch.read().live == "green"
    assert told["rolled_back"] == {"done": False, "to": "", "why": "blue itself fails: login", "held": True}
    result = call(edge, state="read")[1]
    assert result["held"] and result["not_returned"] == "blue itself fails: login"


def test_a_flip_by_hand_gets_a_watch_and_a_verdict_of_its_own(edge: MiniEdge) -> None:
    """R18: the release failed and was taken back; a hand that makes it live again makes another flip."""
    with edge.load(20):
        call(edge, parameters={"slot": 1.0})
        edge.cut_over()
        edge.share["green"] = 1.0
        first = verdict(edge, 30)
        assert first["verdict"] == "FAIL" and edge.switch.read().live == "blue"
        edge.share["green"] = 0.0
        where = os.path.join(edge.switch.path, "switch")
        os.rename(os.path.join(where, "blue"), os.path.join(where, "green"))
        flip = edge.switch.read().return_to
        assert flip and flip.flip.startswith(HAND)
        assert call(edge, parameters={"slot": 1.0}, window=4.0)[0] is True
        until(lambda: events(edge, "armed"), 20, "the watch of the flip by hand")
        # Typed again, it is the same watch.
        assert call(edge, parameters={"slot": 1.0}, window=4.0)[0] is False
        second = verdict(edge, 40)
    assert second["flip"] == flip.flip != first["flip"] and second["verdict"] != "FAIL"
    assert (release(edge) / ("verdict.json." + first["flip"])).exists()
