# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a visit asks of Hydra as its OAuth client: one small call each. They raise Failed, without secrets."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from . import answers
from .model import Domain, Secrets
from .session import Failed, Visit, must
from .session_sweep import ask

JSON = {"Accept": "application/json"}
SENDS_FORM = {**JSON, "Content-Type": "application/x-www-form-urlencoded"}
BASIC, POST, PUBLIC = "client_secret_basic", "client_secret_post", "none"


def oauth_url(visit: Visit, path: str) -> str:
    return "https://%s%s" % (visit.its_domain.oauth_host, path)


@dataclass(frozen=True)
class Client:
    """The probe's client: ``method`` is how it shows its secret at the token endpoint."""

    id: str
    secret: str = field(repr=False)
    method: str = BASIC

    def sends(self, form: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
        """(headers, body) of a form to Hydra. HTTP Basic as OAuth wants it: both parts form-encoded first."""
        if self.method == BASIC:
            pair = "%s:%s" % (quote(self.id, safe=""), quote(self.secret, safe=""))
            headers = {**SENDS_FORM, "Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
            return headers, urlencode(form).encode()
        shown = {"client_id": self.id, **({"client_secret": self.secret} if self.method == POST else {})}
        return dict(SENDS_FORM), urlencode({**form, **shown}).encode()


def client(visit: Visit, secrets: Secrets) -> Client:
    """As Hydra's admin port describes it; where it can't be asked, a client with a secret shows it by HTTP Basic."""
    domain = visit.its_domain
    method = BASIC if secrets.client_secret else PUBLIC
    if domain.hydra.admin is not None:
        response = ask(visit, domain.hydra, "GET", "/clients/" + quote(domain.client_id, safe=""))
        about = response.json()
        if response.status == 404:
            raise Failed("Hydra knows no client %s. Fix: correct client_id of bluegreen_probes" % domain.client_id)
        if response.status == 200 and isinstance(about, dict):
            method = str(about.get("token_endpoint_auth_method") or method)
            _fits(about, domain)
    if method not in (BASIC, POST, PUBLIC):
        raise Failed(
            "client %s authenticates by %s. Fix: give the probe a client of its own" % (domain.client_id, method)
        )
    return Client(domain.client_id, secrets.client_secret, method)


def _fits(about: Mapping[str, Any], domain: Domain) -> None:
    known = [str(one) for one in about.get("redirect_uris") or []]
    if domain.redirect_uri and known and domain.redirect_uri not in known:
        raise Failed(
            "client %s has no redirect_uri %s. Fix: correct redirect_uri of bluegreen_probes (Hydra has %s)"
            % (domain.client_id, domain.redirect_uri, ", ".join(known[:3]))
        )
    lacks = [one for one in domain.scope.split() if one not in str(about.get("scope") or domain.scope).split()]
    if lacks:
        raise Failed(
            "client %s may not ask for scope %s. Fix: allow it, or set scope in bluegreen_probes"
            % (domain.client_id, " ".join(lacks))
        )


def ask_token(visit: Visit, who: Client, **grant: str) -> dict[str, Any]:
    """The token answer for a grant."""
    headers, body = who.sends(grant)
    response = visit.send("POST", oauth_url(visit, "/oauth2/token"), headers, body)
    must(answers.token(response), "token (%s) on %s" % (grant.get("grant_type"), visit.side))
    return dict(response.json())


def issue_token(visit: Visit, who: Client) -> str:
    return str(ask_token(visit, who, grant_type="client_credentials")["access_token"])


def introspect(visit: Visit, token: str) -> None:
    domain = visit.its_domain
    body = urlencode({"token": token}).encode()
    response = visit.admin(domain.hydra, "POST", "/admin/oauth2/introspect", SENDS_FORM, body)
    must(answers.introspected(response), "introspection on %s" % domain.side)


def revoke_token(visit: Visit, who: Client, token: str) -> None:
    headers, body = who.sends({"token": token})
    response = visit.send("POST", oauth_url(visit, "/oauth2/revoke"), headers, body)
    must(answers.wants(response, 200), "revocation on %s" % visit.side)


def userinfo(visit: Visit, token: str) -> str:
    """The subject that userinfo tells."""
    response = visit.send("GET", oauth_url(visit, "/userinfo"), {**JSON, "Authorization": "Bearer " + token})
    must(answers.wants(response, 200), "userinfo")
    body = response.json()
    subject = str(body.get("sub") or "") if isinstance(body, dict) else ""
    must("" if subject else "no subject", "userinfo")
    return subject


def key_ids(visit: Visit) -> frozenset[str]:
    """The kids of the JWKS; the first request may take seconds because it makes the key."""
    response = visit.send("GET", oauth_url(visit, "/.well-known/jwks.json"), JSON)
    must(answers.wants(response, 200), "JWKS on %s" % visit.side)
    found = answers.key_ids(response)
    must("" if found else "no keys", "JWKS on %s" % visit.side)
    return found


def claims(id_token: str) -> dict[str, Any]:
    """What an ID token says. Its signature is not looked at: it came from the token endpoint itself."""
    part = (id_token.split(".") + ["", ""])[1]
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error):
        found = None
    if not isinstance(found, dict):
        raise Failed("the ID token can't be read")
    return found


@dataclass(frozen=True)
class Request:
    """One authorization request: its state, nonce and PKCE verifier are random. ``prompt`` none asks for no page.

    Without ``pkce`` it is as clients of before send it.
    """

    prompt: str = ""
    pkce: bool = True
    state: str = field(default_factory=lambda: random.token_hex(16), repr=False)
    verifier: str = field(default_factory=lambda: random.token_urlsafe(48), repr=False)

    def url(self, visit: Visit) -> str:
        domain = visit.its_domain
        digest = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": domain.client_id,
            "redirect_uri": domain.redirect_uri,
            "scope": domain.scope,
            "state": self.state,
            "nonce": self.state,
            **({"code_challenge": digest, "code_challenge_method": "S256"} if self.pkce else {}),
            **({"prompt": self.prompt} if self.prompt else {}),
        }
        return oauth_url(visit, "/oauth2/auth?" + urlencode(query))
