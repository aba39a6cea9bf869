# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer really says. Pure.

A broken Ory hides behind ordinary status codes: 400 with code 500 in the body, a redirect to an error page, 401,
200 with ``active: false``. So every judge here looks at the body and the target, and returns '' for a good answer or
the reason in plain words; a reason never holds a token, a cookie or a query string.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from .._core.http import Response

# Kratos' own number for "the provided credentials are invalid".
WRONG_CREDENTIALS = 4000006
REDIRECTS = (301, 302, 303, 307, 308)


def hidden_error(body: Any) -> str:
    """A server error inside a JSON body, whatever the status was."""
    if not isinstance(body, dict):
        return ""
    error = body.get("error")
    holder = error if isinstance(error, dict) else body
    code = holder.get("code")
    if isinstance(code, int) and code >= 500:
        return "the body holds code %d (%s)" % (code, holder.get("status") or holder.get("message") or "no text")
    for number, text in messages(body):
        if number >= 5000000:
            return "the body holds a system error (%d: %s)" % (number, text)
    return ""


def messages(body: Any) -> list[tuple[int, str]]:
    """(id, text) of the messages of a Kratos flow."""
    ui = body.get("ui") if isinstance(body, dict) else None
    found = ui.get("messages") if isinstance(ui, dict) else None
    return [(int(m.get("id") or 0), str(m.get("text", ""))) for m in found or [] if isinstance(m, dict)]


def error_page(location: str) -> str:
    """The reason when a redirect leads to an error page or carries an OAuth error, else ''."""
    parts = urlsplit(location)
    query = parse_qs(parts.query)
    if query.get("error"):
        return "redirected with error %s" % query["error"][0]
    if "error" in parts.path.strip("/").split("/"):
        return "redirected to the error page %s" % parts.path
    return ""


def unexpected(response: Response) -> str:
    """What an answer that is not the wanted one says, shortest true words first."""
    if response.status in REDIRECTS:
        location = response.headers.get("location", "")
        return "status %d, %s" % (response.status, error_page(location) or "to %s" % urlsplit(location).path)
    body = response.json()
    reason = hidden_error(body) or "; ".join(text for _number, text in messages(body))
    if not reason and isinstance(body, dict) and isinstance(body.get("error"), str):
        reason = body["error"]
    return "status %d%s" % (response.status, ", " + reason if reason else "")


def wants(response: Response, *statuses: int) -> str:
    """'' when the status is one of ``statuses`` and the body hides no server error."""
    if response.status not in statuses:
        return unexpected(response)
    reason = hidden_error(response.json())
    return "status %d, but %s" % (response.status, reason) if reason else ""


def logged_in(response: Response) -> str:
    """A Kratos API login: 200 with a session token and an active session."""
    reason = wants(response, 200)
    if reason:
        return reason
    body = response.json()
    if not isinstance(body, dict) or not body.get("session_token"):
        return "status 200 without a session token"
    return active_session(body.get("session"))


def refused(response: Response) -> str:
    """A wrong password: 400 that says so, and nothing else."""
    reason = hidden_error(response.json())
    if response.status == 400 and not reason and WRONG_CREDENTIALS in [n for n, _text in messages(response.json())]:
        return ""
    return "a wrong password was not refused properly: %s" % unexpected(response)


def active_session(session: Any) -> str:
    if not isinstance(session, dict) or session.get("active") is not True:
        return "the session is not active"
    return "" if session.get("identity") else "the session has no identity"


def whoami(response: Response) -> str:
    return wants(response, 200) or active_session(response.json())


def token(response: Response) -> str:
    """A token endpoint: 200 with an access token."""
    reason = wants(response, 200)
    if reason:
        return reason
    body = response.json()
    return "" if isinstance(body, dict) and body.get("access_token") else "status 200 without an access token"


def introspected(response: Response) -> str:
    reason = wants(response, 200)
    if reason:
        return reason
    body = response.json()
    return "" if isinstance(body, dict) and body.get("active") is True else "status 200, but active is false"


def listed(response: Response) -> str:
    """An admin list: 200 with a JSON array."""
    return wants(response, 200) or ("" if isinstance(response.json(), list) else "status 200 without a list")


def key_ids(response: Response) -> frozenset[str]:
    """The kids of a JWKS answer; empty when it is none."""
    body = response.json()
    keys = body.get("keys") if isinstance(body, dict) else None
    return frozenset(str(k["kid"]) for k in keys or [] if isinstance(k, dict) and "kid" in k)


def same_version(answered: str, expected: str) -> bool:
    return answered.lstrip("v") == expected.lstrip("v")
