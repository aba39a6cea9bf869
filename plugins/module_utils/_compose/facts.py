# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a colour is, for people and for the other stages: never a secret, never an environment.

Where a colour is no longer what was recorded of it: its containers, or its files on disk.

A container that differs was changed outside this collection. A file that differs is only reported: a service may write
into a directory that it has mounted, and a later release must not be stopped by it. No release is rendered from such a
copy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from .._core import addresses, yaml
from .._core.argspec import COLOURS
from .._core.errors import BluegreenError
from .._core.files import read_text
from .._core.podman import CONFIG, Podman
from .._ory import courier_command
from .containers import dependents, networks
from .containers.observe import Container, Containers
from .deployment import store
from .deployment.model import Deployment
from .release import changes, release
from .singletons import holders
from .stack import relay


def services(world: Containers, colour: str) -> dict[str, dict[str, Any]]:
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


def _state(world: Containers, name: str, found: Container | None) -> str:
    if name not in world.wanted.names:
        return "unnamed"
    return found.state if found else "absent"


def off_networks(world: Containers) -> list[dict[str, str]]:
    """{container, network} of what runs and is not on a network that it belongs to. Only of colours in use."""
    wanted, members = world.wanted, list[networks.Member]()
    for colour in COLOURS:
        here = world.of_colour(colour)
        if here:
            members += networks.common_members(world, (colour,))
            members += networks.public_members(wanted, colour, {name: c.name for name, c in here.items()})
    running = {c.name for c in world.all if c.running or c == world.relay()}
    steps = networks.connect_steps(world, [one for one in members if one.container in running])
    return [{"container": one.target, "network": one.detail} for one in steps if one.action == "connect"]


def shared(world: Containers) -> dict[str, dict[str, Any]]:
    """Service -> container, state ('absent' where there is none), recreated (another one than at adopt), edge."""
    known, found = store.shared(world.wanted), dict[str, dict[str, Any]]()
    for name in world.wanted.shared_and_edge:
        c, then = world.of_project(name), known.get(name) or {}
        found[name] = {
            "container": c.name if c else str(then.get("container", "")),
            "state": c.state if c else "absent",
            "recreated": bool(c and then and c.id != then.get("id")),
            "edge": name == world.wanted.edge_service,
        }
    return found


def unmanaged(world: Containers) -> list[dict[str, Any]]:
    """Coloured containers of the project that this collection neither adopted nor made.

    ``replaces_adopted``: in the place of an adopted one, ``same_image``: with its image; ``sends_mail``: with a courier
    of its own."""
    known = _adopted(world.wanted)
    taken = {entry.get("container") for entry in known.values()}
    return [
        {
            "container": c.name,
            "service": c.service,
            "state": c.state,
            "image": c.reference,
            "replaces_adopted": c.name in taken,
            "same_image": c.image == known.get(c.service, {}).get("image"),
            "sends_mail": c.service in world.wanted.couriers() and courier_command.watches(c.command),
        }
        for c in world.unmanaged()
    ]


def _adopted(wanted: Deployment) -> dict[str, dict[str, Any]]:
    known = [store.stack(wanted, colour) for colour in COLOURS if store.is_adopted(wanted, colour)]
    return {name: entry for one in known for name, entry in (one.get("services") or {}).items()}


def settle(podman: Podman, wanted: Deployment) -> tuple[Containers, dict[str, dict[str, Any]]]:
    """Finish what an earlier run left half done in the networks, then look. Only who holds the lock may do this."""
    networks.settle(podman, wanted)
    return look(podman, wanted, True)


def look(podman: Podman, wanted: Deployment, acts: bool) -> tuple[Containers, dict[str, dict[str, Any]]]:
    """Containers and networks as they are now. A run that acts keeps the bridges' addresses first."""
    world, nets = Containers.look(podman, wanted), networks.existing(podman)
    if acts:
        networks.hold_bridges(podman, world, nets)
    return world, nets


def whole(world: Containers, there: Mapping[str, Any]) -> dict[str, Any]:
    """The return values of state ``read``. ``there``: the networks of this host by name."""
    wanted, once = world.wanted, holders.look(world)
    colours = {}
    for colour in COLOURS:
        known = store.stack(wanted, colour)
        entries = services(world, colour)
        colours[colour] = {
            "release": known.get("release", ""),
            "adopted": bool(known.get("adopted")),
            "running": bool(entries)
            and all(entry["state"] == "running" for entry in entries.values())
            and not pending(world, colour),
            "pending": pending(world, colour),
            "services": entries,
            "drift": changed_containers(world, colour),
            "edited": changed_files(world, colour),
        }
    return {
        "colours": colours,
        "singletons": [seen.as_dict() for seen in once],
        "places": {seen.singleton.name: ", ".join(h.place for h in seen.holders if h.active) for seen in once},
        "recorded": addresses.read(wanted.state_dir) is not None,
        "shared": {**shared(world), **relay.report(world)},
        "dependents": dependents.as_read(world) if any(store.is_adopted(wanted, c) for c in COLOURS) else [],
        "unmanaged": unmanaged(world),
        "networks": {net.name: {"subnet": net.subnet, "present": net.name in there} for net in networks.nets(wanted)},
        "off_networks": off_networks(world),
    }


def changed_containers(world: Containers, colour: str) -> list[str]:
    """Sentences about containers that are not as adopted or rendered.

    One of an earlier kept release is as it was made: its colour was rendered again and not yet started.
    """
    known = store.stack(world.wanted, colour)
    configs = {} if known.get("adopted") else _configs(world.wanted, colour)
    found = []
    for name, c in world.of_colour(colour).items():
        entry = (known.get("services") or {}).get(name) or {}
        if known.get("adopted") or c.release == known.get("release"):
            found += _against(c, str(entry.get("image", "")), configs.get(name, c.config))
            continue
        own = store.release(world.wanted, c.release) if c.release else {}
        if not own:
            found.append("%s belongs to release %s, which is not kept" % (c.name, c.release or "none"))
        else:
            found += _against(c, str((own["images"].get(name) or {}).get("id", "")), c.config)
    return found


def _against(c: Container, image: str, config: str) -> list[str]:
    found = ["%s runs image %s, not %s" % (c.name, c.image[:12], image[:12])] if c.image != image else []
    return found + (["%s was not made from its compose file" % c.name] if c.config != config else [])


def pending(world: Containers, colour: str) -> bool:
    """Whether containers of this colour are of another release than the one rendered last."""
    known = store.stack(world.wanted, colour)
    return not known.get("adopted") and any(c.release != known.get("release") for c in world.rendered(colour))


def changed_files(world: Containers, colour: str) -> list[str]:
    """Sentences about the release's copy and the compose file, where the colour has containers."""
    wanted, known = world.wanted, store.stack(world.wanted, colour)
    ident = str(known.get("release", ""))
    if not ident or not world.of_colour(colour):
        return []
    record = store.release(wanted, ident)
    if not record:
        return ["%s: its release %s is gone from %s" % (colour, ident, wanted.path("releases"))]
    text = read_text(wanted.stack_file(colour, "compose.yml"))
    found = ["%s: %s" % (colour, words) for words in changed_copy(wanted, record)]
    if "compose" in known and (text is None or hashlib.sha256(text.encode()).hexdigest() != known["compose"]):
        found.append("%s: %s was changed on disk" % (colour, wanted.stack_file(colour, "compose.yml")))
    return found


def changed_copy(wanted: Deployment, record: Mapping[str, Any]) -> list[str]:
    """What of a release's copy is not as recorded, by name."""
    try:
        there = release.tree(release.copy_of(wanted, record["id"]), record["names"])
    except (BluegreenError, OSError) as exc:
        said = exc.msg if isinstance(exc, BluegreenError) else "%s: %s" % (exc.filename, exc.strerror)
        return ["the copy of release %s cannot be read (%s)" % (record["id"], said)]
    kinds = changes.names(record["files"], there)
    return [
        "%s of release %s was %s on disk" % (name, record["id"], kind)
        for kind, names in kinds.items()
        for name in names
    ]


def _configs(wanted: Deployment, colour: str) -> dict[str, str]:
    """Service -> the fingerprint that the rendered file gives it."""
    path = wanted.stack_file(colour, "compose.yml")
    try:
        value = yaml.load(read_text(path) or "", path)
        return {name: str(one["labels"][CONFIG]) for name, one in value["services"].items()}
    except (BluegreenError, KeyError, TypeError, AttributeError):
        # Reported as a changed file; containers are then judged by their image and their release.
        return {}
