# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A schema target: a database and what migrates it, Ory's own program or any other.

Another one is its own command in a one-shot container, judged by what is pending and what is applied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from .._core import dsn, postgres
from .._core.errors import BluegreenError, CommandError, Refused
from .._core.podman import Podman
from .._ory.cli import entrypoint_text
from . import oneshot, versions
from . import service as release
from .image_migrations import Form, Image, MigrationList

# A database that was never migrated has no table of what is applied.
UNDEFINED_TABLE = "42P01"
# Where only applied versions are known: the program has to run to know.
UNKNOWN = versions.Migration("", "not known before it runs")
SECRET = re.compile(r"PASSW|SECRET|TOKEN|KEY", re.I)
Ask = Callable[[tuple[str, ...]], oneshot.Finished]
# With no_log, as it holds what the program logs in with.
OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "product": {"type": "str", "choices": ["kratos", "hydra"]},
    "service": {"type": "str"},
    "database": {"type": "str"},
    "image": {"type": "str"},
    "command": {"type": "list", "elements": "str"},
    "status_command": {"type": "list", "elements": "str"},
    "status_pattern": {"type": "str"},
    "applied_query": {"type": "str"},
    "dsn_env": {"type": "str"},
    "environment": {"type": "dict", "no_log": True},
    "volumes": {"type": "list", "elements": "str"},
    "replay": {
        "type": "dict",
        "options": {
            "paths": {"type": "list", "elements": "str", "default": []},
            "command": {"type": "list", "elements": "str", "default": []},
        },
    },
    "migrator_dsn_env": {"type": "str"},
}


@dataclass(frozen=True)
class Target:
    """With ``command`` it is any migrator's, else Ory's. ``environment`` holds secrets."""

    name: str
    product: str = ""
    service: str = ""
    database: str = ""
    image: str = ""
    command: tuple[str, ...] = ()
    status_command: tuple[str, ...] = ()
    status_pattern: str = r"\S"
    applied_query: str = ""
    dsn_env: str = "DSN"
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    volumes: tuple[str, ...] = ()
    replay: Mapping[str, Any] = field(default_factory=dict)
    migrator_dsn_env: str = ""

    @property
    def called(self) -> str:
        return self.database or self.name


def target_of(given: Mapping[str, Any], compose_file: str) -> Target:
    """From a module's options. Raises Refused for what says no program, or nothing to judge it by."""
    known = {one.name for one in fields(Target)}
    said = {key: value for key, value in given.items() if value is not None and key in known}
    said.update({key: tuple(map(str, value)) for key, value in said.items() if isinstance(value, list)})
    said["environment"] = {str(key): str(value) for key, value in (said.get("environment") or {}).items()}
    made = Target(**said)
    _refuse(made, compose_file)
    return made


def _refuse(target: Target, compose_file: str) -> None:
    def wrong(option: str, what: str, fix: str) -> Refused:
        return Refused("schema target %s: %s" % (target.name, what), option="target." + option, fix=fix)

    if bool(target.product) == bool(target.command):
        what = "it has both" if target.product else "it has neither"
        raise wrong(
            "command",
            "a product of Ory or a command says what migrates it, and " + what,
            "give product: kratos or hydra, or the command of another migrator",
        )
    if target.product:
        for key in ("service", "database"):
            if not getattr(target, key):
                raise wrong(key, "product %s needs it" % target.product, "name the %s" % key)
    elif not target.status_command and not target.applied_query:
        raise wrong(
            "status_command",
            "nothing says which migrations are pending or applied",
            "give a status_command that prints what is pending, or an applied_query",
        )
    elif not (target.service if compose_file else target.image):
        key = "service" if compose_file else "image"
        raise wrong(key, "nothing says which image migrates it", "name the %s of its migrator" % key)
    try:
        re.compile(target.status_pattern)
    except re.error as exc:
        raise wrong("status_pattern", "no regular expression (%s)" % exc, "correct it") from exc


def service_of(target: Target, compose_file: str) -> release.Service:
    """The program's image and environment: those of the rendered service, and what the target itself says."""
    if not compose_file:
        name = target.service or target.name
        return release.Service(name, target.image, target.environment, volumes=target.volumes, **_where(target))
    found = release.read(compose_file, target.service)
    if target.product:
        return found
    if target.image:
        found = replace(found, image=target.image, entrypoint=(), command=(), user="", working_dir="")
    environment = {**found.environment, **target.environment}
    return replace(found, environment=environment, volumes=(*found.volumes, *target.volumes), **_where(target))


def _where(target: Target) -> dict[str, Any]:
    return {"dsn_env": target.dsn_env, "libpq": True}


def image_of(podman: Podman, service: release.Service) -> Image:
    seen = podman.one("image", service.image)
    if seen is None:
        raise BluegreenError(
            "no such image on this host",
            option="target.image",
            value=service.image,
            fix="pull or build it, then run it again",
        )
    return Image(str(seen["Id"]).replace("sha256:", ""), "", entrypoint_text(service.entrypoint), "")


def applied(db: postgres.Db, target: Target) -> frozenset[str]:
    """The versions that the database says are applied; empty where nothing can say it."""
    if target.product:
        return postgres.applied(db)
    if not target.applied_query:
        return frozenset()
    try:
        return frozenset(str(row[0]) for row in db.query(target.applied_query))
    except postgres.QueryError as exc:
        if exc.sqlstate == UNDEFINED_TABLE:
            return frozenset()
        raise BluegreenError(
            "the question for applied versions was refused: %s" % exc.answer,
            option="target.applied_query",
            fix="correct the query: its first column is the version",
        ) from exc


def learn(target: Target, done: frozenset[str], ask: Ask, clean: Callable[[str], str]) -> MigrationList:
    """What is applied and what is pending, as the list that versions.compare takes. ``clean`` redacts."""
    pending = still_pending(target, None, ask, clean)
    known = tuple(sorted(versions.Migration(version) for version in done)) + pending
    how = "status_command" if target.status_command else "applied_query"
    return MigrationList(Form(target.command, target.status_command), known, how)


def still_pending(
    target: Target, ended: oneshot.Finished | None, ask: Ask, clean: Callable[[str], str]
) -> tuple[versions.Migration, ...]:
    """``ended``: the migration that has just run, None before it. Its return code counts where nothing else can."""
    if not target.status_command:
        return () if ended is not None and ended.rc == 0 else (UNKNOWN,)
    said = ask(target.status_command)
    if not target.status_pattern:
        return () if said.rc == 0 else (versions.Migration("", "status_command ended with %d" % said.rc),)
    if said.rc != 0:
        raise CommandError(
            "status_command ended with %d: %s" % (said.rc, clean(said.log.strip())[-300:]),
            option="target.status_command",
            fix="try it in the image. Where the code alone tells what is pending, give an empty status_pattern",
        )
    return tuple(
        _named(target, clean(line)) for line in said.out.splitlines() if re.search(target.status_pattern, line)
    )


def _named(target: Target, line: str) -> versions.Migration:
    """The first group of the pattern, where it has one, else the line."""
    found = re.search(target.status_pattern, line)
    return versions.Migration((found.group(1) if found and found.re.groups else line).strip())


def redact(text: str, service: release.Service) -> str:
    """Without what its environment keeps secret."""
    for name, value in service.environment.items():
        if value and SECRET.search(name):
            text = text.replace(value, "***")
    return dsn.redact(text, service.dsn)
