# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Kratos sessions that a login on the server's side leaves: found and ended through the admin API, one by one.

Only sessions of the probe's own identity, and of those only what began after ``Sweep.begin`` and is not of one of our
own API logins (they end themselves; a watch holds one open all the while). A person may be logged in with it.
"""

from __future__ import annotations

import calendar
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from .._core.http import Response
from .model import Endpoint
from .session import API_AGENT, Failed, Visit

JSON = {"Accept": "application/json"}
PAGE = 250


def ask(visit: Visit, at: Endpoint, method: str, path: str, query: str = "") -> Response:
    """An admin question, at the path with /admin as Ory has it now, else without as it was before."""
    rest = "?" + query if query else ""
    response = visit.admin(at, method, "/admin" + path + rest, JSON)
    if response.status not in (404, 405, 501):
        return response
    older = visit.admin(at, method, path + rest, JSON)
    return older if 200 <= older.status < 300 else response


def identity(visit: Visit) -> str:
    """The id of the probe's identity; '' where Kratos can't tell. It is looked for by name, never guessed."""
    domain = visit.domain
    if domain is None or domain.kratos.admin is None:
        return ""
    query = urlencode({"credentials_identifier": domain.identifier, "page_size": PAGE, "per_page": PAGE})
    body = ask(visit, domain.kratos, "GET", "/identities", query).json()
    # A Kratos that does not know the filter answers everybody.
    found = (
        [one for one in body if isinstance(one, dict) and _is(one, domain.identifier)] if isinstance(body, list) else []
    )
    return str(found[0].get("id") or "") if len(found) == 1 else ""


def stranger(visit: Visit, subject: str) -> bool:
    """Whether ``subject`` is the id of an identity that is not the probe's. Subjects of another kind are not known."""
    domain = visit.domain
    if domain is None or domain.kratos.admin is None:
        return False
    response = ask(visit, domain.kratos, "GET", "/identities/" + quote(subject, safe=""))
    found = response.json()
    if response.status != 200 or not isinstance(found, dict) or found.get("id") != subject:
        return False
    return not _is(found, domain.identifier)


def _is(one: dict[str, Any], name: str) -> bool:
    return any(isinstance(value, str) and value.casefold() == name.casefold() for value in _values(one.get("traits")))


def _values(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in _values(one)]
    if isinstance(value, list):
        return [leaf for one in value for leaf in _values(one)]
    return [value]


@dataclass
class Sweep:
    """``identity`` '' means that there is nothing that it could end, and ``why`` says so."""

    identity: str = ""
    why: str = ""
    _before: set[str] = field(default_factory=set)
    _newest: float = 0.0

    @classmethod
    def begin(cls, visit: Visit) -> Sweep:
        """What is there before the login."""
        try:
            who = identity(visit)
            if not who:
                return cls(why="Kratos' admin port does not tell the probe's identity")
            there = _sessions(visit, who)
        except Failed as exc:
            return cls(why=str(exc))
        known = {str(one.get("id")) for one in there}
        return cls(who, "", known, max((moment(one.get("authenticated_at")) for one in there), default=0.0))

    def end(self, visit: Visit) -> int:
        """End what began since; how many. Raises Failed where a session can't be ended."""
        if not self.identity or visit.domain is None:
            return 0
        left = [str(one["id"]) for one in _sessions(visit, self.identity) if self._ours(one)]
        for session in left:
            response = ask(visit, visit.domain.kratos, "DELETE", "/sessions/" + quote(session))
            # 404: it ended by itself meanwhile.
            if response.status not in (200, 204, 404):
                raise Failed("a session of the probe could not be ended: status %d" % response.status)
        return len(left)

    def _ours(self, one: dict[str, Any]) -> bool:
        """Of a page that is full, older ones may move up: those are no newer than what was there before."""
        began = moment(one.get("authenticated_at"))
        return bool(one.get("id")) and str(one["id"]) not in self._before and began >= self._newest and not _api(one)


def _sessions(visit: Visit, who: str) -> list[dict[str, Any]]:
    """The active ones of an identity, the newest first."""
    if visit.domain is None:
        return []
    query = urlencode({"active": "true", "page_size": PAGE, "per_page": PAGE})
    response = ask(visit, visit.domain.kratos, "GET", "/identities/%s/sessions" % quote(who), query)
    body = response.json()
    if response.status == 404 or (body is None and response.status == 200):
        return []
    if response.status != 200 or not isinstance(body, list):
        raise Failed("the probe's sessions can't be listed: status %d" % response.status)
    return [one for one in body if isinstance(one, dict) and one.get("active") is not False]


def _api(one: dict[str, Any]) -> bool:
    """Whether one of our own API logins made it: a server that logs in for a browser has an agent of its own."""
    devices = one.get("devices")
    return any(API_AGENT in str(device.get("user_agent")) for device in devices or [] if isinstance(device, dict))


def moment(text: object) -> float:
    """Seconds since the epoch of an RFC 3339 time in UTC with any number of digits; 0 where it is none."""
    whole, _dot, rest = str(text).partition(".")
    try:
        begun = time.strptime(whole.rstrip("Z")[:19], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return 0.0
    digits = "".join(one for one in rest.split("+")[0] if one.isdigit())
    return calendar.timegm(begun) + float("0." + (digits or "0"))
