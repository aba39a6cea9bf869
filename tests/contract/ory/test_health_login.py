# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A gate that any login UI of the OAuth flow passes, and a broken one doesn't: real Kratos and Hydra, fake UIs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from kit import hera_fakes as fakes
from kit import ory_native as native
from kit.health_native import HTTP, SECRETS, admin, fake_of, flow, good, sessions, ui

from ansible_collections.olympus.bluegreen.plugins.module_utils._health import browser, journeys
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Domain, Endpoint, Secrets

WHOLE = "login, code, token, userinfo, refresh, "


SHAPES: dict[str, dict[str, Any]] = {
    "published": {},
    "published, remembered": {"remembers": True},
    "other": {"template": fakes.other, "names": ("user[login]", "user[secret]")},
    "consent": {"asks_consent": True, "remembers": True},
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("index", [0, 1], ids=["old", "new"])
def test_any_login_ui_of_the_flow_passes(colours: tuple[Domain, Domain], index: int, shape: str) -> None:
    with ui(colours[index], **SHAPES[shape]) as (domain, fake):
        before = sessions(domain)
        result = flow(domain)
        good(result)
        assert result.detail.startswith(WHOLE)
        logouts = "logout (Hydra kept no session)" in result.detail
        assert logouts is not fake.remembers
        # One login form a gate, and what it left at Kratos is gone.
        assert len([path for path in fake.posts if path != "/grant"]) == 1
        assert "1 session ended at Kratos" in result.detail and sessions(domain) == before


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "says 200 and no to the right password": (
        {"refuses": True},
        'came back after its form was posted and says "Invalid',
    ),
    "goes round in circles": ({"loops": True}, "came back after its form was posted"),
    "wants a captcha": ({"captcha": True}, browser.CAPTCHA),
    "wants a second factor": ({"second_factor": True}, browser.SECOND),
    "locked": ({"lockout": 1, "refused": 1}, browser.LOCKED),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_one_does_not(colours: tuple[Domain, Domain], how: str) -> None:
    given, why = BROKEN[how]
    with ui(colours[1], **given) as (domain, fake):
        before = sessions(domain)
        result = flow(domain)
        assert not result.ok and not result.busy and why in result.detail
        assert native.PASSWORD not in result.detail and native.IDENTIFIER not in result.detail
        assert sessions(domain) == before
        assert len(fake.posts) == (0 if how == "wants a captcha" else 1)


def test_logged_in_as_another_person(colours: tuple[Domain, Domain]) -> None:
    who = admin(colours[1], "POST", "/identities", {"schema_id": "person", "traits": {"email": "other@olympus.test"}})
    with ui(colours[1], subject=who["id"]) as (domain, _fake):
        result = flow(domain)
    assert not result.ok and "another person than the probe" in result.detail


def test_a_token_endpoint_that_says_401(colours: tuple[Domain, Domain]) -> None:
    with ui(colours[1]) as (domain, _fake):
        result = flow(domain, Secrets(native.PASSWORD, "wrong-and-secret"))
    assert not result.ok and "401" in result.detail and "wrong-and-secret" not in repr(result)


@pytest.mark.parametrize("method", ["client_secret_post", "none"])
def test_other_kinds_of_clients(colours: tuple[Domain, Domain], method: str) -> None:
    hydra = colours[1].hydra.admin
    assert hydra is not None
    about = {
        "client_id": "probe-" + method,
        "redirect_uris": [native.REDIRECT],
        "scope": "openid offline",
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": method,
        **({"client_secret": native.CLIENT_SECRET} if method != "none" else {}),
    }
    native.post_json("http://127.0.0.1:%d/admin/clients" % hydra[1], about)
    secret = native.CLIENT_SECRET if method != "none" else ""
    with ui(colours[1]) as (domain, _fake):
        good(flow(replace(domain, client_id="probe-" + method), Secrets(native.PASSWORD, secret)))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"client_id": "nobody"}, "knows no client nobody. Fix: correct client_id"),
        ({"redirect_uri": "https://other.test/cb"}, "has no redirect_uri https://other.test/cb. Fix:"),
        ({"scope": "openid groups"}, "may not ask for scope groups. Fix:"),
    ],
)
def test_a_probe_that_does_not_fit_its_client(colours: tuple[Domain, Domain], wrong: dict[str, str], why: str) -> None:
    with ui(colours[1]) as (domain, fake):
        result = flow(replace(domain, **wrong))  # type: ignore[arg-type]
    assert not result.ok and why in result.detail and not fake.posts


def test_sessions_of_somebody_else_stay(colours: tuple[Domain, Domain]) -> None:
    """The operator is logged in as the probe, through Hera as it were; a gate ends its own session and not his."""
    domain = colours[1]
    fake_of(domain).kratos_login(native.IDENTIFIER, native.PASSWORD)
    his = sessions(domain)
    assert his
    with ui(domain) as (here, _fake):
        good(flow(here))
    assert sessions(domain) == his


def test_coming_back_without_a_page(colours: tuple[Domain, Domain]) -> None:
    with ui(colours[0], remembers=True) as (blue, _blue), ui(colours[1], remembers=True) as (green, _green):
        before = sessions(green)
        result = journeys.silent(HTTP, green, blue, SECRETS, 20)
        good(result)
        assert not result.untested and "honoured by each other" in result.detail and sessions(green) == before


def test_nothing_to_come_back_to_is_no_pass(colours: tuple[Domain, Domain]) -> None:
    with ui(colours[0]) as (blue, _blue), ui(colours[1]) as (green, _green):
        result = journeys.silent(HTTP, green, blue, SECRETS, 20)
    assert result.ok and "keeps no login session" in result.untested


def test_a_login_that_the_other_colour_does_not_know(
    colours: tuple[Domain, Domain], processes: native.Processes
) -> None:
    """A green Hydra with another cookie secret: logged in at blue means asked for the password again at green."""
    odd_secret = {"SECRETS_COOKIE": "another-secret-0123456789ab-0123"}
    h = native.start_hydra(processes, "login-hydra-odd", native.hydra(), processes.dsns["login_hydra"], **odd_secret)
    with ui(colours[0], remembers=True) as (blue, _blue), ui(colours[1], remembers=True) as (green, _green):
        odd = replace(green, hydra=Endpoint("ciam-hydra", ("127.0.0.1", h[0]), ("127.0.0.1", h[1])))
        result = journeys.silent(HTTP, odd, blue, SECRETS, 20)
    assert not result.ok and "green does not honour a login of blue" in result.detail


def test_the_wrong_password_is_sent_once_a_gate(colours: tuple[Domain, Domain]) -> None:
    control = journeys.Control()
    first = journeys.login(HTTP, colours[1], SECRETS, 15, control)
    again = journeys.login(HTTP, colours[1], SECRETS, 15, control)
    good(first)
    good(again)
    assert first.detail.startswith("wrong password refused") and again.detail.startswith("logged in")
