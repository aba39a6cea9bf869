# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who stays on the colour that was left, and for how long: session affinity and DNS. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.steering import rules

# Cloudflare's own defaults, in seconds.
COOKIE_TTL, HEADER_TTL, DNS_TTL = 82800, 1800, 30
TTL, ATTRIBUTES = "session_affinity_ttl", "session_affinity_attributes"


def pins(lb: Mapping[str, Any]) -> dict[str, Any]:
    """``affinity`` none|cookie|ip_cookie|header|dns, ``seconds`` at most after the flip (0: nobody), ``text``.

    ``drain`` is the drain_duration in seconds: it counts from when the old pool's endpoints are drained, not from the
    flip. By header it is counted from the last request, so there is no end while a client goes on. For which
    visitors a rule's condition holds is not known: of all that may hold, the longest counts.
    """
    about = {"host": lb.get("name"), "affinity": "none", "seconds": 0, "drain": 0}
    if lb.get("proxied") is False:
        ttl, by = max([(int(lb.get("ttl") or DNS_TTL), ""), *_by_rules(lb, "ttl")])
        said = "resolvers give the old colour's addresses for up to %d s%s" % (ttl, by and " (%s)" % by)
        return {**about, "affinity": "dns", "seconds": ttl, "text": "not proxied: " + said}
    found = list(_sessions(lb))
    if not found:
        return {**about, "text": "nobody is pinned"}
    longest = max(found, key=lambda one: one[1])
    drain = max(_drain(one) for one in (lb, *(overrides for _name, overrides in rules(lb))))
    ends = "draining that colour ends them %s" % ("after %d s" % drain if drain else "at once")
    text = "; ".join([_said(*one) for one in found] + [ends])
    return {**about, "affinity": longest[0], "seconds": longest[1], "drain": drain, "text": text}


def sticky(lb: Mapping[str, Any]) -> bool:
    """Whether sessions may stay on a healthy pool that the load balancer sends nobody new to."""
    return pins(lb)["affinity"] not in ("none", "dns")


def _sessions(lb: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    """(affinity, seconds at most, the rule that says so or '') of the load balancer itself and of each rule."""
    own = str(lb.get("session_affinity") or "none")
    ruled = [(str(one["session_affinity"]), by) for by, one in rules(lb) if one.get("session_affinity")]
    kinds = [(kind, by) for kind, by in [(own, ""), *ruled] if kind != "none"]
    lasting = dict((by, seconds) for seconds, by in sorted(_by_rules(lb, TTL)))
    for kind, by in kinds:
        default = HEADER_TTL if kind == "header" else COOKIE_TTL
        yield kind, lasting.pop(by, 0) or int(lb.get(TTL) or default), by
    # A rule may give more time to sessions that are not its own.
    yield from ((kinds[0][0], seconds, by) for by, seconds in lasting.items() if kinds)


def _by_rules(lb: Mapping[str, Any], field: str) -> list[tuple[int, str]]:
    return [(int(one[field]), by) for by, one in rules(lb) if one.get(field)]


def _drain(one: Mapping[str, Any]) -> int:
    return int((one.get(ATTRIBUTES) or {}).get("drain_duration") or 0)


def _said(affinity: str, seconds: int, by: str) -> str:
    since = "after their last request" if affinity == "header" else "after they got their cookie"
    if by:
        return "sessions (%s, by %s) stay on their colour for up to %d s %s, while it is healthy" % (
            affinity, by, seconds, since,
        )  # fmt: skip
    return "sessions (%s) stay on their colour, while it is healthy, until %d s %s" % (affinity, seconds, since)
