# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a colour is, for people and for the other stages: never a secret, never an environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import (
    bridges,
    dependents,
    network_journal,
    networks,
    shared_services,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.containers import Container, World
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import store
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import reuse
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.singletons import holders
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.stack import drift, relay
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import addresses
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._ory import courier_command


def services(world: World, colour: str) -> dict[str, dict[str, Any]]:
    """As services.json has it, with the state of each container.

    'absent' where there is none, 'unnamed' where the operator's services no longer have it.
    """
    known = store.stack(world.wanted, colour).get("services") or {}
    here = world.of_colour(colour)
    return {
        name: {
            **{key: value for key, value in entry.items() if key != "id"},
            "state": _state(world, name, here.get(name)),
        }
        for name, entry in known.items()
    }


def _state(world: World, name: str, found: Container | None) -> str:
    if name not in world.wanted.names:
        return "unnamed"
    return found.state if found else "absent"


def off_networks(wanted: Wanted, world: World) -> list[dict[str, str]]:
    """{container, network} of what runs and is not where it belongs: the edge, a shared service, a coloured one. Only
    of colours in use."""
    found = []
    for colour in COLOURS:
        here = world.of_colour(colour)
        members = _members(wanted, world, colour, here) if here else []
        steps = networks.connect_steps(world, members)
        found += [{"container": one.target, "network": one.detail} for one in steps if one.action == "connect"]
    return found


def _members(wanted: Wanted, world: World, colour: str, here: Mapping[str, Container]) -> list[networks.Member]:
    edge = world.of_project(wanted.edge_service)
    places = networks.edge_members(wanted, edge.name) if edge is not None and edge.running else []
    found = [place for place in places if place.network == wanted.nets.edge_name(colour)]
    for service in wanted.shared:
        c = world.of_project(service)
        if c is not None and c.running:
            found.append(networks.shared_member(wanted, colour, service, c.name))
    found += networks.relay_members(wanted, world, colour)
    public = [(name, c) for name, c in here.items() if c.running and wanted.service(name).edge]
    return found + [networks.edge_member(wanted, colour, name, c.name) for name, c in public]


def foreign(world: World) -> list[dict[str, Any]]:
    """Strangers. ``replaces``: made anew in the place of an adopted one, ``same``: with its image; ``mails``: it has a
    courier of its own."""
    known = _adopted(world.wanted)
    taken = {entry.get("container") for entry in known.values()}
    return [
        {
            "container": c.name,
            "service": c.service,
            "state": c.state,
            "image": c.reference,
            "replaces": c.name in taken,
            "same": c.image == known.get(c.service, {}).get("image"),
            "mails": c.service in world.wanted.couriers() and courier_command.watches(c.command),
        }
        for c in world.foreign()
    ]


def _adopted(wanted: Wanted) -> dict[str, dict[str, Any]]:
    known = [store.stack(wanted, colour) for colour in COLOURS if store.is_adopted(wanted, colour)]
    return {name: entry for one in known for name, entry in (one.get("services") or {}).items()}


def settle(podman: Podman, wanted: Wanted) -> None:
    """Finish what an earlier run left half done in the networks. Only who holds the lock may do this."""
    network_journal.settle(podman, wanted)
    bridges.hold(podman, wanted)


def whole(podman: Podman, wanted: Wanted) -> dict[str, Any]:
    """The return values of state ``read``."""
    world = World.look(podman, wanted)
    there = networks.existing(podman)
    once = holders.look(world)
    colours = {}
    for colour in COLOURS:
        known = store.stack(wanted, colour)
        entries = services(world, colour)
        colours[colour] = {
            "release": known.get("release", ""),
            "adopted": bool(known.get("adopted")),
            "running": bool(entries)
            and all(entry["state"] == "running" for entry in entries.values())
            and not drift.pending(world, colour),
            "pending": drift.pending(world, colour),
            "services": entries,
            "drift": drift.containers(world, colour),
            "edited": drift.files(world, colour),
        }
    return {
        "colours": colours,
        "singletons": [seen.as_dict() for seen in once],
        "places": {seen.singleton.name: ", ".join(h.place for h in seen.holders if h.active) for seen in once},
        "recorded": addresses.read(wanted.state_dir) is not None,
        "shared": {**shared_services.report(world), **relay.report(world)},
        "dependents": dependents.as_read(world) if any(store.is_adopted(wanted, c) for c in COLOURS) else [],
        "foreign": foreign(world),
        "networks": {net.name: {"subnet": net.subnet, "present": net.name in there} for net in networks.nets(wanted)},
        "off_networks": off_networks(wanted, world),
        "releases": reuse.listed(wanted),
    }
