# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a ``bluegreen_edge`` of kind cloudflare needs, and what it cannot go with. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

KINDS = ("container", "native", "cloudflare")
KEYS = (
    "kind", "service", "account_id", "zone_id", "api", "api_token_file", "switch_dir", "access_log", "pools", "observe",
    "failover", "require_monitor", "confirm_timeout", "health_timeout", "patience", "budget",
)  # fmt: skip
# (name, found, wanted, mend) of one that is refused.
Wrong = tuple[str, str, str, str]


def meant(key: str, known: Sequence[str]) -> str:
    """What to do about a key that nobody knows."""
    near = difflib.get_close_matches(key, known, 1, 0.6)
    return "write %s" % near[0] if near else "take it away; known are %s" % ", ".join(known)


def wrong_edge(edge: Mapping[str, Any], publish: str, public: Sequence[Mapping[str, Any]]) -> Iterator[Wrong]:
    """``publish`` and ``public`` are the operator's, which the edge has to fit."""
    kind = edge.get("kind", "container")
    if kind not in KINDS:
        yield "bluegreen_edge.kind", repr(kind), "a kind of edge", "one of %s" % ", ".join(KINDS)
    if kind != "cloudflare":
        return
    if "api_token" in edge:
        mend = "write it into a file of mode 0600 on the host of the state, and name that in api_token_file"
        yield "bluegreen_edge.api_token", "(hidden)", "a place for a secret", mend
    for name, mend in _missing(edge):
        yield "bluegreen_edge.%s" % name, "''", "given", mend
    if publish == "network":
        mend = "bluegreen_publish: loopback, and let the pools' origins lead to those ports (docs/cloudflare.md)"
        yield "bluegreen_publish", publish, "reachable for Cloudflare", mend
    if not public:
        yield "bluegreen_public", "[]", "a list of public names", "list every name that has a load balancer"
    bare = [str(one.get("host")) for one in public if not (one.get("zone_id") or edge.get("zone_id"))]
    if bare:
        mend = "give the zone's id, here or at the name"
        yield "bluegreen_edge.zone_id", "''", "given for %s" % ", ".join(bare), mend
    for key in sorted(set(edge) - {*KEYS, "api_token"}, key=str):
        yield "bluegreen_edge.%s" % key, "unknown", "a key of a Cloudflare edge", meant(str(key), KEYS)


def _missing(edge: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not edge.get("account_id"):
        yield "account_id", "give the id of the account that has the pools"
    if not edge.get("api_token_file"):
        yield "api_token_file", "name the file of mode 0600 on the host of the state that holds the API token"
    pools = edge.get("pools")
    for colour in ("blue", "green"):
        pool = pools.get(colour) if isinstance(pools, Mapping) else None
        if not isinstance(pool, Mapping) or not pool.get("name"):
            yield "pools.%s.name" % colour, "name the pool of this colour"
