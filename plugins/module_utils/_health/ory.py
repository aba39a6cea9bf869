# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a visit asks of Kratos and Hydra: one small call each. They raise Failed; none of them puts a secret in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import answers
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Domain, Secrets
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.visit import Failed, Visit, must

JSON = {"Accept": "application/json"}
SENDS_JSON = {**JSON, "Content-Type": "application/json"}
SENDS_FORM = {**JSON, "Content-Type": "application/x-www-form-urlencoded"}


def _domain(visit: Visit) -> Domain:
    if visit.domain is None:
        raise Failed("this visit has no domain")
    return visit.domain


def login_url(visit: Visit, path: str) -> str:
    return "https://%s%s" % (_domain(visit).login_host, path)


def oauth_url(visit: Visit, path: str) -> str:
    return "https://%s%s" % (_domain(visit).oauth_host, path)


# Kratos


def submit_login(visit: Visit, password: str) -> Response:
    """A new API login flow, submitted with this password."""
    begun = visit.send("GET", login_url(visit, "/self-service/login/api"), JSON)
    must(answers.wants(begun, 200), "begin of the login flow")
    body = begun.json()
    flow = body.get("id") if isinstance(body, dict) else None
    if not flow:
        raise Failed("begin of the login flow: no flow id")
    given = {"method": "password", "identifier": _domain(visit).identifier, "password": password}
    url = login_url(visit, "/self-service/login?flow=%s" % quote(str(flow)))
    return visit.send("POST", url, SENDS_JSON, json.dumps(given).encode())


def open_session(visit: Visit, secrets: Secrets) -> str:
    """The token of a new session."""
    response = submit_login(visit, secrets.password)
    must(answers.logged_in(response), "login on %s" % _domain(visit).side)
    return str(response.json()["session_token"])


def ask_whoami(visit: Visit, token: str = "") -> Response:
    """By session token, or by the visit's cookies."""
    headers = {**JSON, "X-Session-Token": token} if token else JSON
    return visit.send("GET", login_url(visit, "/sessions/whoami"), headers)


def whoami(visit: Visit, token: str = "") -> None:
    must(answers.whoami(ask_whoami(visit, token)), "whoami on %s" % _domain(visit).side)


def close_session(visit: Visit, token: str) -> None:
    body = json.dumps({"session_token": token}).encode()
    response = visit.send("DELETE", login_url(visit, "/self-service/logout/api"), SENDS_JSON, body)
    must(answers.wants(response, 204), "logout on %s" % _domain(visit).side)


def close_browser_session(visit: Visit) -> None:
    """The browser logout of the session in the visit's cookies."""
    begun = visit.send("GET", login_url(visit, "/self-service/logout/browser"), JSON)
    must(answers.wants(begun, 200), "begin of the browser logout")
    body = begun.json()
    token = body.get("logout_token") if isinstance(body, dict) else None
    if not token:
        raise Failed("begin of the browser logout: no logout token")
    ended = visit.send("GET", login_url(visit, "/self-service/logout?token=%s" % quote(str(token))), JSON)
    must(answers.wants(ended, 200, 204, 302, 303), "browser logout")
    must(answers.error_page(ended.headers.get("location", "")), "browser logout")


# Hydra


def _client(visit: Visit, secrets: Secrets) -> dict[str, str]:
    """HTTP Basic as OAuth wants it: both parts form-encoded first."""
    pair = "%s:%s" % (quote(_domain(visit).client_id, safe=""), quote(secrets.client_secret, safe=""))
    return {**SENDS_FORM, "Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def ask_token(visit: Visit, secrets: Secrets, **grant: str) -> dict[str, Any]:
    """The token answer for a grant."""
    response = visit.send("POST", oauth_url(visit, "/oauth2/token"), _client(visit, secrets), urlencode(grant).encode())
    must(answers.token(response), "token (%s) on %s" % (grant.get("grant_type"), _domain(visit).side))
    return dict(response.json())


def issue_token(visit: Visit, secrets: Secrets) -> str:
    return str(ask_token(visit, secrets, grant_type="client_credentials")["access_token"])


def introspect(visit: Visit, token: str) -> None:
    response = visit.admin(
        _domain(visit).hydra, "POST", "/admin/oauth2/introspect", SENDS_FORM, urlencode({"token": token}).encode()
    )
    must(answers.introspected(response), "introspection on %s" % _domain(visit).side)


def revoke_token(visit: Visit, secrets: Secrets, token: str) -> None:
    body = urlencode({"token": token}).encode()
    response = visit.send("POST", oauth_url(visit, "/oauth2/revoke"), _client(visit, secrets), body)
    must(answers.wants(response, 200), "revocation on %s" % _domain(visit).side)


def userinfo(visit: Visit, token: str) -> None:
    response = visit.send("GET", oauth_url(visit, "/userinfo"), {**JSON, "Authorization": "Bearer " + token})
    must(answers.wants(response, 200), "userinfo")
    body = response.json()
    must("" if isinstance(body, dict) and body.get("sub") else "no subject", "userinfo")


def key_ids(visit: Visit) -> frozenset[str]:
    """The kids of the JWKS; the first request may take seconds because it makes the key."""
    response = visit.send("GET", oauth_url(visit, "/.well-known/jwks.json"), JSON)
    must(answers.wants(response, 200), "JWKS on %s" % _domain(visit).side)
    found = answers.key_ids(response)
    must("" if found else "no keys", "JWKS on %s" % _domain(visit).side)
    return found


def authorization_url(visit: Visit, state: str, challenge: str) -> str:
    domain = _domain(visit)
    query: Mapping[str, str] = {
        "response_type": "code",
        "client_id": domain.client_id,
        "redirect_uri": domain.redirect_uri,
        "scope": "openid offline",
        "state": state,
        "nonce": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return oauth_url(visit, "/oauth2/auth?" + urlencode(query))
