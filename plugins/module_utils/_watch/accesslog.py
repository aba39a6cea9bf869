# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge's access log, line by line. No address, query or header of a visitor leaves this file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# The agent of our own requests to the public name: they prove that the log is alive and are no visitor's traffic.
AGENT = "olympus-bluegreen"
COLOUR_HEADER = "X-Bluegreen-Colour"
# On every answer of a preview of the idle colour: no visitor's traffic either.
PREVIEW_HEADER = "X-Bluegreen-Preview"
CLIENT_CLOSED = 499
_WORD = re.compile(r"[a-z][a-z-]{0,19}\Z")


@dataclass(frozen=True)
class Line:
    """One answered request. ``colour`` is '' when the edge itself answered; ``begun`` and ``at`` are epoch seconds."""

    at: float
    begun: float
    status: int
    colour: str
    route: str
    ours: bool

    @property
    def bad(self) -> bool:
        return self.status >= 500


def parse(text: str) -> Line | None:
    """A line of Caddy's JSON access log; None for anything else, whatever was written there."""
    try:
        entry = json.loads(text)
        request = entry["request"]
        at = float(entry["ts"])
        begun = at - float(entry["duration"])
        status = int(entry["status"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    if not isinstance(request, dict) or not (math.isfinite(at) and math.isfinite(begun)):
        return None
    return Line(
        at,
        begun,
        status,
        _header(entry.get("resp_headers"), COLOUR_HEADER),
        _route(request),
        _header(request.get("headers"), "User-Agent").startswith(AGENT)
        or bool(_header(entry.get("resp_headers"), PREVIEW_HEADER)),
    )


def _header(headers: Any, name: str) -> str:
    values = headers.get(name) if isinstance(headers, dict) else None
    return str(values[0]) if isinstance(values, list) and values else ""


def _route(request: dict[str, Any]) -> str:
    """Host and first path segment, the segment only where it is a plain word: an id or a token is left out."""
    first = str(request.get("uri", "/")).split("?", 1)[0].strip("/").split("/", 1)[0]
    return "%s/%s" % (host(str(request.get("host", "?"))), first if not first or _WORD.match(first) else "*")


def host(name: str) -> str:
    """A host's name without its port."""
    return re.sub(r":[0-9]*\Z", "", name).lower()


OURS, ELSEWHERE, UNCLEAR = "ours", "elsewhere", "unclear"


class Routes:
    """Whose error is it that no colour answered? Known by who else answered on its route (host and first segment).

    A colour answered there, before the flip or since: it is the edge's own error for the live colour. Something else
    answers there, or it failed before the flip already: another site's. Else it is unclear. ``hosts`` are the
    deployment's public names.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._hosts = {host(name) for name in hosts}
        self._coloured: set[str] = set()
        self._other_hosts: set[str] = set()
        self._other: set[str] = set()

    def learn(self, line: Line, before: bool) -> None:
        """``before``: the request began before the flip."""
        if line.colour:
            self._coloured.add(line.route)
            self._hosts.add(_host_of(line))
        elif 200 <= line.status < 300 or (before and line.bad):
            self._other.add(line.route)
            self._other_hosts.add(_host_of(line))

    def coloured(self, line: Line) -> bool:
        return line.route in self._coloured

    def whose(self, line: Line) -> str:
        if self.coloured(line):
            return OURS
        name = _host_of(line)
        other = line.route in self._other or (name in self._other_hosts and name not in self._hosts)
        return ELSEWHERE if other else UNCLEAR


def _host_of(line: Line) -> str:
    return line.route.split("/", 1)[0]
