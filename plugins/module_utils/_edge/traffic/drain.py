# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting until nothing is in flight to a colour, and who is still there: by Caddy's own numbers, never by a client.

Caddy counts a request, a stream and a WebSocket alike. But a colour that is left gets no new ones, so what is still
there after LONG seconds is no ordinary request: it is a stream or a WebSocket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..config import query
from ..config.upstream import Upstream
from .traffic import Traffic

# A request can be matched and not yet counted: two zeros count only when they are this far apart, in seconds.
QUIET = 1.0
LONG, POLL = 5.0, 0.1
REQUEST, STREAM, UNKNOWN = "request", "stream or WebSocket", "not listed by the edge"

# Address -> since when (epoch seconds) each of what is in flight to it has been seen, the longest first.
Since = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Drained:
    """``left``: {service, kind, count (null for UNKNOWN), seconds it has been seen for at least}; empty when done."""

    done: bool
    left: tuple[Mapping[str, Any], ...]
    seen: Since


def wait(traffic: Traffic, colour: str, timeout: float, before: Since) -> Drained:
    """Until nothing was in flight to ``colour`` twice, at least a second apart, or ``timeout`` seconds are over.

    An address that Caddy does not list may still be served by an old configuration: that is not drained.
    ``before`` is the ``seen`` of an earlier wait for the same colour, which this one goes on from.
    """
    targets = query.addresses(traffic.config(), traffic.upstreams, colour)
    clock, seen = traffic.clock, before
    deadline = clock.monotonic() + timeout
    quiet_since: float | None = None
    while True:
        listed = traffic.admin.requests()
        counts = {target: listed.get(target) for target in targets}
        now, seen = clock.monotonic(), sighted(seen, counts, clock.now())
        quiet = all(count == 0 for count in counts.values())
        quiet_since = (now if quiet_since is None else quiet_since) if quiet else None
        done = quiet_since is not None and now - quiet_since >= QUIET
        if done or now >= deadline:
            return Drained(done, left(seen, counts, traffic.upstreams, colour, clock.now()), seen)
        clock.sleep(POLL)


def sighted(before: Since, counts: Mapping[str, int | None], now: float) -> dict[str, list[float]]:
    """``before`` brought up to ``counts``. Of several it is not known which one ended: the one that came last."""
    return {
        address: [*before.get(address, ())][: count or 0]
        + [now] * max(0, (count or 0) - len(before.get(address, ())))
        for address, count in counts.items()
    }  # fmt: skip


def left(
    seen: Since, counts: Mapping[str, int | None], upstreams: Sequence[Upstream], colour: str, now: float
) -> tuple[Mapping[str, Any], ...]:
    """What is open, by service and kind, the longest first."""
    found: dict[tuple[str, str], list[float]] = {}
    for address, count in counts.items():
        service = next((one.service for one in upstreams if one.dialled(address, colour)), address)
        if count is None:
            found.setdefault((service, UNKNOWN), [])
        for since in seen[address]:
            kind = STREAM if now - since >= LONG else REQUEST
            found.setdefault((service, kind), []).append(now - since)
    rows = [
        {
            "service": service,
            "kind": kind,
            "count": len(ages) if kind != UNKNOWN else None,
            "seconds": round(max(ages, default=0.0), 1),
        }
        for (service, kind), ages in found.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-float(str(row["seconds"])), str(row["service"]), str(row["kind"]))))
