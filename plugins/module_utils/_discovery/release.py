# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that a release's compose file brings, by the rules that adopt learns by. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .._core.errors import BluegreenError
from . import kinds, other_edges, ports
from .observed import Seen, from_compose


def entry(seen: Seen, kind: str) -> dict[str, Any]:
    """What ``bluegreen_services`` would have to say of it."""
    found: dict[str, Any] = {"kind": kind, "port": ports.port(seen, kind)[0]}
    if kind in kinds.ORY:
        found["admin_port"] = ports.port(seen, kind, "admin")[0]
    path = ports.ready(seen, kind, found["port"])[0]
    found.update({"ready": path} if path else {}, **({"ui": True} if kind in kinds.UI else {}))
    return found


def _added(
    services: Mapping[str, Mapping[str, Any]], coloured: Collection[str], known: Collection[str]
) -> Iterator[tuple[str, str, str]]:
    """(service, image, what is to be said of it) of each new one that is coloured, or may be."""
    seen = {name: from_compose(name, one) for name, one in services.items()}
    mine = {alias for name in coloured if name in seen for alias in other_edges.known_as(seen[name])}
    for name, one in seen.items():
        if name in coloured or name in known or kinds.job(one):
            continue
        kind = kinds.of(one)[0]
        dialled = any(other_edges.known_as(one) & set(seen[each].dials()) for each in coloured if each in seen)
        if kind:
            yield name, one.image, json.dumps({name: entry(one, kind)})
        elif not kinds.third_party(one.image) and dialled and mine & set(one.dials()):
            yield name, one.image, json.dumps({name: {"kind": "other", "port": ports.port(one, "other")[0]}})


def refuse(services: Mapping[str, Mapping[str, Any]], coloured: Collection[str], known: Collection[str]) -> None:
    """Raises BluegreenError for services of a release's compose file that no setting calls coloured or shared.

    ``coloured``: those that each colour has; ``known``: shared ones, the edge, and what runs once.
    """
    found = list(_added(services, coloured, known))
    if found:
        names = ", ".join("%s (image %s)" % (name, image) for name, image, _said in found)
        raise BluegreenError(
            "the compose file has services that no colour has yet: %s. Coloured or shared?" % names,
            option="services",
            value=[name for name, _image, _said in found],
            fix="name each in bluegreen_services (as in %s), or in bluegreen_shared where both colours use one"
            % " ".join(said for _name, _image, said in found),
        )
