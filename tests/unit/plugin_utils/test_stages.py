# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule of a stage is a row."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.decide import stage_decision
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.external_changes import Finding
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.screen import status_data, status_screen
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stages import (
    Colour,
    World,
    cleanup_decision,
    cutover_decision,
    release_decision,
    undo_decision,
)

OLD = Colour("v1.4.2-a", "v1.4.2", adopted=True, running=True)
NEW = Colour("v1.5.0-b", "v1.5.0", running=True)
BACK = {"colour": "blue", "release": "v1.4.2-a", "flip": "f1", "at": 1000.0}
GOOD = {"verdict": "PASS", "flip": "f1"}
SIGNED = {"signed_off": {"by": "op at ctl", "at": 1.0}}
FRESH = World(adopted=True, live="blue", colours={"blue": OLD})
DEPLOYED = replace(FRESH, colours={"blue": OLD, "green": NEW})
CUT = replace(DEPLOYED, live="green", return_to=BACK, verdict=GOOD)


@pytest.mark.parametrize(
    ("seen", "version", "go", "word"),
    [
        (FRESH, "v1.5.0", True, "green"),
        (replace(FRESH, adopted=False), "v1.5.0", False, "--tags adopt"),
        (FRESH, "v1.4.2", False, "nothing to do"),
        (replace(FRESH, findings=(Finding("edge", "edge off green"),)), "v1.5.0", False, "edge off green"),
        (DEPLOYED, "v1.5.0", True, "green"),
        (CUT, "v1.5.0", False, "nothing to do"),
        (CUT, "v1.6.0", False, "--tags cleanup"),
        (replace(CUT, stable="v1.5.0-b"), "v1.6.0", True, "blue"),
        (replace(DEPLOYED, return_to=BACK), "v1.5.0", True, "green"),
    ],
)
def test_release_decision(seen: World, version: str, go: bool, word: str) -> None:
    decision = release_decision(seen, version)
    assert decision.proceed is go
    assert word in decision.refusal + decision.summary


@pytest.mark.parametrize(
    ("seen", "go", "word"),
    [
        (FRESH, False, "--tags deploy"),
        (DEPLOYED, True, "goes live"),
        (replace(DEPLOYED, colours={"blue": OLD, "green": replace(NEW, running=False)}), False, "not running"),
        (CUT, False, "nothing to do"),
    ],
)
def test_cutover_decision(seen: World, go: bool, word: str) -> None:
    decision = cutover_decision(seen, "v1.5.0")
    assert decision.proceed is go and word in decision.refusal + decision.summary
    assert not go or (decision.release == "v1.5.0-b" and decision.idle == "green")


HALF = replace(
    CUT, verdict={}, behind=("login.example.com",), findings=(Finding("behind", "the load balancers do not follow"),)
)


@pytest.mark.parametrize(
    ("seen", "version", "resume", "word"),
    [
        (HALF, "v1.5.0", True, "goes on: login.example.com to follow"),
        (HALF, "v1.6.0", False, "do not follow"),
        (replace(HALF, return_to={**BACK, "colour": "green"}), "v1.5.0", False, "do not follow"),
        (replace(HALF, findings=(*HALF.findings, Finding("edge", "the database is gone"))), "v1.5.0", False, "is gone"),
        (CUT, "v1.5.0", False, "nothing to do"),
    ],
)
def test_a_cutover_that_stopped_half_way_through_the_names(seen: World, version: str, resume: bool, word: str) -> None:
    """It goes on to the live colour, and to no other; what else is wrong is not passed over."""
    decision = cutover_decision(seen, version)
    assert (decision.resume, decision.proceed) == (resume, False) and word in decision.refusal + decision.summary
    assert not resume or (decision.live, decision.release) == ("green", "v1.5.0-b")


@pytest.mark.parametrize(
    ("seen", "now", "go", "word"),
    [
        (CUT, 5000.0, True, "stable"),
        (CUT, 1600.0, False, "600 of 3600 s"),
        (replace(CUT, verdict={}), 5000.0, False, "no verdict"),
        (replace(CUT, verdict={**GOOD, "verdict": "FAIL"}), 5000.0, False, "FAIL"),
        (replace(CUT, verdict={**GOOD, "flip": "earlier"}), 5000.0, False, "--tags watch"),
        (replace(CUT, verdict={**GOOD, "verdict": "INCONCLUSIVE"}), 5000.0, False, "INCONCLUSIVE"),
        (replace(CUT, verdict={**GOOD, "verdict": "INCONCLUSIVE", **SIGNED}), 5000.0, True, "stable"),
        (replace(CUT, verdict={**GOOD, "verdict": "FAIL", **SIGNED}), 5000.0, False, "FAIL"),
        (replace(CUT, live="blue"), 5000.0, False, "after a rollback"),
        (FRESH, 5000.0, False, "There was no cutover"),
        (
            replace(CUT, stable="v1.5.0-b", colours={"green": NEW, "blue": replace(OLD, running=False)}),
            5000.0,
            False,
            "nothing to do",
        ),
    ],
)
def test_cleanup_decision(seen: World, now: float, go: bool, word: str) -> None:
    decision = cleanup_decision(replace(seen, now=now), 3600)
    assert decision.proceed is go and word in decision.refusal + decision.summary


COURIER = {"name": "ciam-kratos-courier", "service": "ciam-kratos", "kind": "courier", "files": ["green"]}
HELD = {"container": "olympus-green_ciam-kratos-courier_1", "place": "green", "state": "running", "matches_file": True}


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (1600.0, "live for 600 of 3600 s of bake time"),
        (4600.0, ""),
        # The host's clock was put back since: nothing is said to be negative.
        (1000.0 - 2592000.0, "clock went back by 2592000 s since the cutover to v1.5.0"),
    ],
)
def test_the_bake_time_is_by_the_clock_of_the_host(now: float, words: str) -> None:
    """C4: the controller's clock may be hours away."""
    facts = {**FACTS, "ledger": {**FACTS["ledger"], "now": now}}
    decision = stage_decision(facts, "cleanup", bake=3600)
    assert (
        words in decision["refusal"] and bool(words) == bool(decision["refusal"]) and " -2" not in decision["refusal"]
    )


def test_status_tells_the_lock_by_the_clock_of_the_host() -> None:
    lock = {"holder": "op at ctl (process 7)", "stage": "deploy", "run": "ctl-7-x", "since": 1000.0, "beat": 1050.0}
    facts = {**FACTS, "ledger": {**FACTS["ledger"], "lock": lock, "now": 1060.0, "silent": 10.0}}
    (line,) = [line for line in status_screen(facts) if line.startswith("lock")]
    assert line.endswith("process 7), stage deploy, for 60 s, last beat 10 s ago (run ctl-7-x)")


def test_no_time_of_a_deployment_is_compared_with_the_controllers_clock() -> None:
    """C4, by kind. What an action prints beside its lines is no comparison."""
    shared = Path(__file__).resolve().parents[3]
    asks = re.compile(r"time\.time\(|\bnow\(|ansible_date_time|\bpause:")
    files = [*(shared / "plugins/plugin_utils").glob("*.py"), *(shared / "plugins/filter").glob("*.py")]
    files += [*(shared / "roles").rglob("*.yml"), *(shared / "playbooks").rglob("*.yml")]
    assert len(files) > 60 and [str(path) for path in files if asks.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("holders", "words"),
    [
        ([HELD], ""),
        ([], "does not run in green; its mails wait"),
        ([{**HELD, "place": "project"}], ""),
        ([{**HELD, "place": "blue"}], "runs in blue, not in green"),
    ],
)
def test_a_singleton_that_is_not_in_its_place_is_named_and_refuses_nothing(holders: list[Any], words: str) -> None:
    facts = {**FACTS, "compose": {**FACTS["compose"], "singletons": [{**COURIER, "holders": holders}]}}
    decision = stage_decision(facts, "cleanup", bake=0)
    assert decision["proceed"] and bool(decision["misplaced"]) == bool(words)
    screen = "\n".join(status_screen(facts))
    assert words in screen and ("--tags watch   (any" in screen) == bool(words)


FACTS: dict[str, Any] = {
    "edge": {"adopted": True, "live": "green", "return_to": BACK, "token": 4, "problems": []},
    "compose": {
        "colours": {
            "blue": {"release": "v1.4.2-a", "adopted": True, "running": True},
            "green": {"release": "v1.5.0-b", "adopted": False, "running": True},
        },
    },
    "ledger": {"releases": {"v1.5.0-b": {"verdict": GOOD}}, "marks": {"fence": "v1.4.2-a"}, "lock": {}, "now": 9e8},
}


def test_in_check_mode_what_nobody_deployed_will_be_checked() -> None:
    decision = cutover_decision(FRESH, "v1.5.0", check_mode=True)
    assert not decision.refusal and not decision.proceed and "will be checked" in decision.summary
    assert cutover_decision(replace(FRESH, adopted=False), "v1.5.0", check_mode=True).refusal


def test_only_another_release_is_replaced() -> None:
    assert not release_decision(DEPLOYED, "v1.5.0").replaces_containers
    assert release_decision(DEPLOYED, "v1.6.0").replaces_containers
    assert not release_decision(FRESH, "v1.5.0").replaces_containers


def test_status_names_the_next_command() -> None:
    data = status_data(FACTS)
    assert data["live"] == "green" and data["next"].endswith("(or --tags rollback)") and "cleanup" in data["next"]
    assert data["fence"] == "v1.4.2-a"
    assert all(len(line) <= 110 for line in status_screen(FACTS))
    assert not any(line.startswith("edge") for line in status_screen(FACTS))
    told = {**FACTS, "edge": {**FACTS["edge"], "method": "reload", "cost": "a reload"}}
    assert "edge       method reload: a reload" in status_screen(told)
    assert status_data(told)["edge"] == {"method": "reload", "cost": "a reload"}
    assert stage_decision(FACTS, "cleanup", bake=0)["proceed"] is True


def test_status_says_how_to_preview_the_idle_colour() -> None:
    command = "curl -H @/var/lib/x/releases/v1.5.0-b/preview https://login.test/"
    facts = {**FACTS, "edge": {**FACTS["edge"], "preview": {"file": "/var/lib/x", "commands": [command, "curl b"]}}}
    assert [line.split(None, 1)[1] for line in status_screen(facts) if line.startswith("preview")] == [command]
    assert status_data(facts)["preview"]["commands"] == [command, "curl b"]
    assert not [line for line in status_screen(FACTS) if line.startswith("preview")]


@pytest.mark.parametrize(
    ("seen", "version", "follow"),
    [
        (DEPLOYED, "v1.5.0", "v1.5.0-b"),
        (CUT, "v1.5.0", "v1.5.0-b"),
        (replace(CUT, behind=("login.x",), findings=(Finding("behind", "x"),)), "v1.5.0", "v1.5.0-b"),
        # Live again after a rollback, accepted, or never cut over: no flip is in force.
        (replace(CUT, live="blue"), "v1.4.2", ""),
        (replace(CUT, stable="v1.5.0-b"), "v1.5.0", ""),
        (FRESH, "v1.4.2", ""),
    ],
)
def test_the_watch_that_is_followed_is_that_of_the_flip_in_force(seen: World, version: str, follow: str) -> None:
    assert cutover_decision(seen, version).follow == follow


def test_what_ansible_says_of_a_module_is_no_status() -> None:
    noise = {"changed": False, "failed": False, "diff": [], "invocation": {}, "warnings": [], "_ansible_no_log": False}
    boot = {"live": "green", "story": "green comes back", **noise}
    preview = {"commands": [], "changed": True}
    data = status_data({**FACTS, "boot": boot, "edge": {**FACTS["edge"], "preview": preview}})
    assert data["boot"] == {"live": "green", "story": "green comes back"} and data["preview"] == {"commands": []}


SCRIPT = {"live": "green", "rollback": "bluegreen-rollback"}


@pytest.mark.parametrize(
    ("edge", "offered", "by_hand", "after"),
    [
        ({"assets": ["blue", "green"]}, "to blue", True, "--tags cleanup   (or --tags rollback)"),
        # A cleanup that was refused after its drain, and one that had begun to remove.
        ({"assets": ["green"]}, "to blue", False, "--tags cleanup   (or --tags rollback)"),
        ({"assets": ["green"], "removing": ["blue"]}, "NOT POSSIBLE now: blue is being removed", False, "goes on"),
    ],
)
def test_no_way_back_is_offered_that_would_be_refused(
    edge: dict[str, Any], offered: str, by_hand: bool, after: str
) -> None:
    facts = {**FACTS, "boot": SCRIPT, "edge": {**FACTS["edge"], **edge}}
    screen = " ".join(" ".join(status_screen(facts)).split())
    assert offered in screen and ("bluegreen-rollback" in screen) is by_hand
    assert after in status_data(facts)["next"]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (1600.0, "nothing to do before 01:16 UTC, then --tags cleanup, or --tags rollback"),
        (-3600.0, "nothing to do before 1970-01-01 01:16 UTC,"),
        (4600.0, "--tags cleanup   (or --tags rollback)"),
    ],
)
def test_no_cleanup_is_next_before_the_bake_time_is_over(now: float, words: str) -> None:
    facts = {**FACTS, "ledger": {**FACTS["ledger"], "now": now}}
    data = status_data(facts, bake=3600)
    assert (words in data["next"] and words in " ".join(" ".join(status_screen(facts, bake=3600)).split())) or (
        words.partition("(")[0] in data["next"]
    )
    # R24: what would refuse now is no command to type now.
    later = {"at": 4600.0, "stage": "cleanup", "extra": {}}
    over = now >= 4600
    assert data["next_command"]["stage"] == ("cleanup" if over else None)
    assert data["next_command"]["later"] == ({} if over else later)


def test_status_before_adopt_says_what_is_wrong() -> None:
    wrong = ["no container of service caddy is running"]
    facts: dict[str, Any] = {"edge": {"adopted": False, "problems": wrong}}
    assert status_screen(facts)[1].split(None, 1) == ["PROBLEM", wrong[0]]
    assert status_data(facts)["problems"] == wrong and status_data(FACTS)["problems"] == []


@pytest.mark.parametrize(
    ("live", "verdict", "words", "after"),
    [
        ("blue", {**GOOD, "verdict": "FAIL", "release": "v1.5.0-b"}, "FAIL (v1.5.0-b)", "version="),
        ("blue", {**GOOD, "verdict": "FAIL", "release": "v1.5.0-b", "flip": "earlier"}, "none", "version="),
        (
            "green",
            {**GOOD, "verdict": "INCONCLUSIVE", "release": "v1.5.0-b"},
            "INCONCLUSIVE",
            "bluegreen_watch_do=promote",
        ),
        (
            "green",
            {**GOOD, "verdict": "INCONCLUSIVE", "release": "v1.5.0-b", **SIGNED},
            "INCONCLUSIVE (signed off by op at ctl)",
            "--tags cleanup",
        ),
    ],
)
def test_status_tells_the_last_verdict(live: str, verdict: dict[str, Any], words: str, after: str) -> None:
    ledger = {"releases": {"v1.5.0-b": {"verdict": verdict}}, "marks": {}, "lock": {}}
    facts = {**FACTS, "edge": {**FACTS["edge"], "live": live}, "ledger": ledger}
    (line,) = [line for line in status_screen(facts) if line.startswith("verdict")]
    assert line.split(None, 1)[1] == words
    assert after in status_data(facts)["next"]


def test_status_of_a_stranger_says_adopt() -> None:
    assert "--tags adopt" in status_screen({"edge": {"adopted": False}})[1]


@pytest.mark.parametrize(
    ("seen", "replaces", "words"),
    [
        (FRESH, False, ""),
        (replace(DEPLOYED, live="blue"), True, ""),
        (CUT, False, "--tags rollback, then undo"),
        (replace(FRESH, colours={"blue": replace(OLD, adopted=False)}), False, "Undo is not possible"),
        (World(adopted=False, live="blue", colours={}), False, ""),
    ],
)
def test_undo_goes_to_the_adopted_containers_only(seen: World, replaces: bool, words: str) -> None:
    found = undo_decision(seen)
    assert words in found.refusal and bool(words) is bool(found.refusal) is not found.proceed
    assert found.replaces_containers is replaces


def test_what_is_not_ours_stops_every_stage() -> None:
    compose = {
        **FACTS["compose"],
        "unmanaged": [{"container": "x_ciam-hera_1", "service": "ciam-hera"}],
        "off_networks": [{"container": "caddy", "network": "olympus-edge-green"}],
    }
    decision = stage_decision({**FACTS, "compose": compose}, "cleanup", bake=0)
    assert "ciam-hera" in decision["refusal"] and "olympus-edge-green" in decision["refusal"]
