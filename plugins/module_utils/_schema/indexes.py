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
TIMES = 3


def new(db: postgres.Db, before: Iterable[str]) -> tuple[str, ...]:
    """Invalid indexes that were not there, or not invalid, before."""
    known = frozenset(before)
    return tuple(name for name in postgres.invalid_indexes(db) if name not in known)


@contextmanager
def _bounded(db: postgres.Db, lock: float, seconds: float) -> Iterator[None]:
    """Our own session waits and works no longer than the migrator may."""
    db.query("SET lock_timeout = %s", ["%dms" % max(1, int(lock * 1000))])
    db.query("SET statement_timeout = %s", ["%dms" % max(1000, int(seconds * 1000))])
    try:
        yield
    finally:
        db.query("RESET lock_timeout")
        db.query("SET statement_timeout = '%ds'" % postgres.QUERY_SECONDS)


def drop(db: postgres.Db, names: Sequence[str], lock: float, seconds: float) -> str:
    """Drop them; why one is left, '' where none is."""
    why = ""
    for name in names:
        why = _tried(db, "DROP INDEX CONCURRENTLY IF EXISTS " + name, lock, seconds) or why
    return why


def rebuild(db: postgres.Db, names: Sequence[str], lock: float, seconds: float) -> str:
    """Build again what the migrator has recorded as made: it will not make it any more. Why one is left, or ''."""
    why = drop(db, [name for name in names if _transient(name)], lock, seconds)
    for name in names:
        if not _transient(name):
            why = _tried(db, "REINDEX INDEX CONCURRENTLY " + name, lock, seconds) or why
    return why


def _transient(name: str) -> bool:
    return name.rstrip('"0123456789').endswith(TRANSIENT)


def _tried(db: postgres.Db, sql: str, lock: float, seconds: float) -> str:
    """Both kinds wait for the transactions of others, and leave an invalid index where they are cut short."""
    why = ""
    with _bounded(db, lock, seconds):
        for _time in range(TIMES):
            try:
                db.query(sql)
                return ""
            except postgres.QueryError as exc:
                why = exc.answer
                if exc.sqlstate not in ("55P03", "40P01"):
                    break
    return why
