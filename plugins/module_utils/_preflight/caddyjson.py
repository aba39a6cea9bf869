# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What preflight reads from a running Caddy's configuration: names, upstreams, rate limits. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.our_routes import objects

NANO = 1e9


def hosts(config: Any) -> list[str]:
    """Every host name that a route asks for."""
    found = [
        str(host)
        for route in objects(config)
        for match in route.get("match") or []
        if isinstance(match, dict)
        for host in match.get("host") or []
    ]
    return list(dict.fromkeys(found))


def unique_names(dialled: Iterable[str]) -> list[str]:
    """Hosts of upstreams (host:port) that are dialled by name."""
    found = [dial.rpartition(":")[0] for dial in dialled]
    return list(dict.fromkeys(name for name in found if name and "{" not in name and not _address(name)))


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return "/" in text
    return True


def limits(config: Any) -> list[dict[str, Any]]:
    """The zones of every rate_limit handler: {zone, events, window (s), key, methods, paths}; no methods: all."""
    found = []
    for handler in objects(config):
        if handler.get("handler") != "rate_limit":
            continue
        for zone, one in (handler.get("rate_limits") or {}).items():
            matches = [match for match in one.get("match") or [] if isinstance(match, dict)]
            found.append(
                {
                    "zone": str(zone),
                    "events": int(one.get("max_events") or 0),
                    "window": float(one.get("window") or 0) / NANO,
                    "key": str(one.get("key") or ""),
                    "methods": [str(name) for match in matches for name in match.get("method") or []],
                    "paths": [str(path) for match in matches for path in match.get("path") or []],
                }
            )
    return found


def trusts_proxies(config: Any) -> bool:
    """Whether a server believes somebody in front of it about the client's address."""
    servers = (((config or {}).get("apps") or {}).get("http") or {}).get("servers") or {}
    return any(bool(server.get("trusted_proxies")) for server in servers.values())
