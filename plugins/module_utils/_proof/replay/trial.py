# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One schema target's trial: the old program before and after the migration, the new one, each with the other's work.

The old program runs through the migration, as the live colour does: what it has prepared before is tried too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ..._core import postgres
from ..._core.clock import wait_until
from ..._core.errors import BluegreenError, CommandError
from ..._health import journeys
from ..._health.model import READY, Endpoint
from ..._health.session import REQUEST_SECONDS, probe
from ..._ory.cli import entrypoint_text
from ..._schema import oneshot
from ..._state.redact import redact, scrub
from ..evidence import IN_FLIGHT, WAITED, Outcome, Seen, Touched
from ..shadow import sqllog
from ..shadow.room import Room
from . import coverage, flights
from .app import App, Asked
from .binary import Binary, isolated
from .hydra import Hydra
from .kratos import Kratos
from .side import Side
from .writer import Writer

OLD, NEW = "old", "new"
SIDES: dict[str, type[Side[Any]]] = {"kratos": Kratos, "hydra": Hydra}
START_SECONDS = MIGRATE_SECONDS = 90.0
# What follows a migration that failed while the old program wrote. The judge knows by it whether the release goes on.
RERUN_FAILS, RERUN_WORKS = "a second run fails too", "a second run works"
# A plan that was prepared before the migration; and what a journey's cause says that met it, and then worked.
PREPARED, ONCE = "0A000", "each connection fails once"
WAITS = ("55P03", "57014", "40P01")
# "Key (email)=(...)", "Failing row contains (...)", 'invalid input syntax for type integer: "..."'.
ROWS = re.compile(r"(?<=\)=)\([^\n]*?\)(?=[ .\n]|$)|(?<=row contains )\([^\n]*|(?<=: )\"[^\"\n]*\"$", re.MULTILINE)
# So many connections has each program of the trial.
CONNECTIONS = "8"


@dataclass(frozen=True)
class Ports:
    public: int
    admin: int


@dataclass(frozen=True)
class Trial:
    """``base`` is a database of the room in production's state, ``after`` the versions that the migration leaves, which
    ``applied`` reads.

    ``name`` names this trial's own database and containers. ``prepare`` is done to it before the migration (bridges).
    ``migrator``: the program that migrates, where it is not the new one. ``asked``: of a program that is no Ory.
    """

    room: Room
    name: str
    base: str
    old: Binary
    new: Binary
    ports: Ports
    after: frozenset[str]
    prepare: Callable[[postgres.Db], None] | None = None
    migrator: Binary | None = None
    applied: Callable[[postgres.Db], frozenset[str]] = postgres.applied
    asked: Asked = field(default_factory=Asked)

    def run(self) -> Seen:
        """Raises BluegreenError where the trial itself can't be held."""
        self.room.create(self.name, self.base)
        with self._serving(self.old, OLD) as at:
            before = self._side(OLD, at)
            control = self._suite(before, OLD)
            if not all(control[name].ok for name in before.core):
                return Seen(control)
            bridged = self._prepared(at, before)
            if any(control[name].ok and not one.ok for name, one in bridged.items()):
                return Seen(control, bridged)
            able = self._able(before)
            flying = flights.begun(before, able)
            during, failed = self._migrated(at)
            if RERUN_FAILS in failed:
                return Seen(control, bridged, failed=failed, during=during)
            migrated = self.room.clock.now()
            after = self._side(OLD, at, before.made)
            again = self._suite(after, OLD)
            with self._serving(self.new, NEW) as there:
                new = self._side(NEW, there, before.made)
                fresh = self._suite(new, NEW)
                crossed = dict(self._crossed(control, before, after, new))
                crossed.update(self._flown(able, flying, after, new))
            touched = self._touched(at, migrated)
        return Seen(control, bridged, again, fresh, crossed, failed, during, touched)

    def _side(self, kind: str, at: Endpoint, known: Any = None) -> Side[Any]:
        http = self.room.http()
        if self.old.product:
            return SIDES[self.old.product](http, at, known)
        if kind == NEW:
            # Another version may answer otherwise, and knows nothing of the operator's command.
            return App(http, at, None, self.asked)
        return App(http, at, known, self.asked, self._commanded if self.asked.command else None)

    def _suite(self, side: Side[Any], kind: str) -> dict[str, Outcome]:
        return {name: self._asked(kind, name, partial(side.ask, name)) for name in side.journeys}

    def _asked(self, kind: str, name: str, act: Callable[[], str]) -> Outcome:
        """A plan that a connection had prepared fails once there, and never again: it is asked again for each."""
        outcome = self._outcome(kind, name, act)
        for _connection in range(int(CONNECTIONS)):
            if outcome.ok or PREPARED not in outcome.cause:
                return outcome
            once = outcome
            outcome = self._outcome(kind, name, act)
            if outcome.ok:
                return Outcome(name, True, outcome.detail, "%s (%s)" % (ONCE, once.cause))
        return outcome

    def _crossed(
        self, control: Mapping[str, Outcome], before: Side[Any], after: Side[Any], new: Side[Any]
    ) -> Iterator[tuple[str, dict[str, Outcome]]]:
        """Only what the asker is known to be able to do at all is asked; what ends the other's work comes last."""
        able = [name for name, needs in before.crossing.items() if control[needs].ok]
        old, other = self.old.label, self.new.label
        made = "%s does not accept what %s made"
        lasting = [name for name in able if name in after.lasting]
        yield from self._cross(
            "%s does not accept what it made before the migration" % old, OLD, after, before, lasting
        )
        yield from self._cross((made + " before the migration") % (other, old), NEW, new, before, able)
        yield from self._cross(made % (other, old), NEW, new, after, able)
        yield from self._cross(made % (old, other), OLD, after, new, able)

    def _cross(
        self, what: str, kind: str, side: Side[Any], whose: Side[Any], names: Sequence[str]
    ) -> Iterator[tuple[str, dict[str, Outcome]]]:
        # What a side could not make for itself is told of that side.
        left = whose.left()
        if left is not None:
            asked = [name for name in names if name in side.crossing]
            yield what, {name: self._outcome(kind, name, partial(side.cross, name, left)) for name in asked}

    def _able(self, side: Side[Any]) -> list[str]:
        """The steps at which the old program's own flow goes on: what its configuration forbids says nothing."""
        begun = flights.begun(side, side.flights)
        return [step for step, flow in begun.items() if probe(step, OLD, partial(side.finish, step, flow)).ok]

    def _flown(
        self, able: Sequence[str], flying: Mapping[str, Any], after: Side[Any], new: Side[Any]
    ) -> Iterator[tuple[str, dict[str, Outcome]]]:
        """Flows that were under way: of before the migration, and from each side to the other."""
        old, other = self.old.label, self.new.label
        for what, kind, side, begun in (
            ("%s before the migration is not finished by it" % old, OLD, after, flying),
            ("%s is not finished by %s" % (old, other), NEW, new, flights.begun(after, able)),
            ("%s is not finished by %s" % (other, old), OLD, after, flights.begun(new, able)),
        ):
            done = {step: self._outcome(kind, step, partial(side.finish, step, flow)) for step, flow in begun.items()}
            if done:
                yield IN_FLIGHT + what, done

    def _outcome(self, kind: str, name: str, act: Callable[[], str]) -> Outcome:
        begun = self.room.clock.now()
        seen = probe(name, kind, act)
        if seen.ok:
            return Outcome(name, True, seen.detail)
        return Outcome(name, False, seen.detail, self._cause(kind, begun))

    def _cause(self, kind: str, begun: float) -> str:
        """What the server's log, or else the program's own, adds to a failure."""
        found = sqllog.cause(self._errors(begun), self.name, begun - 0.1, self.room.clock.now() + 0.1)
        if found:
            return str(found)
        logs = self.room.podman.run("logs", self._container(kind), timeout=60)
        unread = sqllog.UNREAD.search(logs.out + logs.err)
        return "it can't read column %s, which the migration added" % unread.group(1) if unread else ""

    def _errors(self, begun: float) -> list[sqllog.SqlError]:
        return sqllog.errors(self.room.log(begun - 0.1))

    def _container(self, kind: str) -> str:
        return "%s-%s-%s" % (self.room.name, self.name, kind)

    @contextmanager
    def _serving(self, binary: Binary, kind: str) -> Iterator[Endpoint]:
        """The program, ready to be asked. Raises CommandError where it does not get ready."""
        service, podman = binary.service, self.room.podman
        how: dict[str, Any] = {"entrypoint": entrypoint_text(service.entrypoint), "volumes": service.volumes}
        # Kratos without a base_url names its cookies by the host: what differs between any two containers is no hop's.
        how.update(user=service.user, workdir=service.working_dir, hostname=service.name)
        environment = isolated(binary, url_of(self.room, binary, self.name))
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
            admin = (address, self.ports.admin) if self.ports.admin else None
            at = Endpoint(binary.label, (address, self.ports.public), admin, host=self.asked.host)
            seen = (
                journeys.ready(http, at, READY[binary.product], 5.0) if binary.product else self.asked.is_up(http, at)
            )
            last = seen.detail
            return at if seen.ok else None

        found = wait_until(self.room.clock, attempt, lambda got: got is not None, START_SECONDS)
        if found is None:
            raise self._ended(binary, container, "did not get ready (%s)" % last)
        return found

    def _ended(self, binary: Binary, container: str, how: str) -> CommandError:
        words = said(self.room, binary, self.room.podman.run("logs", container).last_words())
        return CommandError(
            "%s %s in the trial: %s" % (binary.label, how, words or "it said nothing"),
            fix="let it start with the release's configuration where no other server can be reached",
        )

    def _prepared(self, at: Endpoint, before: Side[Any]) -> dict[str, Outcome]:
        """The bridges are installed; the old program is asked with them, as the live colour meets them first."""
        if self.prepare is None:
            return {}
        db = self.room.open(self.name)
        try:
            self.prepare(db)
        finally:
            db.close()
        return self._suite(self._side(OLD, at, before.made), OLD)

    def _migrated(self, at: Endpoint) -> tuple[dict[str, Outcome], str]:
        """What the old program's users met meanwhile, and '' where the migration did it; else what failed.

        One that failed while the old program wrote is run again, as an operator would.
        """
        with Writer(self._writing(at), self.room.clock) as writer:
            writer.first()
            failed = self._migrate()
        if not failed:
            return writer.worst(), ""
        again = self._migrate()
        told = "%s (%s)" % (RERUN_FAILS, again) if again else RERUN_WORKS
        return writer.worst(), "%s. %s" % (failed, told)

    def _writing(self, at: Endpoint) -> Callable[[], Iterator[Outcome]]:
        """One round of what is asked meanwhile, by visitors of their own."""
        side = self._side(OLD, at)

        def once() -> Iterator[Outcome]:
            for name in side.writing:
                begun = self.room.clock.now()
                outcome = self._outcome(OLD, name, partial(side.ask, name))
                if not outcome.ok and not outcome.cause and self._waited(begun):
                    outcome = replace(outcome, cause=WAITED)
                yield outcome

        return once

    def _waited(self, begun: float) -> bool:
        """Whether the server ended a wait for a lock in that time, or a journey took all of its time."""
        now = self.room.clock.now()
        there = {one.state for one in self._errors(begun) if one.database == self.name}
        return now - begun >= REQUEST_SECONDS or not there.isdisjoint(WAITS)

    def _migrate(self) -> str:
        return migrated(self.room, self.migrator or self.new, self.name, self.applied, self.after)

    def _commanded(self) -> oneshot.Finished:
        """The operator's own command, in the old image."""
        first, *rest = self.asked.command
        return once(self.room, self.old, self.name, "command", first, tuple(rest))

    def _touched(self, at: Endpoint, begun: float) -> Touched:
        """What the old program did on the migrated schema, by the address that it came from."""
        db = self.room.open(self.name)
        try:
            tables = coverage.tables(db)
        finally:
            db.close()
        ran = sqllog.statements(self.room.log(begun), self.name, begun, self.room.clock.now() + 1.0)
        return coverage.touched((one.sql for one in ran if one.host == at.address[0]), tables)


def migrated(
    room: Room,
    migrator: Binary,
    name: str,
    applied: Callable[[postgres.Db], frozenset[str]],
    after: frozenset[str],
) -> str:
    """Let the migrator migrate a database of the room: '' where it left these versions there, else why not."""
    room.check(name)
    ended = once(room, migrator, name, "migrate", migrator.image.entrypoint, migrator.migration())
    db = room.open(name)
    try:
        if ended.rc == 0 and applied(db) >= after:
            return ""
    finally:
        db.close()
    lines = [line for line in said(room, migrator, ended.log[-2000:]).splitlines() if line.strip()]
    return "rc %d, %s" % (ended.rc, " | ".join(lines[-2:]))


def said(room: Room, binary: Binary, text: str) -> str:
    """A program's words without what its environment and the room hold, and without what PostgreSQL quotes of rows."""
    secrets = [*binary.service.environment.values(), room.password, room.role_password]
    return ROWS.sub("(...)", str(redact(scrub(text, secrets))))[:500]


def url_of(room: Room, binary: Binary, name: str) -> str:
    """A database of the room as the program reaches production: by the same role, so that a right it lacks is seen."""
    try:
        production = binary.service.dsn
    except BluegreenError:
        # It is in a file of the program's configuration.
        return room.url(name, max_conns=CONNECTIONS)
    return room.like(production, name, max_conns=CONNECTIONS)


def once(
    room: Room, binary: Binary, name: str, suffix: str, entrypoint: str, words: tuple[str, ...]
) -> oneshot.Finished:
    """Run something of the program's image to its end, with its environment and a database of the room."""
    service = binary.service
    environment = isolated(binary, url_of(room, binary, name))
    how: dict[str, Any] = {"entrypoint": entrypoint, "volumes": service.volumes}
    how.update(user=service.user, workdir=service.working_dir)
    job = room.job("%s-%s" % (name, suffix), binary.image.id, words, environment, **how)
    try:
        return oneshot.run(room.podman, job, MIGRATE_SECONDS)
    except BluegreenError as exc:
        return oneshot.Finished(-1, "", exc.msg)
