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
from dataclasses import replace

from ..._core.clock import Clock
from ..._core.postgres import Db
from ..evidence import Held
from . import filling
from .locks import Lock
from .trace import rank

# From here on others wait: the first mode that stops writes.
STOPS = rank("ShareLock")
LARGE, ROWS, MOST = 10_000, 100_000, 12
CALIBRATE = (
    "DROP TABLE IF EXISTS olympus_bluegreen.rate",
    "CREATE TABLE olympus_bluegreen.rate AS SELECT g AS id, md5(g::text)::uuid AS a, md5(g::text) AS b, now() AS c"
    " FROM generate_series(1, {rows}) g",
    "ALTER TABLE olympus_bluegreen.rate ADD UNIQUE (a)",
)
OPERATIONS = {
    "index": "CREATE INDEX ON olympus_bluegreen.rate (b)",
    "reference": "ALTER TABLE olympus_bluegreen.rate ADD FOREIGN KEY (a) REFERENCES olympus_bluegreen.rate (a)",
    "scan": "ALTER TABLE olympus_bluegreen.rate ADD CHECK (length(b) > 0)",
    "rewrite": "ALTER TABLE olympus_bluegreen.rate ALTER id TYPE bigint",
    "write": "UPDATE olympus_bluegreen.rate SET c = now()",
}
# By the words of the statement that took the lock, the first that fits; what a table is rewritten by is seen.
WORDS = (
    (re.compile(r"\bINDEX\b|\bUNIQUE\b|\bPRIMARY KEY\b", re.IGNORECASE), "index"),
    (re.compile(r"\bREFERENCES\b", re.IGNORECASE), "reference"),
    (re.compile(r"\bUPDATE\b|\bINSERT\b|\bDELETE\b", re.IGNORECASE), "write"),
)


def counted(db: Db, sizes: Mapping[str, float]) -> dict[str, int]:
    """Rows in the clone of each table that is large in production."""
    found = {}
    for table in sizes:
        if sizes[table] > LARGE and db.query("SELECT to_regclass(%s)", [table])[0][0]:
            found[table] = int(db.query("SELECT count(*) FROM " + table)[0][0])
    return found


def worked(lock: Lock, sizes: Mapping[str, float]) -> list[str]:
    """The large tables that the lock's transaction reads or writes, where others wait for that lock."""
    return sorted(table for table in lock.worked if sizes.get(table, 0) > LARGE) if rank(lock.mode) >= STOPS else []


def to_fill(taken: Sequence[Lock], sizes: Mapping[str, float], there: Mapping[str, int]) -> list[str]:
    """Tables whose rows in the clone say too little, the largest first."""
    wanted = {table for lock in taken for table in worked(lock, sizes)}
    few = [table for table in wanted if there.get(table, 0) < min(sizes[table], ROWS) / 2]
    return sorted(few, key=lambda table: -sizes[table])


def filled(db: Db, tables: Sequence[str], sizes: Mapping[str, float]) -> dict[str, int]:
    """Table -> its rows now. ``db``: a superuser's session in a clone of its own."""
    known = filling.with_rows(db, [str(row[0]) for row in db.query(PARENTS)]) - set(tables)
    return {table: filling.fill(db, table, int(min(sizes[table], ROWS)), known) for table in tables[:MOST]}


PARENTS = """
SELECT DISTINCT format('%I.%I', n.nspname, r.relname)
FROM pg_constraint f JOIN pg_class r ON r.oid = f.confrelid JOIN pg_namespace n ON n.oid = r.relnamespace
WHERE f.contype = 'f'
"""


def rates(db: Db, clock: Clock) -> dict[str, float]:
    """Operation -> seconds a row, of a table of ours."""
    db.query("CREATE SCHEMA IF NOT EXISTS olympus_bluegreen")
    for statement in CALIBRATE:
        db.query(statement.format(rows=ROWS))
    return {name: _seconds(db, statement, clock) / ROWS for name, statement in OPERATIONS.items()}


def _seconds(db: Db, statement: str, clock: Clock) -> float:
    begun = clock.monotonic()
    db.query(statement)
    return clock.monotonic() - begun


def scaled(
    taken: Sequence[Lock],
    again: Sequence[Lock],
    sizes: Mapping[str, float],
    there: Mapping[str, int],
    rows: Mapping[str, int],
    rate: Mapping[str, float],
) -> Iterator[Held]:
    """Pure. ``there``: rows of the first clone, ``rows``: of the second, where ``again`` was taken. ``rate``: of a
    table of ours, for what the second does not show."""
    second = {key: lock for key, lock in _numbered(again)}
    for key, lock in _numbered(taken):
        held, tables = lock.held, worked(lock, sizes)
        few = [table for table in tables if there.get(table, 0) < min(sizes[table], ROWS) / 2]
        if rank(lock.mode) < STOPS or not few:
            yield replace(held, estimate=_plain(held, lock, tables, sizes, there))
        elif key in second and all(rows.get(table, 0) > LARGE / 2 for table in few):
            more = max(0.0, second[key].held.seconds - held.seconds)
            factor = max(sizes[table] / rows[table] for table in few)
            yield replace(held, estimate=held.seconds + more * max(1.0, factor))
        elif rate:
            each = rate["rewrite" if lock.rewrite else _operation(held.statement)]
            yield replace(held, estimate=held.seconds + each * sum(sizes[table] for table in few))
        else:
            yield held


def _plain(
    held: Held, lock: Lock, tables: Sequence[str], sizes: Mapping[str, float], there: Mapping[str, int]
) -> float | None:
    """From the rows that were in the clone; without work on a large table it takes the time that it took."""
    if rank(lock.mode) < STOPS:
        return None
    return held.seconds * max([1.0, *(sizes[table] / there[table] for table in tables)])


def _operation(statement: str) -> str:
    return next((name for words, name in WORDS if words.search(statement)), "scan")


def _numbered(taken: Sequence[Lock]) -> Iterator[tuple[tuple[str, str, str, int], Lock]]:
    """Each with what tells it apart in another run of the same migration."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for lock in taken:
        key = (lock.relation.name, lock.mode, lock.statement)
        seen[key] += 1
        yield (*key, seen[key]), lock
