# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate's plan from services and probes, and how it runs: order, retries, deadline, refusal of strange addresses."""

from __future__ import annotations

import inspect
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from kit.clocks import Clock
from kit.gate_bench import PARAMS, PROBES, SERVICES, Edge

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp, Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment import tree
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config import snippets
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import (
    checks,
    gate,
    journeys,
    through_edge,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import CheckResult
from ansible_collections.olympus.bluegreen.plugins.modules import health_gate


def planned(**given: Any) -> list[str]:
    return ["%s %s" % (c.name, c.service) for c in checks.plan(gate.gate_plan({**PARAMS, **given}))]


def test_every_check_by_default() -> None:
    found = planned()
    assert found[:5] == ["secrets " + name for name in SERVICES]
    assert found[5:9] == ["ready ciam-kratos", "ready ciam-hydra", "ready ciam-hera", "ready site"]
    assert [item for item in found if item.startswith("version")] == [
        "version ciam-kratos", "version ciam-hydra", "version site",
    ]  # fmt: skip
    assert found[-6:] == [
        "tokens ciam-hydra", "sessions ciam-kratos", "admin ciam-kratos", "login ciam-kratos", "code_flow ciam-hydra",
        "silent ciam-hydra",
    ]  # fmt: skip
    assert [item for item in found if "worker" in item] == ["secrets worker"]


def test_alone_there_are_no_sessions_to_accept() -> None:
    found = planned(against="")
    assert "tokens ciam-hydra" in found and "jwks ciam-hydra" in found and "sessions ciam-kratos" not in found
    assert not any(item.startswith("secrets") for item in found)


def test_chosen_checks_and_versions() -> None:
    assert planned(checks=["login"]) == ["login ciam-kratos"]
    assert "version ciam-hera" in planned(checks=["version"], expected_versions={"ciam-hera": "1"})


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"against": "green"}, "the same colour"),
        ({"probe_secrets": {}}, "no secrets"),
        ({"probes": {"ciam": {"kratos": "ciam-kratos"}}}, "it lacks hydra, login_host"),
        (
            {"probes": {"ciam": {**PROBES["ciam"], "client_id": "", "redirect_uri": ""}}},
            "it lacks client_id, redirect_uri",
        ),
        ({"probes": {"ciam": {**PROBES["ciam"], "kratos": "nobody"}}}, "unknown service"),
        ({"checks": ["nonsense"]}, "unknown check"),
        ({"skip": ["nonsense"]}, "bluegreen_checks.skip='nonsense': unknown check. Fix: known are secrets"),
        ({"skip": ["code_flows"]}, "bluegreen_checks.skip='code_flows': unknown check. Fix: write code_flow"),
    ],
)
def test_what_is_refused_beforehand(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(BluegreenError, match=reason):
        planned(**given)


def test_what_is_skipped_is_not_asked_and_said() -> None:
    assert not [item for item in planned(skip=["code_flow", "silent"]) if "code_flow" in item or "silent" in item]
    found = result_of(skip=["code_flow"])
    assert found["level"] == "partial" and found["untested"] == ["code_flow was left out (bluegreen_checks.skip)"]


@pytest.mark.parametrize(
    ("given", "level", "said"),
    [
        ({}, "full", []),
        ({"probes": {}}, "no_login", ["no login was tried: bluegreen_probes names no probe"]),
        (
            {"skip": ["login", "code_flow"]},
            "no_login",
            ["no login was tried: the checks login and code_flow were left out"],
        ),
        (
            {"probes": {"ciam": {**PROBES["ciam"], "hera": ""}}},
            "partial",
            [
                "code_flow of ciam was not asked: the probe names no hera",
                "silent of ciam was not asked: the probe names no hera",
            ],
        ),
        (
            {"probe_secrets": {"ciam": {"password": "s3cret-a"}}},
            "full",
            ["tokens of ciam was not asked: the probe's client has no secret"],
        ),
    ],
)
def test_a_gate_says_how_much_it_proves(given: dict[str, Any], level: str, said: list[str]) -> None:
    """R21: a colour at which nobody can log in is no plain pass of a gate that never tried."""
    found = result_of(**given)
    assert found["level"] == level and found["untested"][: len(said)] == said and bool(found["untested"]) is bool(said)


def result_of(**given: Any) -> dict[str, Any]:
    return ask(Edge(0), check_mode=True, **given)


def test_the_watch_sends_no_wrong_password_and_no_logout() -> None:
    """What a watch asks again and again has neither; a gate has both, the control once however often it asks."""
    gate_ = {check.name: check.run for check in checks.plan(gate.gate_plan(PARAMS))}
    watch = {check.name: check.run for check in checks.plan(replace(gate.gate_plan(PARAMS), watched=True))}
    controls = [inspect.getclosurevars(run["login"]).nonlocals["control"] for run in (gate_, watch)]
    assert isinstance(controls[0], journeys.Control) and controls[1] is None
    assert [run["code_flow"].__code__.co_names[1] for run in (gate_, watch)] == ["code_flow", "seen_flow"]


class Picky:
    """An application that takes its own host name alone."""

    def __init__(self) -> None:
        self.hosts: list[str] = []

    def request(self, method: str, url: str, **given: Any) -> Response:
        self.hosts.append(urlsplit(url).netloc)
        return Response(200 if self.hosts[-1] == "app.test" else 400, {}, b'{"version": "1"}')


def test_an_application_that_takes_its_own_names_alone() -> None:
    """inputs/health_host: it can be gated, and without a host the refusal says what was sent."""
    services = {"web": {"kind": "other", "port": 8000, "ready": "/health", "ui": True}}

    def asked(**more: Any) -> list[CheckResult]:
        told = {"web": {**services["web"], **more}}
        params = {**PARAMS, "services": told, "probes": {}, "against": "", "checks": ["ready", "version", "warm"]}
        plan = gate.gate_plan({**params, "expected_versions": {"web": "1"}})
        return [check.run(Picky(), 5) for check in checks.plan(plan)]

    assert [one.ok for one in asked(host="app.test")] == [True, True, True]
    fix = " to Host 10.231.149.16:8000. Fix: allow that host, or name one: bluegreen_services.web.host"
    found = [(one.ok, one.detail) for one in asked()]
    assert found == [
        (False, said + fix) for said in ("public /health: status 400", "/health: status 400", "/: status 400")
    ]


def test_the_names_of_checks_are_the_guards_too() -> None:
    assert tree.CHECKS == checks.CHECKS


def test_the_headers_of_the_edge_are_the_snippets() -> None:
    assert (through_edge.COLOUR_HEADER, through_edge.PREVIEW_HEADER) == (
        snippets.COLOUR_HEADER,
        snippets.PREVIEW_HEADER,
    )


def test_addresses_of_both_colours() -> None:
    found = checks.addresses(gate.gate_plan(PARAMS))
    assert found["10.231.148.16"] == "blue ciam-kratos" and found["10.231.149.19"] == "green site"
    assert len(found) == 8


def ask(edge: Edge, check_mode: bool = False, **given: Any) -> dict[str, Any]:
    def enter(pid: int) -> Any:
        assert pid == 4711
        raise Refused("entered")

    world = gate.GateInputs(DirectHttp(), Podman(edge), Clock(), enter)
    return gate.gate({**PARAMS, **given}, check_mode, world)


def test_strange_addresses_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(Refused, match=r"10\.231\.149\.16 \(green ciam-kratos\)"):
        ask(Edge(4711, "10.231.148.2", "10.89.0.5"))
    with pytest.raises(BluegreenError, match="does not run"):
        ask(Edge(0, "10.231.148.2", "10.231.149.2"))
    with pytest.raises(Refused, match="entered"):
        ask(Edge(4711, "10.231.148.2", "10.231.149.2"))


def test_check_mode_sends_nothing() -> None:
    result = ask(Edge(0), check_mode=True)
    assert result["passed"] is None and result["checks"] == [] and len(result["planned"]) == 21
    assert "s3cret" not in repr(result)


def run(script: dict[str, list[str]], timeout: float = 60) -> tuple[list[CheckResult], Clock, list[str]]:
    """Each check answers its script in turn: ok, bad or busy; the last one for ever."""
    clock, asked = Clock(), []

    def check(name: str) -> checks.Check:
        def act(http: Any, left: float) -> CheckResult:
            asked.append(name)
            word = script[name].pop(0) if len(script[name]) > 1 else script[name][0]
            return CheckResult(name, "s", word == "ok", word, 1.0, word == "busy")

        return checks.Check(name, "s", "group", act)

    found = gate.run([check(name) for name in script], DirectHttp(), clock, timeout, nullcontext)
    return found, clock, asked


def test_readiness_is_waited_for_and_a_rate_limit_too() -> None:
    found, clock, asked = run({"ready": ["bad", "bad", "ok"], "login": ["busy", "ok"]})
    assert all(result.ok for result in found)
    assert asked == ["ready"] * 3 + ["login"] * 2 and clock.at == 2 * gate.READY_EVERY + gate.BUSY_EVERY


def test_a_no_is_a_no() -> None:
    found, _clock, asked = run({"ready": ["ok"], "login": ["bad", "ok"], "admin": ["ok"]})
    assert [result.ok for result in found] == [True, False, True] and asked.count("login") == 1


def test_an_unready_service_ends_its_group_at_the_deadline() -> None:
    found, clock, asked = run({"ready": ["bad"], "login": ["ok"]}, timeout=10)
    assert [result.ok for result in found] == [False, False] and "login" not in asked
    assert "not asked" in found[1].detail and clock.at <= 10


def test_a_rate_limit_is_waited_for_once_and_passes_nothing() -> None:
    found, clock, asked = run({"login": ["busy"]}, timeout=60)
    assert not found[0].ok and found[0].busy and asked == ["login"] * 2 and clock.at == gate.BUSY_EVERY


def test_a_gate_that_fails_says_its_sentence_and_not_hundreds_of_lines() -> None:
    """Every check by itself is for who asks with -v (R25)."""
    result = {"passed": False, "checks": [{"name": "login"}] * 40, "planned": ["login x"] * 40, "seconds": 3.0}
    assert health_gate.refused(result, 0) == {"passed": False, "seconds": 3.0}
    assert health_gate.refused(result, 1) == result
