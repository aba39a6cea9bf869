# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``bluegreen_result``, from what the roles of a stage have registered."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.setting_checks import wrong_settings
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stage_result import (
    CUT_OFF,
    NAME,
    SILENT,
    Ended,
    cut_off,
    refused,
)

KEYS = {"v", "stage", "rc", "live", "release", "version", "verdict", "reasons", "preview", "next", "report_markdown"}
NEW = "v1.5.0-0123456789"
DECISION = {"live": "blue", "idle": "green", "release": NEW, "kept": "", "proceed": True, "summary": "green goes live"}
BEGUN = {"preflight": {"decision": DECISION, "facts": {"edge": {"live": "blue"}}}}
RENDERED = {"stack": {"release": {"id": NEW, "lines": ["image site: a -> b"]}}}
FAIL = {"verdict": "FAIL", "reasons": ["5xx"], "release": NEW}


def ended(stage: str, failed: bool = False, **results: Any) -> dict[str, Any]:
    named = {name + "_result": one for name, one in {**BEGUN, **RENDERED, **results}.items()}
    return Ended(stage, "v1.5.0", named, failed).data()


@pytest.mark.parametrize(
    ("stage", "failed", "results", "wanted"),
    [
        ("migrate", False, {}, {"live": "blue", "release": NEW, "next": "deploy", "reasons": []}),
        ("deploy", False, {}, {"live": "blue", "release": NEW, "next": "cutover"}),
        ("cutover", False, {"traffic": {"live": "green"}}, {"live": "green", "release": NEW, "next": "watch"}),
        # What was seen before a flip that failed says nothing of what is live now.
        ("cutover", True, {"traffic": {"failed": True, "msg": "x"}}, {"live": "", "next": "status", "reasons": ["x"]}),
        ("cutover", True, {}, {"live": "blue", "next": "status", "reasons": [SILENT]}),
        ("watch", False, {"traffic": {"live": "green"}, "watch": {"verdict": "PASS"}},
         {"live": "green", "verdict": "PASS", "next": "cleanup"}),
        ("watch", True, {"watch": {**FAIL, "returned_to": "blue"}},
         {"live": "blue", "verdict": "FAIL", "reasons": ["5xx"], "next": None}),
        ("watch", True, {"watch": {**FAIL, "not_returned": "not alive"}}, {"next": "rollback"}),
        ("watch", True, {"watch": {**FAIL, "not_returned": "held", "held": True}}, {"next": "status"}),
        ("rollback", False, {"preflight": {}, "traffic": {"live": "blue"}}, {"live": "blue", "next": None}),
        ("migrate", True, {"schema": {"failed": True, "msg": "One or more items failed", "results": [
            {"failed": True, "msg": "target a: no"}, {"msg": "fine"}]}}, {"reasons": ["target a: no"]}),
        ("preflight", True, {"preflight": {"failed": True, "msg": "a\nb"}}, {"reasons": ["a\nb"], "live": ""}),
    ],
)  # fmt: skip
def test_a_stage_says_what_it_did(stage: str, failed: bool, results: Any, wanted: dict[str, Any]) -> None:
    found = ended(stage, failed, **results)
    assert set(found) == KEYS and (found["v"], found["stage"], found["rc"]) == (1, stage, int(failed))
    following = found["next"]["stage"] or None
    assert {**{key: found[key] for key in wanted}, **({"next": following} if "next" in wanted else {})} == wanted
    assert found["next"]["command"].startswith("ansible-playbook bluegreen.yml")


def test_the_markdown_has_the_outcome_what_changed_and_what_comes_next() -> None:
    said = ended("deploy", traffic={"preview": {"file": "/f", "commands": ["curl -H @/f https://a/"]}})
    lines = said["report_markdown"].splitlines()
    assert lines[0] == "### deploy: done" and "* release: v1.5.0 / " + NEW in lines
    assert "* changed: image site: a -> b" in lines and "* preview: `curl -H @/f https://a/`" in lines
    assert lines[-1] == "Next: `ansible-playbook bluegreen.yml --tags cutover -e version=v1.5.0`"
    assert said["preview"] == {"file": "/f", "commands": ["curl -H @/f https://a/"]}


def test_only_a_deploy_and_a_status_have_a_preview() -> None:
    assert ended("cutover", traffic={"live": "green", "preview": {"file": "/f"}})["preview"] == {}


def test_a_hook_that_failed_is_a_reason_of_its_own_stage() -> None:
    hooks = ({"stage": "migrate", "hook": "after_migrate", "said": "x"}, {"stage": "deploy", "hook": "h", "said": "y"})
    assert Ended("migrate", "", BEGUN, hooks=hooks).data()["reasons"] == ["after_migrate failed: x"]


def test_what_ran_no_stage_is_no_success() -> None:
    assert cut_off()["rc"] == 1 and cut_off()["reasons"] == [CUT_OFF] and CUT_OFF in cut_off()["report_markdown"]
    assert refused(["a", "b"])["reasons"] == ["a\nb"] and refused(["a"])["rc"] == 1


def test_status_hands_on_all_that_it_knows() -> None:
    step = {"stage": "cleanup", "extra": {}}
    status = {
        "live": "blue", "colours": {"blue": {"release": NEW}}, "verdict": {"verdict": "PASS"}, "preview": {},
        "next": "ansible-playbook bluegreen.yml --tags cleanup", "next_command": step,
    }  # fmt: skip
    found = Ended("status", "", {}, status=status).data()
    assert (found["live"], found["release"], found["verdict"], found["status"]) == ("blue", NEW, "PASS", status)
    assert found["next"]["stage"] == "cleanup" and found["next"]["command"] == status["next"]


def test_it_is_let_be_where_it_comes_back() -> None:
    assert wrong_settings({NAME: cut_off()}) == []


def told(stage: str, failed: bool = False, rescued: str = "", **results: Any) -> dict[str, Any]:
    named = {name + "_result": one for name, one in {**BEGUN, **results}.items()}
    return Ended(stage, "v2", named, failed, rescued=rescued).told()


def deciding(**changes: Any) -> dict[str, Any]:
    return {"preflight": {"decision": {**DECISION, **changes}}}


@pytest.mark.parametrize("decision", [{}, {"proceed": False, "resume": True}, {"proceed": False, "fast": True}])
def test_a_stage_that_acted_is_told(decision: dict[str, Any]) -> None:
    end = {"failed": False, "why": "", "version": "v2", "release": NEW, "idle": "green"}
    assert told("cutover", **deciding(**decision)) == {"stage": "cutover", **end}


def test_a_stage_that_had_nothing_to_do_is_no_end_and_of_a_watch_the_watcher_tells() -> None:
    assert told("deploy", **deciding(proceed=False)) == told("watch", True) == told("status", True) == {}


def test_a_failure_is_told_with_its_reason_and_not_with_what_was_rescued() -> None:
    courier, gate = {"failed": True, "msg": "no courier"}, {"failed": True, "msg": "the gate failed"}
    assert told("deploy", True, watch=gate)["why"] == "the gate failed"
    assert told("cutover", True, "no courier", stack=courier, watch=gate)["why"] == "the gate failed"
    assert (
        told("migrate", True, preflight={"failed": True, "msg": "run x holds the lock"})["why"]
        == "run x holds the lock"
    )


def test_a_rollback_without_a_lock_is_told_where_the_switch_moved() -> None:
    assert told("rollback", preflight={}, traffic={"changed": True})["stage"] == "rollback"
    assert told("rollback", preflight={}, traffic={"changed": False}) == {}
    refused = told("rollback", True, preflight={}, traffic={"failed": True, "msg": "blue is gone"})
    assert (refused["failed"], refused["why"]) == (True, "blue is gone")
