# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Production and the shadow as two native servers, with PostgreSQL's client programs as plain processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import dsn, postgres
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import client_programs
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow.guard import Guard
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.oneshot import Finished
from kit import majors

# The lab's own 18 has them; the servers of the registries have none.
CLIENTS = majors.BIN
SHADOW = "shadow_0123456789ab"


def program(words: Sequence[str], keywords: dict[str, Any], directory: str) -> Finished:
    env = {"PATH": "%s:/usr/bin:/bin" % CLIENTS, "LD_LIBRARY_PATH": str(CLIENTS.parent / "lib"), "LC_ALL": "C.UTF-8"}
    env.update(client_programs.environment({key: str(value) for key, value in keywords.items()}))
    done = subprocess.run(words, cwd=directory, env=env, capture_output=True, text=True, check=False)
    return Finished(done.returncode, done.stdout, done.stdout + done.stderr)


@dataclass
class Native:
    """Production: database ``name`` of a server, as ``user``. ``before`` is done before each client program."""

    server: majors.Server
    name: str
    user: str = majors.SUPERUSER
    before: Callable[[], None] = lambda: None

    @property
    def address(self) -> dsn.Dsn:
        return dsn.parse("postgres://%s@127.0.0.1:%d/%s?sslmode=disable" % (self.user, self.server.port, self.name))

    def open(self) -> postgres.Db:
        return postgres.connect({**self.address.keywords})

    def program(self, words: Sequence[str], directory: str) -> Finished:
        self.before()
        return program(words, dict(self.address.keywords), directory)


@dataclass
class Place:
    """The shadow: a server whose superuser is ours."""

    server: majors.Server
    guard: Guard = field(init=False)
    role_password: str = "of-the-shadow"

    def __post_init__(self) -> None:
        self.server.query("postgres", "CREATE ROLE %s SUPERUSER LOGIN" % SHADOW)
        self.guard = Guard(SHADOW, "a-random-marker", "127.0.0.1", self.server.port)
        db = postgres.connect(self._keywords("postgres"))
        self.guard.mark(db)
        db.close()

    def _keywords(self, name: str, user: str = SHADOW) -> dict[str, Any]:
        return {**self.server.where(name, user), "options": "-c default_transaction_read_only=off"}

    def open(self, name: str) -> postgres.Db:
        db = postgres.connect(self._keywords(name))
        self.guard.check(db)
        return db

    def program(self, words: Sequence[str], name: str, directory: str) -> Finished:
        return program(words, self._keywords(name), directory)


@dataclass
class Pair:
    production: majors.Server
    place: Place


def have_clients() -> bool:
    return os.access(Path(CLIENTS, "pg_dump"), os.X_OK)
