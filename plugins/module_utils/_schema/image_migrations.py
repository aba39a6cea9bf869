# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The migrations that an image brings, learnt once per image and kept.

A binary with ``status`` is asked; it lists what it knows and writes nothing. One without (Kratos up to 1.3) migrates an
empty throw-away PostgreSQL that nothing else can reach: it has no network but its own loopback, which the migrating
container shares.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .._core import postgres
from .._core.clock import Clock, wait_until
from .._core.dsn import Dsn
from .._core.dsn import parse as parse_dsn
from .._core.errors import BluegreenError, CommandError
from .._core.files import read_json, write_json
from .._core.podman import Podman
from .._ory.cli import config_files, entrypoint_text
from .._ory.courier_command import server_line
from . import oneshot, versions
from .service import Service

# Asked in this order; ``form_of`` takes the answers. The command must be learnt: an old Kratos has no ``status`` and
# takes the word for nothing, so ``migrate sql status -e --yes`` MIGRATES there.
HELP = (("migrate", "sql", "--help"), ("migrate", "--help"))
COMMANDS = re.compile(r"^Available Commands:\n((?:[ \t]+\S.*\n?)+)", re.MULTILINE)
CACHE_VERSION = 2
SHADOW_SECONDS = 60.0
# Independent of the image's own entry point; initdb may lie beside the path, as Debian has it. Settings come behind it.
SHADOW_SCRIPT = """
set -e
PATH="$PATH:$(echo /usr/lib/postgresql/*/bin /usr/local/bin | tr ' ' ':')"
umask 077
dir=$(mktemp -d)
printf '%s\n' "$SHADOW_PASSWORD" > "$dir/password"
auth="--auth=scram-sha-256 --pwfile=$dir/password"
initdb -D "$dir/data" -U "$SHADOW_USER" $auth --encoding=UTF8 --locale=C >/dev/null
printf '%s\n' "$SHADOW_ACCESS" >> "$dir/data/pg_hba.conf"
exec postgres -D "$dir/data" -p 5432 -c unix_socket_directories= -c fsync=off "$@"
"""


@dataclass(frozen=True)
class Form:
    """A migration command without the program's name; ``status`` is empty where it needs a database to tell."""

    up: tuple[str, ...]
    status: tuple[str, ...] = ()


def _commands(help_text: str) -> frozenset[str]:
    found = COMMANDS.search(help_text)
    return frozenset(line.split()[0] for line in found.group(1).splitlines()) if found else frozenset()


def form_of(sql_help: str, migrate_help: str) -> Form:
    of_sql = _commands(sql_help)
    if {"up", "status"} <= of_sql:
        return Form(("migrate", "sql", "up", "-e", "--yes"), ("migrate", "sql", "status", "-e", "--format", "json"))
    if "--read-from-env" not in sql_help:
        raise BluegreenError("the image has an unknown form of `migrate sql`", fix="use the product's own image")
    status = ("migrate", "status", "-e", "--format", "json") if "status" in _commands(migrate_help) else ()
    return Form(("migrate", "sql", "-e", "--yes"), status)


def config_arguments(command: Sequence[str]) -> tuple[str, ...]:
    """The ``-c FILE`` parts of the service's own command, so that the migration reads the same configuration."""
    return tuple(part for path in config_files(command) for part in ("-c", path))


@dataclass(frozen=True)
class MigrationList:
    """``learned_by`` is status, shadow or cache."""

    form: Form
    migrations: tuple[versions.Migration, ...]
    learned_by: str


@dataclass(frozen=True)
class Image:
    """The image under test, and how its program is run: through ``entrypoint`` as podman takes it ('' is the image's
    own), with ``before`` in front of the program's arguments. ``cache``: where the answers are kept.

    ``environment`` (secrets) and ``volumes``: what an entrypoint of the compose file, a shim, needs to get there.
    """

    id: str
    product: str
    entrypoint: str
    cache: str
    before: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    volumes: tuple[str, ...] = ()


def find_image(podman: Podman, service: Service, product: str, state_dir: str) -> Image:
    """The service's image. Refuses a shell line: what else it would run is not known."""
    reference = service.image
    seen = podman.one("image", reference)
    if seen is None:
        raise BluegreenError(
            "no such image on this host",
            option="compose_file",
            value=reference,
            fix="pull or build it, then run the stage again",
        )
    identity = str(seen["Id"]).replace("sha256:", "")
    entrypoint, before = _program(service, seen.get("Config") or {}, product)
    shim: dict[str, Any] = (
        {"environment": service.environment, "volumes": service.volumes} if service.entrypoint else {}
    )
    cache = os.path.join(state_dir, "cache", "migrations-%s.json" % identity[:12])
    return Image(identity, product, entrypoint, cache, before, **shim)


def _program(service: Service, image: Mapping[str, Any], product: str) -> tuple[str, tuple[str, ...]]:
    """(entrypoint, before) as the service runs its program: by the compose file, else by the image."""
    first = image.get("Entrypoint") or ()
    own = tuple(first.split() if isinstance(first, str) else first)
    command = service.command or (() if service.entrypoint else tuple(image.get("Cmd") or ()))
    line = server_line(service.name, service.entrypoint or own, command, product)
    if not line.entrypoint and not line.before:
        return product, ()
    return entrypoint_text(() if line.entrypoint == own else line.entrypoint), line.before


def cached(image: Image) -> MigrationList | None:
    kept = read_json(image.cache)
    if not isinstance(kept, dict) or kept.get("v") != CACHE_VERSION or kept.get("image") != image.id:
        return None
    return MigrationList(
        Form(tuple(kept["form"]["up"]), tuple(kept["form"]["status"])),
        tuple(versions.Migration(item["version"], item["name"], item["sql"]) for item in kept["migrations"]),
        "cache",
    )


def keep(image: Image, known: MigrationList) -> None:
    os.makedirs(os.path.dirname(image.cache), mode=0o750, exist_ok=True)
    content: Mapping[str, Any] = {
        "v": CACHE_VERSION,
        "image": image.id,
        "product": image.product,
        "learned_by": known.learned_by,
        "form": {"up": list(known.form.up), "status": list(known.form.status)},
        "migrations": [{"version": m.version, "name": m.name, "sql": m.sql} for m in known.migrations],
    }
    write_json(image.cache, content)


def ask_form(podman: Podman, image: Image) -> Form:
    """From the program's own help, in a container without a network."""
    told = []
    given = oneshot.given(image.environment, image.volumes, image.entrypoint)
    for words in HELP:
        command = ("run", "--rm", "--network", "none", "--pull", "never", *given, image.id, *image.before, *words)
        result = oneshot.call(podman, image.environment, *command, timeout=60)
        if result.rc not in (0, 1):
            raise CommandError(
                "`%s` of the image failed: %s" % (" ".join(words), result.last_words()),
                fix="use the product's own image, or try the command in it by hand",
            )
        told.append(result.out + result.err)
    return form_of(told[0], told[1])


@dataclass(frozen=True)
class Shadow:
    """How to make the throw-away database. ``connect`` takes a DSN and a process id whose network has the database.

    ``kind`` and ``target`` label its containers: one at a time, and what a killed run left is found by them.
    """

    deployment: str
    target: str
    image: str
    connect: Callable[[Dsn, int], postgres.Db]
    kind: str = "shadow"


@dataclass(frozen=True)
class ThrowAway:
    """An empty PostgreSQL in container ``name``; ``url`` leads to it there, in a network that is its loopback alone."""

    name: str
    labels: Mapping[str, str]
    url: Dsn = field(repr=False)
    db: postgres.Db = field(repr=False)

    def beside(
        self, suffix: str, image: str, arguments: tuple[str, ...], environment: Mapping[str, str], **how: Any
    ) -> oneshot.Job:
        """A container that reaches this database and nothing else, gone with it."""
        return oneshot.Job(
            name="%s-%s" % (self.name, suffix),
            image=image,
            arguments=arguments,
            labels=self.labels,
            network="container:" + self.name,
            environment={**environment, "DSN": self.url.url},
            **how,
        )


@contextmanager
def throw_away(podman: Podman, clock: Clock, shadow: Shadow) -> Iterator[ThrowAway]:
    """Raises CommandError where no such database can be had on this host. Nothing of it is left at the end."""
    labels = oneshot.labels(shadow.deployment, shadow.kind, shadow.target)
    _remove(podman, labels)
    name = "%s-%s-%s" % (shadow.deployment, shadow.kind, shadow.target)
    password = secrets.token_urlsafe(24)
    server = empty_server(name, shadow.image, labels, "none", password, {"listen_addresses": "127.0.0.1"})
    url = parse_dsn("postgres://shadow:%s@127.0.0.1:5432/postgres?sslmode=disable" % password)
    try:
        oneshot.start(podman, server)
        db = wait_for(podman, clock, name, lambda pid: shadow.connect(url, pid), "shadow_image")
        try:
            yield ThrowAway(name, labels, url, db)
        finally:
            db.close()
    finally:
        _remove(podman, labels)


def empty_server(
    name: str,
    image: str,
    labels: Mapping[str, str],
    network: str,
    password: str,
    settings: Mapping[str, str],
    access: str = "",
    user: str = "shadow",
) -> oneshot.Job:
    """An empty PostgreSQL with the superuser ``user``, gone with its container. ``access``: a line of pg_hba.conf."""
    return oneshot.Job(
        name=name,
        image=image,
        arguments=(
            "-c",
            SHADOW_SCRIPT,
            "postgres",
            *(word for pair in settings.items() for word in ("-c", "%s=%s" % pair)),
        ),
        labels=labels,
        network=network,
        environment={"SHADOW_USER": user, "SHADOW_PASSWORD": password, "SHADOW_ACCESS": access},
        entrypoint="/bin/sh",
        user="postgres",
    )


def from_shadow(
    podman: Podman, clock: Clock, image: Image, form: Form, shadow: Shadow
) -> tuple[versions.Migration, ...]:
    with throw_away(podman, clock, shadow) as away:
        return migrate(podman, away, image, form)


def migrate(podman: Podman, away: ThrowAway, image: Image, form: Form) -> tuple[versions.Migration, ...]:
    """What the image has applied to the empty database."""
    environment = {**image.environment, "SQA_OPT_OUT": "true"}
    how: dict[str, Any] = {"entrypoint": image.entrypoint, "volumes": image.volumes}
    job = away.beside("run", image.id, image.before + form.up, environment, **how)
    ended = oneshot.run(podman, job, SHADOW_SECONDS)
    return _learnt(postgres.applied(away.db), ended)


def _learnt(applied: frozenset[str], ended: oneshot.Finished) -> tuple[versions.Migration, ...]:
    if ended.rc != 0 or not applied:
        raise CommandError(
            "the image can't migrate an empty database (rc %d, %d applied)" % (ended.rc, len(applied)),
            fix="read what the migration says: the release is broken, or this host lacks memory for it",
        )
    return versions.from_shadow(applied, ended.log)


def _remove(podman: Podman, labels: Mapping[str, str]) -> None:
    """The one that shares the other's network goes first. With the volumes that the image itself declares."""
    names = [name for name, _status in oneshot.found(podman, labels)]
    for name in sorted(names, key=len, reverse=True):
        podman.run("rm", "-f", "-v", "-t", "0", name, timeout=60)


def wait_for(
    podman: Podman, clock: Clock, name: str, connect: Callable[[int], postgres.Db], option: str
) -> postgres.Db:
    """A connection as soon as the throw-away database takes one. ``option``: what names another image."""
    last = ""

    def attempt() -> postgres.Db | None:
        nonlocal last
        pid = podman.pid(name)
        if not pid:
            words = podman.run("logs", name).last_words()
            raise CommandError(
                "the throw-away database ended: %s" % words, fix="name another PostgreSQL image in " + option
            )
        try:
            return connect(pid)
        except BluegreenError as exc:
            last = exc.msg
            return None

    db = wait_until(clock, attempt, lambda got: got is not None, SHADOW_SECONDS)
    if db is None:
        raise CommandError(
            "the throw-away database took no connection: %s" % last,
            fix="check that podman can start its image on this host",
        )
    return db
