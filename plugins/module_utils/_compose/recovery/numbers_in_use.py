# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The numbers of services read off what runs, where their record was lost. Pure but for podman's inspect."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import networks
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.containers import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import podman as core
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.addresses import SERVICES, SHARED, Addresses
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import first_name
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman

Nets = Mapping[str, Mapping[str, Any]]


def read_off(podman: Podman, wanted: Wanted, world: World) -> Addresses | None:
    """None where no network of ours is there. Refused where they were made from another range than the one given."""
    there = {
        name: raw
        for name, raw in networks.existing(podman).items()
        if (raw.get("labels") or {}).get(core.LABEL) == wanted.deployment
    }
    if not there:
        return None
    _refuse_other_range(wanted, there)
    raws = podman.containers({core.LABEL: wanted.deployment})
    services: dict[str, int] = {}
    shared: dict[str, int] = {}
    for name, number in [*_joined(world, there), *_hosts(wanted, raws, there)]:
        if number in SERVICES and (name in wanted.names or name not in wanted.shared):
            services.setdefault(name, number)
        elif number in SHARED and name in wanted.shared:
            shared.setdefault(name, number)
    return Addresses(wanted.network_range, services, shared, _published(wanted, raws), _renamed(wanted, there))


def _expected(wanted: Wanted, raw: Mapping[str, Any]) -> networks.Net | None:
    colour = (raw.get("labels") or {}).get(core.COLOUR)
    same = (net for net in networks.nets(wanted) if (net.colour, net.internal) == (colour, bool(raw.get("internal"))))
    return next(same, None)


def _subnet(raw: Mapping[str, Any]) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(str((raw.get("subnets") or [{}])[0].get("subnet")))


def _refuse_other_range(wanted: Wanted, there: Nets) -> None:
    for name, raw in there.items():
        net = _expected(wanted, raw)
        if net is None or net.subnet == str(_subnet(raw)):
            continue
        ahead = int(ipaddress.IPv4Network(net.subnet).network_address) - int(
            ipaddress.IPv4Network(wanted.network_range).network_address
        )
        first = ipaddress.IPv4Address(int(_subnet(raw).network_address) - ahead)
        raise Refused(
            "network %s was made from a range that begins at %s, and its record was lost" % (name, first),
            option="network_range",
            value=wanted.network_range,
            fix="set bluegreen_network_range to %s/20 (or the length that it had), then run adopt again" % first,
        )


def _joined(world: World, there: Nets) -> Iterator[tuple[str, int]]:
    """Of running containers: podman tells no address of a stopped one."""
    wanted = world.wanted
    for c in world.all:
        mine = (c.ours(wanted) and c.kind == "service") or (c.project == wanted.project and not c.ours(wanted))
        for name, (ip, _mac) in c.networks.items():
            if mine and c.service and ip and name in there:
                yield c.service, _number(ip, there[name])


def _hosts(wanted: Wanted, raws: Sequence[Mapping[str, Any]], there: Nets) -> Iterator[tuple[str, int]]:
    """Each container of ours has the names of all services in its hosts file, running or not."""
    known = {*wanted.names, *wanted.shared}
    for raw in raws:
        colour = core.labels(raw).get(core.COLOUR)
        for entry in (raw.get("HostConfig") or {}).get("ExtraHosts") or []:
            name, _colon, ip = str(entry).partition(":")
            for net in there.values():
                same = (net.get("labels") or {}).get(core.COLOUR) == colour and not net.get("internal")
                if name in known and same and ipaddress.ip_address(ip) in _subnet(net):
                    yield name, _number(ip, net)


def _number(ip: str, raw: Mapping[str, Any]) -> int:
    return int(ipaddress.IPv4Address(ip)) - int(_subnet(raw).network_address)


def _published(wanted: Wanted, raws: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """The host's ports of blue, which a native edge dials."""
    found: dict[str, tuple[int, int]] = {}
    for raw in raws:
        labels = core.labels(raw)
        name, bound = labels.get(core.SERVICE, ""), (raw.get("HostConfig") or {}).get("PortBindings") or {}
        if wanted.publish == "network" or labels.get(core.COLOUR) != "blue" or name not in wanted.names or not bound:
            continue
        service = wanted.service(name)
        ports = [bound.get("%d/tcp" % port) or [{}] for port in (service.port, service.admin_port)]
        first, second = (int(one[0].get("HostPort") or 0) for one in ports)
        found[name] = (first, second)
    return found


def _renamed(wanted: Wanted, there: Nets) -> dict[str, str]:
    """Colour -> name of its own network, where it is not the first one."""
    found = {}
    for name, raw in there.items():
        net = _expected(wanted, raw)
        if net and not net.internal and name != first_name(wanted.deployment, net.colour):
            found[net.colour] = name
    return found
