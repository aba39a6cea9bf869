# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every target of a release judged, in one room: production copied, its migration rehearsed, the programs replayed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from .._core import postgres
from .._core.errors import BluegreenError
from .._core.podman import LABEL
from .._schema import any_migrator, bridge, migrate
from .._schema.any_migrator import Target
from .._schema.catalog import probes, skeleton
from .._schema.catalog.changes import BRIDGE
from . import judge
from .evidence import NOT_JUDGED, Asked, Evidence, Rehearsed, Seen
from .rehearsal.rehearse import BOOKKEEPING, rehearse
from .replay import app, binary, trial
from .shadow.client_programs import ServiceDatabase
from .shadow.export import MIGRATIONS, export
from .shadow.exported import Export
from .shadow.restore import prepare
from .shadow.room import Room

# Trials at one time: each runs an old and a new program, and the whole proof has half a gigabyte.
BESIDE = 2
# So long may one question to production's rows take.
QUESTION_SECONDS = 5.0


@dataclass(frozen=True)
class Subject:
    """A target to judge. ``state``: production as it was read; ``production`` is None where another host has it.

    ``migrator`` migrates it; ``old`` and ``new`` are the programs of its service, None with the reason ``why`` where
    none is known. ``bridges``: of the new release.
    """

    target: Target
    state: migrate.State
    production: ServiceDatabase | None
    migrator: binary.Binary
    old: binary.Binary | None = None
    new: binary.Binary | None = None
    why: str = ""
    ports: trial.Ports = field(default_factory=lambda: trial.Ports(0, 0))
    asked: app.Asked = field(default_factory=app.Asked)
    bridges: tuple[bridge.Bridge, ...] = ()

    @property
    def hop(self) -> str:
        tags = [one.tag for one in (self.old, self.migrator) if one is not None]
        return "%s %s" % (self.target.product or self.target.name, " -> ".join(tags) if self.old else "-> " + tags[0])

    @property
    def after(self) -> frozenset[str]:
        """The versions that the migration leaves. Any other migrator's own words for them are no versions."""
        if not self.target.product:
            return frozenset()
        return self.state.applied | {one.version for one in self.state.difference.pending}

    @property
    def programs(self) -> judge.Programs:
        core = trial.SIDES[self.target.product].core if self.target.product else ()
        old = self.old.label if self.old else "the live program"
        return judge.Programs(old, (self.new or self.migrator).label, core)

    def applied(self, db: postgres.Db) -> frozenset[str]:
        return any_migrator.applied(db, self.target)


@dataclass(frozen=True)
class Found:
    """``bridge``: a draft for the operator, '' where none is needed."""

    verdict: judge.Verdict
    rehearsed: Rehearsed = field(default_factory=Rehearsed)
    probes: Sequence[Asked] = ()
    bridge: str = ""


@dataclass(frozen=True)
class Clone:
    """A database of the room in production's state, as the rehearsal takes it."""

    room: Room
    name: str
    template: str

    def made(self) -> Clone:
        self.room.create(self.name, self.template)
        return self

    def open(self) -> postgres.Db:
        """What writes here has seen before that it is the shadow."""
        db = self.room.open(self.name)
        try:
            self.room.guard.check(db)
        except BluegreenError:
            db.close()
            raise
        return db

    def log(self, since: float) -> Sequence[str]:
        return self.room.log(since)

    def again(self, suffix: str) -> Clone:
        return replace(self, name="%s_%s" % (self.name, suffix)).made()


@dataclass(frozen=True)
class Copied:
    """``exports`` of production by the target's name, ``lost`` says why one could not be had."""

    exports: Mapping[str, Export]
    lost: Mapping[str, str]


@dataclass(frozen=True)
class Tried:
    """What a room showed of a target, before production's rows are asked. ``lost``: why nothing could be tried.

    ``replayed`` and ``bridged`` (with the release's bridges) are None where the reason beside them says why.
    """

    lost: str = ""
    rehearsed: Rehearsed = field(default_factory=Rehearsed)
    replayed: Seen | None = None
    why: str = ""
    bridged: Seen | None = None
    why_bridged: str = ""


def prove(room: Room, subjects: Sequence[Subject], data: str, budget: float) -> dict[str, Found]:
    """What was found of each target by its name; what kept a proof from being held is its NOT_JUDGED."""
    copied = copy(subjects, room.directory, room.labels, data)
    return judged(subjects, tried(room, subjects, copied), budget)


def copy(subjects: Sequence[Subject], directory: str, labels: Mapping[str, str], data: str) -> Copied:
    """Production's part of a proof. ``labels`` of what runs for it."""
    with ThreadPoolExecutor(BESIDE) as pool:
        running = {one.target.name: pool.submit(_export, one, directory, labels, data) for one in subjects}
        found = {name: future.result() for name, future in running.items()}
    made = {name: one for name, one in found.items() if isinstance(one, Export)}
    return Copied(made, {name: one for name, one in found.items() if isinstance(one, str)})


def _export(subject: Subject, directory: str, labels: Mapping[str, str], data: str) -> Export | str:
    """Or why there is none."""
    name = subject.target.name
    if subject.production is None:
        return "it is on another host"
    production = replace(subject.production, labels=labels, name="%s-proof-%s" % (labels[LABEL], name))
    try:
        return export(production, os.path.join(directory, name), data, subject.target.applied_query)
    except BluegreenError as exc:
        return str(exc)


def tried(room: Room, subjects: Sequence[Subject], copied: Copied) -> dict[str, Tried]:
    """The room's part of a proof."""
    templates, unfit = prepare(room, copied.exports)
    lost = "production's schema can't be copied: %s"
    with ThreadPoolExecutor(BESIDE) as pool:
        running = {
            one.target.name: pool.submit(_tried, room, one, templates[one.target.name], copied.exports[one.target.name])
            for one in subjects
            if one.target.name in templates
        }
        found = {name: future.result() for name, future in running.items()}
    return {**{name: Tried(lost % why) for name, why in {**copied.lost, **unfit}.items()}, **found}


def _tried(room: Room, subject: Subject, template: str, copied: Export) -> Tried:
    try:
        clone = Clone(room, subject.target.name + "_rehearsal", template).made()
        run = partial(trial.migrated, room, subject.migrator, applied=subject.applied, after=subject.after)
        rows = copied.schema.rows()
        books = (*BOOKKEEPING, *(table for table in rows if MIGRATIONS.search(table)))
        rehearsed = rehearse(clone, run, rows, books, room.clock)
        for name in (clone.name, clone.name + "_filled"):
            room.drop(name)
        seen, why = _replayed(room, subject, template, ())
        bridged = _replayed(room, subject, template, subject.bridges) if subject.bridges and seen else (None, why)
    except BluegreenError as exc:
        return Tried(str(exc))
    return Tried("", rehearsed, seen, why, *bridged)


def judged(subjects: Sequence[Subject], told: Mapping[str, Tried], budget: float) -> dict[str, Found]:
    """The rest of it: production's rows are asked what the changes ask of them."""
    missed = Tried("it became pending while another host was at work")
    return {one.target.name: _judged(one, told.get(one.target.name, missed), budget) for one in subjects}


def _judged(subject: Subject, told: Tried, budget: float) -> Found:
    """Without the bridges first: one that nothing needs proves nothing, and stays in production for no reason."""
    try:
        if told.lost:
            return Found(judge.not_judged(told.lost))
        rehearsed, asked = told.rehearsed, _asked(subject, told.rehearsed)
    except BluegreenError as exc:
        return Found(judge.not_judged(str(exc)))
    programs = replace(subject.programs, budget=budget)
    plain = Evidence(rehearsed, asked, told.replayed, told.why)
    verdict = judge.judge(plain, programs)
    if subject.bridges and verdict.verdict != NOT_JUDGED:
        verdict = _bridged(subject, replace(plain, replayed=told.bridged, why=told.why_bridged), programs, verdict)
    return Found(verdict, rehearsed, asked, _draft(rehearsed))


def _asked(subject: Subject, rehearsed: Rehearsed) -> tuple[Asked, ...]:
    """What production's rows say. Reads only, and gives up in time."""
    wanted = [one for one in rehearsed.changes if one.probe]
    if not wanted or subject.production is None:
        return ()
    db = subject.production.open()
    try:
        return tuple(Asked(*one) for one in probes.ask(db, wanted, QUESTION_SECONDS))
    finally:
        db.close()


def _bridged(subject: Subject, bridged: Evidence, programs: judge.Programs, without: judge.Verdict) -> judge.Verdict:
    if not without.reasons:
        names = ", ".join(one.name for one in subject.bridges)
        reason = "no journey fails without the bridge (%s). Fix: remove bridges/%s from the release's source"
        return replace(without, verdict=NOT_JUDGED, reasons=(reason % (names, subject.target.name),))
    found = judge.judge(replace(bridged, bridged=True), programs)
    if found.verdict in judge.PASSES:
        return found
    return replace(found, reasons=tuple("with the bridge: " + one for one in found.reasons))


def _replayed(room: Room, subject: Subject, template: str, bridges: Sequence[bridge.Bridge]) -> tuple[Seen | None, str]:
    if subject.old is None or subject.new is None:
        return None, subject.why
    name = subject.target.name + ("_bridged" if bridges else "")
    held = trial.Trial(
        room=room,
        name=name,
        base=template,
        old=subject.old,
        new=subject.new,
        ports=subject.ports,
        after=subject.after,
        prepare=partial(_install, bridges) if bridges else None,
        migrator=subject.migrator,
        applied=subject.applied,
        asked=subject.asked,
    )
    try:
        return held.run(), ""
    except BluegreenError as exc:
        return None, str(exc)
    finally:
        room.drop(name)


def _install(bridges: Sequence[bridge.Bridge], db: postgres.Db) -> None:
    bridge.install(db, bridges)


def _draft(rehearsed: Rehearsed) -> str:
    """Of a bridge, where a new column needs one."""
    needed = [one for one in rehearsed.changes if one.rating == BRIDGE]
    return skeleton.bridge(rehearsed.after, needed) if needed else ""
