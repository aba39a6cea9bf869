# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which bridges a target has: ``<state_dir>/bridges/<target>.json``, which outlives the release that brought them.

It holds the SQL of both directions, as the release's files may be gone when a cleanup takes the bridges out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._core.errors import BluegreenError
from .._core.files import read_mapping, sync_dir, write_json
from .bridge import Bridge, Installed
from .catalog.objects import Thing


@dataclass(frozen=True)
class Record:
    """``pending``: bridges whose transaction was about to be committed when this was written."""

    database: str = ""
    bridges: tuple[Installed, ...] = ()
    pending: tuple[Installed, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.bridges and not self.pending


def path(state_dir: str, target: str) -> str:
    return os.path.join(state_dir, "bridges", target + ".json")


def read(state_dir: str, target: str) -> Record:
    where = path(state_dir, target)
    found = read_mapping(where)
    if not found:
        return Record()
    try:
        return Record(str(found["database"]), _entries(found["bridges"]), _entries(found["pending"]))
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise BluegreenError("%s has another shape" % where, fix="restore it from a backup") from exc


def write(state_dir: str, target: str, record: Record) -> None:
    """An empty one is removed."""
    where = path(state_dir, target)
    home = os.path.dirname(where)
    if record.empty:
        if os.path.exists(where):
            os.unlink(where)
            sync_dir(home)
        return
    if not os.path.isdir(home):
        os.makedirs(home, mode=0o750, exist_ok=True)
        sync_dir(state_dir)
    write_json(
        where,
        {
            "v": 1,
            "target": target,
            "database": record.database,
            "bridges": [_entry(one) for one in record.bridges],
            "pending": [_entry(one) for one in record.pending],
        },
    )


def settled(record: Record, there: Iterable[Thing]) -> tuple[Installed, ...]:
    """Pure. What is installed, where a run may have died around its COMMIT: all of it happened, or nothing.

    An object of that name and that oid is there only if it did. Bridges that made nothing with a name stay unsure.
    """
    if not record.pending:
        return record.bridges
    oids = {(thing.kind, thing.name, thing.oid) for thing in there}
    made = [(thing.kind, thing.name, thing.oid) for one in record.pending for thing in one.made]
    if made and not oids.intersection(made):
        return record.bridges
    return merged(record.bridges, [replace(one, sure=bool(made)) for one in record.pending])


def merged(old: Sequence[Installed], new: Sequence[Installed]) -> tuple[Installed, ...]:
    names = {one.bridge.name for one in new}
    return (*(one for one in old if one.bridge.name not in names), *new)


def _entry(one: Installed) -> dict[str, Any]:
    return {
        "name": one.bridge.name,
        "sha256": one.bridge.sha256,
        "release": one.release,
        "at": one.at,
        "sure": one.sure,
        "objects": [{"kind": thing.kind, "name": thing.name, "oid": thing.oid} for thing in one.made],
        "sql": one.bridge.sql,
        "down": one.bridge.down,
    }


def _entries(values: Iterable[Mapping[str, Any]]) -> tuple[Installed, ...]:
    return tuple(
        Installed(
            Bridge(str(one["name"]), str(one["sql"]), str(one["sha256"]), str(one["down"])),
            tuple(Thing(str(thing["kind"]), str(thing["name"]), int(thing["oid"])) for thing in one["objects"]),
            str(one["release"]),
            float(one["at"]),
            bool(one["sure"]),
        )
        for one in values
    )
