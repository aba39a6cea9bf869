# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply the pending migrations of one target, under a lock in that database, and read back what became of it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from .._core import dsn, postgres
from .._core.clock import wait_until
from .._core.errors import BluegreenError, CommandError, Refused
from . import migrate, oneshot, versions
from .migrate import MigrationRequest, State, World

LOCK_TIMEOUT = re.compile(r"55P03|canceling statement due to lock timeout")
TELLING = re.compile(r"error|fatal|SQLSTATE|could not", re.IGNORECASE)


@contextmanager
def lock(db: postgres.Db, world: World, wanted: MigrationRequest) -> Iterator[None]:
    """The advisory lock of this database; PostgreSQL drops it when our session dies."""
    taken = wait_until(world.clock, lambda: postgres.try_lock(db), bool, wanted.lock_wait, every=0.5)
    if not taken:
        raise Refused(
            "database %s is being migrated by `%s`"
            % (wanted.target.database, postgres.lock_holder(db) or "another session"),
            fix="wait until it has ended, then run the stage again",
        )
    try:
        yield
    finally:
        postgres.unlock(db)


def apply(state: State, wanted: MigrationRequest, world: World) -> dict[str, Any]:
    """The keys of the module's result that the run made true."""
    started = world.clock.monotonic()
    if state.foreign:
        raise Refused(
            "container %s seems to migrate a database" % ", ".join(state.foreign),
            fix="wait until it has ended, then run the stage again",
        )
    oneshot.clear(world.podman, migrate.migrate_labels(wanted), wanted.lock_wait)
    db = migrate.open_database(wanted, world, state.service)
    try:
        with lock(db, world, wanted):
            # Another run may have done what was observed before the lock.
            before = replace(state, applied=postgres.applied(db), invalid=postgres.invalid_indexes(db))
            migrate.plan(before, wanted)
            attempts = _Run(db, before, wanted, world).until_applied() if before.difference.pending else 0
            after = postgres.applied(db)
    finally:
        db.close()
    return {
        "before": versions.summary(before.applied),
        "after": versions.summary(after),
        "applied": migrate.described(before.difference.pending),
        "pending": [],
        "invalid_indexes": [],
        "attempts": attempts,
        "changed": attempts > 0,
        "seconds": round(world.clock.monotonic() - started, 2),
    }


@dataclass(frozen=True)
class _Run:
    """The attempts under the lock; ``before`` is what they start from."""

    db: postgres.Db
    before: State
    wanted: MigrationRequest
    world: World

    def until_applied(self) -> int:
        """How many attempts it took. Only a lock that could not be had in time is tried again."""
        wanted, clock = self.wanted, self.world.clock
        deadline = clock.monotonic() + wanted.timeout
        for attempt in range(1, wanted.attempts + 1):
            self._refuse_long_transactions()
            for index in postgres.invalid_indexes(self.db):
                postgres.drop_index(self.db, index)
            ended = self._container(max(1.0, deadline - clock.monotonic()))
            if not self._missing():
                self._no_invalid_index()
                return attempt
            if not LOCK_TIMEOUT.search(ended.log):
                raise self._failure("the migration ended (rc %d): %s" % (ended.rc, self._words(ended)))
            if attempt < wanted.attempts and clock.monotonic() < deadline:
                clock.sleep(attempt * random.uniform(0.5, 1.5))
        raise self._failure(
            "PostgreSQL gave no lock within %g s, in %d attempts" % (wanted.lock_timeout, wanted.attempts),
            fix="end the long transaction (see pg_stat_activity), then run the stage again: what was applied stays",
        )

    def _container(self, timeout: float) -> oneshot.Finished:
        before = self.before
        job = migrate.job_of(self.wanted, self.world, before.service, before.image, before.learnt.form.up, "migrate")
        try:
            return oneshot.run(self.world.podman, job, timeout)
        except CommandError as exc:
            raise self._failure(dsn.redact(exc.msg, before.service.dsn), fix=exc.fix) from exc

    def _refuse_long_transactions(self) -> None:
        """A transaction that has been open for long makes the migration wait, and everybody behind it."""
        age = self.wanted.max_transaction_age
        there = postgres.long_transactions(self.db, age) if age > 0 else ()
        if there:
            raise self._failure(
                "transactions have been open for over %g s: %s" % (age, "; ".join(there[:3])),
                fix="end these transactions first, or raise max_transaction_age",
            )

    def _missing(self) -> tuple[versions.Migration, ...]:
        return versions.compare(self.before.learnt.migrations, postgres.applied(self.db)).pending

    def _no_invalid_index(self) -> None:
        left = postgres.invalid_indexes(self.db)
        if left:
            raise self._failure(
                "an invalid index is left: %s" % ", ".join(left), fix="run REINDEX INDEX CONCURRENTLY on it"
            )

    def _words(self, ended: oneshot.Finished) -> str:
        """The last telling lines of the migrator, without what the DSN holds."""
        lines = [line for line in dsn.redact(ended.log, self.before.service.dsn).splitlines() if line.strip()]
        told = [line for line in lines if TELLING.search(line)]
        return " | ".join((told or lines)[-3:])[:1000]

    def _failure(self, msg: str, fix: str = "") -> BluegreenError:
        """The error with what had been applied until then."""
        after = postgres.applied(self.db)
        pending = self.before.difference.pending
        done = tuple(migration for migration in pending if migration.version in after)
        partial: dict[str, object] = {
            "applied": migrate.described(done),
            "pending": migrate.described(self._missing()),
            "after": versions.summary(after),
        }
        return BluegreenError("%s (%d of %d applied)" % (msg, len(done), len(pending)), fix=fix, partial=partial)
