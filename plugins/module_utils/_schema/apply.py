# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply the pending migrations of one target, under a lock in that database, and read back what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from .._core import postgres
from .._core.clock import wait_until
from .._core.errors import Refused, first_few
from . import (
    any_migrator,
    attempts,
    backup,
    bounds,
    bridge_record,
    drift,
    migrate,
    migrator_role,
    oneshot,
    progress,
    versions,
)
from .live_log import LiveLog
from .migrate import MigrationRequest, State, World
from .progress import Progress

LIVE = (
    "the live colour serves on and no traffic moved. Install a bridge (bridges/%s/*.sql of the release's source) and"
    " run the stage again; `podman logs` of these containers says which statement it was"
)


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


def apply(
    state: State, wanted: MigrationRequest, world: World, told: Mapping[str, Any], began: float = 0.0
) -> dict[str, Any]:
    """The keys of the module's result that the run made true, and ``warnings``. ``told``: the target's entry of
    proof.json, {} where nothing was proven with this image. ``began``: when the release's first target was migrated,
    0 where that is not known."""
    started = world.clock.monotonic()
    if state.foreign:
        raise Refused(
            "container %s seems to migrate a database" % ", ".join(state.foreign),
            fix="wait until it has ended, then run the stage again",
        )
    known, warned = backup.check(wanted.backup, world.podman.runner, world.clock.now())
    oneshot.clear(world.podman, migrate.migrate_labels(wanted), wanted.lock_wait)
    db = migrate.open_database(wanted, world, state.service)
    try:
        with lock(db, world, wanted):
            # Another run may have done what was observed before the lock.
            before = _again(state, wanted, world, db)
            migrate.plan(before, wanted)
            act = _Act(db, before, wanted, world, told, began)
            act.warned.extend(warned)
            found = act.through()
    finally:
        db.close()
    return {
        **found,
        "backup": known,
        "warnings": act.warned,
        "seconds": round(world.clock.monotonic() - started, 2),
    }


def _again(state: State, wanted: MigrationRequest, world: World, db: postgres.Db) -> State:
    """What is there now, under the lock."""
    applied = any_migrator.applied(db, wanted.target)
    unfinished = progress.read(wanted.state_dir, wanted.target.name)
    now = replace(state, applied=applied, invalid=postgres.invalid_indexes(db), unfinished=unfinished)
    if wanted.target.product:
        return now
    return replace(now, learnt=migrate.ask_any(wanted, world, state.service, state.image, applied))


@dataclass
class _Act:
    """One run under the lock. ``before``: what it starts from; ``warned``: what the operator reads at its end."""

    db: postgres.Db
    before: State
    wanted: MigrationRequest
    world: World
    told: Mapping[str, Any]
    began: float = 0.0
    warned: list[str] = field(default_factory=list)

    def through(self) -> dict[str, Any]:
        wanted, before = self.wanted, self.before
        rehearsal = drift.rehearsal(wanted.state_dir, wanted.release, wanted.target.name, self.told)
        point: dict[str, str] = {}
        live = LiveLog(self.world.podman, self.world.clock, wanted.live)
        role = migrator_role.Role(before.service, {})
        postgres.end_sessions(self.db, bounds.application("migrate", wanted.target.name))
        if before.difference.pending:
            self._refuse_drift(rehearsal.started)
            role = migrator_role.choose(wanted, self.world, before.service, self.db)
            point = backup.restore_point(self.db, wanted.release, wanted.backup, before.service.dsn.user)
        live.begin(self.began)
        run = attempts.Run(self.db, before, wanted, self.world, role, self._begun())
        count = run.until_applied() if before.difference.pending else 0
        run.no_invalid_index()
        differs = self._after(rehearsal.rehearsed, run)
        noticed = self._watch(live, run)
        progress.end(wanted.state_dir, wanted.target.name)
        why = "" if rehearsal.started.digest else "no rehearsal of this release to compare with"
        more = {"restore_point": point, "drift": differs, "not_compared": why, "noticed": noticed}
        return {**self._result(count), **more}

    def _begun(self) -> Progress:
        """The run's beginning, or that of the run that it goes on with."""
        before, old = self.before, self.before.unfinished
        invalid = old.invalid if old else () if self.wanted.target.product else before.invalid
        began = old.began if old and old.began else self.world.clock.now()
        return Progress(self.wanted.target.name, self.wanted.release, began, invalid=invalid)

    def _refuse_drift(self, started: drift.Look) -> None:
        """Where another run has begun it, only the end can be compared."""
        if self.wanted.drift == backup.IGNORE or not started.digest:
            return
        if drift.resumes(self.before.applied, self.told, self.before.unfinished is not None):
            return
        wrong, _found = self._compared(started, "the schema has changed since the rehearsal")
        if wrong and self.wanted.drift == backup.REFUSE:
            raise Refused("%s: %s" % (self.wanted.target.called, wrong), fix=drift.AGAIN)

    def _after(self, rehearsed: drift.Look, run: attempts.Run) -> list[str]:
        if self.wanted.drift == backup.IGNORE or not rehearsed.digest:
            return []
        wrong, found = self._compared(rehearsed, "the migrated schema is not the one that was rehearsed")
        if wrong and self.wanted.drift == backup.REFUSE:
            raise run.failure(wrong, fix=drift.ELSE)
        return found

    def _compared(self, look: drift.Look, when: str) -> tuple[str, list[str]]:
        record = bridge_record.read(self.wanted.state_dir, self.wanted.target.name)
        wrong, found = drift.complaint(look, drift.look(self.db), record, self.wanted.release, when)
        self.warned += [wrong] if wrong else []
        return wrong, found

    def _watch(self, live: LiveLog, run: attempts.Run) -> list[str]:
        """Before any traffic moves. What is only noticed is a warning."""
        if not live.containers:
            return []
        found = live.watch(self.wanted.watch_seconds, attempts.sessions_of(self.db, self.before.service.dsn.user))
        self.warned += ["the log of container %s can't be read" % name for name in live.unread]
        self.warned += ["the live colour: " + one for one in found.noticed]
        if found.broken and self.told.get("accepted"):
            # The operator let the verdict through and knows it.
            self.warned += ["the live colour: " + one for one in found.broken]
        elif found.broken:
            what = "the live colour fails on the new schema: %s" % first_few(found.broken, between="; ")
            raise run.failure(what, fix=LIVE % self.wanted.target.name)
        return list(found.noticed)

    def _result(self, count: int) -> dict[str, Any]:
        before = self.before
        after = any_migrator.applied(self.db, self.wanted.target)
        done, changed = before.difference.pending, count > 0
        if any_migrator.UNKNOWN in done:
            done = tuple(versions.Migration(version) for version in sorted(after - before.applied))
            changed = after != before.applied
        return {
            "before": versions.summary(before.applied),
            "after": versions.summary(after),
            "applied": migrate.described(done),
            "pending": [],
            "invalid_indexes": [],
            "attempts": count,
            "changed": changed,
        }
