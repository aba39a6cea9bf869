# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the running edge sends which public name: read from Caddy's JSON. Pure."""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

HTTPS, HTTP = 443, 80


@dataclass(frozen=True)
class Route:
    """One upstream as one server's route reaches it. ``paths``: patterns of which one has to match; none: any."""

    host: str
    paths: tuple[str, ...]
    dial: str
    port: int
    scheme: str


def servers(config: Any) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """(port inside, scheme, server) of each HTTP server."""
    http = ((config or {}).get("apps") or {}).get("http") or {}
    plain = int(http.get("http_port") or HTTP)
    for server in (http.get("servers") or {}).values():
        for listen in server.get("listen") or ():
            number = str(listen).rpartition(":")[2].partition("-")[0]
            if number.isdigit():
                no_tls = (server.get("automatic_https") or {}).get("disable") and not server.get(
                    "tls_connection_policies"
                )
                yield int(number), "http" if int(number) == plain or no_tls else "https", server


def routes(config: Any) -> list[Route]:
    """Every upstream of every route, with the innermost host and path matchers around it."""
    found = [
        Route(host, paths, dial, port, scheme)
        for port, scheme, server in servers(config)
        for host, paths, dial in _ends(server.get("routes"), (), ())
    ]
    return list(dict.fromkeys(found))


def _ends(value: Any, hosts: tuple[str, ...], paths: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    if isinstance(value, list):
        for child in value:
            yield from _ends(child, hosts, paths)
    if not isinstance(value, dict):
        return
    if "handle" in value:
        matches = [match for match in value.get("match") or [] if isinstance(match, dict)]
        hosts = tuple(str(host) for match in matches for host in match.get("host", [])) or hosts
        said = tuple(str(one) for match in matches for one in match.get("path", []))
        paths = said or paths
    if value.get("handler") == "reverse_proxy":
        for upstream in value.get("upstreams") or []:
            if isinstance(upstream, dict) and isinstance(upstream.get("dial"), str):
                for host in hosts or ("",):
                    yield host, paths, upstream["dial"]
    for child in value.values():
        yield from _ends(child, hosts, paths)


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def usable(host: str) -> bool:
    """Whether a host matcher is a name that can be asked."""
    return bool(host) and "*" not in host and "{" not in host


def fitting(patterns: tuple[str, ...], path: str) -> str:
    """``path`` where the route lets it through, else the fixed part of its first pattern."""
    if not patterns or any(fnmatch.fnmatchcase(path, one) for one in patterns):
        return path
    return patterns[0].split("*")[0] or "/"


def internal(config: Any, names: list[str]) -> bool:
    """Whether the edge's certificates of these names come from its own authority, which no other client trusts."""
    policies = ((((config or {}).get("apps") or {}).get("tls") or {}).get("automation") or {}).get("policies") or []
    by_name: dict[str, bool] = {}
    rest = False
    for policy in policies:
        own = any(one.get("module") == "internal" for one in policy.get("issuers") or [])
        for subject in policy.get("subjects") or []:
            by_name[str(subject)] = own
        rest = rest or (own and not policy.get("subjects"))
    return any(by_name.get(name, rest) or local(name) for name in names)


def local(name: str) -> bool:
    """Names for which Caddy asks no public authority."""
    local = name == "localhost" or name.endswith((".localhost", ".local", ".internal", ".home.arpa"))
    return local or is_address(name)
