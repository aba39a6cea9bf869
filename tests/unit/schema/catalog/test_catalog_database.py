# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""On a real server: a digest that a dump keeps, what production's rows say, and a bridge's first text."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.majors import BIN, SUPERUSER, Server

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.postgres import Db
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import bridge, sql_text
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog import probes, skeleton
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.changes import SAFE, Change
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.difference import changes
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.snapshot import (
    differences,
    digest,
    look,
    take,
)

BASE = Path(__file__).with_name("classes.sql").read_text().partition("\n-----\n")[0]
# What PostgreSQL writes otherwise once it has read its own text, and what a dump has its own way with.
ODD = """
CREATE TABLE chk (a varchar(10) CHECK (a IN ('x','y')), b text CHECK (b = ANY (ARRAY['q','r'])),
  c varchar CHECK (c::text ~ 'a' OR c IS NULL), e char(3) DEFAULT 'abc', g bpchar CHECK (g IN ('k','l')),
  h varchar(5)[] DEFAULT '{}', CHECK (a <> 'x' OR (b = 'q' AND c IN ('m','n'))));
CREATE INDEX chk_e ON chk ((a || '-' || b), lower(c)) WHERE b <> 'z' AND c IN ('a');
CREATE VIEW vv AS SELECT a, CASE WHEN a IN ('x','z') THEN 1 ELSE 2 END AS q FROM chk WHERE c IN ('u','w');
CREATE DOMAIN code AS varchar(4) DEFAULT 'aa' NOT NULL CHECK (VALUE IN ('aa','bb'));
ALTER TABLE parents DROP note; ALTER TABLE parents ADD note text COLLATE "C";
ALTER TABLE parents ADD CONSTRAINT nv CHECK (n > 0) NOT VALID;
ALTER TABLE pt ADD PRIMARY KEY (id); CREATE INDEX ON pt (k); CREATE TABLE inherits_it () INHERITS (other.thing);
CREATE FUNCTION at(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a + 1; END;
CREATE AGGREGATE ag(int) (sfunc = int4pl, stype = int); CREATE TYPE rng AS RANGE (subtype = float8);
CREATE TABLE v18 (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL, c int);
ALTER TABLE v18 ADD CONSTRAINT nn NOT NULL c NOT VALID; ALTER TABLE v18 ADD CHECK (a > 0) NOT ENFORCED
"""
NUMBERS = itertools.count()


@pytest.fixture
def db(server: Server) -> Iterator[Db]:
    name = "catalog_%d" % next(NUMBERS)
    server.query("postgres", "CREATE DATABASE %s" % name)
    for role in ("app", "plain LOGIN"):
        if not server.query("postgres", "SELECT 1 FROM pg_roles WHERE rolname = '%s'" % role.split()[0]):
            server.query("postgres", "CREATE ROLE %s" % role)
    found = server.db(name)
    yield found
    found.close()
    server.query("postgres", "DROP DATABASE %s WITH (FORCE)" % name)


def dumped(server: Server, db: Db, into: str) -> None:
    """The schema alone, without owners and rights."""
    env = {**os.environ, "LD_LIBRARY_PATH": str(BIN.parent / "lib")}
    where = ["-h", "127.0.0.1", "-p", str(server.port), "-U", SUPERUSER]
    name = str(db.query("SELECT current_database()")[0][0])
    dump = [str(BIN / "pg_dump"), *where, "-s", "-O", "-x", name]
    text = subprocess.run(dump, env=env, capture_output=True, text=True, check=True).stdout
    read = [str(BIN / "psql"), *where, "-q", "-v", "ON_ERROR_STOP=1", into]
    subprocess.run(read, env=env, input=text, capture_output=True, text=True, check=True)


@pytest.mark.skipif(not (BIN / "pg_dump").exists(), reason="no pg_dump in %s" % BIN)
def test_a_dump_of_the_schema_has_the_same_digest_and_a_change_has_another(server: Server, db: Db) -> None:
    db.query(BASE + ODD)
    server.query("postgres", "CREATE DATABASE restored")
    try:
        dumped(server, db, "restored")
        other = server.db("restored")
        one, two = take(db), take(other)
        assert differences(one, two) == []
        assert digest(one) == digest(two)
        other.query("ALTER TABLE parents ALTER n SET NOT NULL; DROP VIEW vv; CREATE TABLE more (id int)")
        assert digest(one) != digest(take(other))
        assert differences(one, take(other)) == [
            "column public.more.id is new",
            "column public.parents.n differs in checked, not_null",
            "column public.vv.a is gone",
            "column public.vv.q is gone",
            "table public.more is new",
            "view public.vv is gone",
        ]
        other.close()
    finally:
        server.query("postgres", "DROP DATABASE restored")


def test_a_role_without_rights_sees_the_same(server: Server, db: Db) -> None:
    db.query(BASE)
    plain = server.db(str(db.query("SELECT current_database()")[0][0]), "plain")
    try:
        assert digest(take(plain)) == digest(take(db))
        # Nothing of the session is left behind.
        assert plain.query("SHOW search_path") == db.query("SHOW search_path")
    finally:
        plain.close()


ROWS = """
CREATE TABLE "Odd T" (id int PRIMARY KEY, "a ""b" text, n int, wide varchar(40), big bigint, num numeric(10,2));
INSERT INTO "Odd T" VALUES (1, NULL, 5, 'longer than ten characters', 3000000000, 12345.67),
  (2, 'secret', 5, 'x', 1, 1);
CREATE TABLE kids (id int, parent int, m int); INSERT INTO kids VALUES (1, 1, 1), (2, 99, 2), (3, NULL, NULL);
CREATE DOMAIN small AS int; CREATE TABLE dom (s small); INSERT INTO dom VALUES (500);
"""
# SQL of a migration -> what the rows say to it.
ASKED = [
    ('ALTER TABLE "Odd T" ALTER "a ""b" SET NOT NULL', "violated"),
    ('ALTER TABLE "Odd T" ALTER n SET NOT NULL', "holds"),
    ('ALTER TABLE "Odd T" ADD UNIQUE (n)', "violated"),
    ('ALTER TABLE "Odd T" ADD UNIQUE ("a ""b")', "holds"),
    ('CREATE UNIQUE INDEX ON "Odd T" (n) WHERE id > 1', "holds"),
    ('CREATE UNIQUE INDEX ON "Odd T" ((n / 2))', "violated"),
    ("CREATE UNIQUE INDEX ON kids (m) NULLS NOT DISTINCT", "holds"),
    ('ALTER TABLE kids ADD FOREIGN KEY (parent) REFERENCES "Odd T"', "violated"),
    ('ALTER TABLE kids ADD FOREIGN KEY (m) REFERENCES "Odd T"', "holds"),
    ('ALTER TABLE "Odd T" ADD CHECK (n > 5)', "violated"),
    ('ALTER TABLE "Odd T" ADD CHECK (n > 4)', "holds"),
    ('ALTER TABLE "Odd T" ADD CHECK (n > 5) NOT VALID', None),
    ('ALTER TABLE "Odd T" ALTER wide TYPE varchar(10)', "violated"),
    ('ALTER TABLE "Odd T" ALTER wide TYPE varchar(30)', "holds"),
    ('ALTER TABLE "Odd T" ALTER big TYPE int', "violated"),
    ('ALTER TABLE "Odd T" ALTER num TYPE numeric(6,2)', "violated"),
    ('ALTER TABLE "Odd T" ALTER num TYPE numeric(8,2)', "holds"),
    ('ALTER TABLE "Odd T" ALTER num TYPE numeric(10,1)', "violated"),
    ("ALTER DOMAIN small ADD CHECK (VALUE < 100)", "violated"),
    ("ALTER DOMAIN small ADD CHECK (VALUE < 1000)", "holds"),
    ('ALTER TABLE "Odd T" ADD x int UNIQUE', None),
    ('ALTER TABLE "Odd T" ADD x int, ADD UNIQUE (x, n)', None),
]


def test_production_says_what_it_can_not_take(server: Server, db: Db) -> None:
    db.query(ROWS)
    wrong = []
    before = take(db)
    for sql, answer in ASKED:
        # The rehearsal has the schema, and no rows.
        db.query("BEGIN")
        db.query('TRUNCATE "Odd T", kids, dom')
        shadow = look(db)
        db.query(sql)
        found = changes(shadow, look(db))
        db.query("ROLLBACK")
        answers = [said for _change, said, _why in probes.ask(db, found, 5)]
        if answers != ([answer] if answer else []):
            wrong.append((sql, answers, [one.probe for one in found]))
    assert wrong == []
    assert changes(before, take(db)) == ()


def test_no_answer_is_unknown_with_its_reason_and_never_a_value(server: Server, db: Db) -> None:
    db.query("CREATE TABLE t (c text); INSERT INTO t VALUES ('secret')")
    plain = server.db(str(db.query("SELECT current_database()")[0][0]), "plain")

    def asked(probe: str, of: Db = db) -> tuple[str, str]:
        ((_change, answer, why),) = probes.ask(of, [Change("column", "c", "w", "text", SAFE, probe=probe)], 0.3)
        return answer, why

    assert asked("SELECT pg_sleep(5)") == ("unknown", "no answer within the time limit")
    assert asked("SELECT 1 FROM public.t WHERE c::int > 1") == (
        "unknown",
        "PostgreSQL refuses the question (SQLSTATE 22P02)",
    )
    assert asked("SELECT 1 FROM public.t", plain) == ("unknown", "the role may not read it")
    assert asked("INSERT INTO public.t VALUES ('x') RETURNING 1")[0] == "unknown"
    assert asked("SELECT 1 FROM public.gone") == ("unknown", "production does not have the table")
    holder = server.connection(str(db.query("SELECT current_database()")[0][0]))
    holder.autocommit = False
    holder.cursor().execute("LOCK TABLE t")
    assert asked("SELECT 1 FROM public.t")[1] in ("the table is locked", "no answer within the time limit")
    holder.close()
    plain.close()


DEVICES = """
CREATE TABLE identities (id uuid PRIMARY KEY);
CREATE TABLE sessions (id uuid PRIMARY KEY, "identity" uuid NOT NULL REFERENCES identities);
CREATE TABLE "dev'ices" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), session_id uuid NOT NULL REFERENCES sessions);
INSERT INTO identities VALUES ('00000000-0000-0000-0000-00000000000a');
INSERT INTO sessions VALUES ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-00000000000a');
"""
OLD = "INSERT INTO \"dev'ices\" (session_id) VALUES ('00000000-0000-0000-0000-00000000000b')"
NEW = 'ALTER TABLE "dev\'ices" ADD identity_id uuid REFERENCES identities'


def test_a_bridge_s_first_text_fills_the_column_along_the_foreign_key(db: Db) -> None:
    db.query(DEVICES)
    before = take(db)
    db.query("BEGIN")
    db.query('%s; ALTER TABLE "dev\'ices" ALTER identity_id SET NOT NULL, ADD "o\'ther" int NOT NULL' % NEW)
    after = look(db)
    db.query("ROLLBACK")
    text = skeleton.bridge(after, changes(before, after))
    sql_text.refuse_unfit(text)
    assert text.count("TODO") == 2
    # It is a bridge by the rules of bridges: installed before the column is there.
    made = bridge.install(db, [bridge.Bridge("first", text, "")])
    assert [thing.kind for thing in made[0].made] == ["function", "trigger"]
    db.query(OLD)
    db.query('DELETE FROM "dev\'ices"; %s; ALTER TABLE "dev\'ices" ALTER identity_id SET NOT NULL' % NEW)
    db.query(OLD)
    assert db.query('SELECT count(*) FROM "dev\'ices" d JOIN identities i ON i.id = d.identity_id') == [(1,)]
    assert skeleton.bridge(after, []) == ""
