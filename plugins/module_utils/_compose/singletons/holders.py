# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which containers do a singleton's work now: managed ones, those of the adopted project, or any other."""

from __future__ import annotations

from collections.abc import Mapping

from ..._core import yaml
from ..._core.argspec import COLOURS
from ..._core.files import read_text
from ..._core.podman import CONFIG, KIND, SINGLETON
from ..._ory import courier_command
from ..containers.observe import Container, Containers
from ..deployment import store
from ..deployment.job import Context
from ..deployment.singletons import COMMAND, COURIER, PROJECT, SERVICE, UNMANAGED, Holder, Seen, Singleton

# Colour -> singleton -> fingerprint of its definition in that colour's rendered file.
Files = Mapping[str, Mapping[str, str]]


def seen(context: Context) -> list[Seen]:
    return look(Containers.look(context.podman, context.wanted))


def look(world: Containers) -> list[Seen]:
    """Every singleton that is wanted, and every container of ours that was one and is wanted no more."""
    wanted = world.wanted
    files = {colour: _definitions(world, colour) for colour in COLOURS}
    known = {single.name: single for single in wanted.all_singletons}
    for c in world.singletons():
        known.setdefault(c.service, Singleton(c.service, "", SERVICE))
    return [
        Seen(
            single,
            tuple(_managed(world, single, files) + _of_project(world, single) + _unmanaged(world, single)),
            tuple(colour for colour in COLOURS if name in files[colour] and single in wanted.all_singletons),
        )
        for name, single in known.items()
    ]


def _definitions(world: Containers, colour: str) -> dict[str, str]:
    """Of the file that the colour was started from; an adopted colour has none. Where it was lost, what runs counts."""
    wanted = world.wanted
    path = wanted.stack_file(colour, "compose.yml")
    text = None if store.is_adopted(wanted, colour) else read_text(path)
    if text is None and store.stack(wanted, colour).get("services") and not store.is_adopted(wanted, colour):
        return {c.service: c.config for c in world.singletons() if c.colour == colour}
    value = yaml.load(text, path) if text else None
    services = value.get("services") if isinstance(value, dict) else {}
    labels = {name: service.get("labels") or {} for name, service in (services or {}).items()}
    return {name: str(given.get(CONFIG, "")) for name, given in labels.items() if given.get(KIND) == SINGLETON}


def _managed(world: Containers, single: Singleton, files: Files) -> list[Holder]:
    found = []
    for c in world.singletons():
        if c.service == single.name:
            matches = c.running and files.get(c.colour, {}).get(single.name) == c.config
            found.append(Holder(c.name, c.colour, c.state, matches, c.id))
    return found


def _of_project(world: Containers, single: Singleton) -> list[Holder]:
    """The operator's own container: the project's until blue's cleanup, unmanaged when it comes back after it."""
    c = None if single.kind == COMMAND else world.of_project(single.service)
    if c is None or c.ours(world.wanted) or (single.kind == COURIER and not courier_command.sends(c.command)):
        return []
    known = store.stack(world.wanted, "blue")
    place = PROJECT if not known or known.get("adopted") else UNMANAGED
    return [Holder(c.name, place, c.state)]


def _unmanaged(world: Containers, single: Singleton) -> list[Holder]:
    """Started by hand: a courier on the same database, with the same role, that is none of the above."""
    if single.kind != COURIER:
        return []
    mine = {c.database for c in world.servers(single.service)} - {""}
    return [
        Holder(c.name, UNMANAGED, c.state)
        for c in world.all
        if _sends(c, mine) and not c.ours(world.wanted) and c.project != world.wanted.project
    ]


def _sends(c: Container, databases: set[str]) -> bool:
    return c.running and c.database in databases and courier_command.sends(c.command)
