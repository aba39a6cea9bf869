# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a release and of a colour in the state directory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..._core import addresses
from ..._core.files import read_json, read_mapping, sync_dir, write_atomic, write_json
from ..._core.names import OTHER
from ..._core.plan import Step
from .model import Deployment


def make_dirs(wanted: Deployment, *parts: str, mode: int = 0o750) -> str:
    """A directory below the state directory, with everything above it, private to root and its group."""
    where = wanted.state_dir
    os.makedirs(os.path.dirname(where) or ".", exist_ok=True)
    for part in ("", *parts):
        where = os.path.join(where, part) if part else where
        if not os.path.isdir(where):
            os.mkdir(where, mode)
            sync_dir(os.path.dirname(where) or ".")
    return where


def stack(wanted: Deployment, colour: str) -> dict[str, Any]:
    """services.json of a colour, or {} where that colour has never been adopted or rendered."""
    found = read_json(wanted.stack_file(colour, "services.json"))
    return found if isinstance(found, dict) else {}


def release(wanted: Deployment, release_id: str) -> dict[str, Any]:
    found = read_json(wanted.path("releases", release_id, "release.json")) if release_id else None
    return found if isinstance(found, dict) else {}


def is_adopted(wanted: Deployment, colour: str) -> bool:
    return bool(stack(wanted, colour).get("adopted"))


def forget_adopted(wanted: Deployment, colour: str) -> None:
    """The adopted containers are gone; the release that they were stays known."""
    write_stack(wanted, colour, {**stack(wanted, colour), "adopted": False, "services": {}})


def live_stack(wanted: Deployment) -> dict[str, Any]:
    """The stack that a new release is compared with: the live colour's, or else the other one's."""
    return stack(wanted, wanted.live_colour or OTHER[wanted.colour])


def address_steps(wanted: Deployment) -> list[Step]:
    """One step where a wanted service has no recorded address yet."""
    recorded = addresses.read(wanted.state_dir) == wanted.nets.addresses
    return [] if recorded else [Step("record-addresses", wanted.network_range)]


def record_addresses(wanted: Deployment) -> None:
    make_dirs(wanted)
    addresses.write(wanted.state_dir, wanted.nets.addresses)


def record_ports(wanted: Deployment, ports: Mapping[str, tuple[int, int]]) -> None:
    """What is dialled stays what is dialled: blue is published on these ports again when it is ours."""
    addresses.write(
        wanted.state_dir, replace(addresses.read(wanted.state_dir) or wanted.nets.addresses, published=ports)
    )


def rename_network(wanted: Deployment, colour: str, name: str) -> None:
    """From now on a colour's own network is called so."""
    known = wanted.nets.addresses
    make_dirs(wanted)
    addresses.write(wanted.state_dir, replace(known, networks={**known.networks, colour: name}))


def forget_addresses(wanted: Deployment) -> None:
    """Only when the networks are gone: the next adoption may choose another range."""
    os.unlink(addresses.path(wanted.state_dir))
    sync_dir(wanted.state_dir)


def write_stack(wanted: Deployment, colour: str, services: dict[str, Any], compose: str | None = None) -> None:
    """compose.yml first: services.json names a release only when its file is there."""
    make_dirs(wanted, "stacks", colour)
    if compose is not None:
        write_atomic(wanted.stack_file(colour, "compose.yml"), compose, 0o600)
    write_json(wanted.stack_file(colour, "services.json"), services)


def shared(wanted: Deployment) -> dict[str, Any]:
    """Shared service or edge -> {container, id} as of the last adopt; {} before the first."""
    return dict(read_mapping(wanted.path("stacks", "shared.json")).get("services") or {})


def record_shared(wanted: Deployment, services: Mapping[str, Any]) -> None:
    make_dirs(wanted, "stacks")
    write_json(wanted.path("stacks", "shared.json"), {"v": 1, "services": services})


def service_entry(
    wanted: Deployment, colour: str, name: str, container: str, image_id: str, adopted: bool
) -> dict[str, Any]:
    """One service of services.json. An adopted service has no address on the colour's own network."""
    service = wanted.service(name)
    nets = wanted.nets
    return {
        "container": container,
        "image": image_id,
        "address": nets.service_on_edge(colour, name).ip if service.edge else "",
        "colour_address": "" if adopted else nets.service(colour, name).ip,
        "port": service.port,
        "admin_port": service.admin_port,
    }
