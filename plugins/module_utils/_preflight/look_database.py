# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL by a live service's own DSN: its room for connections, its clock, the size of its databases."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from .._core import dsn
from .._core import podman as core
from .._core.errors import BluegreenError
from .._core.podman import Podman
from .._core.postgres import Db, connect
from .._schema import db_session, service_files
from . import look_podman
from .model import PreflightInputs

NAME = "olympus-bluegreen preflight"
# Parameters that a release doesn't know are left out: reserved_connections came with 16.
SETTINGS = """
SELECT name, setting FROM pg_settings
WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections', 'server_version')
"""
IN_USE = """
SELECT count(*), count(*) FILTER (WHERE datname = ANY (%s)) FROM pg_stat_activity
WHERE datname IS NOT NULL AND pid <> pg_backend_pid()
"""
SIZES = """
SELECT datname, pg_database_size(oid) FROM pg_database
WHERE datname = ANY (%s) AND has_database_privilege(datname, 'CONNECT')
"""
Enter = Callable[[int], AbstractContextManager[None]]
Connect = Callable[[dict[str, Any], Callable[[], AbstractContextManager[None]]], Db]


def door(raws: Sequence[look_podman.Raw], wanted: PreflightInputs) -> tuple[str, look_podman.Raw, str]:
    """The service whose DSN is taken, its container and that DSN: of the first schema target, else any that has one."""
    live = look_podman.of_live(raws, wanted)
    first = [(str(target.get("service")), str(target.get("dsn_env") or "DSN")) for target in wanted.schema_targets]
    for name, variable in [*first, *((name, "DSN") for name in live)]:
        if name in live and core.environment(live[name]).get(variable):
            return name, live[name], dsn.plain(core.environment(live[name])[variable])
    raise BluegreenError("no running coloured service has a DSN to ask PostgreSQL with", fix="start the live colour")


def databases(raws: Sequence[look_podman.Raw], wanted: PreflightInputs) -> list[str]:
    """Every database that the live colour's DSNs (or the schema targets) name."""
    found = [str(target.get("database")) for target in wanted.schema_targets if target.get("database")]
    for raw in look_podman.of_live(raws, wanted).values():
        given = core.environment(raw)
        for name, value in given.items():
            if name.endswith("DSN") and value:
                try:
                    found.append(dsn.parse(value, environment=given).database)
                except BluegreenError:
                    continue
    return sorted(set(found))


def database(
    engine: Podman, raws: Sequence[look_podman.Raw], wanted: PreflightInputs, enter: Enter, opened: Connect = connect
) -> dict[str, Any]:
    name, raw, said = door(raws, wanted)
    address = dsn.parse(said, name, core.environment(raw))
    servers = [one for one in raws if core.labels(one).get(core.COMPOSE_PROJECT) == wanted.project]
    db = db_session.open_session(address, NAME, service_files.of_container(engine, raw, name), servers, opened, enter)
    try:
        found = ask(db, databases(raws, wanted))
    finally:
        db.close()
    return {**found, "host": address.host, "user": address.user, "sslmode": address.keywords.get("sslmode", "")}


def ask(db: Db, names: Sequence[str]) -> dict[str, Any]:
    before = time.time()
    clock = float(db.query("SELECT extract(epoch FROM clock_timestamp())")[0][0])
    skew = clock - (before + time.time()) / 2
    settings: Mapping[str, str] = {str(name): str(value) for name, value in db.query(SETTINGS)}
    in_use, ours = db.query(IN_USE, [list(names)])[0]
    reserved = ("superuser_reserved_connections", "reserved_connections")
    return {
        "version": settings["server_version"],
        "max_connections": int(settings["max_connections"]),
        "reserved": sum(int(settings.get(name, 0)) for name in reserved),
        "in_use": int(in_use),
        "in_use_live": int(ours),
        "skew": round(skew, 3),
        "sizes": {str(name): int(count) for name, count in db.query(SIZES, [list(names)])},
    }
