# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a courier can start, found out before the one at work is ended.

Its very image, entrypoint, variables, mounts and command run twice: with ``--help`` behind and without a network, then
as they are against an empty PostgreSQL that its own image migrated. Both share a loopback and reach nothing else, so no
mail leaves and no database of the operator's is asked. What was proven is remembered by a hash.

Which couriers have been seen to start: a hash each of all that they are made of, and nothing else of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from ..._core import podman as core
from ..._core import postgres
from ..._core.clock import unchanged
from ..._core.errors import BluegreenError, Refused
from ..._core.files import read_mapping, write_json
from ..._ory.cli import entrypoint_text
from ..._schema import db_session, image_migrations, migrate, oneshot, service_files
from ..._schema.service import Service, mounted, read_only
from ..._state.redact import redact, scrub
from ..deployment.job import Context
from .handover import STEADY

SECONDS = 30.0
ONLY_HELP = "courier %s was tried with --help only, not against a database: %s"
# What Go says where a courier wanted another server, and the proof has none: that tells nothing of the courier.
OUTSIDE = re.compile(r"\bdial (tcp|udp)\b|no such host|network is unreachable")


def prove(context: Context, stack: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """``stack``: a rendered file. ``names``: couriers in it. Raises Refused naming the first that can't start.

    Check mode asks for the help alone. What to tell: couriers that were not tried against a database, and why.
    """
    found = [mounted(context.podman, stack, name) for name in names if name in (stack.get("services") or {})]
    state_dir = context.wanted.state_dir
    marks = {service.name: fingerprint(service) for service in found}
    couriers = [service for service in found if marks[service.name] not in proven(state_dir)]
    for service in couriers:
        _helps(context, service)
    if context.check_mode:
        return []
    untried: dict[str, str] = {}
    groups: dict[tuple[str, str], list[Service]] = {}
    for service in couriers:
        server, untried[service.name] = _server_image(context, service)
        if server:
            groups.setdefault((service.image, server), []).append(service)
    for (_image, server), group in groups.items():
        untried.update(_start_all(context, server, group))
    keep_proven(state_dir, [marks[name] for name, why in untried.items() if not why])
    return [ONLY_HELP % (name, why) for name, why in untried.items() if why]


def _helps(context: Context, service: Service) -> None:
    given = oneshot.given(service.environment, service.volumes, entrypoint_text(service.entrypoint))
    words = ("--network", "none", "--pull", "never", *given, service.image, *service.command, "--help")
    result = oneshot.call(context.podman, service.environment, "run", "--rm", *words, timeout=SECONDS)
    if result.rc != 0:
        raise Refused(
            "the courier %s can't start: `%s --help` ended with %d (%s)"
            % (
                service.name,
                " ".join(service.command),
                result.rc,
                scrub(result.last_words(), service.environment.values()),
            ),
            option="services",
            value=service.name,
            fix="let the entrypoint and the command of its Kratos service run `kratos courier watch`; "
            "the courier at work was not touched",
        )


def _server_image(context: Context, service: Service) -> tuple[str, str]:
    """(image of the running container that the courier's DSN names, why there is none)."""
    if postgres.PSYCOPG2_MISSING:
        return "", "this host has no python3-psycopg2"
    try:
        address = service.dsn
    except BluegreenError as exc:
        return "", exc.msg
    servers = context.podman.containers({core.COMPOSE_PROJECT: context.wanted.project})
    view = service_files.View(service.name, extra_hosts=service.extra_hosts)
    for raw in db_session.named(address, servers, view).values():
        if (raw.get("State") or {}).get("Pid"):
            return str(raw["Image"]), ""
    return "", "its database is in no running container of project %s" % context.wanted.project


def _start_all(context: Context, server: str, couriers: Sequence[Service]) -> dict[str, str]:
    """Courier of one image -> why it was not tried, '' where it started. ``server``: image of the database."""
    podman, clock, wanted = context.podman, context.clock, context.wanted
    # What is mounted is the operator's: a shim that writes would leave the throw-away's address there.
    couriers = [replace(one, volumes=read_only(one.volumes)) for one in couriers]
    image = image_migrations.find_image(podman, couriers[0], "kratos", wanted.state_dir)
    kept = image_migrations.cached(image)
    door = migrate.shadow_door(migrate.World(podman, clock))
    with ExitStack() as stack:
        try:
            # What fails here is the trial itself; of the courier nothing is known then but its help.
            form = kept.form if kept else image_migrations.ask_form(podman, image)
            shadow = image_migrations.Shadow(wanted.deployment, "courier", server, door, kind="proof")
            away = stack.enter_context(image_migrations.throw_away(podman, clock, shadow))
        except BluegreenError as exc:
            return {one.name: exc.msg for one in couriers}
        applied = image_migrations.migrate(podman, away, image, form)
        untried = {one.name: _starts(context, away, one) for one in couriers}
    if not kept and not form.status:
        image_migrations.keep(image, image_migrations.MigrationList(form, applied, "shadow"))
    return untried


def _starts(context: Context, away: image_migrations.ThrowAway, service: Service) -> str:
    """'' where it starts and stays; why that can't be known. Raises Refused where it ends."""
    podman, entrypoint = context.podman, entrypoint_text(service.entrypoint)
    how: dict[str, Any] = {"entrypoint": entrypoint, "volumes": service.volumes}
    how.update(user=service.user, workdir=service.working_dir)
    job = away.beside(service.name, service.image, service.command, service.environment, **how)
    oneshot.start(podman, job)
    if unchanged(context.clock, lambda: podman.pid(job.name), STEADY):
        return ""
    secrets = [*service.environment.values(), away.url.url, away.url.password]
    words = str(redact(scrub(podman.run("logs", job.name).last_words(), secrets)))
    if OUTSIDE.search(words):
        return "it wanted a server that it can't reach in a trial (%s)" % words
    raise Refused(
        "the courier %s can't start: `%s` does not stay up against an empty database of its own (%s)"
        % (service.name, " ".join(service.command), words),
        option="services",
        value=service.name,
        fix="correct what it complains of in the configuration of its Kratos service; the courier at work was not "
        "touched",
    )


PROVEN_VERSION = 1
# Two couriers in two colours, and some releases back.
PROVEN_KEPT = 32


def fingerprint(service: Service) -> str:
    """Of image, entrypoint, command, variables, mounts and the mounted files: content of a file that is mounted alone,
    size and time of change of those in a directory."""
    parts = [service.image, service.entrypoint, service.command, sorted(service.environment.items()), service.volumes]
    sources = [volume.partition(":")[0] for volume in service.volumes]
    files = [line for source in sources if source.startswith("/") for line in _mounted_files(source)]
    return hashlib.sha256(json.dumps([*parts, files]).encode()).hexdigest()


def _mounted_files(source: str) -> Iterator[str]:
    if os.path.isfile(source):
        with open(source, "rb") as handle:
            yield "%s %s" % (source, hashlib.sha256(handle.read()).hexdigest())
    for folder, below, names in os.walk(source):
        below.sort()
        for name in sorted(names):
            found = os.lstat(os.path.join(folder, name))
            yield "%s/%s %d %d" % (folder, name, found.st_size, found.st_mtime_ns)


def proven(state_dir: str) -> list[str]:
    known = read_mapping(_proven_path(state_dir))
    return [str(one) for one in known.get("proven") or []] if known.get("v") == PROVEN_VERSION else []


def keep_proven(state_dir: str, marks: Sequence[str]) -> None:
    if not marks:
        return
    os.makedirs(os.path.dirname(_proven_path(state_dir)), mode=0o750, exist_ok=True)
    others = [one for one in proven(state_dir) if one not in marks]
    write_json(_proven_path(state_dir), {"v": PROVEN_VERSION, "proven": [*others, *marks][-PROVEN_KEPT:]})


def _proven_path(state_dir: str) -> str:
    return os.path.join(state_dir, "cache", "couriers.json")
