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

from .._core import postgres
from .._core.clock import wait_until
from .._core.errors import BluegreenError, CommandError, Refused
from . import any_migrator, migrate, oneshot, versions
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
            % (wanted.target.called, postgres.lock_holder(db) or "another session"),
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
            before = _again(state, wanted, world, db)
            migrate.plan(before, wanted)
            attempts = _Run(db, before, wanted, world).until_applied() if before.difference.pending else 0
            after = any_migrator.applied(db, wanted.target)
    finally:
        db.close()
    done, changed = before.difference.pending, attempts > 0
    if any_migrator.UNKNOWN in done:
        done = tuple(versions.Migration(version) for version in sorted(after - before.applied))
        changed = after != before.applied
    return {
        "before": versions.summary(before.applied),
        "after": versions.summary(after),
        "applied": migrate.described(done),
        "pending": [],
        "invalid_indexes": [],
        "attempts": attempts,
        "changed": changed,
        "seconds": round(world.clock.monotonic() - started, 2),
    }


def _again(state: State, wanted: MigrationRequest, world: World, db: postgres.Db) -> State:
    """What is there now, under the lock."""
    applied = any_migrator.applied(db, wanted.target)
    now = replace(state, applied=applied, invalid=postgres.invalid_indexes(db))
    if wanted.target.product:
        return now
    return replace(now, learnt=migrate.ask_any(wanted, world, state.service, state.image, applied))


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
            for index in postgres.invalid_indexes(self.db) if wanted.target.product else ():
                postgres.drop_index(self.db, index)
            ended = self._container(max(1.0, deadline - clock.monotonic()))
            if not self._missing(ended):
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
            raise self._failure(self._clean(exc.msg), fix=exc.fix) from exc

    def _refuse_long_transactions(self) -> None:
        """A transaction that has been open for long makes the migration wait, and everybody behind it."""
        age = self.wanted.max_transaction_age
        there = postgres.long_transactions(self.db, age) if age > 0 else ()
        if there:
            raise self._failure(
                "transactions have been open for over %g s: %s" % (age, "; ".join(there[:3])),
                fix="end these transactions first, or raise max_transaction_age",
            )

    def _missing(self, ended: oneshot.Finished | None) -> tuple[versions.Migration, ...]:
        wanted, before = self.wanted, self.before
        if wanted.target.product:
            return versions.compare(before.learnt.migrations, postgres.applied(self.db)).pending
        lost = before.applied - any_migrator.applied(self.db, wanted.target)
        if lost:
            raise BluegreenError(
                "%d versions are not applied any more, the first is %s" % (len(lost), min(lost)),
                fix="read the migrator's log: it must not revert what is live",
            )
        ask = migrate.asking(wanted, self.world, before.service, before.image)
        return any_migrator.still_pending(wanted.target, ended, ask, self._clean)

    def _clean(self, text: str) -> str:
        return any_migrator.redact(text, self.before.service)

    def _no_invalid_index(self) -> None:
        known = () if self.wanted.target.product else self.before.invalid
        left = [index for index in postgres.invalid_indexes(self.db) if index not in known]
        if left:
            raise self._failure(
                "an invalid index is left: %s" % ", ".join(left), fix="run REINDEX INDEX CONCURRENTLY on it"
            )

    def _words(self, ended: oneshot.Finished) -> str:
        """The last telling lines of the migrator, without what the DSN holds."""
        lines = [line for line in self._clean(ended.log).splitlines() if line.strip()]
        told = [line for line in lines if TELLING.search(line)]
        return " | ".join((told or lines)[-3:])[:1000]

    def _failure(self, msg: str, fix: str = "") -> BluegreenError:
        """The error with what had been applied until then."""
        after = any_migrator.applied(self.db, self.wanted.target)
        pending, left = self.before.difference.pending, self._missing(None)
        done = tuple(migration for migration in pending if migration not in left)
        partial: dict[str, object] = {
            "applied": migrate.described(done),
            "pending": migrate.described(left),
            "after": versions.summary(after),
        }
        return BluegreenError("%s (%d of %d applied)" % (msg, len(done), len(pending)), fix=fix, partial=partial)
