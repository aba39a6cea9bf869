# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any migrator: its own command in a one-shot container, judged by what is pending and what is applied."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .._core import dsn, postgres
from .._core.errors import BluegreenError, CommandError
from .._core.podman import Podman
from .._ory.cli import entrypoint_text
from . import oneshot, versions
from . import service as release
from .image_migrations import Form, Image, MigrationList
from .target import Target

# A database that was never migrated has no table of what is applied.
UNDEFINED_TABLE = "42P01"
# Where only applied versions are known: the program has to run to know.
UNKNOWN = versions.Migration("", "not known before it runs")
SECRET = re.compile(r"PASSW|SECRET|TOKEN|KEY", re.I)
Ask = Callable[[tuple[str, ...]], oneshot.Finished]


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
