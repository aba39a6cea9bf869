# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""state: adopted. The running project becomes blue as it is: networks are added, no container is touched otherwise."""

from __future__ import annotations

from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import networks, release, source, store
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.job import Context, Job
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.model import Image
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.networks import Member
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.world import Container, World
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import addresses
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step

BLUE = "blue"


def adopt(context: Context) -> Job:
    """Also the repair after an edge or a shared service was recreated: then it only joins what is off its networks."""
    wanted, podman = context.wanted, context.podman
    world = World.look(podman, wanted)
    members = networks.common_members(wanted, world)
    record: dict[str, Any] = {}
    if _takes_blue(context, world):
        containers = [_coloured(context, world, name) for name in wanted.names]
        members += _edge_members(context, BLUE, containers)
        record = _record(context, containers)
    for colour in COLOURS:
        members += _edge_members(context, colour, [c for c in world.rendered(colour) if c.running])
    steps = store.address_steps(wanted)
    steps += networks.create_steps(wanted, networks.existing(podman), networks.routes(podman))
    steps += networks.connect_steps(world, members)
    before = store.stack(wanted, BLUE)
    if record and record["stack"] != before:
        steps.append(Step("record-release", str(record["stack"]["release"])))
        steps.append(Step("write-stack", BLUE))

    def do(step: Step) -> None:
        if step.action == "record-addresses":
            store.record_addresses(wanted)
        elif step.action == "record-release":
            _make_release(context, record)
        elif step.action == "write-stack":
            store.write_stack(wanted, BLUE, record["stack"])
        else:
            networks.do(podman, wanted, members, step)

    def verify() -> None:
        off = networks.connect_steps(World.look(podman, wanted), members)
        if off:
            raise BluegreenError("not where it shall be after adopt: %s" % ", ".join(str(step) for step in off))

    after = {"release": record["stack"]["release"]} if record else {"release": before.get("release", "")}
    plan = Plan({"release": before.get("release", "")}, {**after, "joined": _places(members)}, tuple(steps))
    return Job(plan, do, verify, tuple(record.get("warnings", ())))


def _places(members: list[Member]) -> list[str]:
    return ["%s on %s at %s" % (m.container, m.network, m.address.ip) for m in members]


def _takes_blue(context: Context, world: World) -> bool:
    """Blue is the adopted project's: not yet adopted, or adopted and not cleaned up."""
    known = store.stack(context.wanted, BLUE)
    return not known or (bool(known.get("adopted")) and bool(world.adopted()))


def _coloured(context: Context, world: World, name: str) -> Container:
    found = world.named(networks.required(context.wanted, world, name))
    if found is None:
        raise BluegreenError("container of service %s went away meanwhile" % name, mend="run again")
    return found


def _edge_members(context: Context, colour: str, containers: list[Container]) -> list[Member]:
    wanted = context.wanted
    return [
        networks.edge_member(wanted, colour, c.service, c.name)
        for c in containers
        if c.service in wanted.names and wanted.service(c.service).edge
    ]


def _record(context: Context, containers: list[Container]) -> dict[str, Any]:
    """The running images as a release, and blue's services.json. A release that fits is kept as it is."""
    wanted = context.wanted
    project = source.config(context.podman.runner, wanted, wanted.source)
    names, warnings = source.wanted_files(wanted, project)
    found = {c.service: Image(c.reference, c.image, c.digest) for c in containers}
    known = store.release(wanted, str(store.stack(wanted, BLUE).get("release", "")))
    same = {name: entry["id"] for name, entry in (known.get("images") or {}).items()}
    files = release.tree(wanted.source, names)
    ident = str(known["id"]) if known and same == {name: image.id for name, image in found.items()} else ""
    ident = ident or release.release_id(wanted.version, {name: image.id for name, image in found.items()}, files)
    services = {
        c.service: {**store.service_entry(wanted, BLUE, c.service, c.name, c.image, True), "id": c.id}
        for c in containers
    }
    stack = {"colour": BLUE, "release": ident, "adopted": True, "services": services}
    return {"stack": stack, "images": found, "names": names, "files": files, "warnings": warnings}


def _make_release(context: Context, record: dict[str, Any]) -> None:
    wanted = context.wanted
    if not store.release(wanted, record["stack"]["release"]):
        release.record(wanted, record["images"], record["names"], record["files"], context.clock.now())


def undo(context: Context) -> Job:
    """Off the networks again, and the networks away. Containers, images and recorded releases stay."""
    wanted, podman = context.wanted, context.podman
    world = World.look(podman, wanted)
    left = [c.name for colour in COLOURS for c in world.rendered(colour, ("service", "courier"))]
    if left:
        raise Refused(
            "containers of a colour are still there: %s" % ", ".join(left),
            option="undo",
            mend="remove that colour first (state absent)",
        )
    found = networks.existing(podman)
    ours = [net.name for net in networks.nets(wanted) if net.name in found]
    networks.create_steps(wanted, {name: found[name] for name in ours}, [])
    members = [c for c in world.all if c.project == wanted.project and not c.ours(wanted)]
    steps = [Step("disconnect", c.name, name) for c in members for name in ours if name in c.networks]
    steps += [Step("remove-network", name) for name in ours]
    if addresses.read(wanted.state_dir):
        steps.append(Step("forget-addresses", wanted.network_range))

    def do(step: Step) -> None:
        if step.action == "forget-addresses":
            store.forget_addresses(wanted)
        else:
            networks.do(podman, wanted, (), step)

    return Job(Plan({"networks": ours}, {"networks": []}, tuple(steps)), do)
