# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a ``bluegreen_edge`` of kind cloudflare needs, and what it cannot go with. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

COLOURS = ("blue", "green")
KINDS = ("container", "native", "cloudflare")
KEYS = (
    "kind", "service", "account_id", "zone_id", "api", "api_token_file", "switch_dir", "access_log", "pools", "observe",
    "failover", "require_monitor", "confirm_timeout", "health_timeout", "patience", "budget",
)  # fmt: skip
# (name, found, wanted, fix) of one that is refused.
Wrong = tuple[str, str, str, str]


def meant(key: str, known: Sequence[str]) -> str:
    """What to do about a key that nobody knows."""
    near = difflib.get_close_matches(key, known, 1, 0.6)
    return "write %s" % near[0] if near else "take it away; known are %s" % ", ".join(known)


def wrong_edge(edge: Mapping[str, Any], publish: str) -> Iterator[Wrong]:
    """``publish`` is the operator's, which the edge has to fit; '' where it is learned."""
    kind = edge.get("kind", "container")
    if kind not in KINDS:
        yield "bluegreen_edge.kind", repr(kind), "a kind of edge", "one of %s" % ", ".join(KINDS)
    if kind != "cloudflare":
        return
    if "api_token" in edge:
        fix = "write it into a file of mode 0600 on the host of the state, and name that in api_token_file"
        yield "bluegreen_edge.api_token", "(hidden)", "a place for a secret", fix
    if not edge.get("api_token_file"):
        fix = "name the file of mode 0600 on the host of the state that holds the API token"
        yield "bluegreen_edge.api_token_file", "''", "given", fix
    if publish == "network":
        fix = "bluegreen_publish: loopback, and let the pools' origins lead to those ports (docs/cloudflare.md)"
        yield "bluegreen_publish", publish, "reachable for Cloudflare", fix
    yield from _pools(edge.get("pools") or {})
    for key in sorted(set(edge) - {*KEYS, "api_token"}, key=str):
        yield "bluegreen_edge.%s" % key, "unknown", "a key of a Cloudflare edge", meant(str(key), KEYS)


def _pools(pools: Any) -> Iterator[Wrong]:
    """Everything of them may be left out, for it is learned; what is there has its shape."""
    if not isinstance(pools, Mapping):
        yield (
            "bluegreen_edge.pools",
            type(pools).__name__,
            "a dictionary of blue and green",
            "docs/cloudflare.md has one",
        )
        return
    for colour, pool in pools.items():
        if colour not in COLOURS:
            yield "bluegreen_edge.pools.%s" % colour, "unknown", "a colour", meant(str(colour), COLOURS)
        elif not isinstance(pool, Mapping):
            fix = "write %s: {name: ...}" % colour
            yield "bluegreen_edge.pools.%s" % colour, type(pool).__name__, "a dictionary", fix
