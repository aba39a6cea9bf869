# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a lock of the migration would be held at production's size: the size, times a rate that is measured here.

Only where the transaction reads or writes a large table. The rate is that of the same migration on a clone with rows
of our own, or of a table of ours where no such clone can be had.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..._core.clock import Clock
from ..._core.postgres import Db
from ..evidence import Held
from . import filling
from .locks import Lock
from .trace import rank

# From here on others wait: the first mode that stops writes.
STOPS = rank("ShareLock")
LARGE, ROWS, MOST = 10_000, 100_000, 12
# Of a table of ours, in this order; a name that is no operation only prepares the next.
CALIBRATE = (
    ("", "DROP TABLE IF EXISTS olympus_bluegreen.rate"),
    (
        "",
        "CREATE TABLE olympus_bluegreen.rate AS SELECT g AS id, md5(g::text) AS a, md5(g::text) AS b, now() AS c"
        " FROM generate_series(1, {rows}) g",
    ),
    ("rewrite", "ALTER TABLE olympus_bluegreen.rate ALTER id TYPE bigint"),
    ("write", "UPDATE olympus_bluegreen.rate SET c = now()"),
    ("scan", "ALTER TABLE olympus_bluegreen.rate ADD CHECK (length(b) > 0)"),
    ("index", "ALTER TABLE olympus_bluegreen.rate ADD UNIQUE (a)"),
    ("reference", "ALTER TABLE olympus_bluegreen.rate ADD FOREIGN KEY (a) REFERENCES olympus_bluegreen.rate (a)"),
)
# Each of these does every index of the table too.
WITH_INDEXES = ("rewrite", "write")
INDEXES = "SELECT count(*) FROM pg_index WHERE indrelid = to_regclass(%s)"
# By the words of the statement that took the lock, the first that fits; what a table is rewritten by is seen.
WORDS = (
    (re.compile(r"\bINDEX\b|\bUNIQUE\b|\bPRIMARY KEY\b", re.IGNORECASE), "index"),
    (re.compile(r"\bREFERENCES\b", re.IGNORECASE), "reference"),
    (re.compile(r"\bUPDATE\b|\bINSERT\b|\bDELETE\b", re.IGNORECASE), "write"),
)


@dataclass(frozen=True)
class Measured:
    """``sizes``: production's rows, ``there`` and ``indexes``: what the clone has of its large tables. ``rows``: of the
    second clone, whose locks are ``again``. ``rate``: seconds a row by operation, for what that does not show."""

    sizes: Mapping[str, float]
    there: Mapping[str, int]
    indexes: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    again: Sequence[Lock] = ()
    rate: Mapping[str, float] = field(default_factory=dict)

    def worked(self, lock: Lock) -> list[str]:
        """The large tables that the lock's transaction reads or writes, where others wait for that lock."""
        if rank(lock.mode) < STOPS:
            return []
        return sorted(table for table in lock.worked if self.sizes.get(table, 0) > LARGE)

    def few(self, lock: Lock) -> list[str]:
        """Those of them whose rows in the clone say too little."""
        return [one for one in self.worked(lock) if self.there.get(one, 0) < min(self.sizes[one], ROWS) / 2]

    def to_fill(self, taken: Sequence[Lock]) -> list[str]:
        """The largest first."""
        wanted = {table for lock in taken for table in self.few(lock)}
        return sorted(wanted, key=lambda table: -self.sizes[table])[:MOST]

    def filled(self, table: str) -> bool:
        return self.rows.get(table, 0) >= min(self.sizes[table], ROWS) / 2


def first(db: Db, sizes: Mapping[str, float]) -> Measured:
    """Before the migration."""
    there, indexes = {}, {}
    for table in sizes:
        if sizes[table] > LARGE and db.query("SELECT to_regclass(%s)", [table])[0][0]:
            there[table] = int(db.query("SELECT count(*) FROM " + table)[0][0])
            indexes[table] = int(db.query(INDEXES, [table])[0][0])
    return Measured(sizes, there, indexes)


def filled(db: Db, tables: Sequence[str], sizes: Mapping[str, float]) -> dict[str, int]:
    """Table -> its rows now. ``db``: a superuser's session in a clone of its own."""
    known = filling.with_rows(db, [str(row[0]) for row in db.query(PARENTS)]) - set(tables)
    return {table: filling.fill(db, table, int(min(sizes[table], ROWS)), known) for table in tables}


PARENTS = """
SELECT DISTINCT format('%I.%I', n.nspname, r.relname)
FROM pg_constraint f JOIN pg_class r ON r.oid = f.confrelid JOIN pg_namespace n ON n.oid = r.relnamespace
WHERE f.contype = 'f'
"""


def rates(db: Db, clock: Clock) -> dict[str, float]:
    """Operation -> seconds a row, of a table of ours."""
    found = {}
    for name, statement in CALIBRATE:
        begun = clock.monotonic()
        db.query(statement.format(rows=ROWS))
        found[name] = (clock.monotonic() - begun) / ROWS
    return found


def scaled(taken: Sequence[Lock], seen: Measured) -> Iterator[Held]:
    """Pure. None where others do not wait for the lock, or nothing was measured."""
    second = dict(_numbered(seen.again))
    for key, lock in _numbered(taken):
        few = seen.few(lock)
        if rank(lock.mode) < STOPS:
            yield lock.held
        elif not few:
            yield replace(lock.held, estimate=_by_rows(lock, seen))
        elif key in second and all(seen.filled(table) for table in few):
            yield replace(lock.held, estimate=_by_second(lock, second[key], few, seen))
        else:
            yield replace(lock.held, estimate=_by_rate(lock, few, seen))


def _by_rows(lock: Lock, seen: Measured) -> float:
    """From the rows that were in the clone; without work on a large table it takes the time that it took."""
    return lock.held.seconds * max([1.0, *(seen.sizes[one] / seen.there[one] for one in seen.worked(lock))])


def _by_second(lock: Lock, again: Lock, few: Sequence[str], seen: Measured) -> float:
    """What the rows of the second clone add, as often as they are in production."""
    more = max(0.0, again.held.seconds - lock.held.seconds)
    return lock.held.seconds + more * max([1.0, *(seen.sizes[table] / seen.rows[table] for table in few)])


def _by_rate(lock: Lock, few: Sequence[str], seen: Measured) -> float | None:
    if not seen.rate:
        return None
    operation = "rewrite" if lock.rewrite else _operation(lock.statement)
    builds = seen.rate["index"] if operation in WITH_INDEXES else 0.0
    each = ((seen.rate[operation] + builds * seen.indexes.get(one, 0)) * seen.sizes[one] for one in few)
    return lock.held.seconds + sum(each)


def _operation(statement: str) -> str:
    return next((name for words, name in WORDS if words.search(statement)), "scan")


def _numbered(taken: Sequence[Lock]) -> Iterator[tuple[tuple[str, str, str, int], Lock]]:
    """Each with what tells it apart in another run of the same migration."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for lock in taken:
        key = (lock.relation.name, lock.mode, lock.statement)
        seen[key] += 1
        yield (*key, seen[key]), lock
