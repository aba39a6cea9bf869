# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""state: started. The idle colour runs exactly what its compose file says, and its public services are on the edge.

The idle colour's own network under another name.

Podman notes that an address is given away before it notes which container has it. Killed in between, it keeps that
address until the host boots, for a container that is gone for good. Its notes go by the network's name, and outlive
the network.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..._core import publish
from ..._core.errors import BluegreenError
from ..._core.names import first_name
from ..._core.plan import Plan, Step
from ..._core.podman import CONFIG, Podman
from ..._core.runner import check
from ..containers import lifecycle, networks
from ..containers.networks import Member
from ..containers.observe import Container, Containers
from ..deployment import store
from ..deployment.job import Context, Job
from ..deployment.model import Deployment
from ..singletons import courier_trial
from . import fence, remove


def start(context: Context) -> Job:
    wanted, podman, colour = context.wanted, context.podman, context.wanted.colour
    context.refuse_live()
    stack = lifecycle.stack_of(context, colour)
    services = {name: value for name, value in stack["services"].items() if name in wanted.names}
    world = Containers.look(podman, wanted)
    wrong = _wrong(context, world, stack["services"])
    right = {c.service: c for c in world.rendered(colour) if c not in wrong}
    networks.require(world, wanted.shared_and_edge)
    common = networks.common_members(world, (colour,))
    members = common + _public_members(wanted)
    steps = networks.create_steps(wanted, networks.existing(podman), networks.routes(podman))
    steps += networks.connect_steps(world, common)
    gone = {c.name: c.id for c in remove.order(world, wanted, wrong)}
    steps += [Step("remove", name) for name in gone]
    steps += [Step("up", name) for name in services if name not in right]
    running = {c.service for c in world.rendered(colour) if c.running}
    publish.refuse_taken((n, port) for n in services if n not in running for port in services[n].get("ports") or [])
    steps += _edge_steps(world, gone)
    guard = fence.of(context)
    if guard.switch and any(step.action in ("remove", "up") for step in steps):
        steps = [Step("block-rollback", colour), *steps, Step("allow-rollback", colour)]
    elif guard.switch and guard.switch.rollback_blocked(colour):
        steps.append(Step("allow-rollback", colour))
    # Its couriers start only behind a flip; that they can is known before anything is touched.
    warnings = courier_trial.prove(context, stack, tuple(wanted.couriers().values()) if steps else ())

    def do(step: Step) -> None:
        if step.action in ("block-rollback", "allow-rollback", "remove", "up"):
            with guard.removal():
                _fenced(context, guard, stack, gone, step)
        else:
            networks.do(podman, wanted, members, step)

    before = {c.service: "%s %s" % (c.release, c.state) for c in world.rendered(colour)}
    after = {name: "%s running" % value["labels"]["olympus.bluegreen.release"] for name, value in services.items()}
    return Job(Plan(before, after, tuple(steps)), do, lambda: verify(context, stack), tuple(warnings))


def _fenced(
    context: Context, guard: fence.Fence, stack: Mapping[str, Any], gone: Mapping[str, str], step: Step
) -> None:
    """``gone``: name -> id; another container may bear the name by then."""
    if step.action == "allow-rollback":
        verify(context, stack)
        guard.allow_rollback()
        return
    if step.action == "remove":
        lifecycle.remove_container(context.podman, gone[step.target], still=guard.hold)
        return
    guard.hold()
    if step.action == "up":
        # podman-compose replaces what it finds under the name.
        lifecycle.up_service(context, guard.colour, stack, step.target)
        guard.hold()


def planned(context: Context) -> Plan:
    """What a start after a render that has not happened (check mode) would do, as far as it can be known."""
    return Plan({}, {}, tuple(Step("up", name) for name in context.wanted.names))


def _wrong(context: Context, world: Containers, services: Mapping[str, Any]) -> list[Container]:
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


def _public_members(wanted: Deployment) -> list[Member]:
    names = {service: wanted.container_name(wanted.colour, service) for service in wanted.names}
    return networks.public_members(wanted, wanted.colour, names)


def _edge_steps(world: Containers, removed: Collection[str]) -> list[Step]:
    steps = []
    for member in _public_members(world.wanted):
        there = world.named(member.container)
        if there is None or there.name in removed or member.network not in there.networks:
            steps.append(Step("connect", member.container, member.network))
        else:
            steps += networks.connect_steps(world, [member])
    return steps


def verify(context: Context, stack: Mapping[str, Any]) -> None:
    """Read back: image, state and both addresses of every service."""
    wanted = context.wanted
    world = Containers.look(context.podman, wanted)
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
    networks.require(world, wanted.shared_and_edge)
    members = [*networks.common_members(world, (wanted.colour,)), *_public_members(wanted)]
    wrong += ["off: %s" % step for step in networks.connect_steps(world, members)] if not wrong else []
    if wrong:
        raise BluegreenError(
            "%s is not as wanted after the start: %s" % (wanted.colour, "; ".join(wrong)),
            fix="look at podman logs of the container, then run again",
        )


REMOVE, UNLINK, RENAME = "remove", "remove-bridge", "rename-network"


def rename_network(context: Context) -> Job:
    """The idle colour's containers go, its network goes, and last the new name is written. A start makes all of it.

    Killed before the name is written, the next start meets the same kept address and comes here again.
    """
    wanted, podman = context.wanted, context.podman
    old = wanted.nets.colour_name(wanted.colour)
    # A name that podman has never heard: it may keep addresses of any earlier one.
    new = "%s.%x" % (first_name(wanted.deployment, wanted.colour), int(context.clock.now()))
    world = Containers.look(podman, wanted)
    guard, gone = fence.of(context), world.dependents(world.rendered(wanted.colour))
    seen = {c.name: c.id for c in gone}
    steps = [Step(REMOVE, c.name) for c in gone]
    there = [c for c in world.all if old in c.networks and (c.project == wanted.project or c == world.relay())]
    steps += [Step("disconnect", c.name, old) for c in there]
    network = networks.existing(podman).get(old)
    if network is not None:
        steps += [Step("remove-network", old), Step(UNLINK, str(network.get("network_interface") or ""))]
    steps.append(Step(RENAME, old, new))

    def do(step: Step) -> None:
        with guard.removal():
            guard.hold()
            if step.action == REMOVE:
                lifecycle.remove_container(podman, seen[step.target], still=guard.hold)
            else:
                other(step)

    def other(step: Step) -> None:
        if step.action == UNLINK:
            _unlink(podman, step.target)
        elif step.action == RENAME:
            store.rename_network(wanted, wanted.colour, new)
        else:
            networks.do(podman, wanted, (), step)

    return Job(Plan({"network": old}, {"network": new}, tuple(steps)), do)


def _unlink(podman: Podman, bridge: str) -> None:
    """What podman died over hangs on the old bridge, which would keep the route to the colour's addresses."""
    if bridge and podman.runner.run(["ip", "link", "show", "dev", bridge]).rc == 0:
        check(podman.runner.run(["ip", "link", "delete", "dev", bridge]), "ip link delete")
