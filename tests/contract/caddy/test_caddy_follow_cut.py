# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge that follows its switch, killed between any two changes, and started again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kit import caddy_kinds as kinds
from kit.caddy_followed import CASES, cutting_over, flip, public, restart, settled, switch, watcher_back
from kit.caddy_kinds import Running
from kit.cut import cut


@pytest.fixture(
    params=[pytest.param(kind, marks=[pytest.mark.slow] if kind.config == "json" else []) for kind in CASES], ids=str
)
def edge(request: pytest.FixtureRequest) -> Iterator[Running]:
    with kinds.running(request.param, "current", method="reload") as one:
        one.app(state="adopted")
        yield one


def test_cut_off_between_any_two_changes_of_a_cutover(edge: Running) -> None:
    """One colour everywhere, also after a restart; the same again converges, and so does a rollback."""
    number, behind = 0, 0
    while cut(number, lambda step: cutting_over(edge, step)):
        assert public(edge) in ("blue", "green")
        wanted, named = switch(edge).read().live, edge.app(state="read")["problems"]
        assert bool(named) is (public(edge) != wanted or bool(edge.app(state="read")["problems"]))
        behind += any("the switch says green, the edge runs blue" in one for one in named)
        restart(edge)
        assert public(edge) in ("blue", "green")
        flip(edge, "green")
        settled(edge, "green")
        assert edge.app(state="returned")["live"] == "blue"
        settled(edge, "blue")
        number += 1
    assert number >= 5 and behind


def test_cut_off_between_any_two_changes_of_a_rollback(edge: Running) -> None:
    """By the watcher's own hand."""
    number = 0
    while True:
        flip(edge, "green")
        if not cut(number, lambda step: watcher_back(edge, step)):
            break
        restart(edge)
        assert public(edge) in ("blue", "green")
        assert edge.app(state="returned")["live"] == "blue"
        settled(edge, "blue")
        number += 1
    settled(edge, "blue")
    assert number >= 3


def test_a_restart_keeps_it(edge: Running) -> None:
    flip(edge, "green")
    restart(edge)
    settled(edge, "green")
