# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every class of change on a real server: what it is told as. ``classes.sql`` has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kit import majors
from kit.majors import Server

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.postgres import Db
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.changes import Change
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.difference import changes
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.snapshot import Snapshot, look, take

BASE, _line, TEXT = Path(__file__).with_name("classes.sql").read_text().partition("\n-----\n")
CASES = [(sql.strip(), told.split()) for sql, _arrow, told in (line.rpartition("=>") for line in TEXT.splitlines())]
# In a database of its own: no transaction takes it.
ALONE = [
    ("REINDEX TABLE CONCURRENTLY parents", []),
    ("CREATE INDEX CONCURRENTLY i ON parents (u)", ["add_index:SAFE"]),
    ("DROP INDEX CONCURRENTLY parents_n", ["drop_index:CONDITIONAL"]),
    ("ALTER TABLE pt DETACH PARTITION pt1 CONCURRENTLY", ["detach_partition:BREAKS", "add_check:CONDITIONAL"]),
    ("VACUUM FULL parents", ["new_file:SAFE"]),
    ("ALTER TYPE mood ADD VALUE 'new' BEFORE 'ok'", ["add_label:CONDITIONAL"]),
]
NEWER = {
    15: [("CREATE UNIQUE INDEX i ON parents (note) NULLS NOT DISTINCT", ["add_unique:CONDITIONAL"])],
    17: [("ALTER TABLE t ALTER g SET EXPRESSION AS (id * 3)", ["set_expression:CONDITIONAL"])],
    18: [
        ("ALTER TABLE parents ADD CONSTRAINT c NOT NULL n NOT VALID", ["set_not_null:CONDITIONAL"]),
        ("ALTER TABLE parents ADD CONSTRAINT c CHECK (n > 1) NOT ENFORCED", ["add_not_enforced:SAFE"]),
        ("ALTER TABLE t ALTER CONSTRAINT t_fk NOT ENFORCED", ["unenforce:CONDITIONAL"]),
        ("ALTER TABLE t ADD x int GENERATED ALWAYS AS (id + 1)", ["add_column", "add_computed_column"]),
    ],
}


@contextmanager
def prepared(server: Server, name: str) -> Iterator[Db]:
    server.query("postgres", "CREATE DATABASE %s" % name)
    db = server.db(name)
    try:
        if not server.query("postgres", "SELECT 1 FROM pg_roles WHERE rolname = 'app'"):
            server.query("postgres", "CREATE ROLE app")
        db.query(BASE)
        yield db
    finally:
        db.close()
        server.query("postgres", "DROP DATABASE %s" % name)


@pytest.fixture(scope="module")
def db(server: Server) -> Iterator[Db]:
    with prepared(server, "classes") as found:
        found.query("SET jit = off")
        yield found


@pytest.fixture(scope="module")
def before(db: Db) -> Snapshot:
    return take(db)


def told(db: Db, before: Snapshot, sql: str) -> tuple[Change, ...]:
    db.query("BEGIN")
    try:
        db.query(sql)
        return changes(before, look(db))
    finally:
        db.query("ROLLBACK")


def agrees(found: tuple[Change, ...], expected: list[str]) -> bool:
    """Each expected class once, with its rating where one is expected."""
    left = ["%s:%s" % (one.what, one.rating) for one in found]
    for one in sorted(expected, key=lambda name: ":" not in name):
        match = next((name for name in left if name == one or name.startswith(one + ":")), None)
        if match is None:
            return False
        left.remove(match)
    return not left


@pytest.mark.parametrize(("sql", "expected"), CASES, ids=[sql for sql, _told in CASES])
def test_a_class_is_told_as_what_it_is(db: Db, before: Snapshot, sql: str, expected: list[str]) -> None:
    found = told(db, before, sql.replace("DATABASE c1", "DATABASE classes"))
    assert agrees(found, expected), [(one.what, one.rating, one.text) for one in found]


@pytest.mark.parametrize(("sql", "expected"), [pair for news in NEWER.values() for pair in news])
def test_what_newer_majors_have(db: Db, before: Snapshot, sql: str, expected: list[str]) -> None:
    found = told(db, before, sql)
    assert agrees(found, expected), [(one.what, one.rating, one.text) for one in found]


def test_what_runs_in_no_transaction(server: Server) -> None:
    with prepared(server, "alone") as db:
        before = take(db)
        for sql, expected in ALONE:
            db.query(sql)
            after = take(db)
            assert agrees(changes(before, after), expected), (sql, [str(one) for one in changes(before, after)])
            before = after


def test_an_index_that_was_left_invalid_is_said(server: Server) -> None:
    with prepared(server, "invalid") as db:
        db.query("INSERT INTO parents (id, n) VALUES (1, 5), (2, 5)")
        before = take(db)
        with pytest.raises(Exception, match="could not create unique index"):
            db.query("CREATE UNIQUE INDEX CONCURRENTLY i ON parents (n)")
        found = changes(before, take(db))
        assert agrees(found, ["invalid_index:CONDITIONAL", "add_unique:CONDITIONAL"])
        assert "index public.i was left invalid, and refuses a second of the same (23505)" in map(str, found)


def test_our_own_schema_and_what_is_temporary_are_not_looked_at(db: Db, before: Snapshot) -> None:
    sql = (
        "CREATE SCHEMA olympus_bluegreen; CREATE TABLE olympus_bluegreen.x (id int); CREATE TEMP TABLE y (id int);"
        " CREATE FUNCTION olympus_bluegreen.e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        " CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION olympus_bluegreen.e()"
    )
    assert told(db, before, sql) == ()


@pytest.mark.parametrize(
    ("sql", "sizes"),
    [
        ("TRUNCATE parents CASCADE", ["empty_table:BREAKS"]),
        ("TRUNCATE parents CASCADE; ALTER TABLE parents ADD x int", ["empty_table:BREAKS", "add_column"]),
        ("VACUUM FULL parents", ["new_file:CONDITIONAL"]),
        ("CLUSTER parents USING parents_pkey", ["new_file:CONDITIONAL"]),
        ("ALTER TABLE parents ALTER note TYPE text USING lower(note)", ["new_file:CONDITIONAL"]),
        (
            "ALTER TABLE parents ADD x uuid DEFAULT gen_random_uuid(); ALTER TABLE parents ALTER x DROP DEFAULT",
            ["add_column"],
        ),
    ],
)
def test_a_new_file_is_told_by_what_became_of_the_rows(server: Server, sql: str, sizes: list[str]) -> None:
    with prepared(server, "files") as db:
        db.query("INSERT INTO parents (id, n) VALUES (1, 5), (2, 5)")
        before = take(db)
        db.query(sql)
        assert agrees(tuple(one for one in changes(before, take(db)) if one.table == "public.parents"), sizes)


@pytest.mark.slow
@pytest.mark.parametrize("major", [14, 15, 16, 17])
def test_no_major_tells_a_class_otherwise(major: int) -> None:
    with majors.server(major) as server, prepared(server, "classes") as db:
        before, wrong = take(db), []
        newer = [pair for since, news in NEWER.items() if since <= major for pair in news]
        for sql, expected in CASES + newer:
            found = told(db, before, sql.replace("DATABASE c1", "DATABASE classes"))
            if not agrees(found, expected):
                wrong.append((sql, [(one.what, one.rating) for one in found]))
        assert wrong == []
