# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journeys that show whether a side can serve: each call is one probe and returns one CheckResult.

Interface (also the watcher's). Thread-safe: nothing is shared between calls; an Http that is safe to share (DirectHttp)
is all they need. None of them raises, waits for a retry, or leaves a session or token of its own behind on success.
Durations in seconds; ``timeout`` bounds the whole call.

    one side:    check(http, domain, secrets, timeout=15) -> CheckResult
                 login      Kratos API flow that writes: wrong password refused, login, whoami, logout, whoami refused
                 token      client_credentials token at Hydra, active by introspection
                 admin      Kratos' admin list of identities (False where the side has no admin port, as `public`)
                 keys       Hydra's JWKS has a key (the first request makes it: 1 to 2 s)
                 ui_login   Hera's login page, its form posted, the session cookie accepted by whoami   [browser.py]
                 code_flow  authorization code through Hydra and Hera, token, userinfo, refresh, logout [browser.py]
    two sides:   check(http, here, there, secrets, timeout=15) -> CheckResult, judged for `here`
                 sessions   a session made on either side is accepted by whoami of the other
                 tokens     a client_credentials token issued on either side is active on the other
                 jwks       here's JWKS is a superset of there's, by kid
    one service: ready(http, endpoint, paths, timeout), version(http, endpoint, path, expected, timeout),
                 warm(http, endpoint, path, count, timeout)

ONE_SIDE and TWO_SIDES hold them by name. A Domain whose ``side`` is ``public`` has every endpoint
Endpoint(service, (edge address, port), scheme="https"). ``busy`` results (429) are no verdict.
Parts for callers that keep a session or a token over time (they take a Visit, see visit.py, and raise Failed) are in
ory.py: open_session, whoami, close_session, issue_token, introspect, revoke_token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import answers, ory
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.browser import code_flow, ui_login
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import (
    CheckResult,
    Domain,
    Endpoint,
    Secrets,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.visit import Failed, Visit, must, probe

__all__ = [
    "ONE_SIDE",
    "TWO_SIDES",
    "admin",
    "code_flow",
    "jwks",
    "keys",
    "login",
    "ready",
    "sessions",
    "token",
    "tokens",
    "ui_login",
    "version",
    "warm",
]

OneSide = Callable[[Http, Domain, Secrets, float], CheckResult]
TwoSides = Callable[[Http, Domain, Domain, Secrets, float], CheckResult]


# One side


def login(http: Http, domain: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    """The Kratos API login that writes a session, and takes it away again."""

    def act() -> str:
        visit = Visit(http, domain, timeout)
        must(answers.refused(ory.submit_login(visit, "not-" + secrets.password)), "login")
        token = ory.open_session(visit, secrets)
        ory.whoami(visit, token)
        ory.close_session(visit, token)
        must(answers.wants(ory.ask_whoami(visit, token), 401), "whoami after the logout")
        return "wrong password refused, logged in, whoami, logged out"

    return probe("login", domain.kratos.service, act)


def token(http: Http, domain: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    def act() -> str:
        visit = Visit(http, domain, timeout)
        issued = ory.issue_token(visit, secrets)
        ory.introspect(visit, issued)
        ory.revoke_token(visit, secrets, issued)
        return "issued, active, revoked"

    return probe("token", domain.hydra.service, act)


def admin(http: Http, domain: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    def act() -> str:
        visit = Visit(http, domain, timeout)
        response = visit.admin(domain.kratos, "GET", "/admin/identities?page_size=1&per_page=1", ory.JSON)
        must(answers.listed(response), "list of identities")
        return "identities listed"

    return probe("admin", domain.kratos.service, act)


def keys(http: Http, domain: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    def act() -> str:
        return "%d keys" % len(ory.key_ids(Visit(http, domain, timeout)))

    return probe("keys", domain.hydra.service, act)


# Two sides


def sessions(http: Http, here: Domain, there: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    def cross(maker: Visit, judge: Visit) -> None:
        token = ory.open_session(maker, secrets)
        ory.whoami(judge, token)
        ory.close_session(maker, token)

    def act() -> str:
        ours, theirs = Visit(http, here, timeout), Visit(http, there, timeout)
        cross(theirs, ours)
        cross(ours, theirs)
        return "sessions of %s and %s accepted by each other" % (here.side, there.side)

    return probe("sessions", here.kratos.service, act)


def tokens(http: Http, here: Domain, there: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    def cross(maker: Visit, judge: Visit) -> None:
        issued = ory.issue_token(maker, secrets)
        ory.introspect(judge, issued)
        ory.revoke_token(maker, secrets, issued)

    def act() -> str:
        ours, theirs = Visit(http, here, timeout), Visit(http, there, timeout)
        cross(theirs, ours)
        cross(ours, theirs)
        return "tokens of %s and %s active on each other" % (here.side, there.side)

    return probe("tokens", here.hydra.service, act)


def jwks(http: Http, here: Domain, there: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    def act() -> str:
        ours, theirs = ory.key_ids(Visit(http, here, timeout)), ory.key_ids(Visit(http, there, timeout))
        missing = theirs - ours
        must("%d keys of %s are missing" % (len(missing), there.side) if missing else "", "JWKS on %s" % here.side)
        return "%d keys, all %d of %s among them" % (len(ours), len(theirs), there.side)

    return probe("jwks", here.hydra.service, act)


# One service


def ready(http: Http, endpoint: Endpoint, paths: Sequence[tuple[str, str]], timeout: float = 10.0) -> CheckResult:
    """Each of ``paths`` is ("public" | "admin", path) and has to answer 200."""

    def act() -> str:
        visit = Visit(http, None, timeout)
        for port, path in paths:
            asked = visit.admin if port == "admin" else visit.direct
            must(answers.wants(asked(endpoint, "GET", path), 200), "%s %s" % (port, path))
        return "ready on " + ", ".join("%s %s" % pair for pair in paths)

    return probe("ready", endpoint.service, act)


def version(
    http: Http, endpoint: Endpoint, path: tuple[str, str], expected: str = "", timeout: float = 10.0
) -> CheckResult:
    """The ``version`` of the JSON that ``path`` ("public" | "admin", path) answers; any version when none expected."""

    def act() -> str:
        visit = Visit(http, None, timeout)
        asked = visit.admin if path[0] == "admin" else visit.direct
        response = asked(endpoint, "GET", path[1])
        must(answers.wants(response, 200), path[1])
        body = response.json()
        told = str(body.get("version") or "") if isinstance(body, dict) else ""
        if not told:
            raise Failed("%s tells no version" % path[1])
        if expected and not answers.same_version(told, expected):
            raise Failed("version %s answers, %s was expected" % (told, expected))
        return told

    return probe("version", endpoint.service, act)


def warm(http: Http, endpoint: Endpoint, path: str, count: int = 5, timeout: float = 30.0) -> CheckResult:
    """``count`` page loads one after another: each an answer below 400 that leads to no error page."""

    def act() -> str:
        visit = Visit(http, None, timeout)
        for _sample in range(count):
            response = visit.direct(endpoint, "GET", path)
            if response.status in answers.REDIRECTS:
                must(answers.error_page(response.headers.get("location", "")), path)
            elif response.status != 200:
                raise Failed("%s: %s" % (path, answers.unexpected(response)))
        return "%d loads of %s" % (count, path)

    return probe("warm", endpoint.service, act)


ONE_SIDE: dict[str, OneSide] = {
    "login": login,
    "token": token,
    "admin": admin,
    "keys": keys,
    "ui_login": ui_login,
    "code_flow": code_flow,
}
TWO_SIDES: dict[str, TwoSides] = {"sessions": sessions, "tokens": tokens, "jwks": jwks}
