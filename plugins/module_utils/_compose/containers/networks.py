# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four networks and who is on them: wanted as data, compared with what is, changed one step at a time.

What is about to be joined to a network, written down before.

Podman killed in the middle of it can tell nothing of that container any more ("network inspection mismatch"), so it can
not be observed which of its networks is the half one. One note for each container and network, with the process that
joins: a boot and a stage may join at the same time.

Bridges that keep their hardware address while containers come and go.

Linux gives a bridge the lowest hardware address of its ports until one is set. A container that is started or removed
may so change it, and every neighbour goes on sending to the old one until its own table gives up: for up to half a
minute it resolves no name (Podman's DNS server answers at the bridge) and reaches nothing outside. So the address that
a bridge has now is set, which changes no packet.
"""

from __future__ import annotations

import glob
import ipaddress
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ..._core import podman as core
from ..._core import process
from ..._core.argspec import COLOURS
from ..._core.errors import BluegreenError, Refused
from ..._core.files import read_json, read_text, write_json
from ..._core.names import Address
from ..._core.plan import Step
from ..._core.podman import HALF_JOINED, Podman
from ..._core.runner import check
from ..deployment.model import Deployment
from .observe import Containers

# Addresses that podman may give out by itself (a courier, a migration): the last quarter, never one of the fixed ones.
DYNAMIC = 192


@dataclass(frozen=True)
class Net:
    name: str
    subnet: str
    colour: str
    internal: bool


@dataclass(frozen=True)
class Member:
    """``container`` (a name) belongs on ``network`` at ``address``."""

    container: str
    network: str
    address: Address


def nets(wanted: Deployment) -> list[Net]:
    names = wanted.nets
    edges = [Net(names.edge_name(c), names.edge_subnet(c), c, True) for c in COLOURS]
    return edges + [Net(names.colour_name(c), names.colour_subnet(c), c, False) for c in COLOURS]


def common_members(world: Containers, colours: Sequence[str] = COLOURS) -> list[Member]:
    """The places of the shared services, of the edge and of the relay, as far as they have a container."""
    found = [member for service in world.wanted.shared_and_edge for member in members_of(world, service, colours)]
    return found + relay_members(world, colours)


def members_of(world: Containers, service: str, colours: Sequence[str] = COLOURS) -> list[Member]:
    """The edge belongs on the edge networks, a shared service on the colours' own."""
    nets, c = world.wanted.nets, world.of_project(service)
    if c is None:
        return []
    if service == world.wanted.edge_service:
        return [Member(c.name, nets.edge_name(colour), nets.edge(colour)) for colour in colours]
    return [Member(c.name, nets.colour_name(colour), nets.shared_on(colour, service)) for colour in colours]


def relay_members(world: Containers, colours: Sequence[str] = COLOURS) -> list[Member]:
    there = world.relay()
    places = [place for colour in colours for place in relay_places(world.wanted, colour)]
    return [Member(there.name, net, place) for net, place in places] if there else []


def relay_places(wanted: Deployment, colour: str) -> list[tuple[str, Address]]:
    """On the edge network, and on the colour's own where a coloured service is on no other."""
    found = [(wanted.nets.edge_name(colour), wanted.nets.relay_on_edge(colour))]
    if not all(service.edge for service in wanted.services):
        found.append((wanted.nets.colour_name(colour), wanted.nets.relay(colour)))
    return found


def public_members(wanted: Deployment, colour: str, containers: Mapping[str, str]) -> list[Member]:
    """The places of public services on their colour's edge network. ``containers``: service -> name."""
    net = wanted.nets.edge_name(colour)
    return [
        Member(containers[service.name], net, wanted.nets.service_on_edge(colour, service.name))
        for service in wanted.services
        if service.edge and service.name in containers
    ]


def require(world: Containers, services: Iterable[str]) -> None:
    """Raises where the adopted project has no running container of one of them."""
    for service in services:
        found, project = world.of_project(service), world.wanted.project
        if found is None:
            raise BluegreenError(
                "project %s has no container of service %s" % (project, service),
                option="project",
                value=project,
                fix="start it, or correct bluegreen_project and bluegreen_services",
            )
        if not found.running:
            raise BluegreenError(
                "service %s is not running (container %s is %s)" % (service, found.name, found.state),
                option="project",
                value=project,
                fix="podman start %s" % found.name,
            )


def existing(podman: Podman) -> dict[str, dict[str, Any]]:
    names = podman.must("network", "ls", "--format", "{{.Name}}").split()
    return {str(raw.get("name")): raw for raw in podman.inspect("network", names)}


def create_steps(
    wanted: Deployment, found: Mapping[str, Mapping[str, Any]], routes: Sequence[Mapping[str, Any]]
) -> list[Step]:
    """One step for each network that is missing. Refuses one that is there but not as we make it, or a taken range."""
    steps = []
    for net in nets(wanted):
        there = found.get(net.name)
        if there is None:
            _refuse_overlap(net, found, routes)
            steps.append(Step("create-network", net.name, net.subnet))
            continue
        subnets = [str(entry.get("subnet")) for entry in there.get("subnets") or []]
        ours = (there.get("labels") or {}).get(core.LABEL) == wanted.deployment
        alike = subnets == [net.subnet] and there.get("internal") == net.internal and not there.get("dns_enabled")
        if not (ours and alike):
            raise Refused(
                "network %s exists but is not managed by this deployment (label, subnet or options differ)" % net.name,
                option="network_range",
                value=wanted.network_range,
                fix="remove it, or choose another bluegreen_deployment or bluegreen_network_range",
            )
    return steps


def _refuse_overlap(net: Net, found: Mapping[str, Mapping[str, Any]], routes: Sequence[Mapping[str, Any]]) -> None:
    wanted = ipaddress.IPv4Network(net.subnet)
    for name, raw in found.items():
        for entry in raw.get("subnets") or []:
            other = ipaddress.ip_network(str(entry.get("subnet")), strict=False)
            if isinstance(other, ipaddress.IPv4Network) and other.overlaps(wanted):
                raise _taken(net, "network %s (%s)" % (name, other))
    for route in routes:
        # A blackhole holds an address range free; it leads nowhere.
        if route.get("dst") == "default" or route.get("type") in ("blackhole", "unreachable", "prohibit"):
            continue
        other = ipaddress.ip_network(str(route.get("dst")), strict=False)
        if isinstance(other, ipaddress.IPv4Network) and other.overlaps(wanted):
            raise _taken(net, "the route to %s by %s" % (other, route.get("dev")))


def _taken(net: Net, by: str) -> Refused:
    return Refused(
        "%s for %s is taken by %s" % (net.subnet, net.name, by),
        option="network_range",
        value=net.subnet,
        fix="choose a free bluegreen_network_range",
    )


def routes(podman: Podman) -> list[dict[str, Any]]:
    result = check(podman.runner.run(["ip", "-j", "-4", "route", "show"]), "ip route show")
    found = json.loads(result.out or "[]")
    return [route for route in found if isinstance(route, dict)]


def connect_steps(world: Containers, members: Iterable[Member]) -> list[Step]:
    """One step for each member that is not at its place; one at the wrong address is taken off first."""
    steps = []
    for member in members:
        container = world.named(member.container)
        place = container.networks.get(member.network) if container else None
        if place == (member.address.ip, member.address.mac):
            continue
        if container and not container.running and place == ("", ""):
            # Podman tells no address of a stopped container; it comes back with the one that it was joined at.
            continue
        if place is not None:
            steps.append(Step("disconnect", member.container, member.network))
        steps.append(Step("connect", member.container, member.network))
    return steps


def do(podman: Podman, wanted: Deployment, members: Iterable[Member], step: Step) -> None:
    """The mutating acts on networks."""
    if step.action == "create-network":
        _create(podman, wanted, next(net for net in nets(wanted) if net.name == step.target))
    elif step.action == "remove-network":
        podman.must("network", "rm", step.target)
    elif step.action == "disconnect":
        podman.must("network", "disconnect", step.detail, step.target)
    elif step.action == "connect":
        member = next(m for m in members if m.container == step.target and m.network == step.detail)
        with recorded(wanted, member.container, member.network):
            _connect(podman, member)


def _connect(podman: Podman, member: Member) -> None:
    """A boot and a stage may both want it; who comes second finds it done."""
    address = (member.address.ip, member.address.mac)
    words = ("--ip", address[0], "--mac-address", address[1], member.network, member.container)
    result = podman.run("network", "connect", *words)
    if result.rc == 0:
        return
    there = podman.one("container", member.container) or {}
    place = ((there.get("NetworkSettings") or {}).get("Networks") or {}).get(member.network) or {}
    if (str(place.get("IPAddress", "")), str(place.get("MacAddress", "")).lower()) != address:
        check(result, "podman network connect")


def _create(podman: Podman, wanted: Deployment, net: Net) -> None:
    low = ipaddress.IPv4Network(net.subnet).network_address + DYNAMIC
    labels = {core.LABEL: wanted.deployment, core.COLOUR: net.colour, core.KIND: "network"}
    args = ["--disable-dns", "--subnet", net.subnet, "--ip-range", "%s/26" % low]
    args += ["--internal"] if net.internal else []
    args += [part for pair in labels.items() for part in ("--label", "%s=%s" % pair)]
    podman.must("network", "create", *args, net.name)


@contextmanager
def recorded(wanted: Deployment, container: str, network: str) -> Iterator[None]:
    """Around ``podman network connect``. A disk without space is no reason not to join: at boot nothing runs yet."""
    path = wanted.path("joining-%s-%s.json" % (container, network))
    with suppress(OSError):
        note = {"v": 1, "container": container, "network": network, "by": process.identity(os.getpid())}
        write_json(path, note)
    yield
    with suppress(OSError):
        os.unlink(path)


def settle(podman: Podman, wanted: Deployment) -> None:
    """Take off again what killed runs were joining; the plan that follows joins it again. What lives is left alone."""
    for path in sorted(glob.glob(os.path.join(glob.escape(wanted.state_dir), "joining*.json"))):
        with suppress(FileNotFoundError):
            _settle(podman, path)


def _settle(podman: Podman, path: str) -> None:
    half = read_json(path)
    if not isinstance(half, dict):
        return
    by = half.get("by")
    # Our own process joins nothing now.
    if by and by["pid"] != os.getpid() and process.alive(by):
        return
    if HALF_JOINED in podman.run("container", "inspect", str(half.get("container"))).err:
        # Podman may say that there is nothing to take down; it has forgotten the network all the same.
        podman.run("network", "disconnect", str(half.get("network")), str(half.get("container")))
    os.unlink(path)


LINKS = "/sys/class/net"
# NET_ADDR_SET of linux/netdevice.h.
SET = "3"


def hold_bridges(podman: Podman, world: Containers, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Sets the address of each bridge that the project's containers or ours are on, where it is up."""
    joined = {net for c in world.all if c.project == world.wanted.project or c.ours(world.wanted) for net in c.networks}
    for name, raw in found.items():
        link = str(raw.get("network_interface") or "")
        if name not in joined or not link:
            continue
        kind, address = (read_text(os.path.join(LINKS, link, entry)) for entry in ("addr_assign_type", "address"))
        if kind and address and kind.strip() != SET:
            check(podman.runner.run(["ip", "link", "set", "dev", link, "address", address.strip()]), "ip link set")
