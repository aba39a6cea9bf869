# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""states: courier_started, courier_stopped. One courier for each Kratos of the deployment, in its own container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import courier, remove, store, upping
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.job import Context, Job
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.render import CONFIG
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.world import Container, World
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import OTHER
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step

EMBEDDED = "%s of the adopted project sends mail itself and cannot be told to stop: it does until its cleanup"


def _containers(world: World, colour: str) -> dict[str, Container]:
    return {c.service: c for c in world.rendered(colour, ("courier",))}


def embedded(world: World) -> list[Container]:
    """Running Kratos servers of the adopted project with a courier of their own."""
    kratos = world.wanted.couriers()
    return [c for c in world.adopted() if c.service in kratos and c.running and courier.watches(c.command)]


def states(world: World, colour: str) -> dict[str, str]:
    """Kratos service -> running | stopped | absent | embedded."""
    found = _containers(world, colour)
    own = store.is_adopted(world.wanted, colour) and not world.rendered(colour)
    inside = {c.service for c in embedded(world)} if own else set()
    result = {}
    for service, name in world.wanted.couriers().items():
        there = found.get(name)
        result[service] = "absent" if there is None else "running" if there.running else "stopped"
        if service in inside:
            result[service] = "embedded"
    return result


def _right(found: Container, service: Mapping[str, Any]) -> bool:
    return found.running and found.config == service["labels"][CONFIG]


def start(context: Context) -> Job:
    """Never beside another courier: mail would be sent twice."""
    wanted, colour = context.wanted, context.wanted.colour
    world = World.look(context.podman, wanted)
    inside = {c.service for c in embedded(world)}
    warnings = tuple(EMBEDDED % c.name for c in embedded(world))
    if set(wanted.couriers()) <= inside:
        # Nothing to start: an adopted colour has no rendered file either.
        return Job(Plan(states(world, colour), states(world, colour)), warnings=warnings)
    rival = [c.name for c in _containers(world, OTHER[colour]).values() if c.running]
    if rival:
        raise Refused(
            "another courier runs: %s" % ", ".join(rival), option="colour", value=colour, mend="stop it first"
        )
    stack = upping.stack_of(context, colour)
    there = _containers(world, colour)
    names = [n for service, n in wanted.couriers().items() if service not in inside and n in stack["services"]]
    right = {n for n in names if n in there and _right(there[n], stack["services"][n])}
    wrong = [c for n, c in there.items() if n not in right]
    steps = [Step("remove", c.name) for c in remove.order(world, wanted, wrong)]
    steps += [Step("up", n) for n in names if n not in right]

    def do(step: Step) -> None:
        if step.action == "remove":
            remove.container(context.podman, step.target)
        else:
            upping.up(context, colour, stack, step.target)

    def verify() -> None:
        found = _containers(World.look(context.podman, wanted), colour)
        dead = [n for n in names if n not in found or not found[n].running]
        if dead:
            raise BluegreenError("courier not running: %s" % ", ".join(dead), mend="look at podman logs, run again")

    return Job(Plan(states(world, colour), {n: "running" for n in names}, tuple(steps)), do, verify, warnings)


def stop(context: Context) -> Job:
    """The courier containers go, confirmed; a later start makes them again."""
    wanted, colour = context.wanted, context.wanted.colour
    world = World.look(context.podman, wanted)
    there = list(_containers(world, colour).values())
    own = store.is_adopted(wanted, colour) and not world.rendered(colour)
    warnings = tuple(EMBEDDED % c.name for c in embedded(world)) if own else ()

    def do(step: Step) -> None:
        remove.container(context.podman, step.target)

    def verify() -> None:
        left = _containers(World.look(context.podman, wanted), colour)
        if left:
            raise BluegreenError("courier still there: %s" % ", ".join(left), mend="run again")

    steps = tuple(Step("remove", c.name) for c in there)
    return Job(Plan(states(world, colour), {}, steps), do, verify, warnings)
