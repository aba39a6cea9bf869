# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a stage ended, by the variables that it left."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.plugin_utils.controller import notify_url
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.outcome import outcome, way_back

ACTS = {"proceed": True, "live": "blue", "idle": "green", "release": "v1-0000000000"}


def variables(decision: dict[str, Any] | None = None, failed: bool = False, **more: Any) -> dict[str, Any]:
    hosts = [] if failed else ["web1"]
    begun = {"preflight_result": {"decision": decision}} if decision else {}
    return {"inventory_hostname": "web1", "ansible_play_hosts": hosts, "bluegreen_version": "v2", **begun, **more}


def test_a_stage_that_acted() -> None:
    assert outcome(variables(ACTS), "deploy") == {
        "stage": "deploy", "failed": False, "why": "", "version": "v2", "release": "", "idle": "green"
    }  # fmt: skip
    # Before it, that is the release which was there.
    assert outcome(variables(ACTS), "cutover")["release"] == "v1-0000000000"


@pytest.mark.parametrize("flag", ["resume", "fast"])
def test_half_a_cutover_and_a_fast_way_back_act_too(flag: str) -> None:
    assert outcome(variables({"proceed": False, flag: True}), "rollback")["failed"] is False


def test_one_that_had_nothing_to_do_is_no_end() -> None:
    assert outcome(variables({"proceed": False}), "deploy") == {}
    assert outcome(variables(), "") == {}
    assert outcome({}, "deploy") == {}


def test_a_failure_says_what_the_last_role_said() -> None:
    broken = {"failed": True, "msg": "the gate failed"}
    found = outcome(variables(ACTS, True, watch_result=broken, stack_result={"changed": True}), "deploy")
    assert (found["failed"], found["why"]) == (True, "the gate failed")


def test_a_stage_that_was_refused_failed_too() -> None:
    refused = {"failed": True, "msg": "run x holds the lock"}
    assert outcome(variables(failed=True, preflight_result=refused), "migrate")["why"] == "run x holds the lock"


def test_what_was_rescued_is_not_why() -> None:
    courier, gate = {"failed": True, "msg": "no courier"}, {"failed": True, "msg": "the gate failed"}
    left = variables(ACTS, True, stack_result=courier, watch_result=gate, ansible_failed_result=courier)
    assert outcome(left, "cutover")["why"] == "the gate failed"
    assert outcome(variables(ACTS, stack_result=courier, ansible_failed_result=courier), "cutover")["failed"] is False


def test_a_fast_rollback_is_one_where_the_switch_moved() -> None:
    assert way_back({"changed": True}) == {"stage": "rollback", "failed": False, "why": ""}
    assert way_back({"changed": False}) == {}
    refused = way_back({"failed": True, "msg": "blue is gone"})
    assert refused == {"stage": "rollback", "failed": True, "why": "blue is gone"}


def test_the_address_is_the_variable_s_else_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLUEGREEN_NOTIFY_URL", "http://env/")
    assert notify_url({"bluegreen_notify_url": " http://set/ "}, lambda one: one) == "http://set/"
    for blank in ({}, {"bluegreen_notify_url": ""}, {"bluegreen_notify_url": None}):
        assert notify_url(blank, lambda one: one) == "http://env/"


def test_a_template_that_can_not_be_made_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLUEGREEN_NOTIFY_URL", raising=False)

    def broken(_value: object) -> object:
        raise ValueError("vault is locked")

    assert notify_url({"bluegreen_notify_url": "{{ x }}"}, broken) == ""
