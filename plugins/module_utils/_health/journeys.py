# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journeys that show whether a side can serve: each call is one probe and returns one CheckResult.

Interface (also the watcher's). Thread-safe: nothing is shared between calls; an Http that is safe to share (DirectHttp)
is all they need. None of them raises, waits for a retry, or leaves a session or token of its own behind on success.
Durations in seconds; ``timeout`` bounds the whole call.

    one side:    check(http, domain, secrets, timeout=15) -> CheckResult
                 login      Kratos API flow that writes: login, whoami, logout, whoami refused
                 token      client_credentials token at Hydra, active by introspection
                 admin      Kratos' admin list of identities (False where the side has no admin port, as `public`)
                 keys       Hydra's JWKS has a key (the first request makes it: 1 to 2 s)
                 code_flow  authorization code through Hydra and the login UI, token, userinfo, refresh,
                            logout; through the edge where a way is given                              [login.py]
                 seen_flow  the same without the logout, and nothing swept                              [login.py]
    two sides:   check(http, here, there, secrets, timeout=15) -> CheckResult, judged for `here`; what `there` itself
                 can't do is in ``other``, and no failure of `here`
                 sessions   a session made on either side is accepted by whoami of the other
                 tokens     a client_credentials token issued on either side is active on the other
                 jwks       here's JWKS is a superset of there's, by kid
                 silent     a login made on either side is honoured by the other without a page (prompt=none) [login.py]
    one service: ready(http, endpoint, paths, timeout), version(http, endpoint, path, expected, timeout),
                 warm(http, endpoint, path, count, timeout)

ONE_SIDE and TWO_SIDES hold them by name. A Domain whose ``side`` is ``public`` has every endpoint
Endpoint(service, (edge address, port), scheme="https"). ``busy`` results (429) are no verdict.
Parts for callers that keep a session or a token over time (they take a Visit, see visit.py, and raise Failed) are in
ory.py (open_session, whoami, close_session) and oauth.py (issue_token, introspect, revoke_token, key_ids).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import answers, oauth, ory_admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.login import code_flow, seen_flow, silent
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import (
    CheckResult,
    Domain,
    Endpoint,
    Secrets,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.session import (
    Failed,
    Visit,
    must,
    of_other,
    probe,
)

__all__ = [
    "ONE_SIDE",
    "TWO_SIDES",
    "admin",
    "code_flow",
    "jwks",
    "keys",
    "login",
    "ready",
    "seen_flow",
    "sessions",
    "silent",
    "token",
    "tokens",
    "version",
    "warm",
]

OneSide = Callable[[Http, Domain, Secrets, float], CheckResult]
TwoSides = Callable[[Http, Domain, Domain, Secrets, float], CheckResult]


# One side


class Control:
    """The wrong password that shows that Kratos refuses one: sent once, however often its check is asked again."""

    def __init__(self) -> None:
        self._left = True

    def send(self, visit: Visit, secrets: Secrets) -> bool:
        """False where it was sent before."""
        if not self._left:
            return False
        response = ory_admin.submit_login(visit, "not-" + secrets.password)
        self._left = False
        must(answers.refused(response), "login")
        return True


def login(
    http: Http, domain: Domain, secrets: Secrets, timeout: float = 15.0, control: Control | None = None
) -> CheckResult:
    """The Kratos API login that writes a session, and takes it away again; ``control`` first, where one is given."""

    def act() -> str:
        visit = Visit(http, domain, timeout)
        refused = "wrong password refused, " if control and control.send(visit, secrets) else ""
        token = ory_admin.open_session(visit, secrets)
        ory_admin.whoami(visit, token)
        ory_admin.close_session(visit, token)
        must(answers.wants(ory_admin.ask_whoami(visit, token), 401), "whoami after the logout")
        return refused + "logged in, whoami, logged out"

    return probe("login", domain.kratos.service, act)


def token(http: Http, domain: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    def act() -> str:
        visit = Visit(http, domain, timeout)
        who = oauth.client(visit, secrets)
        issued = oauth.issue_token(visit, who)
        oauth.introspect(visit, issued)
        oauth.revoke_token(visit, who, issued)
        return "issued, active, revoked"

    return probe("token", domain.hydra.service, act)


def admin(http: Http, domain: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    def act() -> str:
        visit = Visit(http, domain, timeout)
        response = visit.admin(domain.kratos, "GET", "/admin/identities?page_size=1&per_page=1", ory_admin.JSON)
        must(answers.listed(response), "list of identities")
        return "identities listed"

    return probe("admin", domain.kratos.service, act)


def keys(http: Http, domain: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    def act() -> str:
        return "%d keys" % len(oauth.key_ids(Visit(http, domain, timeout)))

    return probe("keys", domain.hydra.service, act)


# Two sides


# Seconds that the other side has for its own part: one that hangs leaves time for the checks of the side asked.
OTHER_SECONDS = 10.0


def sessions(http: Http, here: Domain, there: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    def act() -> str:
        ours, theirs = Visit(http, here, timeout), Visit(http, there, min(timeout, OTHER_SECONDS))
        with of_other(there.side):
            made = ory_admin.open_session(theirs, secrets)
            ory_admin.whoami(theirs, made)
        ory_admin.whoami(ours, made)
        with of_other(there.side):
            ory_admin.close_session(theirs, made)
        made = ory_admin.open_session(ours, secrets)
        ory_admin.whoami(theirs, made)
        ory_admin.close_session(ours, made)
        return "sessions of %s and %s accepted by each other" % (here.side, there.side)

    return probe("sessions", here.kratos.service, act)


def tokens(http: Http, here: Domain, there: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    def act() -> str:
        ours, theirs = Visit(http, here, timeout), Visit(http, there, min(timeout, OTHER_SECONDS))
        with of_other(there.side):
            who = oauth.client(theirs, secrets)
            issued = oauth.issue_token(theirs, who)
            oauth.introspect(theirs, issued)
        oauth.introspect(ours, issued)
        with of_other(there.side):
            oauth.revoke_token(theirs, who, issued)
        who = oauth.client(ours, secrets)
        issued = oauth.issue_token(ours, who)
        oauth.introspect(theirs, issued)
        oauth.revoke_token(ours, who, issued)
        return "tokens of %s and %s active on each other" % (here.side, there.side)

    return probe("tokens", here.hydra.service, act)


def jwks(http: Http, here: Domain, there: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
    def act() -> str:
        ours = oauth.key_ids(Visit(http, here, timeout))
        with of_other(there.side):
            theirs = oauth.key_ids(Visit(http, there, min(timeout, OTHER_SECONDS)))
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
            must(sent(answers.wants(asked(endpoint, "GET", path), 200), endpoint, port), "%s %s" % (port, path))
        return "ready on " + ", ".join("%s %s" % pair for pair in paths)

    return probe("ready", endpoint.service, act)


def sent(reason: str, endpoint: Endpoint, port: str) -> str:
    """``reason`` with the Host that was sent: an application may serve its own names alone."""
    if not reason or port == "admin":
        return reason
    host = endpoint.host or "%s:%d" % endpoint.address
    return "%s to Host %s. Fix: allow that host, or name one: bluegreen_services.%s.host" % (
        reason,
        host,
        endpoint.service,
    )


def version(
    http: Http, endpoint: Endpoint, path: tuple[str, str], expected: str = "", timeout: float = 10.0
) -> CheckResult:
    """The ``version`` of the JSON that ``path`` ("public" | "admin", path) answers; any version when none expected.

    An application's own page may hold none (the published Site is asked at ``/``); Ory always tells one.
    """

    def act() -> str:
        visit = Visit(http, None, timeout)
        asked = visit.admin if path[0] == "admin" else visit.direct
        response = asked(endpoint, "GET", path[1])
        must(sent(answers.wants(response, 200), endpoint, path[0]), path[1])
        body = response.json()
        told = str(body.get("version") or "") if isinstance(body, dict) else ""
        if not told and not expected and path[0] == "public":
            return "%s tells no version" % path[1]
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
                raise Failed("%s: %s" % (path, sent(answers.unexpected(response), endpoint, "public")))
        return "%d loads of %s" % (count, path)

    return probe("warm", endpoint.service, act)


ONE_SIDE: dict[str, OneSide] = {
    "login": login,
    "token": token,
    "admin": admin,
    "keys": keys,
    "code_flow": code_flow,
}
TWO_SIDES: dict[str, TwoSides] = {"sessions": sessions, "tokens": tokens, "jwks": jwks, "silent": silent}
