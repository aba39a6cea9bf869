# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which host part each service has in every network of a deployment: given once, recorded, never given to another.

``<state_dir>/addresses.json``: ``{"v": 1, "range": "10.231.16.0/20", "services": {"ciam-kratos": 16}, "shared":
{"postgres": 3}}``. The running edge, the containers and ``/etc/hosts`` of each hold these numbers, so neither the order
of ``bluegreen_services`` nor a service that is added or taken away may change one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import BluegreenError
from .files import read_json, write_json

VERSION = 1
# Host parts inside each /24: 1 is the gateway, 2 the edge, then shared services, then coloured ones. From 192 on podman
# gives addresses out by itself.
EDGE = 2
SHARED = range(3, 16)
SERVICES = range(16, 192)


@dataclass(frozen=True)
class Addresses:
    """``services`` and ``shared``: name -> host part.

    ``published``: service -> the host's ports of its port and of its admin port (0: none) that the operator's own
    compose file published. A native edge dials them, so blue keeps them when its adopted containers are gone.
    ``networks``: colour -> name of its own network, where podman keeps addresses of the one it had at first.
    ``aliases``: what the operator's configuration dials -> (service, port inside, published port or 0, whether the
    container itself is dialled), as adopt resolved it.
    """

    range_: str
    services: Mapping[str, int] = field(default_factory=dict)
    shared: Mapping[str, int] = field(default_factory=dict)
    published: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, tuple[str, int, int, bool]] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        numbers = {"services": dict(self.services), "shared": dict(self.shared)}
        ports = {"published": {name: list(pair) for name, pair in self.published.items()}} if self.published else {}
        names = {"networks": dict(self.networks)} if self.networks else {}
        also = {"aliases": {dial: list(meant) for dial, meant in self.aliases.items()}} if self.aliases else {}
        return {"v": VERSION, "range": self.range_, **numbers, **ports, **names, **also}


def assigned(range_: str, services: Iterable[str], shared: Iterable[str], known: Addresses | None = None) -> Addresses:
    """What is known stays, also for a name that is not wanted any more; what is new gets the next free number."""
    before = known or Addresses(range_)
    return replace(
        before,
        range_=range_,
        services=_appended("bluegreen_services", before.services, services, SERVICES),
        shared=_appended("bluegreen_shared", before.shared, shared, SHARED),
    )


def _appended(option: str, known: Mapping[str, int], names: Iterable[str], numbers: range) -> dict[str, int]:
    found = dict(known)
    for name in names:
        if name in found:
            continue
        free = [number for number in numbers if number not in found.values()]
        if not free:
            raise BluegreenError(
                "no address is free for it: a network has room for %d" % len(numbers),
                option=option,
                value=name,
                fix="name fewer services",
            )
        found[name] = free[0]
    return found


def in_order(names: Iterable[str], numbers: Mapping[str, int]) -> list[str]:
    """Recorded ones by their number, then the new ones as given: the order that all rendered text follows."""
    return sorted(names, key=lambda name: numbers.get(name, SERVICES.stop))


def path(state_dir: str) -> str:
    return os.path.join(state_dir, "addresses.json")


def read(state_dir: str) -> Addresses | None:
    """What is recorded, or None. A file that is torn or not ours is an error that names it."""
    value = read_json(path(state_dir))
    if value is None:
        return None
    try:
        if value["v"] != VERSION:
            raise ValueError(value["v"])
        ports = {str(name): (int(one), int(two)) for name, (one, two) in value.get("published", {}).items()}
        names = {str(colour): str(name) for colour, name in value.get("networks", {}).items()}
        numbers = _numbers(value["services"]), _numbers(value["shared"])
        return Addresses(str(value["range"]), *numbers, ports, names, _aliases(value.get("aliases", {})))
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise BluegreenError(
            "%s is not a record of addresses (version %d)" % (path(state_dir), VERSION),
            fix="restore it from a backup, or read the addresses off podman network inspect",
        ) from exc


def _numbers(value: Mapping[str, Any]) -> dict[str, int]:
    found = {str(name): int(number) for name, number in value.items()}
    if len(set(found.values())) != len(found):
        raise ValueError("one number, two services")
    return found


def _aliases(value: Mapping[str, Any]) -> dict[str, tuple[str, int, int, bool]]:
    return {
        str(dial): (str(service), int(port), int(outside), bool(direct))
        for dial, (service, port, outside, direct) in value.items()
    }


def write(state_dir: str, addresses: Addresses) -> None:
    """The directory has to be there."""
    write_json(path(state_dir), addresses.data())
