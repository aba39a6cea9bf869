# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Hydra is asked in the proof: with a client of its own; its admin port accepts login, consent and logout."""

from __future__ import annotations

import json
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


@dataclass(frozen=True)
class Grant:
    """A client that a side made, and the tokens and the browser of a login with it that were left open there."""

    client: oauth.Client
    access: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    browser: Visit | None = field(default=None, repr=False)


class Hydra(Side[Grant]):
    """By its public port as a browser and a client, and by the admin port as a login UI."""

    journeys = ("keys", "client", "token", "code_flow", "refresh", "introspection", "revocation", "logout")
    core = ("client", "code_flow")
    crossing: Mapping[str, str] = {"token": "token", "refresh": "refresh", "logout": "logout"}

    def left(self) -> Grant | None:
        return self.made if self.made and self.made.access else None

    def cross(self, journey: str, theirs: Grant) -> str:
        visit = self._visit(theirs.client)
        if journey == "token":
            self._active(visit, theirs.access)
            oauth.issue_token(visit, theirs.client)
        elif journey == "refresh":
            self._refreshed(visit, theirs)
        else:
            visit.cookies = theirs.browser.cookies if theirs.browser else visit.cookies
            self._log_out(visit, theirs.id_token)
        return "accepted"

    def _named(self) -> str:
        told = Visit(self.http, None, SECONDS).direct(self.at, "GET", "/.well-known/openid-configuration", oauth.JSON)
        must(answers.wants(told, 200), "OpenID configuration")
        return str(told_of(told).get("authorization_endpoint") or "")

    def _visit(self, client: oauth.Client | None = None) -> Visit:
        """A visitor who sends the public name that Hydra itself tells."""
        name = client.id if client else ""
        domain = Domain("proof", self.at.service, "", self.host, SUBJECT, name, REDIRECT, self.at, self.at, None, SCOPE)
        return Visit(self.http, domain, SECONDS)

    def _admin(self, visit: Visit, method: str, path: str, given: Mapping[str, Any] | None = None) -> Any:
        """The JSON that an admin question answers, with /admin in front as Ory has it now, else without."""
        body = json.dumps(given).encode() if given is not None else None
        response = visit.admin(self.at, method, "/admin" + path, SENDS_JSON, body)
        if response.status in (404, 405):
            response = visit.admin(self.at, method, path, SENDS_JSON, body)
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
        self._admin(visit, "GET", "/clients/" + quote(client.id, safe=""))
        must("" if isinstance(self._admin(visit, "GET", "/clients"), list) else "no list", "list of clients")
        self.made = Grant(client)
        return "made, read, listed"

    def _token(self) -> str:
        client = self.has.client
        visit = self._visit(client)
        token = oauth.issue_token(visit, client)
        self._active(visit, token)
        oauth.revoke_token(visit, client, token)
        return "issued, active, revoked"

    def _code_flow(self) -> str:
        client = self.has.client
        visit = self._visit(client)
        told = self._logged_in(visit, client)
        oauth.userinfo(visit, str(told["access_token"]))
        access, refresh, id_token = (
            str(told.get(name) or "") for name in ("access_token", "refresh_token", "id_token")
        )
        self.keep(Grant(client, access, refresh, id_token, visit))
        return "login, consent, code, tokens, userinfo"

    def _logged_in(self, visit: Visit, client: oauth.Client) -> dict[str, Any]:
        """Through login and consent, which the admin port accepts, to the code and its tokens."""
        request = oauth.Request()
        landed = self._walk(visit, request.url(visit))
        query = parse_qs(urlsplit(landed).query)
        must("" if query.get("state") == [request.state] and query.get("code") else "no code came back", "code flow")
        grant = {"grant_type": "authorization_code", "code": query["code"][0], "redirect_uri": REDIRECT}
        return oauth.ask_token(visit, client, **grant, code_verifier=request.verifier)

    def _walk(self, visit: Visit, url: str) -> str:
        """Follow Hydra's redirects, accepting what it asks a login UI for, to the first address that is not Hydra's."""
        for _hop in range(HOPS):
            response = visit.send("GET", url, {"Accept": "text/html"})
            target = _target(response, url)
            asked = parse_qs(urlsplit(target).query)
            kind = next((one for one in ("login", "consent", "logout") if asked.get(one + "_challenge")), "")
            if kind:
                target = self._accepted(visit, kind, asked[kind + "_challenge"][0])
            host = (urlsplit(target).hostname or "").lower()
            ours = visit.domain is not None and host == visit.domain.oauth_host
            if not ours or "/oauth2/" not in urlsplit(target).path or "/fallbacks/" in urlsplit(target).path:
                return target
            url = target
        raise Failed("more than %d redirects" % HOPS)

    def _accepted(self, visit: Visit, kind: str, challenge: str) -> str:
        """Where Hydra sends the browser after its login, consent or logout was accepted."""
        query = "?" + urlencode({kind + "_challenge": challenge})
        path = "/oauth2/auth/requests/%s" % kind
        given: dict[str, Any] = {"remember": True, "remember_for": 3600} if kind != "logout" else {}
        if kind == "login":
            given["subject"] = SUBJECT
        if kind == "consent":
            asked = self._admin(visit, "GET", path + query)
            given["grant_scope"] = asked.get("requested_scope") or SCOPE.split()
        told = self._admin(visit, "PUT", path + "/accept" + query, given)
        return str((told or {}).get("redirect_to") or "")

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
        told = self._logged_in(visit, client)
        oauth.revoke_token(visit, client, str(told.get("refresh_token") or told["access_token"]))
        seen = self._introspected(visit, str(told["access_token"]))
        must("" if answers.introspected(seen) else "the token is still active", "introspection after the revocation")
        return "revoked"

    def _active(self, visit: Visit, token: str) -> None:
        must(answers.introspected(self._introspected(visit, token)), "introspection")

    def _introspected(self, visit: Visit, token: str) -> Response:
        body = urlencode({"token": token}).encode()
        response = visit.admin(self.at, "POST", "/admin/oauth2/introspect", oauth.SENDS_FORM, body)
        if response.status in (404, 405):
            response = visit.admin(self.at, "POST", "/oauth2/introspect", oauth.SENDS_FORM, body)
        return response

    def _logout(self) -> str:
        """Of a login of its own, to its very end."""
        client = self.has.client
        visit = self._visit(client)
        told = self._logged_in(visit, client)
        self._log_out(visit, str(told.get("id_token") or ""))
        return "logged out"

    def _log_out(self, visit: Visit, id_token: str) -> None:
        query = urlencode({"id_token_hint": id_token, "post_logout_redirect_uri": REDIRECT})
        landed = self._walk(visit, oauth.oauth_url(visit, "/oauth2/sessions/logout?" + query))
        must(answers.error_page(landed) or ("" if landed.startswith(REDIRECT) else "it did not come back"), "logout")


def _target(response: Response, url: str) -> str:
    if response.status not in answers.REDIRECTS:
        raise Failed("%s: %s" % (urlsplit(url).path, answers.unexpected(response)))
    target = urljoin(url, response.headers.get("location", ""))
    must(answers.error_page(target), urlsplit(url).path)
    return target
