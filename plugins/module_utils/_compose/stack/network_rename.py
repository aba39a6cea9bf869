# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The idle colour's own network under another name.

Podman notes that an address is given away before it notes to whom. Killed in between, it keeps that address until the
host boots, for a container that nobody can bring back. Its notes go by the network's name, and outlive the network.
"""

from __future__ import annotations

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import networks, remove_one
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.containers import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import store
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context, Job
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.stack import fence
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import first_name
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import check

REMOVE, UNLINK, RENAME = "remove", "remove-bridge", "rename-network"


def renew(context: Context) -> Job:
    """The idle colour's containers go, its network goes, and last the new name is written. A start makes all of it.

    Killed before the name is written, the next start meets the same kept address and comes here again.
    """
    wanted, podman = context.wanted, context.podman
    old = wanted.nets.colour_name(wanted.colour)
    # A name that podman has never heard: it may keep addresses of any earlier one.
    new = "%s.%x" % (first_name(wanted.deployment, wanted.colour), int(context.clock.now()))
    world = World.look(podman, wanted)
    ours, gone = fence.of(context), world.dependents(world.rendered(wanted.colour))
    seen = {c.name: c.id for c in gone}
    steps = [Step(REMOVE, c.name) for c in gone]
    there = [c for c in world.all if old in c.networks and (c.project == wanted.project or c == world.relay())]
    steps += [Step("disconnect", c.name, old) for c in there]
    network = networks.existing(podman).get(old)
    if network is not None:
        steps += [Step("remove-network", old), Step(UNLINK, str(network.get("network_interface") or ""))]
    steps.append(Step(RENAME, old, new))

    def do(step: Step) -> None:
        with ours.removal():
            ours.hold()
            if step.action == REMOVE:
                remove_one.container(podman, seen[step.target], still=ours.hold)
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
