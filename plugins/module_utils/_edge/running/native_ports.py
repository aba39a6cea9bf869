# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Coloured services as a native edge reaches them: by ports of this host.

What the operator's configuration dials is a port that his compose file publishes. It is what blue is dialled by while
it is the adopted one, and after that too: it is recorded with the addresses, so that blue is published there again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Union

from ..._core import podman as core
from ..._core.argspec import COLOURS
from ..._core.errors import BluegreenError, Refused
from ..._core.names import PORT_BASE, Networks
from ..._core.podman import COMPOSE_PROJECT, COMPOSE_SERVICE, Podman
from ..._core.publish import address as address_of
from ..config.upstream import Upstream

Services = Mapping[str, Mapping[str, Any]]
Ports = dict[str, tuple[int, int]]
# network, loopback or an address; or an address for each colour, where they are on hosts of their own.
Publish = Union[str, Mapping[str, str]]
EVERYWHERE = ("", "0.0.0.0", "::")
# The ways to say a port of this host.
LOOPBACK = ("localhost:%d", "127.0.0.1:%d", ":%d", "[::1]:%d")


def where(publish: Publish, colour: str = "blue") -> str:
    """The address that a colour is published on. A native edge is on no network of a colour."""
    if isinstance(publish, Mapping):
        if set(publish) != set(COLOURS):
            raise BluegreenError(
                "not an address for each colour",
                option="publish",
                value=dict(publish),
                fix="name the hosts of the colours, as in {blue: 192.0.2.10, green: 192.0.2.11}",
            )
        publish = publish[colour]
    if publish == "network":
        raise Refused(
            "a native edge can't reach the networks of the colours",
            option="publish",
            value=publish,
            fix="set bluegreen_publish: loopback",
        )
    return address_of(publish)


def observed(podman: Podman, project: str, services: Services, publish: Publish) -> Ports:
    """The ports that the running containers of the project publish: service -> (of port, of admin_port), 0 for none."""
    found: Ports = {}
    for container in podman.containers({COMPOSE_PROJECT: project}):
        name = str(container["Config"]["Labels"].get(COMPOSE_SERVICE, ""))
        if name in services:
            bound = (container.get("NetworkSettings") or {}).get("Ports") or {}
            pair = [_port(bound, services[name].get(kind), name, publish) for kind in ("port", "admin_port")]
            if any(pair):
                found[name] = (pair[0], pair[1])
    return found


def _port(bound: Mapping[str, Any], inside: Any, name: str, publish: Publish) -> int:
    for one in bound.get("%s/tcp" % inside) or []:
        if one.get("HostIp", "") not in (*EVERYWHERE, where(publish)):
            raise Refused(
                "%s is published on %s, but colours are published elsewhere" % (name, one["HostIp"]),
                option="publish",
                value=publish,
                fix="set bluegreen_publish: %s" % one["HostIp"],
            )
        return int(one["HostPort"])
    return 0


def ours(podman: Podman, deployment: str, colour: str) -> bool:
    """Whether a colour's containers are those that we made, and no longer the adopted ones."""
    return bool(podman.containers({core.LABEL: deployment, core.COLOUR: colour, core.KIND: "service"}))


def either(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """The first pair, and the other's port where it has none."""
    return one[0] or other[0], one[1] or other[1]


def given(written: Mapping[str, str], services: Services) -> tuple[Ports, dict[str, tuple[str, str]]]:
    """The operator's own word, ``edge.upstreams``: the ports that it means, and each form -> (service, port inside)."""
    ports: Ports = {}
    forms: dict[str, tuple[str, str]] = {}
    for form, meant in written.items():
        name, _colon, inside = str(meant).partition(":")
        kinds = [kind for kind in ("port", "admin_port") if str(services.get(name, {}).get(kind, "")) == inside]
        port = str(form).rpartition(":")[2]
        if not kinds or not port.isdigit():
            raise BluegreenError(
                "not host:port -> service:port of a coloured service",
                option="edge.upstreams",
                value={form: meant},
                fix="write service:port as in bluegreen_services, for example {'localhost:3100': 'ciam-hera:3000'}",
            )
        pair = list(ports.get(name, (0, 0)))
        pair[kinds[0] == "admin_port"] = int(port)
        ports[name], forms[form] = (pair[0], pair[1]), (name, inside)
    return ports, forms


def upstreams(
    services: Services,
    nets: Networks,
    blue: Ports,
    forms: Mapping[str, tuple[str, str]],
    publish: Publish,
    base: Mapping[str, int],
) -> tuple[Upstream, ...]:
    """Every way to say a port of blue, with what each colour is dialled by instead."""
    address, found = {colour: where(publish, colour) for colour in COLOURS}, []
    # Ports of this host mean nothing where the colours are on others.
    here = () if isinstance(publish, Mapping) else LOOPBACK
    ways = dict.fromkeys([*here, address["blue"] + ":%d"])
    for name, pair in blue.items():
        if not services[name].get("edge", True):
            continue
        green = nets.published("green", name, {**PORT_BASE, **base})
        for number, kind in enumerate(("port", "admin_port")):
            inside, port = str(services[name].get(kind, "")), pair[number]
            own = [form for form, meant in forms.items() if meant == (name, inside)]
            for form in dict.fromkeys([*(way % port for way in ways), *own]) if port else ():
                one, other = "%s:%d" % (address["blue"], port), "%s:%d" % (address["green"], green[number])
                found.append(Upstream(name, one, other, bool(services[name].get("ui", False)), form))
    return tuple(found)
