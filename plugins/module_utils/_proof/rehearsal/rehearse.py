# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release's migration, run once on a clone of production's schema: what it changes, locks, writes and how long."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..._core.clock import Clock, SystemClock, wait_until
from ..._core.errors import BluegreenError
from ..._core.postgres import Db
from ..._schema.catalog import difference, snapshot
from ..evidence import Held, Ran, Rehearsed
from ..shadow import sqllog
from . import contention, duration, locks, trace, written

# Where migrators write down what they did: rows there are no data of the application.
BOOKKEEPING = ("public.schema_migration",)
SETTLE_SECONDS = 5.0


class Clone(Protocol):
    """A database of the shadow in production's state. ``open``: a superuser's session in it, which says that it is ours
    (``sqllog.OURS``). ``log``: the server's lines since then. ``again``: another one of the same origin."""

    @property
    def name(self) -> str: ...

    def open(self) -> Db: ...

    def log(self, since: float) -> Sequence[str]: ...

    def again(self, suffix: str) -> Clone: ...


# Runs the migration in the database of that name: '' or why it failed, in its own words without a secret.
Migrate = Callable[[str], str]


@dataclass(frozen=True)
class Run:
    """What one run of the migration was."""

    failed: str
    begun: float
    ended: float
    statements: Sequence[sqllog.Statement]
    taken: Sequence[locks.Lock]


def rehearse(
    clone: Clone,
    migrate: Migrate,
    sizes: Mapping[str, float] | None = None,
    bookkeeping: Collection[str] = BOOKKEEPING,
    clock: Clock | None = None,
) -> Rehearsed:
    """``sizes``: production's rows by qualified table, for the estimates. A migration that fails is ``failed``; raises
    BluegreenError where the clone itself can't be asked."""
    clock = clock or SystemClock()
    db = clone.open()
    try:
        before = snapshot.take(db)
        trace.install(db)
        _settle(clone, db, clock)
        small, counted = written.small_tables(db), written.counters(db)
        measured = duration.first(db, sizes or {})
        with contention.watched(clone.open, contention.tables(db), clock) as stalls:
            ran = run(clone, db, migrate, clock)
        after = snapshot.take(db)
        return Rehearsed(
            changes=difference.changes(before, after),
            locks=_estimated(clone, ran, migrate, measured, clock),
            statements=summed(ran.statements),
            stalls=stalls,
            rows=written.rows(counted, written.counters(db), bookkeeping),
            lookups=written.changed(small, db, bookkeeping),
            failed=ran.failed,
            seconds=ran.ended - ran.begun,
            started=snapshot.digest(before),
            rehearsed=snapshot.digest(after),
            before=before,
            after=after,
        )
    finally:
        db.close()


def _estimated(clone: Clone, ran: Run, migrate: Migrate, measured: duration.Measured, clock: Clock) -> tuple[Held, ...]:
    """Each lock with its time at production's size; for that the migration may run a second time, on more rows."""
    wanted = measured.to_fill(ran.taken)
    if measured.sizes and wanted and not ran.failed:
        second = clone.again("filled")
        db = second.open()
        try:
            measured = replace(measured, rows=duration.filled(db, wanted, measured.sizes))
            trace.install(db)
            filled = run(second, db, migrate, clock)
            measured = replace(measured, again=filled.taken)
            if filled.failed or not all(measured.filled(table) for table in wanted):
                measured = replace(measured, rate=duration.rates(db, clock))
        finally:
            db.close()
    return tuple(duration.scaled(ran.taken, measured)) if measured.sizes else tuple(lock.held for lock in ran.taken)


def run(clone: Clone, db: Db, migrate: Migrate, clock: Clock) -> Run:
    """With the trace installed; the server's counters and log are complete afterwards."""
    begun = clock.now()
    try:
        failed = migrate(clone.name)
    except BluegreenError as exc:
        failed = exc.msg
    ended = clock.now()
    _settle(clone, db, clock)
    log = clone.log(begun)
    # The log's clock has milliseconds.
    statements = sqllog.statements(log, clone.name, begun - 0.001, clock.now())
    return Run(failed, begun, ended, statements, locks.taken(trace.read(db, log), statements))


def _settle(clone: Clone, db: Db, clock: Clock) -> None:
    """Until the server has counted what every session wrote that is gone: the counters of the last one come last."""
    last = clone.open()
    try:
        # A migration may have made the database one that is only read.
        last.query("SET default_transaction_read_only = off")
        last.query("INSERT INTO olympus_bluegreen.trace_settled DEFAULT VALUES")
    finally:
        last.close()

    def counted() -> bool:
        db.query("SELECT pg_stat_clear_snapshot()")
        return bool(db.query(written.SETTLED, [sqllog.OURS + "%"])[0][0])

    wait_until(clock, counted, bool, SETTLE_SECONDS, 0.05)


def summed(statements: Iterable[sqllog.Statement]) -> tuple[Ran, ...]:
    """Each text once, in the order of its first run, with the seconds of all its runs."""
    found: dict[str, float] = {}
    for one in statements:
        found[one.sql] = found.get(one.sql, 0.0) + one.seconds
    return tuple(Ran(sql, seconds) for sql, seconds in found.items())
