# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a visit asks of Kratos: one small call each. They raise Failed; none of them puts a secret in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from .._core.http import Response
from . import answers
from .model import Secrets
from .session import API_AGENT, Failed, Visit, must

JSON = {"Accept": "application/json"}
SENDS_JSON = {**JSON, "Content-Type": "application/json"}


def login_url(visit: Visit, path: str) -> str:
    return "https://%s%s" % (visit.its_domain.login_host, path)


def _api(headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, "User-Agent": API_AGENT}


def submit_login(visit: Visit, password: str) -> Response:
    """A new API login flow, submitted with this password."""
    begun = visit.send("GET", login_url(visit, "/self-service/login/api"), _api(JSON))
    must(answers.wants(begun, 200), "begin of the login flow")
    body = begun.json()
    flow = body.get("id") if isinstance(body, dict) else None
    if not flow:
        raise Failed("begin of the login flow: no flow id")
    given = {"method": "password", "identifier": visit.its_domain.identifier, "password": password}
    url = login_url(visit, "/self-service/login?flow=%s" % quote(str(flow)))
    return visit.send("POST", url, _api(SENDS_JSON), json.dumps(given).encode())


def open_session(visit: Visit, secrets: Secrets) -> str:
    """The token of a new session."""
    response = submit_login(visit, secrets.password)
    must(answers.logged_in(response), "login on %s" % visit.side)
    return str(response.json()["session_token"])


def ask_whoami(visit: Visit, token: str = "") -> Response:
    """By session token, or by the visit's cookies."""
    headers = {**JSON, "X-Session-Token": token} if token else JSON
    return visit.send("GET", login_url(visit, "/sessions/whoami"), headers)


def whoami(visit: Visit, token: str = "") -> None:
    must(answers.whoami(ask_whoami(visit, token)), "whoami on %s" % visit.side)


def close_session(visit: Visit, token: str) -> None:
    body = json.dumps({"session_token": token}).encode()
    response = visit.send("DELETE", login_url(visit, "/self-service/logout/api"), SENDS_JSON, body)
    must(answers.wants(response, 204), "logout on %s" % visit.side)
