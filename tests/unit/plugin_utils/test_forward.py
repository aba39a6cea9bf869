# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way forward: when a cutover takes it, what status offers, and what the watcher of such a flip does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.decide import stage_decision
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.external_changes import Finding
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.forward import forward_refused, forward_stays
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.next_step import next_step
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.screen import status_data, status_screen
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stages import (
    Colour,
    World,
    cutover_decision,
    release_decision,
    watch_decision,
)

ROOT = Path(__file__).resolve().parents[3]
FAIL = {"check": "login", "service": "ciam-kratos", "detail": "status 500", "since": 60.0}
COMMAND = "ansible-playbook bluegreen.yml --tags cutover -e version=v1.5.0 -e bluegreen_fix_forward=true"
GONE = Finding("colour", "blue is live: stopped: site", of="blue")
OLD = Colour("v1.4.2-a", "v1.4.2", adopted=True, running=True)
NEW = Colour("v1.5.0-b", "v1.5.0", running=True)
ILL = replace(OLD, fails=("login",))
BACK = {"colour": "blue", "release": "v1.4.2-a", "flip": "f1", "at": 1000.0}
GOOD = {"verdict": "PASS", "flip": "f1"}
DEPLOYED = World(adopted=True, live="blue", colours={"blue": OLD, "green": NEW})
CUT = replace(DEPLOYED, live="green", return_to=BACK, verdict=GOOD)
FACTS: dict[str, Any] = {
    "edge": {"adopted": True, "live": "green", "return_to": BACK, "token": 4, "problems": []},
    "compose": {
        "colours": {
            "blue": {"release": "v1.4.2-a", "adopted": True, "running": True},
            "green": {"release": "v1.5.0-b", "adopted": False, "running": True},
        },
    },
    "ledger": {"releases": {"v1.5.0-b": {"verdict": GOOD}}, "marks": {}, "lock": {}, "now": 100.0},
}


@pytest.mark.parametrize(
    ("fails", "known", "forward", "stage", "words"),
    [
        ([], [], False, "cutover", ""),
        ([], [], True, "cutover", "blue is live and passes its own checks: there is nothing to leave. Fix: leave"),
        ([FAIL], [], True, "cutover", ""),
        ([], ["blue is live: stopped: site"], True, "cutover", ""),
        (
            [FAIL],
            [],
            False,
            "cutover",
            "blue is live and fails: login of ciam-kratos: status 500. green passes its own",
        ),
        # Back to a kept release: who asks for that wants to leave the live one.
        ([FAIL], [], False, "rollback", ""),
    ],
)
def test_a_cutover_from_a_sick_colour_is_taken_knowingly(
    fails: list[dict[str, Any]], known: list[str], forward: bool, stage: str, words: str
) -> None:
    decision = {"live": "blue", "idle": "green", "live_fails": known}
    refused = forward_refused(decision, fails, forward, "v1.5.0", stage)
    assert refused.startswith(words) and bool(refused) is bool(words)
    assert not (fails and refused) or refused.endswith("Fix: " + COMMAND)
    assert bool(forward_stays(decision, fails)) is bool(fails)


def test_what_is_wrong_with_the_live_colour_alone_is_left_behind() -> None:
    broken = replace(DEPLOYED, findings=(GONE,))
    assert COMMAND in cutover_decision(broken, "v1.5.0").refusal
    decision = cutover_decision(broken, "v1.5.0", forward=True)
    assert decision.proceed and decision.live_fails == (GONE.what,)
    assert release_decision(broken, "v1.6.0", forward=True).proceed and release_decision(broken, "v1.6.0").refusal
    elsewhere = replace(broken, findings=(GONE, Finding("edge", "the edge is exited")))
    assert "the edge is exited" in cutover_decision(elsewhere, "v1.5.0", forward=True).refusal


def test_a_sick_colour_is_no_way_back_to_keep() -> None:
    """Its watch said FAIL and went not back, as blue is sick: a new version may take the place of blue."""
    ours = replace(OLD, adopted=False)
    held = replace(CUT, verdict={"verdict": "FAIL", "flip": "f1"}, colours={"green": NEW, "blue": ours})
    assert release_decision(held, "v1.6.0").refusal
    sick = replace(held, colours={**held.colours, "blue": replace(ours, fails=("login",))})
    assert (
        release_decision(sick, "v1.6.0").proceed
        and str(next_step(replace(sick, now=9e9), 0).command) == "-e version=<new version>"
    )
    adopted = replace(sick, colours={**held.colours, "blue": ILL})
    assert "your own project" in release_decision(adopted, "v1.6.0").refusal
    assert release_decision(adopted, "v1.6.0", forward=True).clears


def health(**fails: list[dict[str, Any]]) -> dict[str, Any]:
    return {colour: {"passed": not found, "fails": found} for colour, found in fails.items()}


def test_status_says_who_is_sick_since_when_and_the_way_on() -> None:
    """R17: status said PASS, and only the way back to the broken colour was offered."""
    facts = {**FACTS, "edge": {**FACTS["edge"], "live": "blue"}, "health": health(blue=[FAIL], green=[])}
    screen = " ".join(" ".join(status_screen(facts)).split())
    assert "SICK: login of ciam-kratos: status 500 since 00:01 UTC" in screen and screen.endswith("next " + COMMAND)
    data = status_data(facts)
    assert data["next_command"]["stage"] == "cutover" and data["colours"]["blue"]["fails_since"] == 60.0
    both = status_data({**facts, "health": health(blue=[FAIL], green=[FAIL])})
    assert both["next_command"]["stage"] is None and "database" in both["next"]
    assert status_data({**facts, "health": {}})["colours"]["blue"]["fails"] == []


def test_a_colour_that_can_not_be_asked_is_as_it_was_last_seen() -> None:
    kept = {"blue": {"release": "v1.4.2-a", "fails": {"login ciam-kratos": FAIL}}, "green": {"release": "other"}}
    facts = {**FACTS, "edge": {**FACTS["edge"], "live": "blue"}, "ledger": {**FACTS["ledger"], "health": kept}}
    assert "SICK, as last seen: login of" in " ".join(status_screen(facts))
    assert stage_decision({**facts, "health": health(blue=[])}, "deploy", "v2")["proceed"]


@pytest.mark.parametrize(
    ("seen", "follow", "begin", "held"),
    [
        (CUT, "v1.5.0-b", False, ""),
        (replace(CUT, verdict={}), "v1.5.0-b", True, ""),
        # R18: the verdict on an earlier flip to the same release.
        (replace(CUT, verdict={"verdict": "PASS", "flip": "earlier"}), "v1.5.0-b", True, ""),
        (replace(CUT, colours={"green": NEW, "blue": ILL}), "v1.5.0-b", False, "blue itself fails"),
        (replace(CUT, stable="v1.5.0-b"), "", False, ""),
        (replace(CUT, stable="v1.5.0-b", reopened=True), "v1.5.0-b", False, ""),
        (replace(CUT, live="blue", left={"verdict": "FAIL", "flip": "f1"}), "v1.5.0-b", False, ""),
    ],
)
def test_the_watch_goes_by_the_flip_in_force(seen: World, follow: str, begin: bool, held: str) -> None:
    decision = watch_decision(seen)
    assert (decision.follow, decision.begin) == (follow, begin) and decision.idle_fails.startswith(held)
    assert bool(decision.idle_fails) is bool(held) and not decision.refusal


def test_nothing_was_cut_over() -> None:
    assert watch_decision(DEPLOYED).refusal.startswith("nothing to watch: no cutover yet. Fix: ansible-playbook")


def test_no_script_is_offered_for_an_edge_that_it_does_not_move() -> None:
    """R24."""
    boot = {"live": "green", "rollback": "bluegreen-rollback"}
    edges: list[tuple[dict[str, str], bool]] = [
        ({}, True),
        ({"method": "reload"}, False),
        ({"edge": "cloudflare"}, False),
    ]
    for edge, there in edges:
        facts = {**FACTS, "boot": boot, "edge": {**FACTS["edge"], **edge}}
        assert ("bluegreen-rollback" in " ".join(status_screen(facts))) is there
    other = {**FACTS, "boot": boot, "edge": {**FACTS["edge"], "return_to": {**BACK, "release": "v1.4.0-c"}}}
    screen = " ".join(" ".join(status_screen(other)).split())
    assert "NOT POSSIBLE now: to blue, v1.4.0-c (it holds v1.4.2-a by now)" in screen
    assert "bluegreen-rollback" not in screen


def test_the_gate_asks_the_idle_colour_alone_where_the_live_one_is_known_to_fail() -> None:
    tasks = yaml.safe_load((ROOT / "playbooks/tasks/cutover.yml").read_text())
    names = [task["name"] for task in tasks]
    order = [
        "Check which checks the live colour fails", "Gate the idle colour again", "Refuse a way forward",
        "Start the watcher", "Flip",
    ]  # fmt: skip
    at = [next(number for number, name in enumerate(names) if name.startswith(one)) for one in order]
    assert at == sorted(at)
    assert (
        "bluegreen_run.fix_forward" in tasks[at[0]]["when"] and "cutover_fails" in tasks[at[1]]["vars"]["watch_against"]
    )
