# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where questions to a colour are asked from: the edge container's network, or this host; see reach.py for which.

The host has no route to a colour's edge network: what it asked there would leave by the default route.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from .._core.errors import BluegreenError, Refused
from .._core.netns import network_of, own_address
from .._core.podman import Podman


class Standpoint:
    """Where questions to ``addresses`` (IP -> who lives there) are asked from, and no stranger is asked by mistake.

    ``container``: the edge's, whose network is entered; it must have joined the network of each address. '' is this
    host, and each address must be its own.
    """

    def __init__(
        self,
        podman: Podman,
        container: str,
        addresses: Mapping[str, str],
        enter: Callable[[int], AbstractContextManager[None]] = network_of,
    ) -> None:
        self._podman = podman
        self._container = container
        self._addresses = addresses
        self._enter = enter
        self._pid = 0

    @contextmanager
    def enter(self) -> Iterator[None]:
        """This thread, and those that it starts meanwhile, asks from there."""
        if not self._container:
            refuse_others(self._addresses)
            yield
            return
        edge = find_edge(self._podman, self._container)
        refuse_strangers(edge, self._addresses)
        self._pid = edge.pid
        with self._enter(edge.pid):
            yield

    def check(self) -> None:
        """Raises when the process whose network was entered is gone."""
        if self._container and not os.path.exists("/proc/%d" % self._pid):
            raise BluegreenError(
                "the edge %s was restarted" % self._container, fix="run the stage again when the edge answers"
            )


@dataclass(frozen=True)
class Edge:
    """The edge container: its process, the networks that it has joined, and its own port of each published one."""

    name: str
    pid: int
    networks: tuple[ipaddress.IPv4Network, ...]
    ports: Mapping[int, int] = field(default_factory=dict)


def find_edge(podman: Podman, container: str) -> Edge:
    """Ask Podman for the edge; it has to run."""
    found = podman.one("container", container)
    if found is None:
        raise BluegreenError(
            "no such container",
            option="edge",
            value=container,
            fix="start the edge, or name its compose service in bluegreen_edge.service",
        )
    pid = int(found.get("State", {}).get("Pid") or 0)
    if not pid:
        raise BluegreenError("the edge container does not run", option="edge", value=container, fix="start the edge")
    return Edge(container, pid, joined(found), published(found))


def joined(container: Mapping[str, Any]) -> tuple[ipaddress.IPv4Network, ...]:
    """The IPv4 networks of a container, from ``podman inspect``."""
    members = (container.get("NetworkSettings") or {}).get("Networks") or {}
    return tuple(
        ipaddress.IPv4Network("%s/%d" % (member["IPAddress"], member["IPPrefixLen"]), strict=False)
        for member in members.values()
        if member.get("IPAddress")
    )


def published(container: Mapping[str, Any]) -> dict[int, int]:
    """Port of the host -> TCP port of the container, from ``podman inspect``."""
    ports = (container.get("NetworkSettings") or {}).get("Ports") or {}
    return {
        int(place["HostPort"]): int(own.partition("/")[0])
        for own, places in ports.items()
        for place in places or ()
        if own.endswith("/tcp") and place.get("HostPort")
    }


def refuse_strangers(edge: Edge, addresses: Mapping[str, str]) -> None:
    """No question may leave by the edge's default route to a stranger that answers there."""
    away = {
        ip: who
        for ip, who in addresses.items()
        if not any(ipaddress.IPv4Address(ip) in network for network in edge.networks)
    }
    if away:
        raise Refused(
            "the edge %s is on no network of %s" % (edge.name, ", ".join("%s (%s)" % pair for pair in away.items())),
            fix="join it to the colour's edge network: -t adopt",
        )


def refuse_others(addresses: Mapping[str, str]) -> None:
    """No question of the host's may leave it by a route to a stranger that answers there."""
    away = ["%s (%s)" % (ip, who) for ip, who in addresses.items() if not own_address(ip)]
    if away:
        raise Refused(
            "not an address of this host: %s" % ", ".join(away),
            option="publish",
            value=next(iter(addresses)),
            fix="set bluegreen_publish: loopback, or an address that this host has",
        )
