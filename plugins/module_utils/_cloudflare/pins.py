# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who stays on the colour that was left, and for how long: session affinity and DNS. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Cloudflare's own defaults, in seconds.
COOKIE_TTL, HEADER_TTL, DNS_TTL = 82800, 1800, 30


def pins(lb: Mapping[str, Any]) -> dict[str, Any]:
    """``affinity`` none|cookie|ip_cookie|header|dns, ``seconds`` at most after the flip (0: nobody), ``text``.

    ``drain`` is the drain_duration in seconds: it counts from when the old pool's endpoints are drained, not from the
    flip. By header it is counted from the last request, so there is no end while a client goes on.
    """
    about = {"host": lb.get("name"), "affinity": "none", "seconds": 0, "drain": 0}
    if lb.get("proxied") is False:
        ttl = int(lb.get("ttl") or DNS_TTL)
        text = "not proxied: resolvers give the old colour's addresses for up to %d s" % ttl
        return {**about, "affinity": "dns", "seconds": ttl, "text": text}
    affinity = lb.get("session_affinity") or "none"
    if affinity == "none":
        return {**about, "text": "nobody is pinned"}
    drain = int((lb.get("session_affinity_attributes") or {}).get("drain_duration") or 0)
    ttl = int(lb.get("session_affinity_ttl") or (HEADER_TTL if affinity == "header" else COOKIE_TTL))
    since = "after their last request" if affinity == "header" else "after they got their cookie"
    text = "sessions (%s) stay on their colour, while it is healthy, until %d s %s" % (
        affinity,
        ttl,
        since,
    )
    ends = (
        "; draining that colour ends them after %d s" % drain if drain else "; draining that colour ends them at once"
    )
    return {**about, "affinity": affinity, "seconds": ttl, "drain": drain, "text": text + ends}


def sticky(lb: Mapping[str, Any]) -> bool:
    """Whether sessions may stay on a healthy pool that the load balancer sends nobody new to."""
    return pins(lb)["affinity"] not in ("none", "dns")
