# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ory_migrate on a real PostgreSQL without Podman: a database of one table, and a migrator of our own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import migrate, options
from kit.majors import SUPERUSER, Server
from kit.native_podman import IMAGE, NativePodman

PROGRAM = str(Path(__file__).with_name("tiny_migrator.py"))
SCHEMA = "CREATE TABLE people (id bigint PRIMARY KEY, name text NOT NULL);"
ADD = {"version": "001", "sql": "ALTER TABLE people ADD COLUMN nick text"}
INDEX = {
    "version": "002",
    "sql": "CREATE INDEX CONCURRENTLY IF NOT EXISTS people_name ON people (name)",
    "alone": True,
}
PASSWORD = "only-for-this-test"


class NoSleep(SystemClock):
    """Retries at once; what is waited for in short steps is still waited for."""

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.1))


@dataclass
class Bench:
    """A target in a database of its own; ``run`` is what the module does."""

    server: Server
    name: str
    home: Path
    podman: NativePodman = field(default_factory=NativePodman)
    port: int = 0
    user: str = SUPERUSER

    def __post_init__(self) -> None:
        self.server.query("postgres", "CREATE DATABASE " + self.name)
        self.sql(SCHEMA)

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        return self.server.query(self.name, text)

    @property
    def dsn(self) -> str:
        at = (self.user, PASSWORD, self.port or self.server.port, self.name)
        return "postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable" % at

    def params(self, migrations: Sequence[dict[str, Any]], **given: Any) -> dict[str, Any]:
        path = self.home / "migrations.json"
        path.write_text(json.dumps(list(migrations)))
        target = {
            "name": "shop",
            "image": IMAGE,
            "command": [sys.executable, PROGRAM, "up", str(path)],
            "status_command": [sys.executable, PROGRAM, "status", str(path)],
            "applied_query": "SELECT version FROM schema_version",
            "environment": {"DSN": self.dsn, **given.pop("environment", {})},
            **given.pop("target", {}),
        }
        own = {"state_dir": str(self.home / "state"), "deployment": "olympus", "network": "host", "target": target}
        quick = {"watch": {"seconds": 0.0}, "backup": {"policy": "ignore"}, "lock_timeout": 0.2}
        params, wrong = options.MIGRATE.validated({"network": "host", "target": target, **quick, **given})
        assert not wrong, wrong
        return {**params, **own, "target": target}

    def run(
        self, migrations: Sequence[dict[str, Any]], check_mode: bool = False, **given: Any
    ) -> tuple[dict[str, Any], Plan, list[str]]:
        world = migrate.World(Podman(self.podman), NoSleep())
        return options.run(self.params(migrations, **given), check_mode, world)

    def versions(self) -> list[str]:
        if self.sql("SELECT to_regclass('schema_version')") == [(None,)]:
            return []
        return [row[0] for row in self.sql("SELECT version FROM schema_version ORDER BY 1")]

    def invalid(self) -> list[str]:
        return [row[0] for row in self.sql("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid")]
