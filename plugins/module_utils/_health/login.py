# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two journeys of a person: the whole authorization-code flow, and coming back without a page (prompt=none)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from urllib.parse import urlencode

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import oauth, session_sweep
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.browser import Denied, Person
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import CheckResult, Domain, Secrets
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.session import (
    Failed,
    Untested,
    Visit,
    must,
    of_other,
    probe,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.through_edge import Through

Part = Callable[[], AbstractContextManager[None]]
# What Hydra answers where it may not show a page and would have to.
NOT_REMEMBERED = ("login_required", "interaction_required", "consent_required")


def code_flow(
    http: Http, domain: Domain, secrets: Secrets, timeout: float = 20.0, way: Through | None = None
) -> CheckResult:
    """Authorization code with login and consent, then token, userinfo, refresh and logout. Leaves no session."""

    def act() -> str:
        visit = Visit(http, domain, timeout, way)
        steps = _swept(visit, lambda: _whole(visit, secrets, logout=True))
        preview = " by the preview" if way and way.headers else ""
        return "%s (%s, %s)" % (steps, domain.side, "through the edge" + preview if way else "by its addresses")

    return probe("code_flow", domain.hydra.service, act)


def seen_flow(http: Http, domain: Domain, secrets: Secrets, timeout: float = 20.0) -> CheckResult:
    """The same without the logout, for a watch: a login UI may end every session of its person there, and those of
    the other colour's journey with them. Whoever calls it sweeps."""

    def act() -> str:
        return _whole(Visit(http, domain, timeout), secrets, logout=False)

    return probe("code_flow", domain.hydra.service, act)


def _whole(visit: Visit, secrets: Secrets, logout: bool) -> str:
    domain = oauth.domain_of(visit)
    client, person, request = oauth.client(visit, secrets), Person(visit, secrets), oauth.Request()
    code = person.code(request)
    steps = ["login", "code"] if person.posted else ["code"]
    must("" if person.posted else "no login form was shown", "authorization")
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": domain.redirect_uri}
    tokens = oauth.ask_token(visit, client, code_verifier=request.verifier, **grant)
    _same_person(visit, tokens, request)
    steps += ["token", "userinfo"]
    if tokens.get("refresh_token"):
        renewed = oauth.ask_token(visit, client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        tokens = {**tokens, **renewed}
        steps.append("refresh")
    if logout and tokens.get("id_token"):
        steps.append("logout" if person.logout(str(tokens["id_token"])) else "logout (Hydra kept no session)")
    oauth.revoke_token(visit, client, str(tokens.get("refresh_token") or tokens["access_token"]))
    if not logout:
        _forget(visit, tokens)
    return ", ".join(steps)


def _same_person(visit: Visit, tokens: dict[str, object], request: oauth.Request) -> None:
    """The ID token is for this very request, userinfo tells the same subject, and the subject is the probe."""
    domain = oauth.domain_of(visit)
    subject = oauth.userinfo(visit, str(tokens["access_token"]))
    if tokens.get("id_token"):
        told = oauth.claims(str(tokens["id_token"]))
        audience = told.get("aud")
        clients = [audience] if isinstance(audience, str) else list(audience or [])
        must("" if told.get("nonce") == request.state else "the nonce of another request", "ID token")
        must("" if domain.client_id in clients else "for another client", "ID token")
        must("" if told.get("sub") == subject else "another subject than that of the ID token", "userinfo")
    if session_sweep.stranger(visit, subject):
        raise Failed("userinfo: the subject is another person than the probe")


def _swept(visit: Visit, act: Callable[[], str], its_part: Part = nullcontext) -> str:
    """Act, and end the Kratos sessions that this left, also where it failed. ``its_part``: whose failure that is."""
    begun = session_sweep.Sweep.begin(visit)
    try:
        said = act()
    except Exception:
        _quietly(visit, begun)
        raise
    with its_part():
        ended = begun.end(visit)
    return said + (", %d session ended at Kratos" % ended if ended else "")


def _quietly(visit: Visit, begun: session_sweep.Sweep) -> None:
    try:
        begun.end(Visit(visit.http, visit.domain, 5.0))
    except Failed:
        return


def silent(http: Http, here: Domain, there: Domain, secrets: Secrets, timeout: float = 20.0) -> CheckResult:
    """Who logged in on one side comes back on the other without a page: Hydra's cookie is honoured, both ways."""

    def cross(maker: Domain, judge: Domain, its_part: Part) -> str:
        visit = Visit(http, maker, timeout)
        grant = {"grant_type": "authorization_code", "redirect_uri": maker.redirect_uri}
        with its_part():
            client, person, request = oauth.client(visit, secrets), Person(visit, secrets), oauth.Request()
            code = person.code(request)
            tokens = oauth.ask_token(visit, client, code=code, code_verifier=request.verifier, **grant)
        try:
            with its_part():
                _again(visit, secrets, maker, "its own login")
            _again(visit, secrets, judge, "a login of %s" % maker.side)
        finally:
            visit.domain = maker
            oauth.revoke_token(visit, client, str(tokens.get("refresh_token") or tokens["access_token"]))
            _forget(visit, tokens)
        return ""

    def act() -> str:
        visit, theirs = Visit(http, there, timeout), partial(of_other, there.side)
        _swept(visit, lambda: cross(there, here, theirs), theirs)
        _swept(visit, lambda: cross(here, there, nullcontext), theirs)
        return "logins of %s and %s honoured by each other without a page" % (here.side, there.side)

    return probe("silent", here.hydra.service, act)


def _again(visit: Visit, secrets: Secrets, side: Domain, what: str) -> None:
    """Ask ``side`` with the cookies of this visit and prompt=none."""
    own, visit.domain = visit.domain is side, side
    try:
        Person(visit, secrets).code(oauth.Request("none"))
    except Denied as exc:
        if own and exc.error in NOT_REMEMBERED:
            raise Untested("Hydra keeps no login session here (the login UI asks it to remember none)") from exc
        raise Failed("%s does not honour %s: %s" % (side.side, what, exc.error)) from exc


def _forget(visit: Visit, tokens: dict[str, object]) -> None:
    """End Hydra's login session of these tokens, by its id: a Hydra that can't do that is left to its own expiry."""
    domain = oauth.domain_of(visit)
    session = str(oauth.claims(str(tokens["id_token"])).get("sid") or "") if tokens.get("id_token") else ""
    if session and domain.hydra.admin is not None:
        query = urlencode({"sid": session})
        session_sweep.ask(visit, domain.hydra, "DELETE", "/oauth2/auth/sessions/login", query)
