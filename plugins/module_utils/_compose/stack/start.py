# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""state: started. The idle colour runs exactly what its compose file says, and its public services are on the edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import (
    networks,
    remove_one,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import (
    up as upping,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.containers import Container, World
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.networks import Member
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context, Job
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.singletons import courier_trial
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.stack import fence, remove
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import publish
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import CONFIG


def start(context: Context) -> Job:
    wanted, podman, colour = context.wanted, context.podman, context.wanted.colour
    refuse_live(context)
    stack = upping.stack_of(context, colour)
    services = {name: value for name, value in stack["services"].items() if name in wanted.names}
    world = World.look(podman, wanted)
    wrong = _wrong(context, world, stack["services"])
    right = {c.service: c for c in world.rendered(colour) if c not in wrong}
    members = networks.common_members(wanted, world, (colour,)) + _edge_members(context, services)
    steps = networks.create_steps(wanted, networks.existing(podman), networks.routes(podman))
    steps += networks.connect_steps(world, networks.common_members(wanted, world, (colour,)))
    gone = {c.name: c.id for c in remove.order(world, wanted, wrong)}
    steps += [Step("remove", name) for name in gone]
    steps += [Step("up", name) for name in services if name not in right]
    running = {c.service for c in world.rendered(colour) if c.running}
    publish.refuse_taken((n, port) for n in services if n not in running for port in services[n].get("ports") or [])
    steps += _edge_steps(context, world, services, set(gone))
    ours = fence.of(context)
    if ours.switch and any(step.action in ("remove", "up") for step in steps):
        steps = [Step("withdraw", colour), *steps, Step("offer", colour)]
    elif ours.switch and ours.switch.rollback_blocked(colour):
        steps.append(Step("offer", colour))
    # Its couriers start only behind a flip; that they can is known before anything is touched.
    told = courier_trial.prove(context, stack, tuple(wanted.couriers().values()) if steps else ())

    def do(step: Step) -> None:
        if step.action in ("withdraw", "offer", "remove", "up"):
            with ours.removal():
                _fenced(context, ours, stack, gone, step)
        else:
            networks.do(podman, wanted, members, step)

    before = {c.service: "%s %s" % (c.release, c.state) for c in world.rendered(colour)}
    after = {name: "%s running" % value["labels"]["olympus.bluegreen.release"] for name, value in services.items()}
    return Job(Plan(before, after, tuple(steps)), do, lambda: verify(context, stack), tuple(told))


def _fenced(context: Context, ours: fence.Fence, stack: Mapping[str, Any], gone: Mapping[str, str], step: Step) -> None:
    """``gone``: name -> id; another container may bear the name by then."""
    if step.action == "offer":
        verify(context, stack)
        ours.offer()
        return
    if step.action == "remove":
        remove_one.container(context.podman, gone[step.target], still=ours.hold)
        return
    ours.hold()
    if step.action == "up":
        # podman-compose replaces what it finds under the name.
        upping.up(context, ours.colour, stack, step.target)
        ours.hold()


def planned(context: Context) -> Plan:
    """What a start after a render that has not happened (check mode) would do, as far as it can be known."""
    return Plan({}, {}, tuple(Step("up", name) for name in context.wanted.names))


def refuse_live(context: Context) -> None:
    wanted = context.wanted
    if wanted.colour == wanted.live_colour:
        raise Refused(
            "%s is live: it is not touched" % wanted.colour,
            option="live_colour",
            value=wanted.live_colour,
            fix="flip away from it first",
        )


def _wrong(context: Context, world: World, services: Mapping[str, Any]) -> list[Container]:
    """Containers of this colour that are not what the file says: another release, another definition, another place.

    One that does not run counts as wrong: when podman was killed while starting it, it can never be started again
    ("runc create failed: container with given ID already exists"). Nothing is lost, a colour keeps no data.
    """
    wanted = context.wanted
    network = wanted.nets.colour_name(wanted.colour)
    found = []
    for c in world.rendered(wanted.colour):
        value = services.get(c.service)
        if value is None or c.config != value["labels"][CONFIG] or c.image != value["image"] or not c.running:
            found.append(c)
        else:
            address = wanted.nets.service(wanted.colour, c.service)
            if c.networks.get(network) != (address.ip, address.mac):
                found.append(c)
    return found


def name_of(context: Context, service: str) -> str:
    """As podman-compose names it."""
    return "%s_%s_1" % (context.wanted.stack_project(context.wanted.colour), service)


def _edge_members(context: Context, services: Mapping[str, Any]) -> list[Member]:
    wanted = context.wanted
    return [
        networks.edge_member(wanted, wanted.colour, name, name_of(context, name))
        for name in services
        if wanted.service(name).edge
    ]


def _edge_steps(context: Context, world: World, services: Mapping[str, Any], removed: set[str]) -> list[Step]:
    steps = []
    for member in _edge_members(context, services):
        there = world.named(member.container)
        if there is None or there.name in removed or member.network not in there.networks:
            steps.append(Step("connect", member.container, member.network))
        else:
            steps += networks.connect_steps(world, [member])
    return steps


def verify(context: Context, stack: Mapping[str, Any]) -> None:
    """Read back: image, state and both addresses of every service."""
    wanted = context.wanted
    world = World.look(context.podman, wanted)
    here = {c.service: c for c in world.rendered(wanted.colour)}
    wrong = []
    for name in wanted.names:
        found = here.get(name)
        if found is None:
            wrong.append("%s has no container" % name)
        elif not found.running:
            wrong.append("%s is %s (exit code %d)" % (name, found.state, found.exit_code))
        elif found.image != stack["services"][name]["image"]:
            wrong.append("%s runs image %s" % (name, found.image[:12]))
    members: Sequence[Member] = _edge_members(context, {name: None for name in wanted.names})
    members = [*networks.common_members(wanted, world, (wanted.colour,)), *members]
    wrong += ["off: %s" % step for step in networks.connect_steps(world, members)] if not wrong else []
    if wrong:
        raise BluegreenError(
            "%s is not as wanted after the start: %s" % (wanted.colour, "; ".join(wrong)),
            fix="look at podman logs of the container, then run again",
        )
