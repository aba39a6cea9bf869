# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which module asks or tells the edge of a deployment, and its options: a pure table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CADDY = "olympus.bluegreen.caddy_upstream"
CLOUDFLARE = "olympus.bluegreen.cloudflare_lb_pool"
# Of the deployment, of its edge, and of the one who asks; what is not given has the module's default.
OF_DEPLOYMENT = {
    CADDY: ("state_dir", "project", "edge", "services", "shared", "network_range", "publish", "port_base", "public"),
    CLOUDFLARE: ("state_dir", "public"),
}
OF_EDGE: dict[str, tuple[str, ...]] = {
    CADDY: (),
    CLOUDFLARE: (
        "account_id", "zone_id", "api", "api_token_file", "switch_dir", "pools", "observe", "failover",
        "require_monitor", "confirm_timeout", "health_timeout", "patience", "budget",
    ),
}  # fmt: skip
ASKED = {
    CADDY: ("state", "colour", "release", "token", "force", "keep_sticky", "assume_live", "accept_pending", "deadline"),
    CLOUDFLARE: ("state", "colour", "release", "token", "force", "keep_sticky", "deadline"),
}


def chosen(asked: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """(module, its options) for the options of M(olympus.bluegreen.edge_switch)."""
    deployment: Mapping[str, Any] = asked["deployment"]
    edge: Mapping[str, Any] = deployment.get("edge") or {}
    module = CLOUDFLARE if edge.get("kind") == "cloudflare" else CADDY
    options = {"deployment": deployment["name"]}
    for names, given in ((OF_DEPLOYMENT, deployment), (OF_EDGE, edge), (ASKED, asked)):
        options.update({name: given[name] for name in names[module] if given.get(name) is not None})
    return module, options
