# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which coloured service an upstream reaches: asked of the network, never read from its spelling.

A service has more names than its compose key: a container's name, its aliases, upper case, a final dot, the network's
domain, an address, a port that is published. So each dialled host is resolved where the edge resolves it, and the
addresses are compared with those of the coloured containers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ..._core import podman as core
from ..._core import resolve
from ..._core.argspec import COLOURS
from ..._core.errors import Refused
from ..._core.netns import own_address
from ..._core.podman import Podman
from ..config import query
from ..config.imports import resolved
from ..config.upstream import Upstream
from .base import Edge, environment, root_of

EVERYWHERE = ("", "0.0.0.0", "::")
NETWORKS = ("tcp/", "tcp4/", "tcp6/", "udp/", "udp4/", "udp6/")


@dataclass(frozen=True)
class Member:
    """A container of a coloured service: its addresses, and (address of the host or '', port there, port inside) for
    each published port. ``inside``: its ports, where it has the host's network."""

    service: str
    addresses: frozenset[str] = frozenset()
    published: tuple[tuple[str, int, int], ...] = ()
    inside: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Reached:
    """``port`` is the one inside of the container, ``outside`` the one that the host publishes it at (0: none).
    ``direct``: the container itself was dialled, by a name or an address."""

    service: str
    port: int
    outside: int = 0
    direct: bool = True


class Reaches:
    """``members`` gives the coloured containers as they are now; asked once, and only where a dial is asked for."""

    def __init__(self, members: Callable[[], Sequence[Member]] = tuple) -> None:
        self._read = members

    @cached_property
    def members(self) -> Sequence[Member]:
        return self._read()

    def asked(self, edge: Edge, dials: Iterable[str]) -> dict[str, Reached]:
        """Those of ``dials`` (host:port as Caddy's JSON has them) that reach a coloured container from the edge."""
        ends = {dial: split(dial) for dial in dict.fromkeys(dials)}
        hosts = {host for host, port in ends.values() if port}
        pid = edge.place().pid if hosts and self.members else 0
        if not pid:
            return {}
        # Go takes no host for the loopback.
        known, found = {**resolve.of_names(hosts - {""}, pid, edge.network()), "": ("127.0.0.1",)}, {}
        loopback = _shares_host(pid)
        for dial, (host, port) in ends.items():
            reached = next(self._reached(known[host], port, loopback), None) if port else None
            if reached:
                found[dial] = reached
        return found

    def past(self, edge: Edge, config: Any, upstreams: Sequence[Upstream]) -> list[str]:
        """What a configuration dials without asking the switch, and reaches a coloured service, by whatever name."""
        root, pid = root_of(edge), edge.place().pid
        plain = query.plain_names(config, upstreams, root)
        environ = environment(pid) if pid else {}
        outside = query.dials(query.unswitched(config, root))
        # Behind the switch, too, a colour is dialled by its own address and by no name that any colour may have.
        inside = [one for one in query.dials(config) if upstreams and not _of_a_colour(one, upstreams)]
        said = {one: resolved(one, environ) for one in (*inside, *outside)}
        reached = self.asked(edge, said.values())
        return list(dict.fromkeys([*plain, *(one for one, dial in said.items() if dial in reached)]))

    def _reached(self, addresses: Sequence[str], port: int, loopback: bool) -> Iterator[Reached]:
        """``loopback``: whether the edge's is this host's."""
        for address in addresses:
            for one in self.members:
                if address in one.addresses:
                    outside = next((there for _bound, there, inside in one.published if inside == port), 0)
                    yield Reached(one.service, port, outside)
            local = address.startswith("127.") or address == "::1"
            if not (loopback if local else own_address(address)):
                continue
            for one in self.members:
                for bound, outside, inside in one.published:
                    if outside == port and (bound in EVERYWHERE or bound == address):
                        yield Reached(one.service, inside, outside, False)
                if port in one.inside:
                    yield Reached(one.service, port, port, False)


def _of_a_colour(dial: str, upstreams: Sequence[Upstream]) -> bool:
    return any(one.dialled(dial, colour) for one in upstreams for colour in COLOURS)


def _shares_host(pid: int) -> bool:
    try:
        return os.readlink("/proc/%d/ns/net" % pid) == os.readlink("/proc/self/ns/net")
    except OSError:
        return False


def aliases(upstreams: Sequence[Upstream], found: Mapping[str, Reached]) -> tuple[Upstream, ...]:
    """The further spellings ``found`` (dial -> what it reaches) as upstreams. Raises Refused for one that the edge has
    no other colour of."""
    known = []
    for dial, reached in found.items():
        if any(one.port(dial) for one in upstreams):
            continue
        one = next((one for one in upstreams if _means(one, reached)), None)
        if one is None:
            raise Refused(
                "the edge dials %s, which reaches %s at its port %d" % (dial, reached.service, reached.port),
                option="bluegreen_services",
                value=reached.service,
                fix="name that port there (port or admin_port), and take `edge: false` away",
            )
        host = split(dial)[0]
        if one.written:
            known.append(replace(one, written=dial))
        elif reached.direct and host and ":" not in host:
            known.append(replace(one, alias=host))
        else:
            blue, green = ("%s:%d" % (address, reached.port) for address in (one.blue, one.green))
            known.append(replace(one, blue=blue, green=green, written=dial))
    return tuple(dict.fromkeys(known))


def _means(one: Upstream, reached: Reached) -> bool:
    """A native edge knows a service by each of its published ports."""
    same = not one.written or one.blue.rpartition(":")[2] == str(reached.outside)
    return one.service == reached.service and same


def split(dial: str) -> tuple[str, int]:
    """('site', 3000) of ``site:3000``, ``tcp/site:3000``; ('', 0) for a socket of the file system or a placeholder."""
    for network in NETWORKS:
        dial = dial[len(network) :] if dial.startswith(network) else dial
    host, _colon, number = dial.rpartition(":")
    if "{" in dial or "/" in dial or not number.isdigit():
        return "", 0
    return host.strip("[]"), int(number)


def of_deployment(podman: Podman, params: Mapping[str, Any]) -> Reaches:
    """For the ``project``, ``deployment`` and ``services`` of a module's options."""

    def read() -> tuple[Member, ...]:
        found = podman.containers({core.COMPOSE_PROJECT: params["project"]})
        return members([*found, *podman.containers({core.LABEL: params["deployment"]})], params)

    return Reaches(read)


def members(containers: Iterable[Mapping[str, Any]], asked: Mapping[str, Any]) -> tuple[Member, ...]:
    """Of ``podman inspect``: the containers of the coloured services, the operator's own and ours, of either colour."""
    services, found = asked["services"], []
    for container in containers:
        labels = core.labels(container)
        ours = labels.get(core.LABEL) == asked["deployment"]
        theirs = labels.get(core.COMPOSE_PROJECT) == asked["project"]
        service = labels.get(core.SERVICE if ours else core.COMPOSE_SERVICE, "") if ours or theirs else ""
        if service in services:
            found.append(_member(service, container, services[service]))
    return tuple(found)


def _member(service: str, container: Mapping[str, Any], given: Mapping[str, Any]) -> Member:
    settings = container.get("NetworkSettings") or {}
    nets = [one for one in (settings.get("Networks") or {}).values() if isinstance(one, Mapping)]
    every = [str(one.get(key) or "") for one in (settings, *nets) for key in ("IPAddress", "GlobalIPv6Address")]
    bound = settings.get("Ports") or {}
    published = [
        (str(one.get("HostIp") or ""), int(one["HostPort"]), int(inside.partition("/")[0]))
        for inside, ends in bound.items()
        for one in ends or ()
        if str(one.get("HostPort", "")).isdigit()
    ]
    shares = (container.get("HostConfig") or {}).get("NetworkMode") == "host"
    ports = frozenset(int(given[key]) for key in ("port", "admin_port") if shares and given.get(key))
    return Member(service, frozenset(every) - {""}, tuple(published), ports)
