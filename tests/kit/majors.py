# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real PostgreSQL servers, majors 14 to 18 side by side: each on a port of 127.0.0.1, run by a user without rights."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import postgres
from kit.ports import free_port
from olympus_lab import postgres_majors

MAJORS = postgres_majors.MAJORS
# The lab's own, which every machine that ran it has.
BIN = Path(os.environ.get("OLYMPUS_LAB_PG18_BIN", str(postgres_majors.place(18))))
SUPERUSER = "lab"


class Server:
    """``home`` is made its user's. ``settings`` are of the server: name -> value."""

    def __init__(self, home: str, programs: Path = BIN, settings: Mapping[str, str] | None = None) -> None:
        self.home, self.port = home, free_port()
        self.uid = pwd.getpwnam("postgres").pw_uid if os.getuid() == 0 else None
        if self.uid is not None:
            os.chown(home, self.uid, self.uid)
        data = home + "/data"
        self._call([str(programs / "initdb"), "-D", data, "-U", SUPERUSER, "-A", "trust", "--no-sync", "-E", "UTF8"])
        argv = [str(programs / "postgres"), "-D", data, "-p", str(self.port), "-F", "-k", home]
        given = {"listen_addresses": "127.0.0.1", "deadlock_timeout": "200ms", **(settings or {})}
        argv += [part for name, value in given.items() for part in ("-c", "%s=%s" % (name, value))]
        with open(home + "/log", "wb") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, cwd="/", user=self.uid, group=self.uid)
        self._wait()

    def _call(self, argv: list[str]) -> None:
        env = {**os.environ, "LC_ALL": "C.UTF-8"}
        subprocess.run(argv, check=True, capture_output=True, cwd="/", user=self.uid, group=self.uid, env=env)

    def _wait(self) -> None:
        end = time.monotonic() + 30
        while True:
            try:
                self.query("postgres", "SELECT 1")
                return
            except psycopg2.OperationalError:
                assert time.monotonic() < end, self.log()
                time.sleep(0.05)

    def log(self) -> str:
        return Path(self.home, "log").read_text()

    def where(self, name: str, user: str = SUPERUSER) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.port, "user": user, "dbname": name, "sslmode": "disable"}

    def connection(self, name: str, user: str = SUPERUSER, **more: Any) -> Any:
        found = psycopg2.connect(**self.where(name, user), **more)
        found.autocommit = True
        return found

    def query(self, name: str, sql: str) -> list[tuple[Any, ...]]:
        connection = self.connection(name)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def db(self, name: str, user: str = SUPERUSER) -> postgres.Db:
        return postgres.connect(self.where(name, user))

    def stop(self) -> None:
        self.process.send_signal(2)
        self.process.wait(20)


@contextmanager
def server(major: int, **settings: str) -> Iterator[Server]:
    """A new one of that major, gone at the end with its files."""
    programs = BIN if major == 18 and BIN.exists() else postgres_majors.programs(major)
    home = tempfile.mkdtemp(prefix="pg%d-" % major, dir="/tmp")
    try:
        made = Server(home, programs, settings)
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)
