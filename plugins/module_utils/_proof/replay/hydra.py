# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Hydra is asked in the proof: with a client of its own; its admin port accepts login, consent and logout."""

from __future__ import annotations

import base64
import binascii
import json
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit

from ..._core.http import Response
from ..._health import answers, oauth
from ..._health.model import Domain
from ..._health.session import Failed, Visit, must
from .side import SECONDS, Side, told_of

SENDS_JSON = {**oauth.JSON, "Content-Type": "application/json"}
REDIRECT = "https://proof.example.com/callback"
SUBJECT, SCOPE = "bluegreen-proof", "openid offline"
HOPS = 12
HTML = {"Accept": "text/html"}
# What Hydra asks an application's pages for.
ASKED = ("login", "consent", "logout")


@dataclass(frozen=True)
class Grant:
    """A client that a side made, and the tokens and the browser of a login with it that were left open there.

    ``spare`` is a token that any side may revoke.
    """

    client: oauth.Client
    access: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    browser: Visit | None = field(default=None, repr=False)
    spare: str = field(default="", repr=False)


@dataclass
class Flow:
    """A browser on its way through Hydra. ``step``: how far it is; ``kind`` and ``challenge``: what Hydra asks a page
    for now; ``asked``: what no memory answered."""

    visit: Visit = field(repr=False)
    client: oauth.Client
    request: oauth.Request
    subject: str
    url: str = field(repr=False)
    step: str = "begun"
    kind: str = ""
    challenge: str = field(default="", repr=False)
    asked: list[str] = field(default_factory=list)

    @property
    def landed(self) -> bool:
        """Whether it is at an address that is not Hydra's any more, or at a page of its own."""
        parts = urlsplit(self.url)
        ours = (parts.hostname or "").lower() == self.visit.its_domain.oauth_host
        return not self.kind and (not ours or "/oauth2/" not in parts.path or "/fallbacks/" in parts.path)


class Hydra(Side[Grant]):
    """By its public port as a browser and a client, and by the admin port as a login UI."""

    journeys = (
        "keys", "client", "token", "code_flow", "consent_memory", "refresh", "introspection", "revocation", "sessions",
        "logout",
    )  # fmt: skip
    core = ("client", "code_flow")
    crossing: Mapping[str, str] = {
        name: name for name in ("keys", "client", "token", "consent_memory", "refresh", "revocation", "logout")
    }
    lasting = ("keys", "client", "token", "consent_memory")
    flights = (
        "login pending", "login accepted", "consent pending", "consent accepted", "code minted",
        "code minted without PKCE", "logout pending", "logout accepted",
    )  # fmt: skip

    def left(self) -> Grant | None:
        return self.made if self.made and self.made.access else None

    def cross(self, journey: str, theirs: Grant) -> str:
        visit = self._visit(theirs.client)
        if journey == "keys":
            must("" if _kid(theirs.id_token) in oauth.key_ids(visit) else "the key of an ID token is unknown", "JWKS")
        elif journey == "client":
            self._read(visit, theirs.client)
        elif journey == "token":
            self._active(visit, theirs.access)
            oauth.userinfo(visit, theirs.access)
            oauth.issue_token(visit, theirs.client)
        elif journey == "refresh":
            self._refreshed(visit, theirs)
        elif journey == "revocation":
            self._revoked(visit, theirs.client, theirs.spare, theirs.spare)
        else:
            visit.cookies = theirs.browser.cookies if theirs.browser else visit.cookies
            if journey == "consent_memory":
                self._remembered(visit, theirs.client)
            else:
                self._log_out(visit, theirs.client, theirs.id_token)
        return "accepted"

    def begin(self, step: str) -> Flow:
        client = self.has.client
        visit = self._visit(client)
        if step.startswith("logout"):
            told = self._logged_in(visit, client, _subject())
            flow = self._leaving(visit, client, str(told.get("id_token") or ""))
        else:
            flow = self._flow(visit, client, _subject(), pkce="without PKCE" not in step)
        return self._led(flow, step.replace(" without PKCE", ""))

    def finish(self, step: str, begun: Flow) -> str:
        visit = self._visit(begun.client)
        visit.cookies = begun.visit.cookies
        flow = self._led(replace(begun, visit=visit))
        if step.startswith("logout"):
            _came_back(flow.url)
        else:
            self._redeemed(flow)
        return "finished"

    def _named(self) -> str:
        told = Visit(self.http, None, SECONDS).direct(self.at, "GET", "/.well-known/openid-configuration", oauth.JSON)
        must(answers.wants(told, 200), "OpenID configuration")
        return str(told_of(told).get("authorization_endpoint") or "")

    def _visit(self, client: oauth.Client | None = None) -> Visit:
        """A visitor who sends the public name that Hydra itself tells."""
        name = client.id if client else ""
        domain = Domain("proof", self.at.service, "", self.host, SUBJECT, name, REDIRECT, self.at, self.at, None, SCOPE)
        return Visit(self.http, domain, SECONDS)

    def _ask_admin(self, visit: Visit, method: str, path: str, given: Mapping[str, Any] | None = None) -> Response:
        """An admin question, with /admin in front as Ory has it now, else without."""
        body = json.dumps(given).encode() if given is not None else None
        response = visit.admin(self.at, method, "/admin" + path, SENDS_JSON, body)
        if response.status in (404, 405):
            response = visit.admin(self.at, method, path, SENDS_JSON, body)
        return response

    def _admin(self, visit: Visit, method: str, path: str, given: Mapping[str, Any] | None = None) -> Any:
        """The JSON that it answers."""
        response = self._ask_admin(visit, method, path, given)
        must(answers.wants(response, 200, 201, 204), "%s %s" % (method, path.partition("?")[0]))
        return response.json()

    def _keys(self) -> str:
        return "%d keys" % len(oauth.key_ids(self._visit()))

    def _client(self) -> str:
        about = {
            "client_name": SUBJECT,
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "response_types": ["code"],
            "redirect_uris": [REDIRECT],
            "post_logout_redirect_uris": [REDIRECT],
            "scope": SCOPE,
            "token_endpoint_auth_method": oauth.BASIC,
        }
        visit = self._visit()
        made = self._admin(visit, "POST", "/clients", about)
        if not isinstance(made, dict) or not made.get("client_id") or not made.get("client_secret"):
            raise Failed("POST /clients: no id and secret came back")
        client = oauth.Client(str(made["client_id"]), str(made["client_secret"]))
        self._read(visit, client)
        self.made = Grant(client)
        return "made, read, listed"

    def _read(self, visit: Visit, client: oauth.Client) -> None:
        self._admin(visit, "GET", "/clients/" + quote(client.id, safe=""))
        must("" if isinstance(self._admin(visit, "GET", "/clients"), list) else "no list", "list of clients")

    def _token(self) -> str:
        client = self.has.client
        visit = self._visit(client)
        token = oauth.issue_token(visit, client)
        self._active(visit, token)
        oauth.revoke_token(visit, client, token)
        self.keep(replace(self.has, spare=oauth.issue_token(visit, client)))
        return "issued, active, revoked"

    def _code_flow(self) -> str:
        client = self.has.client
        visit = self._visit(client)
        told = self._logged_in(visit, client)
        oauth.userinfo(visit, str(told["access_token"]))
        access, refresh, id_token = (
            str(told.get(name) or "") for name in ("access_token", "refresh_token", "id_token")
        )
        self.keep(replace(self.has, browser=visit, access=access, refresh=refresh, id_token=id_token))
        return "login, consent, code, tokens, userinfo"

    def _flow(self, visit: Visit, client: oauth.Client, subject: str = SUBJECT, pkce: bool = True) -> Flow:
        request = oauth.Request(pkce=pkce)
        return Flow(visit, client, request, subject, request.url(visit))

    def _logged_in(self, visit: Visit, client: oauth.Client, subject: str = SUBJECT) -> dict[str, Any]:
        """Through login and consent, which the admin port accepts, to the code and its tokens."""
        return self._redeemed(self._led(self._flow(visit, client, subject)))

    def _redeemed(self, flow: Flow) -> dict[str, Any]:
        query = parse_qs(urlsplit(flow.url).query)
        came = query.get("state") == [flow.request.state] and query.get("code")
        must(answers.error_page(flow.url) or ("" if came else "no code came back"), "code flow")
        grant = {"grant_type": "authorization_code", "code": query["code"][0], "redirect_uri": REDIRECT}
        if flow.request.pkce:
            grant["code_verifier"] = flow.request.verifier
        return oauth.ask_token(flow.visit, flow.client, **grant)

    def _led(self, flow: Flow, step: str = "") -> Flow:
        """Led on to this step, else to the first address that is not Hydra's."""
        for _hop in range(HOPS):
            if flow.step == step or flow.landed:
                must("" if step in ("", flow.step) else "it ended before", step)
                return flow
            self._go_on(flow)
        raise Failed("more than %d steps" % HOPS)

    def _go_on(self, flow: Flow) -> None:
        """Follow one redirect, or accept what Hydra asks a page for."""
        if flow.kind:
            flow.url, flow.step, flow.kind = self._accepted(flow), flow.kind + " accepted", ""
            return
        flow.url = _target(flow.visit.send("GET", flow.url, HTML), flow.url)
        asked = parse_qs(urlsplit(flow.url).query)
        flow.kind = next((one for one in ASKED if asked.get(one + "_challenge")), "")
        if flow.kind:
            flow.challenge, flow.step = asked[flow.kind + "_challenge"][0], flow.kind + " pending"
        elif asked.get("code"):
            flow.step = "code minted"

    def _accepted(self, flow: Flow) -> str:
        """Where Hydra sends the browser after its login, consent or logout was accepted."""
        kind, query = flow.kind, "?" + urlencode({flow.kind + "_challenge": flow.challenge})
        path = "/oauth2/auth/requests/%s" % kind
        asked = self._admin(flow.visit, "GET", path + query)
        given: dict[str, Any] = {"remember": True, "remember_for": 3600} if kind != "logout" else {}
        if kind != "logout" and not asked.get("skip"):
            flow.asked.append(kind)
        if kind == "login":
            given["subject"] = asked.get("subject") or flow.subject
        if kind == "consent":
            given["grant_scope"] = asked.get("requested_scope") or SCOPE.split()
        told = self._admin(flow.visit, "PUT", path + "/accept" + query, given)
        return str((told or {}).get("redirect_to") or "")

    def _consent_memory(self) -> str:
        grant = self.has
        must("" if grant.browser else "no login before", "consent memory")
        visit = self._visit(grant.client)
        visit.cookies = grant.browser.cookies if grant.browser else visit.cookies
        self._remembered(visit, grant.client)
        return "neither login nor consent asked again"

    def _remembered(self, visit: Visit, client: oauth.Client) -> None:
        flow = self._led(self._flow(visit, client))
        self._redeemed(flow)
        again = " and ".join("the remembered %s is asked again" % kind for kind in flow.asked)
        must(again, "second login of the same browser")

    def _refresh(self) -> str:
        grant = self.has
        if not grant.refresh:
            raise Failed("the login gave no refresh token")
        self.keep(self._refreshed(self._visit(grant.client), grant))
        return "refreshed"

    def _refreshed(self, visit: Visit, grant: Grant) -> Grant:
        told = oauth.ask_token(visit, grant.client, grant_type="refresh_token", refresh_token=grant.refresh)
        self._active(visit, str(told["access_token"]))
        return replace(grant, access=str(told["access_token"]), refresh=str(told.get("refresh_token") or grant.refresh))

    def _introspection(self) -> str:
        self._active(self._visit(self.has.client), self.has.access)
        return "active"

    def _revocation(self) -> str:
        """Of a login of its own: that of the code flow stays for the other side."""
        client = self.has.client
        visit = self._visit(client)
        told = self._logged_in(visit, client, _subject())
        access = str(told["access_token"])
        self._revoked(visit, client, str(told.get("refresh_token") or access), access)
        return "revoked"

    def _revoked(self, visit: Visit, client: oauth.Client, token: str, access: str) -> None:
        oauth.revoke_token(visit, client, token)
        seen = self._introspected(visit, access)
        must(answers.wants(seen, 200), "introspection after the revocation")
        must("" if answers.introspected(seen) else "the token is still active", "introspection after the revocation")

    def _active(self, visit: Visit, token: str) -> None:
        must(answers.introspected(self._introspected(visit, token)), "introspection")

    def _introspected(self, visit: Visit, token: str) -> Response:
        body = urlencode({"token": token}).encode()
        response = visit.admin(self.at, "POST", "/admin/oauth2/introspect", oauth.SENDS_FORM, body)
        if response.status in (404, 405):
            response = visit.admin(self.at, "POST", "/oauth2/introspect", oauth.SENDS_FORM, body)
        return response

    def _sessions(self) -> str:
        """An admin lists and ends what a subject of its own granted, and its login session."""
        client, subject = self.has.client, _subject()
        visit = self._visit(client)
        told = self._logged_in(visit, client, subject)
        consents, logins = ("/oauth2/auth/sessions/%s?" % kind for kind in ("consent", "login"))
        listed = self._admin(visit, "GET", consents + urlencode({"subject": subject}))
        must("" if isinstance(listed, list) and listed else "no consent is listed", "consent sessions")
        self._admin(visit, "DELETE", consents + urlencode({"subject": subject, "client": client.id}))
        session = str(oauth.claims(str(told.get("id_token") or "")).get("sid") or "")
        ended = self._ask_admin(visit, "DELETE", logins + urlencode({"sid": session}))
        if ended.status == 400:
            # An older Hydra ends all of a subject alone.
            ended = self._ask_admin(visit, "DELETE", logins + urlencode({"subject": subject}))
        must(answers.wants(ended, 204), "end of a login session")
        again = self._led(self._flow(visit, client, subject))
        must("" if "login" in again.asked else "the ended session still counts", "login")
        return "listed, ended"

    def _logout(self) -> str:
        """Of a login of its own, to its very end."""
        client = self.has.client
        visit = self._visit(client)
        told = self._logged_in(visit, client, _subject())
        self._log_out(visit, client, str(told.get("id_token") or ""))
        return "logged out"

    def _log_out(self, visit: Visit, client: oauth.Client, id_token: str) -> None:
        _came_back(self._led(self._leaving(visit, client, id_token)).url)

    def _leaving(self, visit: Visit, client: oauth.Client, id_token: str) -> Flow:
        query = urlencode({"id_token_hint": id_token, "post_logout_redirect_uri": REDIRECT})
        url = oauth.oauth_url(visit, "/oauth2/sessions/logout?" + query)
        return Flow(visit, client, oauth.Request(), SUBJECT, url)


def _subject() -> str:
    """Another person each time: what one remembers or ends says nothing of another."""
    return "%s-%s" % (SUBJECT, random.token_hex(5))


def _came_back(url: str) -> None:
    must(answers.error_page(url) or ("" if url.startswith(REDIRECT) else "it did not come back"), "logout")


def _kid(token: str) -> str:
    """The key that signed a JWT."""
    part = token.split(".")[0]
    try:
        return str(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["kid"])
    except (ValueError, binascii.Error, KeyError, TypeError) as exc:
        raise Failed("the ID token can't be read") from exc


def _target(response: Response, url: str) -> str:
    if response.status not in answers.REDIRECTS:
        raise Failed("%s: %s" % (urlsplit(url).path, answers.unexpected(response)))
    target = urljoin(url, response.headers.get("location", ""))
    must(answers.error_page(target), urlsplit(url).path)
    return target
