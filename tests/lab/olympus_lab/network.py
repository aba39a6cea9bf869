# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The lab's address range: a stray packet to it dies on this machine, and nothing is probed without a look first."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from typing import Any

from olympus_lab import config
from olympus_lab.progress import LabError


def _ip(*args: str, check: bool = True) -> str:
    done = subprocess.run(["ip", *args], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise LabError(f"ip {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


def _json(*args: str) -> list[dict[str, Any]]:
    out = _ip("-j", *args, check=False).strip()
    loaded: list[dict[str, Any]] = json.loads(out) if out else []
    return loaded


def block() -> None:
    """Put a blackhole over RANGE; the routes of the lab's own bridges are more specific and win.

    LabError if something that is no Podman bridge already has an address there.
    """
    for route in _json("route", "show", "root", config.RANGE):
        device = route.get("dev", "")
        if route.get("type") != "blackhole" and not _is_bridge(device):
            raise LabError(f"{route['dst']} is already reached by {device} here, but the lab needs {config.RANGE}")
    _ip("route", "replace", "blackhole", config.RANGE)


def unblock() -> None:
    """Take the blackhole away; nothing to do is fine."""
    _ip("route", "del", "blackhole", config.RANGE, check=False)


def is_blocked() -> bool:
    return any(route.get("type") == "blackhole" for route in _json("route", "show", "exact", config.RANGE))


def _is_bridge(device: str) -> bool:
    return bool(device) and bool(_json("link", "show", "dev", device, "type", "bridge"))


def reachable_here(address: str) -> bool:
    """Whether a packet to ``address`` stays on this machine: loopback, or a route by one of its bridges.

    Ask this before any probe of a lab address from the host; what it refuses would leave by the default route.
    """
    if ipaddress.ip_address(address).is_loopback:
        return True
    routes = _json("route", "get", address)
    return bool(routes) and "gateway" not in routes[0] and _is_bridge(routes[0].get("dev", ""))
