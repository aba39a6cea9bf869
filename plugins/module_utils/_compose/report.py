# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a colour is, for people and for the other stages: never a secret, never an environment."""

from __future__ import annotations

from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import couriers, networks, store
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.world import Container, World
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman


def services(world: World, colour: str) -> dict[str, dict[str, Any]]:
    """As services.json has it, with the state of each container ('absent' where there is none)."""
    known = store.stack(world.wanted, colour).get("services") or {}
    here = world.of_colour(colour)
    return {
        name: {**{key: value for key, value in entry.items() if key != "id"}, "state": _state(here.get(name))}
        for name, entry in known.items()
    }


def _state(found: Container | None) -> str:
    return found.state if found else "absent"


def drift(world: World, colour: str) -> list[str]:
    """Where the containers differ from what was adopted or rendered."""
    known = store.stack(world.wanted, colour)
    here = world.of_colour(colour)
    found = []
    for name, entry in (known.get("services") or {}).items():
        c = here.get(name)
        if c is None:
            continue
        if c.image != entry.get("image"):
            found.append("%s runs image %s, not %s" % (c.name, c.image[:12], str(entry.get("image"))[:12]))
        if known.get("adopted") and c.id != entry.get("id"):
            found.append("%s was recreated since it was adopted" % c.name)
        if not known.get("adopted") and c.release != known.get("release"):
            found.append("%s belongs to release %s" % (c.name, c.release))
    return found


def off_networks(wanted: Wanted, world: World) -> list[str]:
    """The edge, a shared service or a coloured one that is not where it shall be. Only of colours that are there."""
    found = []
    for colour in COLOURS:
        here = world.of_colour(colour)
        if not here:
            continue
        names = wanted.nets
        members = []
        edge = world.of_project(wanted.edge_service)
        if edge is None or not edge.running:
            found.append("the edge (%s) is not running" % wanted.edge_service)
        else:
            members.append(networks.Member(edge.name, names.edge_name(colour), names.edge(colour)))
        for service in wanted.shared:
            shared = world.of_project(service)
            if shared is not None and shared.running:
                place = names.shared_on(colour, service)
                members.append(networks.Member(shared.name, names.colour_name(colour), place))
        for name, c in here.items():
            if wanted.service(name).edge and c.running:
                members.append(networks.edge_member(wanted, colour, name, c.name))
        found += ["%s is off %s" % (s.target, s.detail) for s in networks.connect_steps(world, members) if _joins(s)]
    return list(dict.fromkeys(found))


def _joins(step: Any) -> bool:
    return bool(step.action == "connect")


def whole(podman: Podman, wanted: Wanted) -> dict[str, Any]:
    """The return values of state ``read``."""
    world = World.look(podman, wanted)
    there = networks.existing(podman)
    colours = {}
    for colour in COLOURS:
        known = store.stack(wanted, colour)
        entries = services(world, colour)
        colours[colour] = {
            "release": known.get("release", ""),
            "adopted": bool(known.get("adopted")),
            "running": bool(entries) and all(entry["state"] == "running" for entry in entries.values()),
            "services": entries,
            "courier": couriers.states(world, colour),
            "drift": drift(world, colour),
        }
    return {
        "colours": colours,
        "foreign": [{"container": c.name, "service": c.service, "state": c.state} for c in world.foreign()],
        "networks": {net.name: {"subnet": net.subnet, "present": net.name in there} for net in networks.nets(wanted)},
        "off_networks": off_networks(wanted, world),
    }
