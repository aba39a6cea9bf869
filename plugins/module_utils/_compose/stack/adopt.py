# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""state: adopted. The running project becomes blue as it is: networks are added, no container is touched otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..._core import addresses
from ..._core.argspec import COLOURS
from ..._core.errors import BluegreenError
from ..._core.plan import Plan, Step
from ..._edge.running import native_ports
from ..containers import dependents, lifecycle, networks
from ..containers.observe import Container, Containers
from ..deployment import store, switch_reader
from ..deployment.job import Context, Job
from ..deployment.model import Deployment, Image
from ..release import origin, release
from . import relay, remove, repair

BLUE = "blue"


def adopt(context: Context) -> Job:
    """Also the repair: containers that were stopped, removed or recreated since are started and joined again."""
    wanted, podman = context.wanted, context.podman
    world = Containers.look(podman, wanted)
    before = store.stack(wanted, BLUE)
    _refuse_incomplete(wanted, world, before)
    blue = _blue(context, world)
    fixing = repair.plan(context, world, wanted.wake, blue)
    record = _record(context, [*blue, *_singletons(context, world)]) if blue and _to_record(wanted, blue) else {}
    present = world.shared()
    ports = _ports(context, blue or [])
    steps = [*store.address_steps(wanted), *fixing.steps, *_to_write(before, record, ports)]
    if present != store.shared(wanted):
        steps.append(Step("record-shared", ", ".join(present)))
    still, extra = switch_reader.unfenced(context), {c.name: c.id for c in _unmanaged(world, blue)}
    steps += [Step("remove", name) for name in extra]
    names, more, notices = _plain_names(context, world, blue)
    steps += more
    steps += [Step("allow-rollback", colour) for colour in switch_reader.rollback_blocked(context, wanted.wake)]
    if before and fixing.gaps and not steps:
        raise BluegreenError("; ".join(fixing.gaps))
    acts: dict[str, Callable[[Step], None]] = {
        "record-addresses": lambda step: store.record_addresses(wanted),
        "record-ports": lambda step: store.record_ports(wanted, ports),
        "record-release": lambda step: _make_release(context, record),
        "write-stack": lambda step: store.write_stack(wanted, BLUE, record["stack"]),
        "record-shared": lambda step: store.record_shared(wanted, present),
        "remove": lambda step: lifecycle.remove_container(podman, extra[step.target], still=still),
        "allow-rollback": lambda step: _allow_rollback(context, fixing, step.target),
    }

    def do(step: Step) -> None:
        if not relay.do(context, names, step):
            acts.get(step.action, partial(repair.do, context, fixing, still=still))(step)

    after = {"release": record["stack"]["release"] if record else before.get("release", "")}
    places = ["%s on %s at %s" % (m.container, m.network, m.address.ip) for m in fixing.members]
    plan = Plan({"release": before.get("release", "")}, {**after, "joined": places}, tuple(steps))
    warnings = (*record.get("warnings", ()), *fixing.gaps, *notices)
    return Job(plan, do, partial(_verify, context, fixing), warnings)


def _plain_names(
    context: Context, world: Containers, blue: list[Container] | None
) -> tuple[relay.Relay | None, list[Step], list[str]]:
    """The relay where it is due. Before, what the cleanup of the adopted containers will mean for others."""
    if relay.due(context.wanted):
        return relay.plan(context, world)
    if blue is None:
        return None, [], []
    edge = world.of_project(context.wanted.edge_service) if context.wanted.edge_service else None
    return None, [], dependents.notices(world, blue) + ([] if edge else [relay.no_image(context.wanted)])


def _verify(context: Context, fixing: repair.RepairPlan) -> None:
    wrong = repair.shortfall(Containers.look(context.podman, context.wanted), fixing)
    if wrong:
        raise BluegreenError("adopt did not complete: %s" % "; ".join(wrong), fix="run adopt again")


def _allow_rollback(context: Context, fixing: repair.RepairPlan, colour: str) -> None:
    """What a killed cleanup or deploy had blocked is whole again."""
    _verify(context, fixing)
    switch = context.switch()
    if switch:
        switch.allow_rollback(colour, context.token or None)


def _to_write(before: dict[str, Any], record: dict[str, Any], ports: Mapping[str, object]) -> list[Step]:
    """What of blue is not on disk yet."""
    steps = [Step("record-ports", ", ".join(ports))] if ports else []
    if record and record["stack"] != before:
        steps += [Step("record-release", str(record["stack"]["release"])), Step("write-stack", BLUE)]
    return steps


def _to_record(wanted: Deployment, blue: list[Container]) -> bool:
    """Whether blue is whole and not the very containers that are recorded: else the operator's files are not asked."""
    known = {entry.get("id") for entry in (store.stack(wanted, BLUE).get("services") or {}).values()}
    return {c.service for c in blue} == set(wanted.names) and known != {c.id for c in blue}


def _refuse_incomplete(wanted: Deployment, world: Containers, before: Mapping[str, Any]) -> None:
    """A first adopt takes a whole running project or nothing; where a colour of ours is there it is no first one."""
    if before or any(world.rendered(colour) for colour in COLOURS):
        return
    networks.require(world, (*wanted.shared_and_edge, *wanted.names))


def _blue(context: Context, world: Containers) -> list[Container] | None:
    """The operator's containers that are blue; None where blue is not, or no longer, the adopted project.

    What podman-compose recreated since is blue again while blue is live: it is what the operator runs. As the colour
    that a rollback goes back to it has to be the very release that was recorded, so there its images decide.
    """
    known = store.stack(context.wanted, BLUE)
    if known and not known.get("adopted"):
        return None
    there = world.of_operator()
    if not known or context.wanted.live_colour == BLUE:
        return there
    images = {name: entry.get("image") for name, entry in known["services"].items()}
    same = {c.service for c in there} >= set(images) and all(c.image == images.get(c.service) for c in there)
    return there if same else world.adopted()


def _ports(context: Context, blue: list[Container]) -> dict[str, tuple[int, int]]:
    """The host's ports of blue as the operator's own file publishes them, where they are not known yet."""
    wanted = context.wanted
    known = addresses.read(wanted.state_dir)
    if wanted.publish == "network" or not blue or (known and known.published):
        return {}
    inside = {one.name: {"port": one.port, "admin_port": one.admin_port} for one in wanted.services}
    return native_ports.observed(context.podman, wanted.project, inside, wanted.publish)


def _unmanaged(world: Containers, blue: list[Container] | None) -> list[Container]:
    """Unmanaged containers that may go, and what podman wants removed before them, dependents first."""
    if not world.wanted.remove_unmanaged:
        return []
    ours = {c.id for c in blue or ()}
    return remove.order(world, world.wanted, [c for c in world.unmanaged() if c.id not in ours])


def _singletons(context: Context, world: Containers) -> list[Container]:
    """The operator's own containers of declared singletons, where they are: they stay blue's until its cleanup."""
    found = [world.of_project(name) for name in context.wanted.imaged if name not in context.wanted.names]
    return [c for c in found if c is not None]


def _record(context: Context, containers: list[Container]) -> dict[str, Any]:
    """The running images as a release, and blue's services.json. A release that fits is kept as it is."""
    wanted = context.wanted
    found = {c.service: Image(c.reference, c.image, c.digest) for c in containers}
    content = origin.of_directory(context.podman.runner, wanted, found)
    known = store.release(wanted, str(store.stack(wanted, BLUE).get("release", "")))
    same = {name: entry["id"] for name, entry in (known.get("images") or {}).items()}
    kept = known and same == {name: image.id for name, image in found.items()}
    ident = str(known["id"]) if kept else content.ident(wanted.version)
    services = {
        c.service: {**store.service_entry(wanted, BLUE, c.service, c.name, c.image, True), "id": c.id}
        for c in containers
        if c.service in wanted.names
    }
    stack = {"colour": BLUE, "release": ident, "adopted": True, "services": services}
    return {"stack": stack, "content": content, "warnings": content.warnings}


def _make_release(context: Context, record: dict[str, Any]) -> None:
    wanted = context.wanted
    if not store.release(wanted, record["stack"]["release"]):
        release.record(wanted, record["content"], context.clock.now())
