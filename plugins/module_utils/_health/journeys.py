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
                            logout; through the edge where a way is given
                 seen_flow  the same without the logout, and nothing swept
    two sides:   check(http, here, there, secrets, timeout=15) -> CheckResult, judged for `here`; what `there` itself
                 can't do is in ``other``, and no failure of `here`
                 sessions   a session made on either side is accepted by whoami of the other
                 tokens     a client_credentials token issued on either side is active on the other
                 jwks       here's JWKS is a superset of there's, by kid
                 silent     a login made on either side is honoured by the other without a page (prompt=none)
    one service: ready(http, endpoint, paths, timeout), version(http, endpoint, path, expected, timeout),
                 warm(http, endpoint, path, count, timeout)

ONE_SIDE and TWO_SIDES hold them by name. A Domain whose ``side`` is ``public`` has every endpoint
Endpoint(service, (edge address, port), scheme="https"). ``busy`` results (429) are no verdict.
Parts for callers that keep a session or a token over time (they take a Visit, see session.py, and raise Failed) are in
ory_admin.py (open_session, whoami, close_session) and oauth.py (issue_token, introspect, revoke_token, key_ids).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from urllib.parse import urlencode

from .._core.http import Http
from . import answers, oauth, ory_admin, session_sweep
from .browser import Denied, Person
from .model import CheckResult, Domain, Endpoint, Secrets
from .session import Failed, Untested, Visit, must, of_other, probe
from .through_edge import Through

OneSide = Callable[..., CheckResult]
TwoSides = Callable[..., CheckResult]
Part = Callable[[], AbstractContextManager[None]]
# What Hydra answers where it may not show a page and would have to.
NOT_REMEMBERED = ("login_required", "interaction_required", "consent_required")
# Seconds that the other side has for its own part: one that hangs leaves time for the checks of the side asked.
OTHER_SECONDS = 10.0


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


def one_side(name: str, service: str, act: Callable[[Visit, Secrets], str]) -> OneSide:
    """The journey ``act`` as a check; ``service``: the part of the domain that it is about."""

    def check(http: Http, domain: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
        return probe(name, getattr(domain, service).service, lambda: act(Visit(http, domain, timeout), secrets))

    return check


def _token(visit: Visit, secrets: Secrets) -> str:
    client = oauth.client(visit, secrets)
    issued = oauth.issue_token(visit, client)
    oauth.introspect(visit, issued)
    oauth.revoke_token(visit, client, issued)
    return "issued, active, revoked"


def _admin(visit: Visit, _secrets: Secrets) -> str:
    path = "/admin/identities?page_size=1&per_page=1"
    must(answers.listed(visit.admin(visit.its_domain.kratos, "GET", path, ory_admin.JSON)), "list of identities")
    return "identities listed"


token = one_side("token", "hydra", _token)
admin = one_side("admin", "kratos", _admin)
keys = one_side("keys", "hydra", lambda visit, _secrets: "%d keys" % len(oauth.key_ids(visit)))


# Two sides


def two_sides(name: str, service: str, act: Callable[[Visit, Visit, Secrets], str]) -> TwoSides:
    """The journey ``act`` between the side that is asked and the other one, as a check."""

    def check(http: Http, here: Domain, there: Domain, secrets: Secrets, timeout: float = 15.0) -> CheckResult:
        visits = Visit(http, here, timeout), Visit(http, there, min(timeout, OTHER_SECONDS))
        return probe(name, getattr(here, service).service, lambda: act(*visits, secrets))

    return check


def _sessions(here: Visit, there: Visit, secrets: Secrets) -> str:
    with of_other(there.side):
        made = ory_admin.open_session(there, secrets)
        ory_admin.whoami(there, made)
    ory_admin.whoami(here, made)
    with of_other(there.side):
        ory_admin.close_session(there, made)
    made = ory_admin.open_session(here, secrets)
    ory_admin.whoami(there, made)
    ory_admin.close_session(here, made)
    return "sessions of %s and %s accepted by each other" % (here.side, there.side)


def _tokens(here: Visit, there: Visit, secrets: Secrets) -> str:
    with of_other(there.side):
        client = oauth.client(there, secrets)
        issued = oauth.issue_token(there, client)
        oauth.introspect(there, issued)
    oauth.introspect(here, issued)
    with of_other(there.side):
        oauth.revoke_token(there, client, issued)
    client = oauth.client(here, secrets)
    issued = oauth.issue_token(here, client)
    oauth.introspect(there, issued)
    oauth.revoke_token(here, client, issued)
    return "tokens of %s and %s active on each other" % (here.side, there.side)


def _jwks(here: Visit, there: Visit, _secrets: Secrets) -> str:
    known = oauth.key_ids(here)
    with of_other(there.side):
        needed = oauth.key_ids(there)
    missing = needed - known
    must("%d keys of %s are missing" % (len(missing), there.side) if missing else "", "JWKS on %s" % here.side)
    return "%d keys, all %d of %s among them" % (len(known), len(needed), there.side)


sessions = two_sides("sessions", "kratos", _sessions)
tokens = two_sides("tokens", "hydra", _tokens)
jwks = two_sides("jwks", "hydra", _jwks)


# A person


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
    the other colour's journey with them. The caller sweeps."""

    def act() -> str:
        return _whole(Visit(http, domain, timeout), secrets, logout=False)

    return probe("code_flow", domain.hydra.service, act)


def _whole(visit: Visit, secrets: Secrets, logout: bool) -> str:
    domain = visit.its_domain
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
    domain = visit.its_domain
    subject = oauth.userinfo(visit, str(tokens["access_token"]))
    if tokens.get("id_token"):
        claims = oauth.claims(str(tokens["id_token"]))
        audience = claims.get("aud")
        clients = [audience] if isinstance(audience, str) else list(audience or [])
        must("" if claims.get("nonce") == request.state else "the nonce of another request", "ID token")
        must("" if domain.client_id in clients else "for another client", "ID token")
        must("" if claims.get("sub") == subject else "another subject than that of the ID token", "userinfo")
    if session_sweep.stranger(visit, subject):
        raise Failed("userinfo: the subject is another person than the probe")


def _swept(visit: Visit, act: Callable[[], str], its_part: Part = nullcontext) -> str:
    """Act, and end the Kratos sessions that this left, also where it failed. ``its_part``: whose failure that is."""
    begun = session_sweep.Sweep.begin(visit)
    try:
        detail = act()
    except Exception:
        _quietly(visit, begun)
        raise
    with its_part():
        ended = begun.end(visit)
    return detail + (", %d session ended at Kratos" % ended if ended else "")


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
        visit, on_there = Visit(http, there, timeout), partial(of_other, there.side)
        _swept(visit, lambda: cross(there, here, on_there), on_there)
        _swept(visit, lambda: cross(here, there, nullcontext), on_there)
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
    domain = visit.its_domain
    session = str(oauth.claims(str(tokens["id_token"])).get("sid") or "") if tokens.get("id_token") else ""
    if session and domain.hydra.admin is not None:
        query = urlencode({"sid": session})
        session_sweep.ask(visit, domain.hydra, "DELETE", "/oauth2/auth/sessions/login", query)


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

    An application's own page may hold none (the published Site is asked at ``/``); Ory always answers one.
    """

    def act() -> str:
        visit = Visit(http, None, timeout)
        asked = visit.admin if path[0] == "admin" else visit.direct
        response = asked(endpoint, "GET", path[1])
        must(sent(answers.wants(response, 200), endpoint, path[0]), path[1])
        body = response.json()
        answered = str(body.get("version") or "") if isinstance(body, dict) else ""
        if not answered and not expected and path[0] == "public":
            return "%s answers no version" % path[1]
        if not answered:
            raise Failed("%s answers no version" % path[1])
        if expected and not answers.same_version(answered, expected):
            raise Failed("version %s answers, %s was expected" % (answered, expected))
        return answered

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


ONE_SIDE: dict[str, OneSide] = {"login": login, "token": token, "admin": admin, "keys": keys, "code_flow": code_flow}
TWO_SIDES: dict[str, TwoSides] = {"sessions": sessions, "tokens": tokens, "jwks": jwks, "silent": silent}
