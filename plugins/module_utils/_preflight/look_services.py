# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live colour's services at the ports that they are said to have, asked from where the edge asks. Only read."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from .._core import podman as core
from .._core import sockets
from .._core.netns import own_address
from . import look_podman
from .look_podman import Raw
from .model import PreflightInputs

Enter = Callable[[int], AbstractContextManager[None]]
SECONDS = 2.0
# Which variable of a container says which of the two ports, as Olympus' services are told theirs.
SAID_BY = {"port": ("SERVE_PUBLIC_PORT", "PORT"), "admin_port": ("SERVE_ADMIN_PORT",)}


@dataclass(frozen=True)
class At:
    """An address to ask, from inside the network of process ``pid``; 0: from this host."""

    pid: int
    ip: str
    port: int


def services(raws: Sequence[Raw], wanted: PreflightInputs, enter: Enter) -> dict[str, Any]:
    """Service -> {running, asked, closed: {port or admin_port: number}, listening, loopback, said}."""
    live = look_podman.of_live(raws, wanted)
    edge = look_podman.edge_of(raws, wanted)
    asked = {name: raw for name, raw in live.items() if wanted.services[name].get("port")}
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda name: _look(asked[name], wanted.services[name], edge, wanted, enter), asked)
        return dict(zip(asked, found))


def _look(
    raw: Raw, service: Mapping[str, Any], edge: Raw | None, wanted: PreflightInputs, enter: Enter
) -> dict[str, Any]:
    ports = {key: int(service[key]) for key in SAID_BY if service.get(key)}
    pid = look_podman.pid_of(raw)
    if not pid:
        return {"running": False, "asked": ports, "closed": {}}
    closed = {key: port for key, port in ports.items() if not answers(where(raw, port, edge, wanted.by_ports), enter)}
    reached, alone = listening(raw, ports) if closed else (set(), set())
    return {
        "running": True,
        "asked": ports,
        "closed": closed,
        "listening": sorted(reached),
        "loopback": sorted(alone - reached),
        "said": {key: said(raw, key) for key in closed},
    }


def listening(raw: Raw, ports: Mapping[str, int]) -> tuple[set[int], set[int]]:
    """(ports that others reach, ports on a loopback) in the network of a container."""
    bound = [one.local for one in sockets.rows(sockets.LISTEN, look_podman.pid_of(raw))]
    if (raw.get("HostConfig") or {}).get("NetworkMode") == "host":
        # Everybody's sockets: only what the container itself names may be its own.
        named = {port for key in ports for port in said(raw, key)} | set(ports.values())
        bound = [one for one in bound if one[1] in named]
    alone = {port for ip, port in bound if ipaddress.ip_address(ip).is_loopback}
    return {port for ip, port in bound if not ipaddress.ip_address(ip).is_loopback}, alone


def where(raw: Raw, port: int, edge: Raw | None, by_ports: bool) -> At:
    """A published port from this host, else the address on a network of the edge's from the edge's own network, else
    the container's own address from its own network: never by a route to a stranger."""
    settings = raw.get("NetworkSettings") or {}
    networks = settings.get("Networks") or {}
    if by_ports:
        for one in (settings.get("Ports") or {}).get("%d/tcp" % port) or []:
            ip = str(one.get("HostIp") or "0.0.0.0")
            ip = "127.0.0.1" if ip == "0.0.0.0" else ip
            if ":" not in ip and own_address(ip):
                return At(0, ip, int(one["HostPort"]))
    theirs = ((edge or {}).get("NetworkSettings") or {}).get("Networks") or {}
    for name, member in networks.items():
        if name in theirs and member.get("IPAddress") and look_podman.pid_of(edge):
            return At(look_podman.pid_of(edge), str(member["IPAddress"]), port)
    own = [str(member["IPAddress"]) for member in networks.values() if member.get("IPAddress")]
    return At(look_podman.pid_of(raw), own[0] if own else "127.0.0.1", port)


def answers(at: At, enter: Enter) -> bool:
    inside = enter(at.pid) if at.pid else nullcontext()
    return not sockets.silent(["%s:%d" % (at.ip, at.port)], inside, SECONDS)


def said(raw: Raw, key: str) -> list[int]:
    """Ports that the container itself names for ``port`` or ``admin_port``: its environment's, then its image's."""
    env = core.environment(raw)
    found = [env[name] for name in SAID_BY[key] if name in env]
    exposed = (raw.get("Config") or {}).get("ExposedPorts") or {}
    found += [one.partition("/")[0] for one in exposed if one.endswith("/tcp")]
    return list(dict.fromkeys(int(one) for one in found if one.isdigit()))
