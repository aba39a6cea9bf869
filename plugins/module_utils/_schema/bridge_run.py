# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of ``schema_bridge`` and its one way through: observe, plan, apply, read back."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from .._core import postgres
from .._core.argspec import ArgumentSpec
from .._core.clock import Clock
from .._core.errors import BluegreenError, Refused
from .._core.plan import Plan, Step
from . import any_migrator, apply, bridge, bridge_record, migrate
from . import service as release
from .bridge import Bridge, Installed
from .bridge_record import Record
from .catalog.objects import Thing
from .options import MIGRATE

ALIKE = (
    "target",
    "extra_hosts",
    "project",
    "database_service",
    "lock_timeout",
    "lock_wait",
    "attempts",
)
BRIDGE = ArgumentSpec(
    {
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "release": {"type": "str", "default": ""},
        "targets": {"type": "list", "elements": "str", "default": []},
        **{name: MIGRATE.options[name] for name in ALIKE},
        "compose_file": {"type": "path", "required": True},
    }
)
T = TypeVar("T")


@dataclass(frozen=True)
class Choice:
    """What is to be done. ``stay``: installed bridges that are left alone; ``remove`` comes before ``install``."""

    stay: tuple[Installed, ...] = ()
    install: tuple[Bridge, ...] = ()
    remove: tuple[Installed, ...] = ()


@dataclass(frozen=True)
class Job:
    """A target, and the directory that holds its record."""

    asked: migrate.MigrationRequest
    state: str
    release: str
    bridges: tuple[Bridge, ...]

    @property
    def target(self) -> str:
        return self.asked.target.name

    def record(self) -> Record:
        return bridge_record.read(self.asked.state_dir, self.target)

    def write(self, record: Record) -> None:
        bridge_record.write(self.asked.state_dir, self.target, record)


def choose(wanted: Sequence[Bridge], noted: Sequence[Installed], there: Iterable[Thing]) -> Choice:
    """Pure, for state present. A bridge of an earlier release stays: a colour may still need it."""
    objects = tuple(there)
    known = {one.bridge.name: one for one in noted}
    stay = {one.bridge.name: one for one in noted if one.bridge.name not in {each.name for each in wanted}}
    install, remove = [], []
    for one in wanted:
        old = known.get(one.name)
        state = old.state(objects) if old else bridge.GONE
        if old and state == bridge.THERE and old.bridge.sha256 == one.sha256:
            stay[one.name] = replace(old, bridge=one, sure=True)
            continue
        install.append(one)
        if old and state != bridge.GONE:
            remove.append(old)
    return Choice(tuple(stay.values()), tuple(install), tuple(remove))


def plan(job: Job, record: Record, noted: Sequence[Installed], choice: Choice) -> Plan:
    """Pure. Only the record is behind where a run died after its COMMIT, or where a removal text was edited."""
    replaced = {one.bridge.name for one in choice.remove}
    steps = [Step("replace" if one.name in replaced else "install", one.name, job.target) for one in choice.install]
    steps += [Step("remove", one.bridge.name, job.target) for one in choice.remove] if job.state == "absent" else []
    before, after = [_shown(one) for one in noted], [_shown(one) for one in choice.stay]
    after += ["%s %s" % (one.name, one.sha256[:12]) for one in choice.install]
    if not steps and (choice.stay != record.bridges or record.pending):
        steps.append(Step("record", job.target))
    return Plan({"bridges": sorted(before)}, {"bridges": sorted(after)}, tuple(steps))


def _shown(one: Installed) -> str:
    return "%s %s" % (one.bridge.name, one.bridge.sha256[:12])


def run(params: Mapping[str, Any], check_mode: bool, world: migrate.World) -> tuple[dict[str, Any], Plan]:
    """The module's result, and the plan that its diff comes from."""
    absent = _lacks(params) if check_mode else ""
    if absent:
        return {**_result(Plan(), ()), "steps": ["will be checked: " + absent]}, Plan()
    job = _job(params, world)
    if job.record().empty and not job.bridges:
        return _result(Plan(), ()), Plan()
    service = any_migrator.service_of(job.asked.target, job.asked.compose_file)
    _refuse_elsewhere(job, service)
    db = migrate.open_database(job.asked, world, service)
    try:
        with nullcontext() if check_mode else apply.lock(db, world, job.asked):
            record, objects = job.record(), bridge.there(db)
            noted = bridge_record.settled(record, objects)
            choice = Choice(remove=noted) if job.state == "absent" else choose(job.bridges, noted, objects)
            planned = plan(job, record, noted, choice)
            if planned.changed and not check_mode:
                noted = _apply(job, choice, db, world.clock)
    finally:
        db.close()
    return _result(planned, noted), planned


def _job(params: Mapping[str, Any], world: migrate.World) -> Job:
    present = params["state"] == "present"
    asked = migrate.request(params, world.podman)
    if present and not params["release"]:
        raise BluegreenError("none was given", option="release", value="", fix="name the release with the bridges")
    found = bridge.read(source(params), asked.target.name, params["targets"]) if present else ()
    return Job(asked, params["state"], params["release"], found)


def source(params: Mapping[str, Any]) -> str:
    return os.path.join(params["state_dir"], "releases", params["release"], "source")


def _lacks(params: Mapping[str, Any]) -> str:
    """What an earlier stage has not made, as in a check of the whole release; '' where all is there."""
    if params["state"] == "absent":
        return "" if os.path.exists(params["compose_file"]) else "the colour is not rendered yet"
    made = params["release"] and os.path.isdir(source(params)) and os.path.exists(params["compose_file"])
    return "" if made else "the release is not rendered yet"


def _refuse_elsewhere(job: Job, service: release.Service) -> None:
    recorded, name = job.record().database, service.dsn.database
    if recorded and recorded != name:
        raise Refused(
            "%s says that the bridges are in database %s, and the service's DSN leads to %s"
            % (bridge_record.path(job.asked.state_dir, job.target), recorded, name),
            fix="correct the DSN, or bluegreen_schema_targets",
        )
    migrate.refuse_elsewhere(service, job.asked)


def _apply(job: Job, choice: Choice, db: postgres.Db, clock: Clock) -> tuple[Installed, ...]:
    """What is installed then. The record is written before each COMMIT and after it, so any crash is found out."""
    wait = job.asked.lock_timeout
    if job.state == "absent":
        if choice.remove:
            _patiently(clock, job.asked.attempts, lambda: bridge.remove(db, choice.remove, wait))
        job.write(Record())
        return ()
    name, now = job.asked.target.database, clock.now()

    def dated(made: Sequence[Installed]) -> tuple[Installed, ...]:
        return tuple(replace(one, release=job.release, at=now) for one in made)

    def record(made: Sequence[Installed]) -> None:
        job.write(Record(name, (*choice.stay, *choice.remove), dated(made)))

    made: tuple[Installed, ...] = ()
    if choice.install:
        made = _patiently(
            clock, job.asked.attempts, lambda: bridge.install(db, choice.install, wait, choice.remove, record)
        )
    after = bridge_record.merged(choice.stay, dated(made))
    job.write(Record(name, after))
    _read_back(after, bridge.there(db))
    return after


def _patiently(clock: Clock, attempts: int, act: Callable[[], T]) -> T:
    """Only a lock that could not be had in time is tried again."""
    for attempt in range(1, attempts):
        try:
            return act()
        except postgres.QueryError as exc:
            if exc.sqlstate != bridge.LOCKED:
                raise
            clock.sleep(attempt * random.uniform(0.5, 1.5))
    return act()


def _read_back(noted: Sequence[Installed], there: Iterable[Thing]) -> None:
    objects = tuple(there)
    lost = [one.bridge.name for one in noted if one.state(objects) != bridge.THERE]
    if lost:
        raise BluegreenError(
            "bridge %s was installed, and its objects are not there" % ", ".join(lost),
            fix="find out from the database's log what dropped them, then run the stage again",
        )


def _result(planned: Plan, noted: Sequence[Installed]) -> dict[str, Any]:
    return {
        **planned.result(),
        "bridges": [
            {
                "name": one.bridge.name,
                "sha256": one.bridge.sha256,
                "release": one.release,
                "objects": [str(thing) for thing in one.made],
            }
            for one in noted
        ],
    }
