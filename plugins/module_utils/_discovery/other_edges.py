# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What belongs to no colour: who the coloured services need, and who needs them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .observed import Seen


def known_as(seen: Seen) -> set[str]:
    """Every name by which others of its project reach it."""
    return {seen.service, seen.name, *(alias for alias in seen.aliases if alias != seen.id[:12])} - {""}


def who(host: str, others: Iterable[Seen]) -> str:
    """The one service that a host name means; '' where none or several have it."""
    found = {one.service for one in others if host in known_as(one)}
    return found.pop() if len(found) == 1 else ""


def shared(coloured: Iterable[Seen], others: Sequence[Seen], edge: str) -> list[str]:
    """Long-running services of the project that a coloured one dials by name, in the order of ``others``."""
    dialled = {host for seen in coloured for host in seen.dials()}
    return [one.service for one in others if one.running and one.service != edge and known_as(one) & dialled]


def _coloured_names(coloured: Mapping[str, Seen]) -> dict[str, str]:
    return {name: service for service, seen in coloured.items() for name in known_as(seen)}


def dependents(
    others: Sequence[Seen], written: Mapping[str, Seen], coloured: Mapping[str, Seen], edge: str
) -> list[dict[str, Any]]:
    """Those that podman or the compose file say depend on a coloured service, or that dial one by its plain name.

    {service, container ('' where there is none), running, requires (of depends_on what podman knows, so that it
    removes neither without the other), depends_on, dials}. ``written``: every service of the operator's compose files.
    """
    names = _coloured_names(coloured)
    by_id = {one.id: service for service, one in coloured.items() if one.id}
    there = {one.service: one for one in others}
    found = []
    for service in dict.fromkeys([*there, *written]):
        if service == edge or service in coloured:
            continue
        one, file = there.get(service), written.get(service)
        requires = _named(one.needs if one else (), {**by_id, **names})
        depends = _once([*requires, *_named(file.needs if file else (), names)])
        # A variable that is not filled in says no name of a coloured service.
        dials = [names[host] for seen in (one, file) if seen for host in seen.dials() if host in names]
        if depends or dials:
            row = {"service": service, "container": one.name if one else "", "running": bool(one and one.running)}
            found.append({**row, "requires": requires, "depends_on": depends, "dials": _once(dials)})
    return found


def _named(needs: Collection[str], names: Mapping[str, str]) -> list[str]:
    return _once(names[need] for need in needs if need in names)


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
