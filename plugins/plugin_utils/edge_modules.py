# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which module asks or tells the edge of a deployment, and its options: a pure table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CADDY = "olympus.bluegreen.caddy_upstream"
CLOUDFLARE = "olympus.bluegreen.cloudflare_lb_pool"
# What one asks of each; of the deployment it takes what it needs.
ASKED = {
    CADDY: ("state", "colour", "release", "token", "force", "keep_sticky", "assume_live", "accept_pending", "deadline"),
    CLOUDFLARE: ("state", "colour", "release", "token", "force", "keep_sticky", "deadline"),
}


def chosen(asked: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """(module, its options) for the options of M(olympus.bluegreen.edge_switch)."""
    deployment: Mapping[str, Any] = asked.get("deployment") or {}
    options: dict[str, Any] = dict(asked.get("options") or {})
    edge: Mapping[str, Any] = deployment.get("edge") or {}
    kind = asked.get("kind") or edge.get("kind")
    if kind == "cloudflare":
        # An edge of which nothing is said is none.
        options = {name: value for name, value in options.items() if name != "edge" or value}
    elif asked.get("kind"):
        options["edge"] = {**(options.get("edge") or {}), "kind": kind}
    module = CLOUDFLARE if kind == "cloudflare" else CADDY
    said = {name: asked[name] for name in ASKED[module] if asked.get(name) is not None}
    return module, {**({"deployment": deployment} if deployment else {}), **options, **said}


def contradiction(asked: Mapping[str, Any]) -> str:
    """Why the kind of edge is not known, or ''. The called module compares the other options."""
    told = ((asked.get("deployment") or {}).get("edge") or {}).get("kind")
    kind = asked.get("kind")
    if not (kind and told) or kind == told:
        return ""
    fix = "give one of them, or the same value in both"
    return "kind=%r differs from deployment.edge.kind=%r. Fix: %s" % (kind, told, fix)
