# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of the target database. The connection is the service's own role, in the database's own network."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from . import dsn
from .errors import BluegreenError

try:
    import psycopg2
    import psycopg2.extensions
except ImportError:
    PSYCOPG2_MISSING = True
else:
    PSYCOPG2_MISSING = False

# One number for every run of ours; advisory locks belong to one database, so it needs no more. ASCII "olympmig".
LOCK_KEY = 0x6F6C796D706D6967
QUERY_SECONDS = 15
# What libpq says of a server that could not prove itself or refused us -> our sentence and what to do about it.
REFUSALS = (
    (
        r"certificate verify failed",
        "PostgreSQL's certificate is not signed by the CA of the DSN",
        "let sslrootcert of the DSN (<CA> in <service>) be the CA that signed the certificate that PostgreSQL shows",
    ),
    (
        r'server certificate for (?P<shown>.+) does not match host name "(?P<host>[^"]*)"',
        "PostgreSQL's certificate is for %(shown)s, and the DSN names the host %(host)s",
        "name a host of the certificate in the DSN, or give the certificate that name",
    ),
    (
        r"server does not support SSL",
        "PostgreSQL has TLS switched off, and the sslmode of the DSN demands it",
        "switch ssl on in PostgreSQL, with a certificate for the DSN's host",
    ),
    (
        r"could not read root certificate file",
        "the CA file of the DSN is not a certificate in PEM",
        "put the CA's certificate into <CA> of <service>",
    ),
    (
        r'unrecognized configuration parameter "(?P<name>[^"]*)"',
        "the DSN has the parameter %(name)s, which neither PostgreSQL nor its drivers know",
        "remove it from the DSN, or correct its name",
    ),
    (
        r'parameter "(?P<name>[^"]*)" cannot be (changed|set)',
        "the DSN has the parameter %(name)s, which PostgreSQL lets no session set",
        "remove it from the DSN",
    ),
)

LOCK_HOLDER = """
SELECT coalesce(nullif(a.application_name, ''), 'pid ' || l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid::bigint = %s AND l.objid::bigint = %s
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# One that is being built right now is invalid too, and not ours to judge.
INVALID_INDEXES = """
SELECT i.indexrelid::regclass::text FROM pg_index i
WHERE NOT i.indisvalid AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
ORDER BY 1
"""
# One that was prepared for a two-phase commit holds its locks without a session.
LONG_TRANSACTIONS = """
SELECT what || ', ' || round(extract(epoch FROM now() - since)) || ' s' FROM (
  SELECT coalesce(nullif(application_name, ''), 'pid ' || pid) || ', ' || coalesce(state, 'unknown'), xact_start
  FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
  UNION ALL SELECT 'prepared transaction ' || gid, prepared
  FROM pg_prepared_xacts WHERE database = current_database()
) AS open (what, since) WHERE now() - since > make_interval(secs => %s) ORDER BY since
"""
# By the name that a migrator's sessions were given, as far as the asking role may end them.
SESSIONS = """
FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s AND pid <> pg_backend_pid()
AND pg_has_role(usesysid, 'MEMBER')
"""


class QueryError(BluegreenError):
    """A statement that PostgreSQL refused: ``answer`` is its first line, ``sqlstate`` its code ('' without one)."""

    answer = ""
    sqlstate = ""


class Db(Protocol):
    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of one statement, outside of a transaction; [] where it gives none."""

    def close(self) -> None: ...


class PsycopgDb:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, tuple(values) or None)
                return list(cursor.fetchall()) if cursor.description else []
        except psycopg2.Error as exc:
            error = QueryError(
                "the database refused a question: %s" % _first_line(exc),
                fix="read the database's log. The role must be able to read what it owns",
            )
            error.answer, error.sqlstate = _first_line(exc), str(exc.pgcode or "")
            raise error from exc

    def close(self) -> None:
        self._connection.close()


Enter = Callable[[], AbstractContextManager[None]]


def connect(keywords: dict[str, Any], enter: Enter = nullcontext) -> Db:
    """``enter`` enters the network from which the database is reached; the socket stays there."""
    if PSYCOPG2_MISSING:
        raise BluegreenError(dsn.NO_PSYCOPG2, fix=dsn.INSTALL)
    # The DSN alone says where and as who: a PGSSLMODE or PGHOSTADDR of the user that Ansible becomes says nothing.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    try:
        with enter():
            connection = psycopg2.connect(**keywords)
    except psycopg2.Error as exc:
        raise _refusal(str(keywords.get("dbname", "")), str(exc)) from None
    connection.autocommit = True
    db = PsycopgDb(connection)
    db.query("SET statement_timeout = '%ds'" % QUERY_SECONDS)
    return db


def libpq_version() -> int:
    """Of the library that connects: 150003 is 15.3; 0 where there is none."""
    return 0 if PSYCOPG2_MISSING else int(psycopg2.extensions.libpq_version())


def _refusal(name: str, said: str) -> BluegreenError:
    for pattern, sentence, fix in REFUSALS:
        found = re.search(pattern, said)
        if found:
            given = {key: value.replace('"', "") for key, value in found.groupdict().items()}
            return BluegreenError("can't connect to database %s: %s" % (name, sentence % given), fix=fix)
    first = said.strip().splitlines()[0] if said.strip() else "libpq says nothing"
    return BluegreenError(
        "can't connect to database %s: %s" % (name, first),
        fix="check that the database container runs, and that it is the one that the DSN names",
    )


def _first_line(exc: Exception) -> str:
    return str(exc).strip().splitlines()[0] if str(exc).strip() else type(exc).__name__


def applied(db: Db) -> frozenset[str]:
    """The versions in table schema_migration; empty where the table is not there yet."""
    if db.query("SELECT to_regclass('schema_migration')")[0][0] is None:
        return frozenset()
    return frozenset(str(row[0]) for row in db.query("SELECT version FROM schema_migration"))


def invalid_indexes(db: Db) -> tuple[str, ...]:
    """Indexes that a broken CREATE INDEX CONCURRENTLY left behind, quoted and qualified as SQL takes them."""
    return tuple(str(row[0]) for row in db.query(INVALID_INDEXES))


def try_lock(db: Db) -> bool:
    return bool(db.query("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])[0][0])


def unlock(db: Db) -> None:
    db.query("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])


def lock_holder(db: Db) -> str:
    """The application name of the session that holds the lock, '' when no session does any more."""
    rows = db.query(LOCK_HOLDER, [LOCK_KEY >> 32, LOCK_KEY & 0xFFFFFFFF])
    return str(rows[0][0]) if rows else ""


def long_transactions(db: Db, seconds: float) -> tuple[str, ...]:
    """Who has had a transaction open for longer than ``seconds``: name, state and age. A prepared one is among them."""
    return tuple(str(row[0]) for row in db.query(LONG_TRANSACTIONS, [seconds]))


def version(db: Db) -> int:
    """Of the server: 180004 is 18.4."""
    return int(db.query("SELECT current_setting('server_version_num')::int")[0][0])


def end_sessions(db: Db, application: str) -> None:
    """Sessions of this name, of programs that are gone: a server may go on with a statement that no client awaits."""
    db.query("SELECT pg_terminate_backend(pid)" + SESSIONS, [application])


def sessions(db: Db, application: str) -> int:
    return int(db.query("SELECT count(*)" + SESSIONS, [application])[0][0])
