# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lost state directory, made again from what runs: labels, addresses, networks and the operator's own files.

A release's name is the hash of its images and files. Where the project directory gives the same name, it holds the
very files that the colour runs with, and its copy and its compose file are written again. Else the colour is recorded
by its labels alone, the files that its containers still hold open are saved, and what is missing is named.

The numbers of services read off what runs, where their record was lost. Pure but for podman's inspect.

Files of a lost release that running containers still hold: a file that is mounted outlives its name on the host.
"""

from __future__ import annotations

import ipaddress
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..._core import addresses
from ..._core import podman as core
from ..._core.addresses import SERVICES, SHARED, Addresses
from ..._core.argspec import COLOURS
from ..._core.errors import BluegreenError, Refused
from ..._core.names import first_name
from ..._core.plan import Plan, Step
from ..._core.podman import Podman
from ..containers import networks
from ..containers.observe import Container, Containers
from ..deployment import store
from ..deployment.job import Context, Job
from ..deployment.model import Deployment, Image
from . import origin, prepare, release

ADDRESSES, STACK = "rebuild-addresses", "rebuild-stack"
BLUE = "blue"
OTHER_FILES = (
    "%s runs release %s, whose copy was lost, and %s has other files now. Fix: restore %s from your backup before "
    "this host reboots, or deploy the next release before that"
)


@dataclass(frozen=True)
class _Lost:
    """A colour whose record is gone. ``content`` is None where its files can't be had again."""

    colour: str
    ident: str
    containers: tuple[Container, ...]
    content: release.Content | None = None


def rebuild(context: Context) -> Job:
    """Nothing where nothing is lost, or nothing of ours runs."""
    wanted, podman = context.wanted, context.podman
    world = Containers.look(podman, wanted)
    known = None if addresses.read(wanted.state_dir) else numbers_in_use(podman, wanted, world)
    steps = [Step(ADDRESSES, wanted.network_range)] if known else []
    lost = [_lost(context, world, colour) for colour in COLOURS if _is_lost(wanted, world, colour)]
    steps += [Step(STACK, one.colour, one.ident) for one in lost]
    if _blue_was_cleaned_up(context, world, [one.colour for one in lost]):
        steps.append(Step(STACK, BLUE, "cleaned up"))
    messages: list[str] = []

    def do(step: Step) -> None:
        if step.action == ADDRESSES and known:
            store.make_dirs(wanted)
            addresses.write(wanted.state_dir, known)
            return
        one = next((one for one in lost if one.colour == step.target), None)
        now = replace(context, wanted=in_order(wanted))
        messages.extend(_write(now, one) if one else _forgotten(now))

    return Job(Plan({}, {}, tuple(steps)), do, notes={"messages": messages})


def refuse_lost(context: Context) -> None:
    """Who would go by the record says so where it was lost: a service would get another address, a courier an end."""
    wanted = context.wanted
    numbers = addresses.read(wanted.state_dir) is not None
    if numbers and all(store.stack(wanted, colour) for colour in COLOURS):
        return
    world = Containers.look(context.podman, wanted)
    lost = [colour for colour in COLOURS if world.rendered(colour) and not (numbers and store.stack(wanted, colour))]
    if lost:
        raise Refused(
            "the record of %s was lost, but its containers exist" % " and ".join(lost),
            option="state_dir",
            value=wanted.state_dir,
            fix="run adopt, which rebuilds the record from what runs; nothing was changed",
        )


def in_order(wanted: Deployment) -> Deployment:
    """As the recorded numbers order services; every rendered text follows them."""
    known = addresses.read(wanted.state_dir)
    if known is None:
        return wanted
    names = addresses.in_order(wanted.names, known.services)
    shared = tuple(addresses.in_order(wanted.shared, known.shared))
    return replace(wanted, services=tuple(map(wanted.service, names)), shared=shared)


def _is_lost(wanted: Deployment, world: Containers, colour: str) -> bool:
    return not store.stack(wanted, colour) and bool(world.rendered(colour))


def _blue_was_cleaned_up(context: Context, world: Containers, lost: list[str]) -> bool:
    """Only containers of ours are left: blue is neither adopted nor to be adopted."""
    wanted = context.wanted
    if store.stack(wanted, BLUE) or BLUE in lost or not any(world.rendered(colour) for colour in COLOURS):
        return False
    whole = {c.service for c in world.of_operator()} >= set(wanted.names)
    switch = context.reachable_switch()
    return not whole or bool(switch and switch.rollback_blocked(BLUE) and switch.read().live != BLUE)


def _lost(context: Context, world: Containers, colour: str) -> _Lost:
    here = world.rendered(colour)
    ((ident, _count),) = Counter(c.release for c in here).most_common(1)
    mine = tuple(c for c in here if c.release == ident)
    images = {c.service: Image(c.reference, c.image, c.digest) for c in mine}
    once = {c.service: c for c in world.singletons() if c.colour == colour and c.release == ident}
    for single in context.wanted.singletons:
        if single.name in once and single.service not in images:
            c = once[single.name]
            images[single.service] = Image(c.reference, c.image, c.digest)
    wanted = replace(context.wanted, colour=colour, version=ident.rpartition("-")[0])
    return _Lost(colour, ident, mine, _content(context, wanted, ident, images))


def _content(context: Context, wanted: Deployment, ident: str, images: Mapping[str, Image]) -> release.Content | None:
    """What the project directory would give as a release of these images, if it is that very release."""
    if set(images) != set(wanted.imaged):
        return None
    try:
        content = origin.of_directory(context.podman.runner, wanted, images)
    except (BluegreenError, OSError):
        return None
    return content if content.ident(wanted.version) == ident else None


def _write(context: Context, lost: _Lost) -> list[str]:
    """What the operator should know."""
    wanted = replace(context.wanted, colour=lost.colour, version=lost.ident.rpartition("-")[0])
    if lost.content and not store.release(wanted, lost.ident):
        release.record(wanted, lost.content, context.clock.now())
    if store.release(wanted, lost.ident):
        text = prepare.text_of(replace(context, wanted=wanted), lost.ident)
        store.write_stack(wanted, lost.colour, prepare.stack_of(wanted, lost.ident, text), text)
        return []
    entry = partial(store.service_entry, wanted, lost.colour)
    services: dict[str, Any] = {
        c.service: entry(c.service, c.name, c.image, False) for c in lost.containers if c.service in wanted.names
    }
    missing = salvage(context.podman, wanted, [c.id for c in lost.containers])
    stack = {"colour": lost.colour, "release": lost.ident, "adopted": False, "services": services}
    store.write_stack(wanted, lost.colour, stack)
    return [OTHER_FILES % (lost.colour, lost.ident, wanted.source, wanted.path("releases", lost.ident)), *missing]


def _forgotten(context: Context) -> list[str]:
    stack = {"colour": BLUE, "release": "", "adopted": False, "services": {}}
    store.write_stack(context.wanted, BLUE, stack)
    return []


Nets = Mapping[str, Mapping[str, Any]]


def numbers_in_use(podman: Podman, wanted: Deployment, world: Containers) -> Addresses | None:
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


def _expected(wanted: Deployment, raw: Mapping[str, Any]) -> networks.Net | None:
    colour = (raw.get("labels") or {}).get(core.COLOUR)
    same = (net for net in networks.nets(wanted) if (net.colour, net.internal) == (colour, bool(raw.get("internal"))))
    return next(same, None)


def _subnet(raw: Mapping[str, Any]) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(str((raw.get("subnets") or [{}])[0].get("subnet")))


def _refuse_other_range(wanted: Deployment, there: Nets) -> None:
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


def _joined(world: Containers, there: Nets) -> Iterator[tuple[str, int]]:
    """Of running containers: podman tells no address of a stopped one."""
    wanted = world.wanted
    for c in world.all:
        mine = (c.ours(wanted) and c.kind == "service") or (c.project == wanted.project and not c.ours(wanted))
        for name, (ip, _mac) in c.networks.items():
            if mine and c.service and ip and name in there:
                yield c.service, _number(ip, there[name])


def _hosts(wanted: Deployment, raws: Sequence[Mapping[str, Any]], there: Nets) -> Iterator[tuple[str, int]]:
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


def _published(wanted: Deployment, raws: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
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


def _renamed(wanted: Deployment, there: Nets) -> dict[str, str]:
    """Colour -> name of its own network, where it is not the first one."""
    found = {}
    for name, raw in there.items():
        net = _expected(wanted, raw)
        if net and not net.internal and name != first_name(wanted.deployment, net.colour):
            found[net.colour] = name
    return found


GONE = "%s can't start again without %s, which was lost. Fix: put it there as it was, from your backup or repository"


def salvage(podman: Podman, wanted: Deployment, ids: Sequence[str]) -> list[str]:
    """Each file back to where it was mounted from. What can't be had, a sentence each.

    A directory that was removed has lost its entries for the container too.
    """
    home = wanted.path("releases") + os.sep
    missing = []
    for raw in podman.inspect("container", ids):
        for mount in raw.get("Mounts") or []:
            path = str(mount.get("Source", ""))
            if not path.startswith(home) or os.path.exists(path):
                continue
            os.makedirs(os.path.dirname(path), 0o750, exist_ok=True)
            # By podman: a link in the container must not lead out of it.
            podman.run("cp", "%s:%s" % (raw["Id"], mount.get("Destination")), path)
            if os.path.isdir(path) and not os.listdir(path):
                os.rmdir(path)
            if not os.path.exists(path):
                missing.append(GONE % (raw.get("Name"), path))
    return missing
