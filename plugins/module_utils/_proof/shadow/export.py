# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Production's schema, and as much of its rows as a rehearsal needs, in one snapshot and a private directory.

It is only read: in READ ONLY transactions, under no lock but ACCESS SHARE, and none is waited for longer than a moment.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from ..._core.dsn import Dsn
from ..._core.errors import BluegreenError, CommandError
from ..._core.postgres import Db, QueryError
from ..._schema.catalog import snapshot
from ..._schema.oneshot import Finished
from . import guard, production_catalog
from .exported import DUMP, LOOKUP, SAMPLE, SCHEMA, Export, Sample
from .production_catalog import Described, Table

# A lookup table has no more rows than this; a sample has as many of each other table.
SMALL = 500
# So long is a lock waited for, and a question answered.
LOCK_MS, QUESTION_MS = 2000, 5000
# Tables in which migrators of many kinds keep what is applied. Without their rows a program starts from zero.
MIGRATIONS = re.compile(
    r"migrat|alembic_version|databasechangelog|flyway|goose_db_version|schema_(version|history|info|revision)"
    r"|sequelizemeta|ar_internal_metadata|phinxlog",
    re.IGNORECASE,
)
MOST = 20000
LOCKED, TOO_LONG, NO_TABLE, NO_RIGHT = "55P03", "57014", "42P01", "42501"
FIX_ROLE = "give bluegreen_rehearsal_dsn the address of a role that may read all of it (GRANT pg_read_all_data)"
FIX_IMAGE = "name an image of PostgreSQL %d in bluegreen_rehearsal_image"
TIMED_OUT = re.compile(r"canceling statement due to (lock|statement) timeout")
# What keeps a reader out.
HELD = """
SELECT l.relation::regclass::text || ' is locked', coalesce(nullif(a.application_name, ''), 'pid ' || l.pid)
FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND l.locktype = 'relation'
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 1
"""


class Production(Protocol):
    """One database of production, as a session of ours and as PostgreSQL's own programs reach it."""

    @property
    def address(self) -> Dsn: ...

    def open(self) -> Db: ...

    def program(self, words: Sequence[str], directory: str) -> Finished:
        """Run it with ``directory`` as its own; where the database is comes by its environment."""


def export(production: Production, directory: str, data: str = LOOKUP, applied_query: str = "") -> Export:
    """``data``: lookup, schema, sample, or the path of a file that pg_dump made. ``directory`` is made for this alone.

    ``applied_query``: how any migrator tells what is applied. Raises BluegreenError.
    """
    os.mkdir(directory, 0o700)
    db = production.open()
    try:
        _careful(db)
        identity = guard.identity(db)
        name = _begun(db)
        schema = snapshot.look(db)
        found = production_catalog.describe(db)
        given = _Reading(production, directory, db, found, name)
        rows = given.backup(data) if data.startswith("/") else given.dump(data, applied_query)
    except QueryError as exc:
        if exc.sqlstate != LOCKED:
            raise
        raise _locked(db) from None
    finally:
        db.close()
    return Export(
        database=production.address.database,
        directory=directory,
        server=guard.production(identity, production.address),
        schema=schema,
        **{key: getattr(found, key) for key in OF_DESCRIBED},
        **rows,
    )


OF_DESCRIBED = ("version", "owner", "role", "locale", "roles", "settings", "grants", "extensions")


def _careful(db: Db) -> None:
    """It waits for no lock for long, and production's own limits do not end it half way."""
    db.query("SET default_transaction_read_only = on")
    db.query("SET lock_timeout = %d" % LOCK_MS)
    db.query("SET statement_timeout = %d" % QUESTION_MS)
    for name in ("idle_in_transaction_session_timeout", "transaction_timeout", "idle_session_timeout"):
        db.query("SELECT set_config(name, '0', false) FROM pg_settings WHERE name = %s", [name])


def _begun(db: Db) -> str:
    """The snapshot that this transaction and all that read beside it see."""
    db.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    return str(db.query("SELECT pg_export_snapshot()")[0][0])


class _Reading:
    """``snapshot_name`` lives as long as the transaction that ``db`` is in."""

    def __init__(self, production: Production, directory: str, db: Db, found: Described, snapshot_name: str) -> None:
        self._production, self._directory = production, directory
        self._db, self._found, self._name = db, found, snapshot_name

    def backup(self, path: str) -> dict[str, Any]:
        """A dump that is there already. What is wrong with its rows shows when it is restored."""
        try:
            with open(path, "rb") as handle:
                begin = handle.read(5)
            if begin[:2] == b"\x1f\x8b" or begin == b"toc.d":
                raise _no_backup(path, "it is packed in another form")
            shutil.copyfile(path, os.path.join(self._directory, DUMP))
        except OSError as exc:
            raise _no_backup(path, str(exc.strerror)) from exc
        return {"plain": begin != b"PGDMP"}

    def dump(self, data: str, applied_query: str) -> dict[str, Any]:
        if data not in (LOOKUP, SCHEMA, SAMPLE):
            raise BluegreenError(
                "unknown kind of data",
                option="rehearsal_data",
                value=data,
                fix="give lookup, schema, sample, or the absolute path of a file that pg_dump made",
            )
        kept = self._migrations(applied_query)
        if data != SCHEMA:
            kept |= production_catalog.lookups(self._found, lambda table: self._few(table, SMALL))
        others = [one for one in self._found.tables if one.kind == "r" and one.oid not in kept]
        out = ["--exclude-table-data=" + one.pattern for one in others]
        words = ["pg_dump", "--format=custom", "--compress=0", "--no-sync", "--no-password", "--file=" + DUMP]
        words += ["--no-subscriptions", "--no-security-labels", "--no-blobs", "--snapshot=" + self._name]
        self._ran([*words, "--lock-wait-timeout=%d" % LOCK_MS, *out])
        return {
            "loaded": tuple(one.name for one in self._found.tables if one.oid in kept),
            "samples": self._sampled([one for one in others if one.readable]) if data == SAMPLE else (),
            "links": tuple(one.link for one in self._found.links if one.whole) if data == SAMPLE else (),
        }

    def _ran(self, words: Sequence[str]) -> None:
        ended = self._production.program(words, self._directory)
        if ended.rc != 0:
            raise _locked(self._db) if TIMED_OUT.search(ended.log) else _why(words[0], ended, self._found)

    def _migrations(self, applied_query: str) -> set[int]:
        named = self._read_by(applied_query) if applied_query else set()
        return {
            one.oid
            for one in self._found.tables
            if one.kind == "r"
            and ((one.schema, one.plain) in named or (MIGRATIONS.search(one.plain) and self._few(one, MOST)))
        }

    def _read_by(self, sql: str) -> set[tuple[str, str]]:
        """The tables that the question reads, by PostgreSQL's own plan of it."""
        try:
            return set(_relations(self._asked("EXPLAIN (VERBOSE, FORMAT JSON) " + sql)[0][0]))
        except QueryError as exc:
            if exc.sqlstate in (NO_TABLE, NO_RIGHT):
                return set()
            raise

    def _few(self, table: Table, most: int) -> bool:
        """Counted in the snapshot. One that takes long to count has had many rows, so it is none."""
        if not table.readable:
            return False
        question = "SELECT count(*) FROM (SELECT FROM ONLY %s LIMIT %d) x" % (table.name, most + 1)
        try:
            return int(self._asked(question)[0][0]) <= most
        except QueryError as exc:
            if exc.sqlstate == TOO_LONG:
                return False
            raise

    def _asked(self, sql: str) -> list[tuple[Any, ...]]:
        """A refusal does not end the transaction that the snapshot lives by."""
        self._db.query("SAVEPOINT question")
        try:
            return self._db.query(sql)
        finally:
            self._db.query("ROLLBACK TO question")

    def _sampled(self, tables: Sequence[Table]) -> tuple[Sample, ...]:
        """The first rows of each table, in files that psql writes in the same snapshot."""
        found = []
        lines = ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;", "SET TRANSACTION SNAPSHOT '%s';" % self._name]
        lines += ["SET LOCAL lock_timeout = %d;" % LOCK_MS, "SET LOCAL statement_timeout = 0;"]
        for table in tables:
            columns = tuple(str(row[0]) for row in self._db.query(production_catalog.COLUMNS, [table.oid]))
            if columns:
                one = Sample(table.name, columns, "rows-%d" % table.oid)
                found.append(one)
                query = "SELECT %s FROM ONLY %s LIMIT %d" % (", ".join(columns), table.name, SMALL)
                lines.append("\\copy (%s) TO '%s'" % (query, one.file))
        script = os.path.join(self._directory, "sample.sql")
        with open(os.open(script, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as handle:
            handle.write("\n".join([*lines, "COMMIT;", ""]))
        self._ran(["psql", "-X", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-f", "sample.sql"])
        return tuple(found)


def _relations(plan: Any) -> Iterator[tuple[str, str]]:
    """(schema, table) of every node."""
    if isinstance(plan, dict):
        if "Relation Name" in plan:
            yield str(plan.get("Schema", "")), str(plan["Relation Name"])
        plan = list(plan.values())
    if isinstance(plan, list):
        for part in plan:
            yield from _relations(part)


def _no_backup(path: str, why: str) -> BluegreenError:
    return BluegreenError(
        "it is no backup that can be restored: %s" % why,
        option="rehearsal_data",
        value=path,
        fix="name a file that pg_dump wrote as plain text or with --format=custom",
    )


def _locked(db: Db) -> BluegreenError:
    """Names what is locked, and by which session."""
    db.query("ROLLBACK")
    held = ["%s by %s" % (table, holder) for table, holder in db.query(HELD)]
    what = "production can't be read for the rehearsal: %s" % (", ".join(held[:3]) or "a lock was not free in time")
    fix = "end that session or wait for it, and run the stage again"
    return BluegreenError(what, fix=fix)


def _why(program: str, ended: Finished, found: Described) -> BluegreenError:
    """What kept the program from it. Its words hold names, no rows."""
    denied = re.search(r"permission denied for (\w+ \S+)", ended.log)
    if denied:
        return BluegreenError("role %s may not read %s of production" % (found.role, denied.group(1)), fix=FIX_ROLE)
    if "version mismatch" in ended.log or "unsupported version" in ended.log:
        major = found.version // 10000
        what = "the %s of the image is older than production, which is PostgreSQL %d" % (program, major)
        return BluegreenError(what, fix=FIX_IMAGE % major)
    lines = [line.strip() for line in ended.log.splitlines() if re.search(r"error|ERROR|not found", line)]
    return CommandError(
        "%s of production ended with %d: %s" % (program, ended.rc, " | ".join(lines[:2])[:300] or "it said nothing"),
        fix="check that the image of bluegreen_rehearsal_image has PostgreSQL's client programs",
    )
