# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verdict means for migrate: who is refused, who is let through and by whom."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof import options, policy, proof
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import migrate

HOP = "kratos v1 -> v2"
ENTRY = {"target": "ciam", "hop": HOP, "reason": "seen by hand", "expires": "2030-12-31"}
NOW = 1_900_000_000.0  # 2030-03-17


class Clock:
    def now(self) -> float:
        return NOW


class World:
    clock = Clock()
    podman = None


def decided(verdict: str, reasons: tuple[str, ...] = ("login fails",), **given: Any) -> tuple[str, dict[str, Any]]:
    params = {"accept": [], "operator": "ann", "forward": "", "state_dir": "/s", "release": "r", **given}
    told = {"verdict": verdict, "hop": HOP, "reasons": list(reasons), "accepted": {}, "draft": "bridge-ciam.sql"}
    context = options.Context(params, cast(migrate.World, World()))
    return options._decide(context, "ciam", told, policy.policy(given.get("policy", {}))), told


@pytest.mark.parametrize("verdict", ["SAFE", "SAFE_IF_EXERCISED"])
def test_what_passes_goes_on(verdict: str) -> None:
    assert decided(verdict)[0] == ""


@pytest.mark.parametrize(
    ("verdict", "way"),
    [
        ("BREAKS", "bridges/ciam/*.sql"),
        ("BRIDGE_REQUIRED", "complete the draft /s/releases/r/schema/bridge-ciam.sql and put it into bridges/ciam"),
        ("BLOCKING_LOCK", "bluegreen_lock_budget"),
        ("NOT_JUDGED", "remove that reason"),
    ],
)
def test_what_does_not_pass_is_refused_with_every_way_on(verdict: str, way: str) -> None:
    refused, told = decided(verdict)
    assert refused.startswith("ciam: %s (%s). login fails. Nothing was changed in production. Fix: " % (verdict, HOP))
    assert way in refused and "hop: '%s'" % HOP in refused and told["accepted"] == {}


def test_the_policy_goes_before_an_entry() -> None:
    refused, told = decided("BREAKS", accept=[ENTRY], policy={"BREAKS": "refuse"})
    assert "bluegreen_schema_policy lets no entry" in refused and told["accepted"] == {}
    assert decided("BLOCKING_LOCK", policy={"BLOCKING_LOCK": "proceed"})[0] == ""


def test_only_some_of_many_reasons_are_written_out() -> None:
    refused = decided("BREAKS", tuple("reason %d" % number for number in range(9)))[0]
    assert "reason 2; and 6 more in proof.json of the release." in refused and "reason 3" not in refused


def test_an_operator_lets_it_through_by_name_and_for_a_time() -> None:
    refused, told = decided("BREAKS", accept=[ENTRY])
    assert refused == "" and told["accepted"] == {"by": "ann", "reason": "seen by hand", "expires": "2030-12-31"}


@pytest.mark.parametrize("other", [{"target": "iam"}, {"hop": "kratos v1 -> v3"}])
def test_an_entry_is_for_its_target_and_hop_alone(other: dict[str, str]) -> None:
    assert decided("BREAKS", accept=[{**ENTRY, **other}])[0]


def test_an_expired_entry_is_named() -> None:
    refused = decided("BREAKS", accept=[{**ENTRY, "expires": "2029-01-01"}])[0]
    assert "bluegreen_accept has an entry for it that ended with 2029-01-01 (seen by hand)" in refused


def test_a_live_colour_that_fails_already_holds_nobody_up() -> None:
    refused, told = decided("NOT_JUDGED", forward="login, code_flow")
    assert refused == "" and told["accepted"]["reason"] == "the live colour fails already (login, code_flow)"


def test_without_a_container_and_without_an_image_nothing_is_judged() -> None:
    """Nobody is asked: there is no PostgreSQL to ask."""

    class Subject:
        class target:
            name = "ciam"

    params = {"rehearsal_image": "", "database_service": "", "project": "prod", "deployment": "olympus", "bundle": ""}
    context = options.Context(params, cast(migrate.World, World()))
    (found,) = options._found(context, [cast(proof.Subject, Subject())]).values()
    verdict = found.verdict
    assert verdict.verdict == "NOT_JUDGED" and "bluegreen_rehearsal_image" in verdict.reasons[0]


class Machine:
    """A colour of ours of which one container is gone, beside what is left of the adopted project."""

    def containers(self, _labels: object) -> list[dict[str, Any]]:
        return [{"Name": "green_iam", "Config": {"Labels": {"olympus.bluegreen.service": "iam-kratos"}}}]

    def compose_container(self, _project: str, service: str) -> dict[str, Any]:
        return {"Name": "adopted_" + service}


def test_a_container_that_is_gone_is_not_taken_from_the_adopted_project() -> None:
    class Here:
        podman = Machine()

    params = {"deployment": "olympus", "project": "prod", "colour": "green", "forward": ""}
    context = options.Context(params, cast(migrate.World, Here()))
    assert (options._live(context, "iam-kratos", True) or {})["Name"] == "green_iam"
    with pytest.raises(BluegreenError, match="the live colour has no container of it"):
        options._live(context, "ciam-kratos", True)
