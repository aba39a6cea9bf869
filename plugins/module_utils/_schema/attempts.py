# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attempts to migrate one target under its lock: each bounded, none of them leaving an invalid index."""

from __future__ import annotations

import random
import re
from contextlib import suppress
from dataclasses import dataclass, replace

from .._core import postgres
from .._core.errors import BluegreenError, CommandError
from . import any_migrator, bounds, indexes, migrate, migrator_role, oneshot, progress, versions
from .migrate import MigrationRequest, State, World
from .migrator_role import Role
from .progress import Progress

# A lock that was not had in time, or that was given up as another session waited for ours.
NO_LOCK = re.compile(r"55P03|canceling statement due to lock timeout|40P01|deadlock detected")
# A transaction or statement that took longer than it may; libpq does not read the server's last words.
CUT = re.compile(r"25P0[34]|57014|transaction timeout|statement timeout|closed the connection unexpectedly")
TELLING = re.compile(r"error|fatal|SQLSTATE|could not", re.IGNORECASE)
# Seconds for the sessions of a program that was killed to be gone.
ENDED_SECONDS = 10.0
SESSIONS_OF = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = %s"


def sessions_of(db: postgres.Db, role: str) -> int:
    return int(db.query(SESSIONS_OF, [role])[0][0])


@dataclass
class Run:
    """``before``: what the attempts start from; ``progress``: as it is written."""

    db: postgres.Db
    before: State
    wanted: MigrationRequest
    world: World
    role: Role
    progress: Progress
    written: Progress | None = None
    # Why the last attempt's invalid index is still there.
    left_over: str = ""

    def until_applied(self) -> int:
        """How many attempts it took. Only a lock that could not be had in time is tried again."""
        wanted, clock = self.wanted, self.world.clock
        deadline = clock.monotonic() + wanted.timeout
        for attempt in range(1, wanted.attempts + 1):
            self._refuse_long_transactions()
            self._note(attempt)
            self._need_no_invalid()
            ended = self._container(max(1.0, deadline - clock.monotonic()))
            if not self._missing(ended):
                return attempt
            self._tidy()
            if not NO_LOCK.search(ended.log):
                fix = (
                    "raise transaction_timeout, if it has to hold its locks for longer" if CUT.search(ended.log) else ""
                )
                raise self.failure("the migration ended (rc %d): %s" % (ended.rc, self._words(ended)), fix=fix)
            if attempt == wanted.attempts or clock.monotonic() >= deadline:
                break
            clock.sleep(attempt * random.uniform(0.5, 1.5))
        raise self.failure(
            "PostgreSQL gave no lock within %g s, in %d attempts" % (wanted.lock_timeout, attempt),
            fix="end the long transaction (see pg_stat_activity), then run the stage again: what was applied stays",
        )

    def _container(self, timeout: float) -> oneshot.Finished:
        before, words = self.before, self.before.learnt.form.up
        given = self.role.environment
        job = migrate.job_of(self.wanted, self.world, before.service, before.image, words, "migrate", given)
        try:
            return oneshot.run(self.world.podman, job, timeout, self._note)
        except CommandError as exc:
            self._end_sessions()
            self._tidy()
            raise self.failure(self._clean(exc.msg), fix=exc.fix) from exc
        finally:
            self._end_sessions()
            migrator_role.give_back(self.role, self.wanted, self.world, before.service)

    def _end_sessions(self) -> None:
        """The server may go on with the statement of a program that was killed, with its locks and its index."""
        name, clock = bounds.application("migrate", self.wanted.target.name), self.world.clock
        ends = clock.monotonic() + ENDED_SECONDS
        while postgres.sessions(self.db, name) and clock.monotonic() < ends:
            postgres.end_sessions(self.db, name)
            clock.sleep(0.1)

    def _note(self, attempt: int = 0) -> None:
        """How far it is, for who looks meanwhile; a question that is refused must not end the migration."""
        with suppress(BluegreenError, OSError):
            pending = [one for one in self.before.difference.pending if one != any_migrator.UNKNOWN]
            there = any_migrator.applied(self.db, self.wanted.target) if pending else frozenset()
            left = [one for one in pending if one.version not in there]
            name = (left[0].name or left[0].version) if left else ""
            done = len(pending) - len(left)
            now = replace(
                self.progress, done=done, of=len(pending), next=name, attempt=attempt or self.progress.attempt
            )
            self.progress = now
            if now != self.written:
                progress.write(self.wanted.state_dir, now)
                self.written = now

    def _refuse_long_transactions(self) -> None:
        """A transaction that has been open for long makes the migration wait, and everybody behind it."""
        age = self.wanted.max_transaction_age
        there = postgres.long_transactions(self.db, age) if age > 0 else ()
        if there:
            raise self.failure(
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
        return any_migrator.redact(any_migrator.redact(text, self.before.service), self.role.service)

    def _tidy(self) -> None:
        """What a broken attempt left: an index half built."""
        self.left_over = indexes.drop(
            self.db, indexes.new(self.db, self.progress.invalid), min(indexes.DROP_SECONDS, self.wanted.timeout)
        )

    def _need_no_invalid(self) -> None:
        """The migrator would take one for a good index."""
        left = indexes.new(self.db, self.progress.invalid)
        why = indexes.drop(self.db, left, self.wanted.timeout)
        if why:
            raise self.failure("an invalid index can't be dropped: %s" % why, fix="drop it: %s" % ", ".join(left))

    def no_invalid_index(self) -> None:
        """The migrator says that it is done: an index that is invalid all the same is built here."""
        left = indexes.new(self.db, self.progress.invalid)
        if not left:
            return
        why = indexes.rebuild(self.db, left, self.wanted.timeout)
        left = indexes.new(self.db, self.progress.invalid)
        if left:
            raise self.failure(
                "an invalid index is left: %s%s" % (", ".join(left), " (%s)" % why if why else ""),
                fix="run the stage again, or REINDEX INDEX CONCURRENTLY on it",
            )

    def _words(self, ended: oneshot.Finished) -> str:
        """The last telling lines of the migrator, without what the DSN holds."""
        lines = [line for line in self._clean(ended.log).splitlines() if line.strip()]
        told = [line for line in lines if TELLING.search(line)]
        return " | ".join((told or lines)[-3:])[:1000]

    def failure(self, msg: str, fix: str = "") -> BluegreenError:
        """The error with what had been applied until then."""
        after = any_migrator.applied(self.db, self.wanted.target)
        pending = left = self.before.difference.pending
        # What has failed is said, also where nothing more can be asked.
        with suppress(BluegreenError):
            left = self._missing(None)
        done = tuple(migration for migration in pending if migration not in left)
        partial: dict[str, object] = {
            "applied": migrate.described(done),
            "pending": migrate.described(left),
            "after": versions.summary(after),
        }
        said = "%s (%d of %d applied)" % (msg, len(done), len(pending))
        if self.left_over:
            said += "; the next run drops an invalid index that is left (%s)" % self.left_over
        return BluegreenError(said, fix=fix, partial=partial)
