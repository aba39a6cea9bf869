# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One schema target's trial: the old program before and after the migration, the new one, each with the other's work.

The old program runs through the migration, as the live colour does: what it has prepared before is tried too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..._core import postgres
from ..._core.clock import wait_until
from ..._core.errors import BluegreenError, CommandError
from ..._health import journeys
from ..._health.model import READY, Endpoint
from ..._health.session import probe
from ..._ory.cli import entrypoint_text
from ..._schema import oneshot
from ..._state.redact import redact, scrub
from ..evidence import Outcome, Seen
from ..shadow import sqllog
from ..shadow.room import Room
from .binary import Binary, isolated
from .hydra import Hydra
from .kratos import Kratos
from .side import Side

SIDES: dict[str, type[Side[Any]]] = {"kratos": Kratos, "hydra": Hydra}
START_SECONDS = MIGRATE_SECONDS = 90.0
# So many connections has each program of the trial.
CONNECTIONS = "8"


@dataclass(frozen=True)
class Ports:
    public: int
    admin: int


@dataclass(frozen=True)
class Trial:
    """``base`` is a database of the room in production's state, ``after`` the versions that the migration leaves.

    ``name`` names this trial's own database and containers. ``prepare`` is done to it before the migration (bridges).
    """

    room: Room
    name: str
    base: str
    old: Binary
    new: Binary
    ports: Ports
    after: frozenset[str]
    prepare: Callable[[postgres.Db], None] | None = None

    def run(self) -> Seen:
        """Raises BluegreenError where the trial itself can't be held."""
        self.room.create(self.name, self.base)
        with self._serving(self.old, "old") as at:
            before = self._side(at)
            control = self._suite(before, "old")
            if not all(control[name].ok for name in before.core):
                return Seen(control)
            bridged = self._prepared(at, before)
            if any(control[name].ok and not one.ok for name, one in bridged.items()):
                return Seen(control, bridged)
            failed = self._migrated()
            if failed:
                return Seen(control, bridged, failed=failed)
            after = self._side(at, before.made)
            again = self._suite(after, "old")
            with self._serving(self.new, "new") as there:
                new = self._side(there, before.made)
                fresh = self._suite(new, "new")
                return Seen(control, bridged, again, fresh, dict(self._crossed(control, before, after, new)))

    def _side(self, at: Endpoint, known: Any = None) -> Side[Any]:
        return SIDES[self.new.product](self.room.http(), at, known)

    def _suite(self, side: Side[Any], kind: str) -> dict[str, Outcome]:
        return {name: self._outcome(kind, name, partial(side.ask, name)) for name in side.journeys}

    def _crossed(
        self, control: Mapping[str, Outcome], before: Side[Any], after: Side[Any], new: Side[Any]
    ) -> Iterator[tuple[str, dict[str, Outcome]]]:
        """Only what the asker is known to be able to do at all is asked; what ends the other's work comes last."""
        able = [name for name, needs in new.crossing.items() if control[needs].ok]
        old, other = self.old.label, self.new.label
        yield from self._cross(
            "%s does not accept what it made before the migration" % old, "old", after, before, able[:1]
        )
        made = "%s does not accept what %s made"
        yield from self._cross((made + " before the migration") % (other, old), "new", new, before, able)
        yield from self._cross(made % (old, other), "old", after, new, able)

    def _cross(
        self, what: str, kind: str, side: Side[Any], whose: Side[Any], names: Sequence[str]
    ) -> Iterator[tuple[str, dict[str, Outcome]]]:
        # What a side could not make for itself is told of that side.
        left = whose.left()
        if left is not None:
            yield what, {name: self._outcome(kind, name, partial(side.cross, name, left)) for name in names}

    def _outcome(self, kind: str, name: str, act: Callable[[], str]) -> Outcome:
        begun = self.room.clock.now()
        seen = probe(name, kind, act)
        if seen.ok:
            return Outcome(name, True, seen.detail)
        return Outcome(name, False, seen.detail, self._cause(kind, begun))

    def _cause(self, kind: str, begun: float) -> str:
        """What the server's log, or else the program's own, adds to a failure."""
        found = sqllog.cause(self.room.sql_errors(), self.name, begun - 0.1, self.room.clock.now() + 0.1)
        if found:
            return str(found)
        logs = self.room.podman.run("logs", self._container(kind), timeout=60)
        unread = sqllog.UNREAD.search(logs.out + logs.err)
        return "it can't read column %s, which the migration added" % unread.group(1) if unread else ""

    def _container(self, kind: str) -> str:
        return "%s-%s-%s" % (self.room.name, self.name, kind)

    @contextmanager
    def _serving(self, binary: Binary, kind: str) -> Iterator[Endpoint]:
        """The program, ready to be asked. Raises CommandError where it does not get ready."""
        service, podman = binary.service, self.room.podman
        how: dict[str, Any] = {"entrypoint": entrypoint_text(service.entrypoint), "volumes": service.volumes}
        how.update(user=service.user, workdir=service.working_dir)
        environment = isolated(binary, self.room.url(self.name, max_conns=CONNECTIONS))
        job = self.room.job("%s-%s" % (self.name, kind), binary.image.id, service.command, environment, **how)
        try:
            oneshot.start(podman, job)
            yield self._ready(binary, job.name)
        finally:
            podman.run("rm", "-f", "-v", "-t", "0", job.name, timeout=60)

    def _ready(self, binary: Binary, container: str) -> Endpoint:
        http, last = self.room.http(), ""

        def attempt() -> Endpoint | None:
            nonlocal last
            address, pid = self.room.address_of(container)
            if not pid:
                raise self._ended(binary, container, "ended")
            at = Endpoint(binary.label, (address, self.ports.public), (address, self.ports.admin))
            seen = journeys.ready(http, at, READY[binary.product], 5.0)
            last = seen.detail
            return at if seen.ok else None

        found = wait_until(self.room.clock, attempt, lambda got: got is not None, START_SECONDS)
        if found is None:
            raise self._ended(binary, container, "did not get ready (%s)" % last)
        return found

    def _ended(self, binary: Binary, container: str, how: str) -> CommandError:
        words = self._words(binary, self.room.podman.run("logs", container).last_words())
        return CommandError(
            "%s %s in the trial: %s" % (binary.label, how, words or "it said nothing"),
            fix="let it start with the release's configuration where no other server can be reached",
        )

    def _words(self, binary: Binary, text: str) -> str:
        secrets = [*binary.service.environment.values(), self.room.password]
        return str(redact(scrub(text, secrets)))[:500]

    def _prepared(self, at: Endpoint, before: Side[Any]) -> dict[str, Outcome]:
        """The bridges are installed; the old program is asked with them, as the live colour meets them first."""
        if self.prepare is None:
            return {}
        db = self.room.open(self.name)
        try:
            self.prepare(db)
        finally:
            db.close()
        return self._suite(self._side(at, before.made), "old")

    def _migrated(self) -> str:
        """'' where the new program's migration did it, while the old one runs; else what failed."""
        db = self.room.open(self.name)
        try:
            ended = migrate(self.room, self.new, self.name)
            if ended.rc == 0 and postgres.applied(db) >= self.after:
                return ""
        finally:
            db.close()
        lines = [line for line in self._words(self.new, ended.log[-2000:]).splitlines() if line.strip()]
        return "rc %d, %s" % (ended.rc, " | ".join(lines[-2:]))


def migrate(room: Room, binary: Binary, name: str) -> oneshot.Finished:
    """Run the program's own migration in a database of the room, once."""
    service = binary.service
    environment = isolated(binary, room.url(name, max_conns=CONNECTIONS))
    how: dict[str, Any] = {"entrypoint": binary.image.entrypoint, "volumes": service.volumes}
    how.update(user=service.user, workdir=service.working_dir)
    job = room.job("%s-migrate" % name, binary.image.id, binary.migration(), environment, **how)
    try:
        return oneshot.run(room.podman, job, MIGRATE_SECONDS)
    except BluegreenError as exc:
        return oneshot.Finished(-1, "", exc.msg)


def in_state(room: Room, name: str, binaries: Iterable[Binary], wanted: frozenset[str]) -> str:
    """Bring the empty database to production's state by these programs' migrations, one after the other, until it is
    there. '' or why it can't be had."""
    db = room.open(name)
    try:
        applied: frozenset[str] = frozenset()
        for binary in binaries:
            ended = migrate(room, binary, name)
            applied = postgres.applied(db)
            if applied == wanted:
                return ""
            if ended.rc != 0:
                return "the migrations of %s end with %d on an empty database" % (binary.label, ended.rc)
    finally:
        db.close()
    lacking, other = len(wanted - applied), len(applied - wanted)
    return "%d migrations of production are unknown to the images at hand, %d of theirs are not applied there" % (
        lacking,
        other,
    )
