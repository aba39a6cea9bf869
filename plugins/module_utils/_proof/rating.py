# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each changed object, lock and row means to the old program: one verdict each, with its evidence. Pure.

The catalog says what a change can do, the replay what the old program did with it, production's rows whether the
migration can be applied at all. What no statement touched is not proven, and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .._schema.catalog import changes
from .._schema.catalog.changes import Change
from .._schema.options import VERDICTS
from .evidence import (
    BLOCKING_LOCK,
    BREAKS,
    BRIDGE_REQUIRED,
    SAFE,
    SAFE_IF_EXERCISED,
    Asked,
    Evidence,
    Held,
    Touched,
)

# Those that make a writer wait; the last one makes readers wait too.
BLOCKING = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
# An estimate is right within this factor.
BAND = 3.0
HOLDS, VIOLATED = "holds", "violated"
NEEDS = {
    changes.READ: "reads it",
    changes.WRITE: "writes it",
    changes.CALL: "names it",
    changes.MEETS: "reads what the new one wrote",
    changes.PLAN: "reads it on production's size",
}


@dataclass(frozen=True)
class Rated:
    """``kind`` and ``name`` of the object, ``what`` the class of its change; ``why`` is a sentence.

    ``exercised``: whether the old program used it as the change demands; None where no use decides.
    """

    kind: str
    name: str
    what: str
    verdict: str
    why: str
    exercised: bool | None = None


def worst(verdicts: Sequence[str]) -> str:
    return max(verdicts, key=VERDICTS.index, default=SAFE)


def rated(seen: Evidence, old: str, budget: float) -> list[Rated]:
    """``old``: what the old program is called. ``budget``: seconds that a lock may be held. The worst come first."""
    answers = {(one.change.kind, one.change.name, one.change.what): one for one in seen.probes}
    found = [_of_change(one, seen, answers.get((one.kind, one.name, one.what)), old) for one in seen.rehearsed.changes]
    found += [*_of_locks(seen, budget), *_of_rows(seen, old)]
    return sorted(found, key=lambda one: -VERDICTS.index(one.verdict))


def _of_change(change: Change, seen: Evidence, asked: Asked | None, old: str) -> Rated:
    touched = seen.replayed.touched if seen.replayed is not None else Touched()
    verdict, why, used = _by_use(change, touched, old)
    if asked is not None and asked.answer == VIOLATED:
        if seen.rehearsed.rows.get(change.table):
            verdict, why = (
                worst([verdict, SAFE_IF_EXERCISED]),
                ("%s; rows of production contradict it now, and the migration changes rows of that table" % why),
            )
        else:
            verdict, why = BREAKS, "%s; rows of production contradict it, so the migration fails there" % change.text
    elif asked is not None and asked.answer != HOLDS:
        verdict = worst([verdict, SAFE_IF_EXERCISED])
        why = "%s; whether production's rows hold it is not known: %s" % (why, asked.detail)
    return Rated(change.kind, change.name, change.what, verdict, why, used)


def _by_use(change: Change, touched: Touched, old: str) -> tuple[str, str, bool | None]:
    """(verdict, why, exercised) by what the old program did; a failure of it is a journey's, not the object's."""
    if change.rating == changes.SAFE:
        return SAFE, change.text, None
    used = _used(change, touched)
    if change.rating == changes.BRIDGE:
        if used:
            return SAFE, "%s; %s wrote the table and nothing failed" % (change.text, old), True
        return BRIDGE_REQUIRED, change.text, False
    if change.rating == changes.BREAKS:
        if change.table in {**touched.read, **touched.written} or used:
            return SAFE_IF_EXERCISED, "%s; no journey of %s used it" % (change.text, old), False
        return BREAKS, change.text, False
    if used:
        return SAFE, "%s; %s %s and nothing failed" % (change.text, old, NEEDS.get(change.needs, "uses it")), True
    return (
        SAFE_IF_EXERCISED,
        "%s; not tried: that %s %s" % (change.text, old, NEEDS.get(change.needs, "uses it")),
        False,
    )


def _used(change: Change, touched: Touched) -> bool:
    if change.needs == changes.PLAN:
        return False
    if change.rating == changes.BRIDGE or change.needs == changes.WRITE:
        return change.table in touched.written
    if change.needs in (changes.READ, changes.MEETS):
        return change.table in touched.read
    return change.needs == changes.CALL and bool({change.name, change.name.rpartition(".")[2]} & touched.named)


def _of_locks(seen: Evidence, budget: float) -> Iterator[Rated]:
    """Locks that make others wait for longer than the budget, by the estimate or by what others really waited."""
    for held in _longest(seen.rehearsed.locks):
        seconds = held.seconds if held.estimate is None else held.estimate
        if seconds * BAND > budget:
            yield Rated("lock", held.table, "lock", BLOCKING_LOCK, said(held, budget))
    for table, stall in sorted(seen.rehearsed.stalls.items()):
        if stall > budget:
            why = "another session waited %.1f s for %s while it was migrated" % (stall, table)
            yield Rated("lock", table, "stall", BLOCKING_LOCK, why)


def said(held: Held, budget: float) -> str:
    """How long a table is locked on production, and what it stops."""
    seconds = held.seconds if held.estimate is None else held.estimate
    stopped = "reads and writes" if held.mode == BLOCKING[-1] else "writes"
    rewrite = ", as the table is rewritten" if held.rewrite else ""
    return "%s of %s wait for about %.1f s (up to %.1f s)%s; at most %g s are allowed (bluegreen_lock_budget)" % (
        stopped,
        held.table,
        seconds,
        seconds * BAND,
        rewrite,
        budget,
    )


def _longest(locks: Sequence[Held]) -> list[Held]:
    """The one of each table that makes others wait for longest."""
    found: dict[str, Held] = {}
    for one in locks:
        there = found.get(one.table)
        if one.mode in BLOCKING and (there is None or _seconds(one) > _seconds(there)):
            found[one.table] = one
    return [found[name] for name in sorted(found)]


def _seconds(held: Held) -> float:
    return held.seconds if held.estimate is None else held.estimate


def _of_rows(seen: Evidence, old: str) -> Iterator[Rated]:
    """Rows that the migration wrote: the old program may meet a value that it does not know."""
    read = seen.replayed.touched.read if seen.replayed is not None else {}
    changed = {**seen.rehearsed.rows, **dict.fromkeys(seen.rehearsed.lookups, 1)}
    new = {one.name for one in seen.rehearsed.changes if one.kind == "table"}
    for table in sorted(set(changed) - new):
        used = table in read
        what = "the migration writes rows of %s" % table
        why = "%s; %s read the table and nothing failed" if used else "%s; not tried: that %s reads them"
        yield Rated("rows", table, "rows", SAFE if used else SAFE_IF_EXERCISED, why % (what, old), used)
