# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One schema target: observe and plan. apply.py does it and reads back.

Return codes prove nothing: the versions in the database before and after do.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from typing import Any

from .._core import dsn, postgres
from .._core.clock import Clock
from .._core.errors import BluegreenError, Refused
from .._core.names import in_use
from .._core.netns import network_of
from .._core.plan import Plan, Step
from .._core.podman import LABEL, Podman
from .._health import shared_secrets
from . import (
    any_migrator,
    bounds,
    db_session,
    image_migrations,
    oneshot,
    progress,
    service_files,
    versions,
)
from . import service as release
from .any_migrator import Target, target_of
from .backup import REFUSE, Backup, backup_of

STATUS_SECONDS = 60.0
# What only a run that applies something finds out.
NOT_APPLIED: dict[str, Any] = {"backup": {}, "restore_point": {}, "drift": [], "not_compared": "", "noticed": []}


@dataclass(frozen=True)
class MigrationRequest:
    """Seconds everywhere. ``database_container`` '' means that the DSN's host is reached from here as it is."""

    deployment: str
    state_dir: str
    target: Target
    compose_file: str
    network: str
    extra_hosts: tuple[str, ...] = ()
    database_container: str = ""
    shadow_image: str = ""
    lock_timeout: float = 2.0
    lock_wait: float = 60.0
    timeout: float = 900.0
    attempts: int = 5
    max_transaction_age: float = 60.0
    # 0: as long as ``timeout``.
    transaction_timeout: float = 0.0
    release: str = ""
    backup: Backup = field(default_factory=Backup)
    drift: str = REFUSE
    # The live colour's, whose logs are read so long after the migration.
    live: tuple[str, ...] = ()
    watch_seconds: float = 10.0


@dataclass(frozen=True)
class World:
    """What a migration touches; ``connect`` and ``enter`` are the way into the database's network."""

    podman: Podman
    clock: Clock
    connect: Callable[[dict[str, Any], Callable[[], AbstractContextManager[None]]], postgres.Db] = postgres.connect
    enter: Callable[[int], AbstractContextManager[None]] = network_of


@dataclass(frozen=True)
class State:
    service: release.Service
    image: image_migrations.Image
    learnt: image_migrations.MigrationList
    applied: frozenset[str]
    invalid: tuple[str, ...]
    leftovers: tuple[tuple[str, str], ...]
    foreign: tuple[str, ...]
    unfinished: progress.Progress | None = None

    @property
    def difference(self) -> versions.Difference:
        return versions.compare(self.learnt.migrations, self.applied)

    def printed(self) -> dict[str, object]:
        return {**versions.summary(self.applied), "invalid_indexes": list(self.invalid)}


def request(params: Mapping[str, Any], podman: Podman, target: Mapping[str, Any] | None = None) -> MigrationRequest:
    """From a module's options, as many of these as it has."""
    given = {one.name: params[one.name] for one in fields(MigrationRequest) if one.name in params}
    given["target"] = target_of(target or params["target"], given.get("compose_file", ""))
    given["network"] = in_use(params["deployment"], params["state_dir"], params.get("network", ""))
    given["backup"] = backup_of(params.get("backup") or {})
    watch = params.get("watch") or {}
    given["live"], given["watch_seconds"] = live_containers(podman, params, watch), float(watch.get("seconds") or 0.0)
    given["extra_hosts"] = tuple("%s:%s" % pair for pair in params.get("extra_hosts", {}).items())
    return MigrationRequest(**given, database_container=database_container(podman, params))


def live_containers(podman: Podman, params: Mapping[str, Any], watch: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the live colour's containers, and of those that are named one by one."""
    found = set(watch.get("containers") or ())
    if watch.get("colour"):
        asked = (params["deployment"], params["project"], watch["colour"], watch.get("services") or ())
        found |= {str(one["Name"]) for one in shared_secrets.containers(podman, *asked).values()}
    return tuple(sorted(found))


def migrate_labels(wanted: MigrationRequest) -> dict[str, str]:
    return oneshot.labels(wanted.deployment, "migrate", wanted.target.name)


def open_database(wanted: MigrationRequest, world: World, service: release.Service) -> postgres.Db:
    """A session in the target database, named so that a session that waits for it can read which run it is."""
    name = ("olympus-bluegreen migrate %s, %s:%d" % (wanted.target.name, socket.gethostname(), os.getpid()))[:63]
    view, servers = files_of(wanted, world, service), servers_of(wanted, world.podman)
    return db_session.open_session(service.dsn, name, view, servers, world.connect, world.enter)


def files_of(wanted: MigrationRequest, world: World, service: release.Service) -> service_files.View:
    labels = oneshot.labels(wanted.deployment, "files", wanted.target.name)
    return service_files.of_release(world.podman, service, labels, wanted.extra_hosts)


def servers_of(wanted: MigrationRequest, podman: Podman) -> list[Mapping[str, Any]]:
    """Containers that the DSN may name: the one of the database, else, for any migrator, those of its network."""
    if wanted.database_container:
        found = podman.one("container", wanted.database_container)
        return [found] if found else []
    if wanted.target.product or ":" in wanted.network or wanted.network in ("host", "none"):
        return []
    ids = podman.must("ps", "-q", "--no-trunc", "--filter", "network=" + wanted.network).split()
    return list(podman.inspect("container", ids)) if ids else []


def observe(wanted: MigrationRequest, world: World) -> State:
    """The world as it is. Learns the image's list of migrations when it has not been learnt before."""
    ory = wanted.target.product
    service = any_migrator.service_of(wanted.target, wanted.compose_file)
    refuse_elsewhere(service, wanted)
    if ory:
        image = image_migrations.find_image(world.podman, service, ory, wanted.state_dir)
    else:
        image = any_migrator.image_of(world.podman, service)
    db = open_database(wanted, world, service)
    try:
        applied, invalid = any_migrator.applied(db, wanted.target), postgres.invalid_indexes(db)
    finally:
        db.close()
    known = image_migrations.cached(image) if ory else ask_any(wanted, world, service, image, applied)
    return State(
        service=service,
        image=image,
        learnt=known or learn(wanted, world, service, image),
        applied=applied,
        invalid=invalid,
        leftovers=tuple(oneshot.found(world.podman, migrate_labels(wanted))),
        foreign=foreign_runs(world.podman, wanted.database_container) if ory else (),
        unfinished=progress.read(wanted.state_dir, wanted.target.name),
    )


def ask_any(
    wanted: MigrationRequest,
    world: World,
    service: release.Service,
    image: image_migrations.Image,
    applied: frozenset[str],
) -> image_migrations.MigrationList:
    """What is pending by the migrator's own word, in a one-shot container."""
    return any_migrator.learn(
        wanted.target, applied, asking(wanted, world, service, image), lambda text: any_migrator.redact(text, service)
    )


def asking(
    wanted: MigrationRequest, world: World, service: release.Service, image: image_migrations.Image
) -> any_migrator.Ask:
    def ask(words: tuple[str, ...]) -> oneshot.Finished:
        job = job_of(wanted, world, service, image, words, "status")
        oneshot.clear(world.podman, job.labels, STATUS_SECONDS)
        return oneshot.run(world.podman, job, STATUS_SECONDS)

    return ask


def refuse_elsewhere(service: release.Service, wanted: MigrationRequest) -> None:
    if wanted.target.database and service.dsn.database != wanted.target.database:
        raise Refused(
            "the service's DSN leads to database %s" % service.dsn.database,
            option="target.database",
            value=wanted.target.database,
            fix="correct bluegreen_schema_targets",
        )


def foreign_runs(podman: Podman, database_container: str) -> tuple[str, ...]:
    """Running containers that are not ours and migrate something: an operator's deploy script at work. One that has
    networks, and none of the database's, is another deployment's affair. So is one that is asked for help."""
    listed = json.loads(podman.must("ps", "--no-trunc", "--format", "json") or "[]") or []
    there: dict[str, Any] = next((item for item in listed if database_container in (item.get("Names") or [])), {})
    reach = set(there.get("Networks") or [])
    return tuple(
        str(item["Names"][0])
        for item in listed
        if LABEL not in (item.get("Labels") or {})
        and re.search(r"\bmigrate\b.*\bsql\b(?!.*--help)", " ".join(item.get("Command") or []))
        and (not reach or not item.get("Networks") or reach & set(item["Networks"]))
    )


def learn(
    wanted: MigrationRequest, world: World, service: release.Service, image: image_migrations.Image
) -> image_migrations.MigrationList:
    """Ask the image (or an empty throw-away database) once, and keep the answer."""
    form = image_migrations.ask_form(world.podman, image)
    if form.status:
        ended = asking(wanted, world, service, image)(form.status)
        learnt = image_migrations.MigrationList(form, versions.from_status(ended.out), "status")
    else:
        shadow = image_migrations.Shadow(
            wanted.deployment, wanted.target.name, shadow_image(wanted, world), shadow_door(world)
        )
        learnt = image_migrations.MigrationList(
            form, image_migrations.from_shadow(world.podman, world.clock, image, form, shadow), "shadow"
        )
    image_migrations.keep(image, learnt)
    return learnt


def shadow_image(wanted: MigrationRequest, world: World) -> str:
    """The operator's choice, else the image that the database itself runs."""
    if wanted.shadow_image:
        return wanted.shadow_image
    image = database_image(world.podman, wanted.database_container)
    if not image:
        raise BluegreenError(
            "the throw-away database has no image", option="shadow_image", fix="name a PostgreSQL image"
        )
    return image


def database_container(podman: Podman, params: Mapping[str, Any]) -> str:
    """Name of the container of a module's ``database_service``; '' where the database is in none."""
    service = params["database_service"]
    return podman.service(params["project"], service) if service else ""


def database_image(podman: Podman, container: str) -> str:
    """Image that a database container runs; '' where there is none."""
    seen = podman.one("container", container) if container else None
    return str(seen["Image"]) if seen else ""


def shadow_door(world: World) -> Callable[[dsn.Dsn, int], postgres.Db]:
    """To our own empty server, whose loopback nothing else can reach: it has no certificate and needs none."""

    def opened(url: dsn.Dsn, pid: int) -> postgres.Db:
        keywords = {**url.keywords, "application_name": "olympus-bluegreen shadow", "connect_timeout": "5"}
        return world.connect(keywords, lambda: world.enter(pid))

    return opened


def job_of(
    wanted: MigrationRequest,
    world: World,
    service: release.Service,
    image: image_migrations.Image,
    words: tuple[str, ...],
    kind: str,
    environment: Mapping[str, str] | None = None,
) -> oneshot.Job:
    """A one-shot container of the new image as the service would run, with every session of it bounded, if no other
    ``environment`` is given."""
    ory = wanted.target.product
    arguments = image.before + words
    if ory:
        arguments += image_migrations.config_arguments((*service.entrypoint, *service.command))
    return oneshot.Job(
        name="%s-%s-%s" % (wanted.deployment, kind, wanted.target.name),
        image=image.id,
        arguments=arguments,
        labels=oneshot.labels(wanted.deployment, kind, wanted.target.name),
        network=wanted.network,
        environment=environment or bounded_environment(wanted, service, kind),
        entrypoint=image.entrypoint,
        volumes=service.volumes,
        extra_hosts=wanted.extra_hosts or service.extra_hosts,
        places=oneshot.places(world.podman, wanted.network),
        user="" if ory else service.user,
        workdir="" if ory else service.working_dir,
    )


def bounded_environment(
    wanted: MigrationRequest, service: release.Service, kind: str, server: int = 0
) -> dict[str, str]:
    """The variables of the migrator, its sessions bounded. ``server``: as in bounds.settings."""
    name = bounds.application(kind, wanted.target.name)
    given = bounds.settings(name, wanted.lock_timeout, wanted.transaction_timeout or wanted.timeout, server)
    return {**dsn.bounded(service.environment, given), "PGAPPNAME": name}


def own_environment(wanted: MigrationRequest, service: release.Service) -> dict[str, str]:
    """The same for a role of its own, which has its bounds in the server: a pooler may refuse any other."""
    name = bounds.application("migrate", wanted.target.name)
    own = service.environment.get(wanted.target.migrator_dsn_env, "")
    return {**service.environment, service.dsn_env: own, "PGAPPNAME": name}


def plan(state: State, wanted: MigrationRequest) -> Plan:
    """Pure. Raises Refused on drift: versions that only a newer binary knows."""
    difference = state.difference
    if difference.newer:
        raise Refused(
            "%s holds %d migrations newer than the image's newest, the first is %s"
            % (wanted.target.called, len(difference.newer), difference.newer[0]),
            fix="deploy the release that made this schema, or a newer one: this image is older than the schema",
        )
    if not difference.pending and not state.unfinished:
        return Plan(before=state.printed(), after=state.printed())
    steps = [Step("await", name, status) for name, status in state.leftovers]
    if not difference.pending:
        # A run that died, or failed, behind its last migration: what it had still to look at.
        return Plan(state.printed(), state.printed(), (*steps, Step("finish", wanted.target.called)))
    if wanted.target.product:
        # Ory's makes it again. What another program means by one is not known.
        steps += [Step("drop_index", name, "invalid") for name in state.invalid]
    steps.append(Step("migrate", wanted.target.called, "%d pending" % len(difference.pending)))
    applied = state.applied | {migration.version for migration in difference.pending}
    return Plan(state.printed(), {**versions.summary(applied), "invalid_indexes": []}, tuple(steps))


def warnings(state: State) -> list[str]:
    found = [
        "container %s seems to migrate a database and does not belong to this collection" % name
        for name in state.foreign
    ]
    found += ["index %s is invalid" % name for name in state.invalid]
    older = [version for version in state.difference.unknown if version not in state.difference.newer]
    if older:
        found.append("%d applied migrations are not in the image's list: %s" % (len(older), ", ".join(older[:5])))
    return found


def described(migrations: tuple[versions.Migration, ...]) -> list[dict[str, str]]:
    return [{"version": migration.version, "name": migration.name} for migration in migrations]


def result(state: State, planned: Plan) -> dict[str, Any]:
    """What the module returns before anything was done."""
    return {
        **planned.result(),
        "before": versions.summary(state.applied),
        "after": {"count": planned.after["count"], "latest": planned.after["latest"]},
        "pending": described(state.difference.pending),
        "applied": [],
        "unknown": list(state.difference.unknown),
        "invalid_indexes": list(state.invalid),
        "image": state.image.id,
        "learned_by": state.learnt.learned_by,
        "attempts": 0,
        "seconds": 0.0,
        **NOT_APPLIED,
    }
