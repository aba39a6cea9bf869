# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A comparison blames the side that fails, and what a colour fails is remembered since when."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from kit.clocks import Clock

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import (
    gate,
    journeys,
    last_failures,
    shared_secrets,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.checks import Check
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.container_settings import Settings
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import (
    CheckResult,
    Domain,
    Endpoint,
    Secrets,
)

SECRETS = Secrets("right", "secret")
BLUE, GREEN = "10.0.0.1", "10.0.0.2"


def side(colour: str, address: str) -> Domain:
    kratos = Endpoint("ciam-kratos", (address, 4433), (address, 4434))
    hydra = Endpoint("ciam-hydra", (address, 4444), (address, 4445))
    return Domain("ciam", colour, "login.test", "oauth.test", "p@test", "probe", "https://t/cb", kratos, hydra)


def answer(body: Any, status: int = 200) -> Response:
    return Response(status, {}, json.dumps(body).encode())


class Ory:
    """Both colours: what ``broken`` (address, method, path) names answers 500. Sessions and tokens are shared unless
    ``apart``."""

    def __init__(self, *broken: tuple[str, str], apart: bool = False) -> None:
        self.broken, self.apart = broken, apart

    def request(self, method: str, url: str, **given: Any) -> Response:
        (address, _port), path = given["connect"], urlsplit(url).path
        if any(address == where and part in path for where, part in self.broken):
            return answer({"error": "broken"}, 500)
        return self._well(address, method, path, given)

    def _well(self, address: str, method: str, path: str, given: Any) -> Response:
        if path == "/self-service/login/api":
            return answer({"id": "flow"})
        if path == "/self-service/login":
            who = {"id": "i", "traits": {}}
            return answer({"session_token": "of " + address, "session": {"active": True, "identity": who}})
        if path == "/sessions/whoami":
            known = not self.apart or given["headers"]["X-Session-Token"] == "of " + address
            return answer({"active": True, "identity": {"id": "i"}} if known else {"error": 1}, 200 if known else 401)
        if path == "/self-service/logout/api":
            return answer({}, 204)
        if path == "/.well-known/jwks.json":
            return answer({"keys": [{"kid": "a"}] if not self.apart or address == GREEN else [{"kid": "b"}]})
        if path.endswith("/oauth2/token"):
            return answer({"access_token": "of " + address, "token_type": "bearer"})
        if path.endswith("/introspect"):
            token = given["body"].decode()
            return answer({"active": not self.apart or address in token.replace("+", " "), "client_id": "probe"})
        if "/clients/" in path:
            return answer({"client_id": "probe", "token_endpoint_auth_method": "client_secret_basic"})
        return answer({}, 200)


def asked(name: str, ory: Ory) -> CheckResult:
    return journeys.TWO_SIDES[name](ory, side("green", GREEN), side("blue", BLUE), SECRETS, 15.0)


@pytest.mark.parametrize("name", ["sessions", "tokens", "jwks"])
def test_both_well(name: str) -> None:
    found = asked(name, Ory())
    assert (found.ok, found.other, found.untested) == (True, "", ""), found.detail


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("sessions", "/self-service/login/api"),
        ("sessions", "/sessions/whoami"),
        ("tokens", "/oauth2/token"),
        ("tokens", "/introspect"),
        ("jwks", "/jwks.json"),
    ],
)
def test_what_the_other_side_itself_cannot_do_is_its_own_failure(name: str, part: str) -> None:
    """R17: the good colour was refused for what the broken one could not do."""
    found = asked(name, Ory((BLUE, part)))
    assert found.ok and found.other.startswith("blue itself fails: ") and found.untested == found.other
    ours = asked(name, Ory((GREEN, part)))
    assert not ours.ok and not ours.other


@pytest.mark.parametrize("name", ["sessions", "tokens", "jwks"])
def test_that_the_two_do_not_fit_is_still_refused(name: str) -> None:
    found = asked(name, Ory(apart=True))
    assert not found.ok and not found.other


def test_a_colour_without_containers_is_no_reason_to_refuse_the_other() -> None:
    gone = Settings(unknown="no container of blue", missing=True)
    found = shared_secrets.judge("site", "site", Settings({"A": "b"}), gone)
    assert found.ok and found.other == "no container of blue"
    assert not shared_secrets.judge("site", "site", Settings(), Settings(unknown="its command is a shell line")).ok


def run(checks: list[Check], clock: Clock, timeout: float = 30.0, brief: bool = False) -> list[CheckResult]:
    http: Any = None
    return gate.run(checks, http, clock, timeout, nullcontext, brief)


def check(name: str, act: Callable[[float], CheckResult], two_sided: bool = False) -> Check:
    return Check(name, "s", "ciam", lambda _http, left: act(left), two_sided)


def test_an_other_side_that_hangs_is_asked_once() -> None:
    clock, said = Clock(), "blue itself fails: no answer"

    def hangs(left: float) -> CheckResult:
        clock.at += min(left, 10)
        return CheckResult("", "s", True, said, 0.0, False, said, said)

    well = check("login", lambda _left: CheckResult("login", "s", True, "", 0.0))
    found = run([check("tokens", hangs, True), check("sessions", hangs, True), well], clock)
    assert clock.at == 10 and [one.other for one in found] == [said, said, ""]
    assert [one.asked for one in found] == [True, False, True] and all(one.ok for one in found)


def test_of_a_short_look_what_had_no_time_is_no_failure() -> None:
    clock = Clock()

    def slow(_left: float) -> CheckResult:
        clock.at += 6
        return CheckResult("", "s", clock.at < 10, "no answer", 0.0)

    one, two = check("login", slow), check("code_flow", slow)
    found = run([one, two], clock, 8, True)
    assert [one.ok for one in found] == [True, True] and found[1].untested and not found[1].asked
    clock.at = 0
    assert [one.ok for one in run([one, two], clock, 8)] == [True, False]


def result(name: str, ok: bool, other: str = "") -> CheckResult:
    return CheckResult(name, "k", ok, "why", 1.0, other=other, untested=other)


def test_what_a_colour_fails_is_kept_since_when(tmp_path: Path) -> None:
    (tmp_path / "stacks" / "blue").mkdir(parents=True)
    (tmp_path / "stacks" / "blue" / "services.json").write_text('{"release": "v1-a"}')

    def told(now: float, *results: CheckResult, own: bool = True) -> dict[str, Any]:
        entry: dict[str, Any] = last_failures.note(
            str(tmp_path), [last_failures.ColourResults("blue", results, own)], now
        )["blue"]
        return entry

    assert told(1, result("login", True), result("code_flow", True))["well"] == 1
    entry = told(2, result("login", False), result("code_flow", True))
    assert entry["well"] == 1 and entry["fails"]["login k"] == {
        "since": 2, "check": "login", "service": "k", "detail": "why",
    }  # fmt: skip
    # Asked again it fails since then; a check that was not asked says nothing.
    assert last_failures.since(told(3, result("login", False)), "login", "k", 9) == 2
    assert told(4, result("ready", True))["fails"].keys() == {"login k"}
    assert told(5, result("silent", False), own=False)["fails"].keys() == {"login k", "silent k"}
    entry = told(6, result("login", True), result("code_flow", True))
    assert entry["fails"] == {} and entry["well"] == 6
    told(7, result("login", False))
    (tmp_path / "stacks" / "blue" / "services.json").write_text('{"release": "v2-b"}')
    assert told(8, result("ready", True))["fails"] == {}
    (tmp_path / last_failures.NAME).write_text("{torn")
    assert last_failures.read(str(tmp_path)) == {}


def test_a_gate_speaks_of_both_colours() -> None:
    found = [result("login", True), result("sessions", True, "blue itself fails: x"), result("tokens", False)]
    own, other = last_failures.by_colour("green", "blue", found, [False, True, True])
    assert [one.name for one in own.results] == ["login"] and own.own
    # Tokens that do not fit are a failure of neither.
    assert [(one.name, one.ok) for one in other.results] == [("sessions", False), ("tokens", True)]
