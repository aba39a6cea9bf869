# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No dead ends: the walk over every state, and that the walk itself can find one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from kit.effects import Cannot, dead, done, settled
from kit.states import Side, State, facts
from kit.walk import LONGEST, Path, follow, refusal, walk

from ansible_collections.olympus.bluegreen.plugins.plugin_utils import next_step
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.commands import Step, command
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.screen import status_data

WELL = State(live="blue", here=Side(1, "well"), there=Side(2, "well"), flip="back", back=1)
# R17: the live colour was broken by a migration, and the good one was given back by its watcher.
SICK = replace(WELL, here=Side(1, "sick"))


def test_from_every_state_there_is_a_way_on() -> None:
    wrong: list[str] = []
    total, well, longest = walk(lambda one, path: wrong.append("%s: %s" % (one, path)))
    assert not wrong, "%d, the first: %s" % (len(wrong), wrong[0])
    assert total >= 10_000 and well == total and 0 < longest <= LONGEST


def test_from_a_sick_live_colour_it_goes_forward() -> None:
    data = status_data(facts(SICK))
    assert data["next_command"]["stage"] == "cutover"
    assert data["next_command"]["extra"] == {"version": "v2", "bluegreen_fix_forward": "true"}
    assert data["next"] == "ansible-playbook bluegreen.yml --tags cutover -e version=v2 -e bluegreen_fix_forward=true"
    assert data["colours"]["blue"]["fails"] == ["login of ciam-kratos: status 500"]
    assert follow(SICK, {}) == Path(("cutover [('bluegreen_fix_forward', 'true'), ('version', 'v2')]",
                                     "watch []"))  # fmt: skip


def test_a_flip_by_hand_is_watched_and_accepted_like_any_other() -> None:
    hand = replace(WELL, live="green", here=Side(2, "well"), there=Side(1, "well"), flip="forward", by_hand=True)
    assert follow(hand, {}).steps == ("watch []", "cleanup []")
    judged = replace(hand, verdict="of another flip")
    assert status_data(facts(judged))["verdict"] == {} and follow(judged, {}).steps == ("watch []", "cleanup []")


def test_two_colours_that_fail_are_a_persons_work() -> None:
    both = replace(SICK, there=Side(2, "sick"))
    data = status_data(facts(both))
    assert dead(both) and data["next_command"]["stage"] is None
    assert data["next"].startswith("both colours fail: look at their logs and at the database")


def loops(_seen: Any, _bake: int) -> Step:
    return Step(command("adopt"))


def refuses(_seen: Any, _bake: int) -> Step:
    return Step(command("cleanup"))


@pytest.mark.parametrize(("wrong", "why"), [(loops, "a circle"), (refuses, "it refuses: ")])
def test_the_walk_finds_a_dead_end(wrong: Any, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.walk.next_step", wrong)
    assert follow(SICK, {}).why.startswith(why)
    assert next_step.next_step is not wrong


def test_the_model_knows_what_a_stage_cannot_do() -> None:
    with pytest.raises(Cannot, match="is well"):
        done(WELL, "cutover", {"version": "v2", "bluegreen_fix_forward": "true"})
    assert refusal(SICK, "cutover", {"version": "v2"}).startswith("blue is live and fails: login of k: x. green passes")
    assert settled(WELL) and not settled(SICK)
