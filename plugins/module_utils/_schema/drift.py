# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether production's schema is the one that was rehearsed: before the migration, and after it.

A schema is known by the digest of its names and definitions. Beside proof.json lie the looks themselves, so that a
difference can be said.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._core.errors import BluegreenError, first_few
from .._core.files import read_mapping, write_json
from .._core.postgres import Db
from .backup import IGNORE, REFUSE, WARN
from .bridge_record import Record
from .catalog import snapshot

POLICIES = (REFUSE, WARN, IGNORE)
# Not *.json: these are results of migrations.
LOOKS = ".catalog"
AGAIN = "run the stage again: it proves the migration on the schema as it is now"
ELSE = (
    "the live colour serves on and no traffic moved. Find out what else changed the schema and correct it, or run the"
    " stage with bluegreen_drift: warn"
)
SHOWN = 4


@dataclass(frozen=True)
class Look:
    """``things``: object by name -> its definition. ``digest`` of all of them; '' where nothing was looked at."""

    digest: str = ""
    things: Mapping[str, str] = field(default_factory=dict)

    def without(self, names: Iterable[str]) -> Look:
        left = {name: one for name, one in self.things.items() if name not in frozenset(names)}
        return of_things(left)


def of_things(things: Mapping[str, str]) -> Look:
    return Look(snapshot.digest_of(things), things)


def of_snapshot(seen: snapshot.Snapshot) -> Look:
    return of_things(snapshot.named(seen))


def look(db: Db) -> Look:
    return of_snapshot(snapshot.take(db))


@dataclass(frozen=True)
class Rehearsal:
    """What the rehearsal began with and left. Without a ``digest`` nothing was rehearsed."""

    started: Look = Look()
    rehearsed: Look = Look()


def path(state_dir: str, release: str, target: str) -> str:
    return os.path.join(state_dir, "releases", release, "schema", target + LOOKS)


def write(state_dir: str, release: str, target: str, seen: Rehearsal) -> None:
    """For the proof, beside proof.json."""
    where = path(state_dir, release, target)
    os.makedirs(os.path.dirname(where), mode=0o750, exist_ok=True)
    write_json(where, {"v": 1, "started": dict(seen.started.things), "rehearsed": dict(seen.rehearsed.things)})


def rehearsal(state_dir: str, release: str, target: str, told: Mapping[str, Any]) -> Rehearsal:
    """``told``: the target's entry of proof.json, {} where nothing was proven with this image."""
    started, rehearsed = str(told.get("started") or ""), str(told.get("rehearsed") or "")
    if not started or not rehearsed:
        return Rehearsal()
    try:
        looks = read_mapping(path(state_dir, release, target))
    except BluegreenError:
        # The digests decide; the looks only tell.
        looks = {}
    return Rehearsal(Look(started, looks.get("started") or {}), Look(rehearsed, looks.get("rehearsed") or {}))


def bridges(record: Record, release: str = "") -> frozenset[str]:
    """Names of what bridges made, of one release or of all: the rehearsal may have been without them."""
    found = [one for one in (*record.bridges, *record.pending) if one.release == release or not release]
    return frozenset(str(thing) for one in found for thing in one.made)


def complaint(rehearsed: Look, now: Look, record: Record, release: str, when: str) -> tuple[str, list[str]]:
    """Pure. A sentence and what differs, ('', []) where both are one schema, bridges aside."""
    every = bridges(record)
    looks = (now, now.without(every), now.without(bridges(record, release)))
    if rehearsed.digest in ("", *(one.digest for one in looks)):
        return "", []
    if not rehearsed.things:
        return when, []
    found = snapshot.differences_of(rehearsed.without(every).things, now.without(every).things)
    said: Sequence[object] = found
    return ("%s: %s" % (when, first_few(said, SHOWN, "; ")), found) if found else ("", [])


def resumes(before: Iterable[str], told: Mapping[str, Any], unfinished: bool) -> bool:
    """Pure. Whether a run goes on with a migration that another one has begun: a part of it is applied, so the schema
    is neither the first nor the last of the rehearsal. ``told``: the target's entry of proof.json, as above."""
    if unfinished:
        return True
    count = (told.get("before") or {}).get("count")
    return count is not None and len(frozenset(before)) > int(count)
