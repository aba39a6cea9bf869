# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a proof of one schema target sees, as the judge takes it. No file of this room says it in another form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .._schema.catalog.changes import Change
from .._schema.catalog.snapshot import Snapshot
from .._schema.options import VERDICTS

# The verdict of a target is the worst of its objects' and journeys'.
SAFE, SAFE_IF_EXERCISED, BLOCKING_LOCK, BRIDGE_REQUIRED, BREAKS, NOT_JUDGED = VERDICTS

# How a sentence of Seen.crossed begins that is about a flow which one side began and the other goes on with.
IN_FLIGHT = "a flow begun on "
# The cause of a journey of Seen.during that a lock made fail, and nothing else: it lasts as long as the lock does.
WAITED = "it waited for a lock"


@dataclass(frozen=True)
class Outcome:
    """One journey: ``cause`` is what the database's log adds to a failure ('' where nothing)."""

    journey: str
    ok: bool
    detail: str
    cause: str = ""

    def __str__(self) -> str:
        return "%s: %s%s" % (self.journey.replace("_", " "), self.detail, " (%s)" % self.cause if self.cause else "")


@dataclass(frozen=True)
class Touched:
    """What the old program's own statements touched on the migrated schema, from the shadow's log.

    ``read`` and ``written``: qualified table -> the columns named there; ``*`` stands for all of them. ``named``: other
    objects (functions, types) whose names were in a statement. ``inserted``: tables that got rows: what is not named
    of them got its default.
    """

    read: Mapping[str, frozenset[str]] = field(default_factory=dict)
    written: Mapping[str, frozenset[str]] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    statements: int = 0
    inserted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Seen:
    """What the trial of one target saw, in its order. Each part is journey -> Outcome.

    ``control``: the old binary before the migration, ``bridged``: once more with the bridges, where there are any;
    ``during``: while the migration runs, ``after``: the same process behind it; ``new``: the new binary;
    ``crossed``: who does not accept whose work, as a sentence begins -> outcomes. ``failed``: the migration's own
    words. ``touched``: what ``after`` and ``crossed`` exercised.
    """

    control: Mapping[str, Outcome] = field(default_factory=dict)
    bridged: Mapping[str, Outcome] = field(default_factory=dict)
    after: Mapping[str, Outcome] = field(default_factory=dict)
    new: Mapping[str, Outcome] = field(default_factory=dict)
    crossed: Mapping[str, Mapping[str, Outcome]] = field(default_factory=dict)
    failed: str = ""
    during: Mapping[str, Outcome] = field(default_factory=dict)
    touched: Touched = field(default_factory=Touched)


@dataclass(frozen=True)
class Held:
    """The strongest lock that one transaction of the migration took on a table that was there before.

    ``mode`` as pg_locks has it (AccessExclusiveLock). ``seconds``: from the statement that took it to the transaction's
    end, on the shadow. ``estimate``: the same on production's size, None where it can't be said. ``rewrite``: the table
    got a new file. ``source``: trace (the server showed it), or documented (it has no event: CONCURRENTLY, TRUNCATE).
    """

    table: str
    mode: str
    seconds: float
    statement: str = ""
    rewrite: bool = False
    estimate: float | None = None
    source: str = "trace"


@dataclass(frozen=True)
class Ran:
    """A statement of the migration as the shadow's server logged it, without its values, and its seconds there."""

    sql: str
    seconds: float


@dataclass(frozen=True)
class Rehearsed:
    """The migration run once on production's own schema, with no other program.

    ``changes``: the net difference of the catalogs. ``stalls``: table -> the longest seconds that a cheap read or write
    of another session waited meanwhile. ``rows``: table -> rows that the migration wrote (insert, update, delete).
    ``lookups``: small tables whose rows changed. ``failed``: why it failed, in its own words. ``rehearsed``: the hash
    of the catalog that it left, ``started``: of that which it began with, and ``before``, ``after`` are the looks.
    """

    changes: Sequence[Change] = ()
    locks: Sequence[Held] = ()
    statements: Sequence[Ran] = ()
    stalls: Mapping[str, float] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    lookups: Sequence[str] = ()
    failed: str = ""
    seconds: float = 0.0
    started: str = ""
    rehearsed: str = ""
    before: Snapshot = field(default_factory=lambda: Snapshot({}))
    after: Snapshot = field(default_factory=lambda: Snapshot({}))


@dataclass(frozen=True)
class Asked:
    """What production's rows say to one change. ``answer``: holds, violated, or unknown with why in ``detail``."""

    change: Change
    answer: str
    detail: str = ""


@dataclass(frozen=True)
class Evidence:
    """All of it. ``probes`` in the order of the changes; ``replayed`` is None where no old program could be tried, and
    ``why`` says then why. ``bridged``: the release's bridges were installed for ``replayed``."""

    rehearsed: Rehearsed
    probes: Sequence[Asked] = ()
    replayed: Seen | None = None
    why: str = ""
    bridged: bool = False
