# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL by a live service's own DSN: its room for connections, its clock, the size of its databases."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import podman as core
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import look_podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import dsn
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.database import Db, connect
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.release import Service

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


def door(raws: Sequence[look_podman.Raw], wanted: Wanted) -> Service:
    """The service whose DSN is taken: that of the first schema target, else any that has one."""
    live = look_podman.of_live(raws, wanted)
    first = [str(target.get("service")) for target in wanted.schema_targets]
    for name in [*first, *live]:
        env = core.environment(live.get(name) or {})
        if env.get("DSN"):
            raw = live[name]
            volumes = tuple("%s:%s" % (one["Source"], one["Destination"]) for one in raw.get("Mounts") or [])
            return Service(name, str(raw["Image"]), env, volumes=volumes)
    raise BluegreenError("no running coloured service has a DSN to ask PostgreSQL with", mend="start the live colour")


def databases(raws: Sequence[look_podman.Raw], wanted: Wanted) -> list[str]:
    """Every database that the live colour's DSNs (or the schema targets) name."""
    found = [str(target.get("database")) for target in wanted.schema_targets if target.get("database")]
    for raw in look_podman.of_live(raws, wanted).values():
        for name, value in core.environment(raw).items():
            if name.endswith("DSN") and value:
                try:
                    found.append(dsn.parse(value).database)
                except BluegreenError:
                    continue
    return sorted(set(found))


def database(
    raws: Sequence[look_podman.Raw], wanted: Wanted, enter: Enter, opened: Connect = connect
) -> dict[str, Any]:
    service = door(raws, wanted)
    url = service.dsn
    server = look_podman.of_project(raws, wanted, wanted.database)
    pid = look_podman.pid_of(server)
    if server is not None and not pid:
        raise BluegreenError("container %s does not run" % server.get("Name"), mend="podman start it")
    where = "127.0.0.1" if pid else ""
    db = opened(dsn.for_libpq(url, NAME, where, service.on_host), lambda: enter(pid) if pid else nullcontext())
    try:
        found = ask(db, databases(raws, wanted))
    finally:
        db.close()
    return {**found, "host": url.host, "user": url.user, "sslmode": dict(url.parameters).get("sslmode", "")}


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
