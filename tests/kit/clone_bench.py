# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clone of production's schema on a native server, and a migrator of ours that runs SQL there as a plain role."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import postgres
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import sqllog
from kit.majors import Server

# The migrator is a plain role that owns its tables and nothing else.
PLAIN = "plain"
SCHEMA = """
CREATE TABLE parent (id int PRIMARY KEY, name varchar(20));
CREATE TABLE child (id int PRIMARY KEY, parent_id int, name varchar(20), at timestamptz);
CREATE INDEX child_name ON child (name);
CREATE TABLE other (id int);
"""
# Of all clones of a server.
ORIGIN = "origin"


def originate(server: Server) -> None:
    """The role, and the database that the clones are copies of."""
    server.query("postgres", "CREATE ROLE %s LOGIN" % PLAIN)
    server.query("postgres", "CREATE DATABASE " + ORIGIN)
    server.query(ORIGIN, "GRANT ALL ON SCHEMA public TO %s; SET ROLE %s; %s" % (PLAIN, PLAIN, SCHEMA))


@dataclass
class NativeClone:
    server: Server
    name: str

    def made(self) -> NativeClone:
        self.server.query("postgres", 'CREATE DATABASE "%s" TEMPLATE %s' % (self.name, ORIGIN))
        return self

    def renew(self) -> None:
        """The schema as it was made."""
        self.server.query(self.name, "DROP OWNED BY %s; GRANT ALL ON SCHEMA public TO %s" % (PLAIN, PLAIN))
        self.migrate(SCHEMA)

    def again(self, suffix: str) -> NativeClone:
        found = NativeClone(self.server, "%s_%s" % (self.name, suffix))
        self.server.query("postgres", 'CREATE DATABASE "%s" TEMPLATE "%s_origin"' % (found.name, self.name))
        return found

    def kept(self) -> NativeClone:
        """As it is now, it is the origin of others."""
        self.server.query("postgres", 'CREATE DATABASE "%s_origin" TEMPLATE "%s"' % (self.name, self.name))
        return self

    def open(self) -> postgres.Db:
        where: dict[str, Any] = {"host": "127.0.0.1", "port": self.server.port, "user": "lab", "sslmode": "disable"}
        return postgres.connect({**where, "dbname": self.name, "application_name": sqllog.OURS + " test"})

    def log(self, since: float) -> list[str]:
        lines = Path(self.server.home, "log").read_text(errors="replace").split("\n")
        return [line for line in lines if line.startswith("\t") or line[:14] >= "%.3f" % since]

    def connection(self) -> Any:
        where: dict[str, Any] = {"host": "127.0.0.1", "port": self.server.port, "user": PLAIN, "sslmode": "disable"}
        found = psycopg2.connect(**where, dbname=self.name, application_name="migrator")
        found.autocommit = True
        return found

    def migrate(self, *strings: str) -> str:
        """Each string as one message of the client; '' or what the server says of the first that fails."""
        connection = self.connection()
        try:
            with connection.cursor() as cursor:
                for sql in strings:
                    cursor.execute(sql)
        except psycopg2.Error as exc:
            return str(exc.pgcode)
        finally:
            connection.close()
        return ""
