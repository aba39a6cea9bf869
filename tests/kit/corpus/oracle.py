# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's own answer to each case: which statements of the old program fail or answer otherwise, which locks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import sqllog
from kit.corpus import OLD, PRODUCTION, Case, Statement
from kit.majors import Server

SAFE, CHANGES, BREAKS, REFUSED = "safe", "changes", "breaks", "refused"
# Every table without its rows.
EMPTY = """
DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables
  WHERE schemaname IN ('public', 'side')); END $$
"""
# From the weakest on.
MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
TABLES = (
    "SELECT oid, format('%I.%I', relnamespace::regnamespace, relname), pg_relation_filenode(oid) FROM pg_class"
    " WHERE relkind IN ('r', 'p', 'm') AND"
    " relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_'"
    " AND nspname NOT IN ('information_schema', 'olympus_bluegreen'))"
)
# Calls what it is given: the change of a case in the clone of that name.
Around = Callable[[str, Callable[[], str]], object]
APPLICATION = sqllog.OURS + " old program"
LOCKS = "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted"


@dataclass(frozen=True)
class Answer:
    """``rows`` by the columns' names with their types, so that one more column is not another answer. ``cause``: what
    the server said."""

    ok: bool
    detail: str
    cause: str = ""
    rows: tuple[Any, ...] = ()
    types: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Truth:
    """``failing`` and ``changed``: statement -> why. ``after``: by the living session; ``crossed``: on the new
    program's rows. ``refused``: the change itself failed."""

    verdict: str
    failing: Mapping[str, str]
    changed: Mapping[str, str]
    control: Mapping[str, Answer]
    locks: Mapping[str, str]
    rewritten: frozenset[str]
    after: Mapping[str, Answer]
    crossed: Mapping[str, Answer]
    refused: str = ""


class Program:
    """The old one in one session."""

    def __init__(self, connection: Any, statements: Sequence[Statement], known: Mapping[str, Answer]) -> None:
        self.cursor, self.statements, self.known = connection.cursor(), statements, known
        # What PREPARE refused: its SQLSTATE is the statement's.
        self.refused: dict[str, str] = {}
        for one in statements:
            if one.prepared:
                self._prepare(one)

    def _prepare(self, one: Statement) -> None:
        try:
            self.cursor.execute("PREPARE %s AS %s" % (one.name, one.sql))
        except psycopg2.Error as exc:
            self.refused[one.name] = str(exc.pgcode)

    def answers(self) -> dict[str, Answer]:
        return {one.name: self._answer(one) for one in self.statements}

    def _answer(self, one: Statement) -> Answer:
        sql = "EXECUTE " + one.name if one.prepared else one.sql
        self.cursor.execute("BEGIN")
        try:
            self.cursor.execute(sql)
            names = [(column.name, column.type_code) for column in self.cursor.description or ()]
            rows = [dict(zip((name for name, _type in names), row)) for row in self.cursor.fetchall()] if names else []
            count = self.cursor.rowcount
            self.cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg2.Error as exc:
            return Answer(False, self.refused.get(one.name, str(exc.pgcode)), str(exc).splitlines()[0])
        finally:
            self.cursor.execute("ROLLBACK")
        return self._read(one, names, rows, count)

    def _read(self, one: Statement, names: list[tuple[str, int]], rows: list[dict[str, Any]], count: int) -> Answer:
        before = [name for name, _type in self.known[one.name].types] if one.name in self.known else None
        wanted = before if before is not None else [name for name, _type in names]
        missing = set(wanted) - {name for name, _type in names}
        if missing:
            return Answer(False, "no column %s" % min(missing))
        if one.strict and len(names) > len(wanted):
            return Answer(False, "missing destination name")
        if one.full and any(row[name] is None for row in rows for name in wanted):
            return Answer(False, "converting NULL")
        found = tuple(tuple(row[name] for name in wanted) for row in rows)
        return Answer(True, "%d rows" % count, "", found, tuple((name, dict(names)[name]) for name in wanted))

    def again(self) -> dict[str, Answer]:
        """What failed once is prepared again, as the drivers do; the second answer counts then."""
        found = self.answers()
        for one in self.statements:
            if one.prepared and found[one.name].detail == "0A000":
                self.cursor.execute("DEALLOCATE " + one.name)
                self._prepare(one)
                found[one.name] = self._answer(one)
        return found


class Corpus:
    """production.sql as a template on one server, once more without rows; each case in a clone."""

    def __init__(self, server: Server, statements: Sequence[Statement]) -> None:
        self.server, self.statements = server, statements
        server.query("postgres", "CREATE ROLE %s LOGIN; CREATE ROLE old_group; GRANT old_group TO %s" % (OLD, OLD))
        server.query("postgres", "CREATE DATABASE production")
        server.query("production", PRODUCTION)
        self.tables = frozenset(name for _oid, name, _file in server.query("production", TABLES))
        # A template must have no session: this one is what probes are asked of.
        for name in ("asked", "empty"):
            server.query("postgres", "CREATE DATABASE %s TEMPLATE production" % name)
        server.query("empty", EMPTY)

    @contextmanager
    def clone(self, name: str, template: str = "production") -> Iterator[str]:
        self.server.query("postgres", "CREATE DATABASE %s TEMPLATE %s" % (name, template))
        try:
            yield name
        finally:
            self.server.query("postgres", "DROP DATABASE %s WITH (FORCE)" % name)

    def truth(self, case: Case, around: Around = lambda _name, run: run()) -> Truth:
        """``around`` is called with the clone's name and what applies the change."""
        with self.clone(re.sub(r"\W", "_", "case_" + case.name)[:60]) as name:
            try:
                return self._truth(case, name, around)
            finally:
                for sql in case.undo:
                    self.server.query(name, sql)

    def _truth(self, case: Case, name: str, around: Around) -> Truth:
        living = Program(self._old(name), self.statements, {})
        control = living.answers()
        living.known = control
        applied = Applied(case, self.server, name)
        around(name, applied.run)
        once = living.answers()
        after = living.again()
        try:
            fresh = Program(self._old(name), self.statements, control).answers()
        except psycopg2.OperationalError as exc:
            fresh = {one: Answer(False, str(exc)) for one in control}
        for sql in case.new:
            self.server.query(name, sql)
        crossed = living.again() if case.new else {}
        failing = {**worse(control, after), **worse(control, fresh), **worse(control, crossed)}
        changed = {**worse(control, once), **other(control, after), **other(control, fresh)}
        changed = {key: why for key, why in changed.items() if key not in failing}
        verdict = REFUSED if applied.refused else BREAKS if failing else CHANGES if changed else SAFE
        # The fresh session's failures are the program's too.
        after = {**after, **{key: one for key, one in fresh.items() if not one.ok}}
        locks, refused = applied.strongest, applied.refused
        return Truth(verdict, failing, changed, control, locks, applied.rewritten, after, crossed, refused)

    def _old(self, name: str) -> Any:
        """It says that it is ours: a rehearsal knows of no other program beside its migration."""
        return self.server.connection(name, OLD, application_name=APPLICATION)


def worse(control: Mapping[str, Answer], found: Mapping[str, Answer]) -> dict[str, str]:
    return {key: one.detail for key, one in found.items() if control[key].ok and not one.ok}


def other(control: Mapping[str, Answer], found: Mapping[str, Answer]) -> dict[str, str]:
    """Another value, another type, or what the database refused before is let in."""
    return {
        key: "other type" if one.types != control[key].types and one.ok else "other answer"
        for key, one in found.items()
        if one.ok and (not control[key].ok or (one.rows, one.detail, one.types) != _told(control[key]))
    }


def _told(one: Answer) -> tuple[Any, ...]:
    return one.rows, one.detail, one.types


class Applied:
    """A case's change in a session of its own: why it was refused, the ``strongest`` lock of each table that was there
    before, which were ``rewritten``."""

    def __init__(self, case: Case, server: Server, name: str) -> None:
        self.case, self.server, self.name = case, server, name
        self.refused, self.rewritten = "", frozenset[str]()
        self.strongest: dict[str, str] = {}

    def run(self) -> str:
        connection = self.server.connection(self.name)
        cursor = connection.cursor()
        try:
            before = _files(cursor)
            for sql in self.case.sql if self.case.alone else ("BEGIN", *self.case.sql, "COMMIT"):
                cursor.execute(sql)
                if not self.case.alone and sql != "COMMIT":
                    self._look(cursor, before)
            after = _files(cursor)
            files = {name for oid, (name, file) in before.items() if oid in after and after[oid][1] != file}
            self.rewritten = frozenset(files)
            self.strongest.update({"public." + table: mode for table, mode in self.case.locks})
        except psycopg2.Error as exc:
            self.refused = str(exc).splitlines()[0]
        finally:
            connection.close()
        return self.refused

    def _look(self, cursor: Any, before: Mapping[int, tuple[str, int]]) -> None:
        cursor.execute(LOCKS)
        for oid, mode in cursor.fetchall():
            # ACCESS SHARE is only in the way of what takes the table away.
            if oid in before and mode != MODES[0]:
                name = before[oid][0]
                self.strongest[name] = max(self.strongest.get(name, MODES[0]), mode, key=MODES.index)


def _files(cursor: Any) -> dict[int, tuple[str, int]]:
    cursor.execute(TABLES)
    return {oid: (name, file) for oid, name, file in cursor.fetchall()}
