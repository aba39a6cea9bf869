# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every target of a release judged: one room, one database in production's state for targets of the same images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .._core import postgres
from .._core.errors import BluegreenError
from .._schema import bridge, migrate, versions
from .._schema.any_migrator import Target
from . import evidence, judge
from .replay import binary, trial
from .shadow.room import Room

# Trials at one time: each runs an old and a new program, and the whole proof has half a gigabyte.
BESIDE = 2


@dataclass(frozen=True)
class Subject:
    """A target to judge. ``state``: production as it was read; ``earlier``: images of releases that migrated it after
    the old one did; ``standing``: bridges that are in production now, ``bridges``: those of the new release."""

    target: Target
    state: migrate.State
    old: binary.Binary
    new: binary.Binary
    ports: trial.Ports
    earlier: tuple[str, ...] = ()
    standing: tuple[bridge.Bridge, ...] = ()
    bridges: tuple[bridge.Bridge, ...] = ()

    @property
    def hop(self) -> str:
        return "%s %s -> %s" % (self.target.product, self.old.tag, self.new.tag)

    @property
    def after(self) -> frozenset[str]:
        return self.state.applied | {one.version for one in self.state.difference.pending}

    @property
    def origin(self) -> tuple[Any, ...]:
        """What production's state is made of: targets that agree in it share one database as a template."""
        names = tuple(one.sha256 for one in self.standing)
        return (self.old.image.id, self.old.form, self.earlier, names, self.state.applied)


def fingerprint(subject: Subject) -> str:
    """Of the programs, the schema that the migration leaves and the bridges: the same verdict holds for the same."""
    parts = [
        subject.old.image.id,
        subject.new.image.id,
        *sorted(subject.after),
        *(one.sha256 for one in subject.bridges),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def prove(room: Room, subjects: Sequence[Subject]) -> dict[str, judge.Verdict]:
    """Verdict of each target by its name; what kept a trial from being held is its NOT_JUDGED."""
    bases: dict[tuple[Any, ...], tuple[str, str]] = {}
    for subject in subjects:
        if subject.origin not in bases:
            name = "base%d" % len(bases)
            bases[subject.origin] = (name, _base(room, name, subject))
    with ThreadPoolExecutor(BESIDE) as pool:
        running = {one.target.name: pool.submit(_judged, room, one, *bases[one.origin]) for one in subjects}
        return {name: future.result() for name, future in running.items()}


def _base(room: Room, name: str, subject: Subject) -> str:
    """A database in production's state; '' or why it can't be had."""
    try:
        return _made(room, name, subject)
    except BluegreenError as exc:
        return exc.msg


def _made(room: Room, name: str, subject: Subject) -> str:
    room.create(name)
    later = [replace(subject.old, image=replace(subject.old.image, id=image)) for image in subject.earlier]
    why = trial.in_state(room, name, (subject.old, *later), subject.state.applied)
    if not why and subject.standing:
        db = room.open(name)
        try:
            bridge.install(db, subject.standing)
        finally:
            db.close()
    return why


def _judged(room: Room, subject: Subject, base: str, why: str) -> judge.Verdict:
    if why:
        return judge.not_judged("production's schema can't be made from its images: %s" % why)
    try:
        return _verdict(room, subject, base)
    except BluegreenError as exc:
        return judge.not_judged(exc.msg)


def _verdict(room: Room, subject: Subject, base: str) -> judge.Verdict:
    """Without the bridges first: one that nothing needs proves nothing, and stays in production for no reason."""
    plain = _tried(room, subject, base, ())
    if not subject.bridges or plain.verdict == evidence.NOT_JUDGED:
        return plain
    if plain.verdict in judge.PASSES:
        names = ", ".join(one.name for one in subject.bridges)
        reason = "no journey fails without the bridge (%s). Fix: remove bridges/%s from the release's source"
        return replace(plain, verdict=evidence.NOT_JUDGED, reasons=(reason % (names, subject.target.name),))
    bridged = _tried(room, subject, base, subject.bridges)
    if bridged.verdict == evidence.BREAKS:
        return replace(bridged, reasons=tuple("with the bridge: " + one for one in bridged.reasons))
    return bridged


def _tried(room: Room, subject: Subject, base: str, bridges: Sequence[bridge.Bridge]) -> judge.Verdict:
    name = subject.target.name + ("_bridged" if bridges else "")
    held = trial.Trial(
        room=room,
        name=name,
        base=base,
        old=subject.old,
        new=subject.new,
        ports=subject.ports,
        after=subject.after,
        prepare=partial(_install, bridges) if bridges else None,
    )
    core = trial.SIDES[subject.target.product].core
    return judge.judge(held.run(), core, subject.old.label, subject.new.label)


def _install(bridges: Sequence[bridge.Bridge], db: postgres.Db) -> None:
    bridge.install(db, bridges)


def described(subject: Subject, verdict: judge.Verdict, seconds: float) -> dict[str, Any]:
    """What the release's record and the module's result hold of a target."""
    return {
        "verdict": verdict.verdict,
        "hop": subject.hop,
        "old": subject.old.image.id,
        "new": subject.new.image.id,
        "before": versions.summary(subject.state.applied),
        "after": versions.summary(subject.after),
        "reasons": list(verdict.reasons),
        "untried": list(verdict.untried),
        "journeys": verdict.journeys,
        "seconds": round(seconds, 1),
        "bridges": [{"name": one.name, "sha256": one.sha256} for one in subject.bridges],
        "accepted": {},
        "fingerprint": fingerprint(subject),
    }


def holds(kept: Mapping[str, Any], subject: Subject) -> bool:
    """Whether an earlier run's verdict is this one's: of the same programs and bridges, and the migration goes on."""
    return kept.get("verdict") in judge.PASSES and kept.get("fingerprint") == fingerprint(subject)


def earlier_images(records: Iterable[Mapping[str, Any]], old: str) -> tuple[str, ...]:
    """Images that migrated a target after ``old``, the oldest first. ``records``: of its releases, oldest first."""
    done = [str(one["image"]) for one in records if one.get("changed") and one.get("image")]
    later = done[done.index(old) + 1 :] if old in done else done
    return tuple(dict.fromkeys(one for one in later if one != old))
