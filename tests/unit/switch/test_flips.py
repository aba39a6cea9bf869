# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A flip by hand is a flip: an id, a time and a way back of its own, the same before and after a run wrote it down."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.flips import HAND
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch

FIRST = ReturnTo("blue", "v1-0123456789", "00112233aabbccdd", 1.0)


@pytest.fixture
def switch(tmp_path: Path) -> Switch:
    """Adopted, blue live."""
    found = Switch(str(tmp_path / "s"))
    found.install("blue", (os.getuid(), os.getgid()))
    return found


def cut_over(switch: Switch, colour: str, back: ReturnTo) -> None:
    switch.prepare(back, switch.claim(0))
    switch.flip(colour, switch.read().token)


def mv(switch: Switch, old: str, new: str) -> None:
    os.rename(os.path.join(switch.path, "switch", old), os.path.join(switch.path, "switch", new))


def test_the_first_flip_of_all_can_be_by_hand(switch: Switch) -> None:
    assert switch.read().return_to is None and not switch.read().by_hand
    mv(switch, "blue", "green")
    state = switch.read()
    assert state.by_hand and state.return_to and state.return_to.colour == "blue"
    assert state.return_to.flip.startswith(HAND) and len(state.return_to.flip) == 16
    assert state.return_to.at == pytest.approx(os.stat(os.path.join(switch.path, "switch", "green")).st_ctime)
    switch.claim(0)
    after = switch.read()
    assert after.return_to == state.return_to and not after.by_hand
    assert switch.rollback().live == "blue"


def test_it_can_be_rolled_back_before_any_run_has_seen_it(switch: Switch) -> None:
    mv(switch, "blue", "green")
    assert switch.rollback().live == "blue" and not switch.read().by_hand
    assert switch.read().return_to is None


def test_to_where_the_last_cutover_came_from_it_is_a_rollback(switch: Switch) -> None:
    cut_over(switch, "green", FIRST)
    assert not switch.read().by_hand
    mv(switch, "green", "blue")
    assert switch.read().return_to == FIRST and switch.rollback().live == "blue"
    assert not switch.read().by_hand


def test_behind_a_rollback_it_is_another_flip_than_the_one_that_failed(switch: Switch) -> None:
    """The watcher took the release back; the verdict on that flip is no word on this one."""
    cut_over(switch, "green", FIRST)
    assert switch.rollback(expect_flip=FIRST.flip).live == "blue"
    mv(switch, "blue", "green")
    back = switch.read().return_to
    assert back and back.flip != FIRST.flip and (back.colour, back.release) == ("blue", FIRST.release)
    switch.claim(0)
    assert switch.read().return_to == back and switch.rollback(expect_flip=back.flip).live == "blue"


@pytest.mark.parametrize("emptied", ["retired", "removed"])
def test_to_a_colour_that_was_emptied_the_way_back_is_to_what_was_left(switch: Switch, emptied: str) -> None:
    """The cutover was accepted, blue is drained or gone: a hand that moves the marker there leaves green."""
    cut_over(switch, "green", FIRST)
    switch.unpin("blue")
    if emptied == "removed":
        switch.block_rollback("blue")
    mv(switch, "green", "blue")
    back = switch.read().return_to
    assert back and (back.colour, back.release) == ("green", "")
    switch.install("blue", (os.getuid(), os.getgid()))
    assert switch.read().return_to == back and "blue" in switch.read().assets
    assert switch.rollback().live == "green"


def test_a_switch_from_before_this_was_noted_is_taken_at_its_word(switch: Switch) -> None:
    os.unlink(os.path.join(switch.path, "moved-blue"))
    mv(switch, "blue", "green")
    assert switch.read().return_to is None and not switch.read().by_hand
