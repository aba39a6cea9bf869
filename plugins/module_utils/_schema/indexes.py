# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a broken CREATE INDEX CONCURRENTLY leaves: an invalid index, which IF NOT EXISTS then takes for a good one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from .._core import postgres

# Of an index that REINDEX CONCURRENTLY was building, or had not dropped yet.
TRANSIENT = ("_ccnew", "_ccold")
# Seconds that a drop waits: it changes nothing for others, and the migration can't go on before it.
DROP_SECONDS = 30.0


def new(db: postgres.Db, before: Iterable[str]) -> tuple[str, ...]:
    """Invalid indexes that were not there, or not invalid, before."""
    known = frozenset(before)
    return tuple(name for name in postgres.invalid_indexes(db) if name not in known)


@contextmanager
def _patient(db: postgres.Db, seconds: float) -> Iterator[None]:
    """What follows waits for the transactions of others and holds none of them up: it may take its time."""
    db.query("SET statement_timeout = '%dms'" % max(1000, int(seconds * 1000)))
    try:
        yield
    finally:
        db.query("SET statement_timeout = '%ds'" % postgres.QUERY_SECONDS)


def drop(db: postgres.Db, names: Sequence[str], seconds: float) -> str:
    """Drop them; why one is left, '' where none is."""
    return "; ".join(filter(None, (_tried(db, "DROP INDEX CONCURRENTLY IF EXISTS " + name, seconds) for name in names)))


def rebuild(db: postgres.Db, names: Sequence[str], seconds: float) -> str:
    """Build again what the migrator has recorded as made: it will not make it any more. Why one is left, or ''."""
    why = []
    for name in names:
        verb = "DROP INDEX CONCURRENTLY IF EXISTS" if _transient(name) else "REINDEX INDEX CONCURRENTLY"
        why.append(_tried(db, "%s %s" % (verb, name), seconds))
    return "; ".join(filter(None, why))


def _transient(name: str) -> bool:
    return name.rstrip('"0123456789').endswith(TRANSIENT)


def _tried(db: postgres.Db, sql: str, seconds: float) -> str:
    with _patient(db, seconds):
        try:
            db.query(sql)
        except postgres.QueryError as exc:
            return exc.answer
    return ""
