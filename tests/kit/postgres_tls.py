# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL with TLS, and our sessions in it as a service's container would have them opened."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import dsn
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import podman as core
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import postgres as database
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import db_session
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.service_files import View
from kit import ory_native as native

PASSWORD = "canary-of-the-role"
INSIDE = "/etc/ssl/certs/pg-ca.crt"
PROJECT = {core.COMPOSE_PROJECT: "prod"}
HBA = "host all lab all trust\nhostssl all k all scram-sha-256\nhostssl all bearer all cert\nhost all plain all trust\n"
SQL = "CREATE ROLE k LOGIN PASSWORD '%s'; CREATE ROLE bearer LOGIN; CREATE ROLE plain LOGIN" % PASSWORD


def nobody(_pid: int) -> AbstractContextManager[None]:
    """The server listens on this machine's loopback: there is no other network to enter."""
    return nullcontext()


def openssl(where: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=where, check=True, capture_output=True)


def authority(where: Path, name: str) -> None:
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    openssl(where, *new, "-keyout", name + ".key", "-out", name + ".crt", "-subj", "/CN=" + name)


def signed(where: Path, name: str, by: str) -> None:
    """As the platform's deployment signs it: a common name and no other."""
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name]
    openssl(where, *new, "-keyout", name + ".key", "-out", name + ".csr")
    sign = ["x509", "-req", "-days", "2", "-in", name + ".csr", "-CA", by + ".crt", "-CAkey", by + ".key"]
    openssl(where, *sign, "-CAcreateserial", "-out", name + ".crt")


@dataclass
class Server:
    postgres: native.Postgres
    files: Path

    def url(self, user: str = "k:" + PASSWORD, host: str = "postgres", **parameters: str) -> str:
        query = "&".join("%s=%s" % pair for pair in parameters.items())
        return "postgres://%s@%s:%d/kratos?%s" % (user, host, self.postgres.port, query)

    def container(self, *aliases: str) -> dict[str, Any]:
        member = {"IPAddress": "127.0.0.1", "Aliases": list(aliases)}
        return {
            "Name": "prod_postgres_1",
            "State": {"Pid": os.getpid()},
            "NetworkSettings": {"Networks": {"prod": member}},
        }

    def view(self, ca: str = "ca.crt", **more: Any) -> View:
        mounts = ({"Source": str(self.files / ca), "Destination": INSIDE},)
        given: dict[str, Any] = {"mounts": mounts, "workdir": lambda: "/etc/ssl/certs", **more}
        return View("ciam-kratos", **given)

    def open(self, url: str, view: View | None = None, *aliases: str) -> database.Db:
        servers = [self.container("postgres", *aliases)]
        used = view or self.view()
        return db_session.open_session(dsn.parse(url), "us", used, servers, enter=nobody)

    def asked(self, url: str, sql: str, view: View | None = None) -> Any:
        db = self.open(url, view)
        try:
            return db.query(sql)[0][0]
        finally:
            db.close()

    def refused(self, url: str, view: View | None = None, *aliases: str) -> str:
        with pytest.raises(BluegreenError) as caught:
            self.open(url, view, *aliases)
        assert PASSWORD not in str(caught.value) and caught.value.__cause__ is None
        return str(caught.value)


@contextmanager
def serving(where: Path) -> Iterator[Server]:
    for name in ("ca", "stranger"):
        authority(where, name)
    for name in ("postgres", "bearer"):
        signed(where, name, "ca")
    processes = native.Processes(where)
    postgres = native.Postgres(processes)
    try:
        postgres.create("kratos")
        postgres.execute("postgres", SQL)
        with_tls(postgres, where)
        yield Server(postgres, where)
    finally:
        processes.stop()
        postgres.remove()


def with_tls(postgres: native.Postgres, where: Path) -> None:
    there = Path(postgres.directory)
    for name in ("postgres.crt", "postgres.key", "ca.crt"):
        shutil.copy(where / name, there / name)
        (there / name).chmod(0o600)
        if os.getuid() == 0:
            os.chown(there / name, pwd.getpwnam("postgres").pw_uid, -1)
    (there / "pg_hba.conf").write_text(HBA)
    settings = {"ssl_cert_file": "postgres.crt", "ssl_key_file": "postgres.key", "ssl_ca_file": "ca.crt", "ssl": "on"}
    for name, value in settings.items():
        postgres.execute("postgres", "ALTER SYSTEM SET %s = '%s'" % (name, value))
    reload(postgres, "on")


def reload(postgres: native.Postgres, ssl: str) -> None:
    postgres.execute("postgres", "ALTER SYSTEM SET ssl = '%s'" % ssl)
    postgres.execute("postgres", "SELECT pg_reload_conf()")

    def shown() -> bool:
        with psycopg2.connect(postgres.dsn("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW ssl")
            return bool(cursor.fetchone() == (ssl,))

    native.eventually("PostgreSQL has ssl " + ssl, shown)
