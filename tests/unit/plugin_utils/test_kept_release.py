# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Back to a kept release: every rule is a row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from ansible_collections.olympus.bluegreen.plugins.plugin_utils import kept_release
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.decide import stage_decision
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.external_changes import Finding
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stages import Colour, World, cutover_decision


def made(ident: str, created: float, migrated: bool = False) -> dict[str, Any]:
    return {"id": ident, "version": ident.rpartition("-")[0], "created": created, "migrated": migrated, "source": {}}


R1, R2, R3, R4 = made("v1-a", 1), made("v2-b", 2, True), made("v3-c", 3), made("v3-d", 4)
ALL = [R4, R3, R2, R1]
LIVE = World(
    adopted=True,
    live="green",
    colours={"green": Colour("v3-d", "v3", running=True), "blue": Colour("v3-c", "v3")},
    stable="v3-d",
)
# v3-d was cut over and is not accepted: a rollback goes to blue.
CUT = replace(
    LIVE,
    stable="v3-c",
    return_to={"colour": "blue", "release": "v3-c"},
    colours={"green": Colour("v3-d", "v3", running=True), "blue": Colour("v3-c", "v3", running=True)},
)
PENDING = replace(LIVE, colours={**LIVE.colours, "blue": Colour("v3-c", "v3", pending=True)})


def facts(fence: str) -> dict[str, Any]:
    return {"compose": {"releases": ALL}, "ledger": {"marks": {"fence": fence}}}


@pytest.mark.parametrize(
    ("seen", "version", "fence", "force", "release", "words"),
    [
        (LIVE, "v2", "v3-d", False, "v2-b", "v2-b comes back on blue; green stays live"),
        (LIVE, "v2-b", "v3-d", False, "v2-b", "comes back"),
        (LIVE, "v1", "v3-d", False, "", "v1-a was made before the fence (v3-d), and v2-b changed the schema"),
        (LIVE, "v1", "v3-d", True, "v1-a", "comes back"),
        (LIVE, "v1", "", False, "v1-a", "comes back"),
        (LIVE, "v1", "v1-a", False, "v1-a", "comes back"),
        (LIVE, "v9", "v3-d", False, "", "version=v9: no such release is kept. Kept are v3-d, v3-c, v2-b, v1-a"),
        (replace(LIVE, findings=(Finding("foreign", "a stranger"),)), "v2", "v3-d", False, "", "a stranger"),
        (replace(LIVE, adopted=False), "v2", "v3-d", False, "", "Not adopted yet"),
        (CUT, "v2", "v3-c", False, "", "where a rollback goes back to"),
    ],
)
def test_rollback_decision(seen: World, version: str, fence: str, force: bool, release: str, words: str) -> None:
    found = kept_release.rollback_decision(seen, facts(fence), version, force)
    assert (found.proceed, found.release, found.kept) == (bool(release), release, release) or found.refusal
    assert words in found.refusal + found.summary and bool(found.refusal) is not bool(release)


def test_what_is_live_needs_no_rollback_to_it() -> None:
    """Typed twice is the same as once."""
    found = kept_release.rollback_decision(LIVE, facts("v3-d"), "v3")
    assert not (found.refusal or found.proceed or found.fast)
    assert found.summary.startswith("v3-d is live on green already: nothing to do")


def test_what_a_rollback_goes_to_anyway_is_the_switch_alone() -> None:
    found = kept_release.rollback_decision(CUT, facts("v3-c"), "v3-c")
    assert found.fast and not found.proceed and not found.refusal


def test_what_a_rollback_goes_to_and_is_not_there_is_made_again() -> None:
    """The switch alone would refuse, and name this very command as the fix."""
    gone = Colour("v3-c", "v3", adopted=True)
    found = kept_release.rollback_decision(replace(CUT, colours={**CUT.colours, "blue": gone}), facts("v3-c"), "v3-c")
    assert found.proceed and not found.fast and found.kept == "v3-c"


def test_an_older_release_of_the_live_version_is_no_news_to_its_id() -> None:
    assert kept_release.rollback_decision(LIVE, facts("v3-d"), "v3-c").refusal.startswith("v3 is live") is False
    assert kept_release.rollback_decision(LIVE, facts("v3-d"), "v3-c").proceed


def test_containers_that_are_replaced_are_drained_first() -> None:
    assert not kept_release.rollback_decision(LIVE, facts("v3-d"), "v2").replaces_containers
    assert kept_release.rollback_decision(PENDING, facts("v3-d"), "v2").replaces_containers


def test_a_drifted_idle_colour_is_not_cut_over_and_can_be_deployed_again() -> None:
    drifted = {"release": "v4-e", "running": True, "drift": ["hera runs image x, not y"]}
    seen: dict[str, Any] = {
        "edge": {"adopted": True, "live": "green"},
        "compose": {"colours": {"green": {"release": "v3-d", "running": True}, "blue": drifted}},
    }
    assert "not as it was made" in stage_decision(seen, "cutover", "v4")["refusal"]
    assert stage_decision(seen, "deploy", "v4")["proceed"]
    seen["compose"]["colours"]["green"]["drift"] = ["hera runs image x, not y"]
    assert "green: hera runs image x" in stage_decision(seen, "deploy", "v4")["refusal"]


def test_a_colour_rendered_and_not_started_is_not_cut_over() -> None:
    idle = Colour("v4-e", "v4", running=False, pending=True)
    assert cutover_decision(replace(LIVE, colours={**LIVE.colours, "blue": idle}), "v4").refusal


@pytest.mark.parametrize(
    ("fence", "target", "between"),
    [
        ("v3-d", "v1-a", ["v2-b"]),
        ("v3-d", "v2-b", []),
        ("v2-b", "v1-a", ["v2-b"]),
        ("v1-a", "v1-a", []),
        ("x", "v1-a", ["v2-b"]),
        ("", "v1-a", []),
    ],
)
def test_the_fence(fence: str, target: str, between: list[str]) -> None:
    assert kept_release.schema_changes_since(ALL, fence, target) == between


def test_without_a_version_a_rollback_is_two_tasks() -> None:
    home = Path(__file__).resolve().parents[3] / "playbooks"
    fast = yaml.safe_load((home / "tasks" / "restore.yml").read_text())
    assert [next(key for key in task if "." in key) for task in fast] == [
        "ansible.builtin.import_role", "ansible.builtin.import_tasks",
    ]  # fmt: skip
    plays = yaml.safe_load((home / "rollback.yml").read_text())
    hosts = [jinja2.Template(play["hosts"]) for play in plays]
    ((whole,), (slow,)) = (play["tasks"] for play in plays)
    assert whole["block"][0]["ansible.builtin.import_tasks"] == "tasks/restore.yml"
    assert slow["ansible.builtin.import_tasks"] == "tasks/redeploy.yml"
    there: dict[str, Any] = {"groups": {"olympus_edge": ["a"]}, "hostvars": {"a": {}}}
    for given, fast_one in (({}, True), ({"version": ""}, True), ({"version": "v1"}, False)):
        chosen = [template.render(**there, **given).strip() for template in hosts]
        assert chosen == (["olympus_edge", "all:!all"] if fast_one else ["all:!all", "olympus_edge"])
    there["hostvars"]["a"]["bluegreen_host"] = "b"
    assert [template.render(**there).strip() for template in hosts] == ["b", "all:!all"]
