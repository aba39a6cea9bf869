# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment of one schema target on a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import postgres
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import bridge_run
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.migrate import World
from kit.majors import Server

ROOT = Path(__file__).resolve().parents[2]
# Kratos' tables as far as the hop 25.4 -> 26.2 needs them.
SCHEMA = """
CREATE TABLE sessions (id uuid PRIMARY KEY, identity_id uuid NOT NULL);
CREATE TABLE session_devices (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), session_id uuid NOT NULL
  REFERENCES sessions (id) ON DELETE CASCADE);
CREATE TABLE identity_credentials (id uuid PRIMARY KEY, identity_id uuid NOT NULL);
CREATE TABLE identity_credential_identifiers (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), identifier text NOT NULL,
  identity_credential_id uuid NOT NULL REFERENCES identity_credentials (id) ON DELETE CASCADE);
CREATE TABLE audit (line text);
"""

TABLES = ("sessions", "session_devices", "identity_credentials", "identity_credential_identifiers", "audit")


class NoPodman:
    def run(self, argv: Any, **_more: Any) -> Result:
        raise AssertionError("podman was asked: %s" % argv)


@dataclass
class Bench:
    """A deployment of one schema target; ``run`` is what the module does."""

    server: Server
    name: str
    state: Path
    release: str = "v2-0123456789"
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def compose(self) -> Path:
        return self.state / "stacks" / "green" / "compose.yml"

    @property
    def record(self) -> Path:
        return self.state / "bridges" / "ciam_kratos.json"

    def source(self, release: str = "") -> Path:
        return self.state / "releases" / (release or self.release) / "source"

    def files(self, release: str = "", **texts: str) -> None:
        """Bridges of a release, by name; ``a_down`` is a.down.sql."""
        home = self.source(release) / "bridges" / "ciam_kratos"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        for name, text in texts.items():
            (home / (name.replace("_down", ".down") + ".sql")).write_text(text)

    def params(self, **given: Any) -> dict[str, Any]:
        target = {"name": "ciam_kratos", "product": "kratos", "service": "ciam-kratos", "database": self.name}
        found: dict[str, Any] = {
            "deployment": "olympus", "state_dir": str(self.state), "state": "present", "release": self.release,
            "targets": [], "target": target, "compose_file": str(self.compose), "extra_hosts": {}, "project": "",
            "database_service": "", "lock_timeout": 0.2, "lock_wait": 5.0, "attempts": 1,
        }  # fmt: skip
        return {**found, **self.more, **given}

    def run(self, check_mode: bool = False, connect: Any = postgres.connect, **given: Any) -> Mapping[str, Any]:
        world = World(Podman(NoPodman()), SystemClock(), connect)
        result, plan = bridge_run.run(self.params(**given), check_mode, world)
        return {**result, "diff": plan.diff()}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.query(self.name, sql)

    def objects(self) -> list[str]:
        """Triggers, functions and tables that there are."""
        return [
            str(row[0])
            for row in self.query(
                "SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal UNION ALL"
                " SELECT proname::text FROM pg_proc WHERE oid >= 16384 UNION ALL"
                " SELECT relname::text FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
                " AND relname NOT IN (%s) ORDER BY 1" % ", ".join("'%s'" % name for name in TABLES)
            )
        ]
