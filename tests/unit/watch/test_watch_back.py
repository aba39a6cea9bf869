# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a FAIL does about an old colour that does not answer at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kit.clocks import Clock

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._report import words
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import conclusion


def watcher(ours: list[bool] | None = None) -> Any:
    answers = list(ours or [])
    notes: list[dict[str, Any]] = []
    after = SimpleNamespace(live="blue", token=2)
    inputs = SimpleNamespace(
        clock=Clock(),
        switch=SimpleNamespace(rollback=lambda expect_flip: after, passed=""),
        follow=lambda _state, _note: "",
        observer=SimpleNamespace(live="green"),
        public=SimpleNamespace(others=lambda _live: []),
    )
    return SimpleNamespace(
        config=SimpleNamespace(old="blue"),
        inputs=inputs,
        rolling=False,
        flip="f",
        read_switch=lambda: after,
        still_ours=lambda _state: answers.pop(0) if answers else True,
        note=notes.append,
        notes=notes,
    )


def test_it_is_asked_again_for_a_while() -> None:
    answers = [["hera"], ["hera"], []]
    seen = watcher()
    assert conclusion.roll_back(seen, lambda _colour: answers.pop(0))["done"] and seen.inputs.clock.at == 2


def test_one_that_stays_dead_is_left_alone() -> None:
    seen = watcher()
    told = conclusion.roll_back(seen, lambda _colour: ["hera"])
    assert not told["done"] and told["why"] == "blue is not alive (hera)"
    assert seen.inputs.clock.at == conclusion.ASK_AGAIN_SECONDS


@pytest.mark.parametrize(
    "error", [BluegreenError("no answer within 120 s"), OSError("no process"), RuntimeError("no thread")]
)
def test_nobody_to_ask_is_no_reason_to_stay(error: Exception) -> None:
    def nobody(_colour: str) -> list[str]:
        raise error

    seen = watcher()
    assert conclusion.roll_back(seen, nobody)["done"]
    assert [note["event"] for note in seen.notes] == ["not_asked", "rolling_back"]


def test_a_switch_that_was_moved_while_it_was_asked_stays() -> None:
    answers = [["hera"], []]
    told = conclusion.roll_back(watcher([True, True, False]), lambda _colour: answers.pop(0))
    assert not told["done"] and "moved meanwhile" in told["why"] and told["to"] == "blue"


def test_a_person_who_goes_back_while_the_old_colour_is_asked_is_told_of() -> None:
    """Not "STILL LIVE": blue is."""
    told = conclusion.roll_back(watcher([True, False, False]), lambda _colour: ["hera"])
    assert (told["done"], told["to"]) == (False, "blue")
    verdict = {"verdict": "FAIL", "version": "v2", "colour": "green", "rolled_back": told}
    assert words.headline(verdict) == "v2 was bad. The switch was moved before the watcher could: blue is live."
    assert "Visitors are on blue" in words.next_step(verdict)
