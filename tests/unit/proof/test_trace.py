# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The locks of a migrator that is a plain role, on real servers: as the server itself shows them, and for how long."""

from __future__ import annotations

import time

import pytest
from kit.clone_bench import NativeClone
from kit.majors import Server

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.evidence import Held
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.rehearsal import locks, trace
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import sqllog

SHORT = {
    "AS": "AccessShareLock", "RS": "RowShareLock", "RX": "RowExclusiveLock", "SUX": "ShareUpdateExclusiveLock",
    "S": "ShareLock", "SRX": "ShareRowExclusiveLock", "X": "ExclusiveLock", "AX": "AccessExclusiveLock",
}  # fmt: skip


def held(clone: NativeClone, *strings: str, fails: str = "") -> list[Held]:
    begun = time.time()
    db = clone.open()
    try:
        trace.install(db)
        assert clone.migrate(*strings) == fails
        log = clone.log(begun)
        ran = sqllog.statements(log, clone.name, begun, time.time())
        return list(locks.held(trace.read(db, log), ran))
    finally:
        trace.remove(db)
        db.close()


@pytest.fixture(scope="module")
def shared(shadow: Server) -> NativeClone:
    return NativeClone(shadow, "traced").made()


def told(found: list[Held]) -> dict[str, str]:
    short = {mode: word for word, mode in SHORT.items()}
    strongest: dict[str, str] = {}
    for one in sorted(found, key=lambda held: trace.rank(held.mode)):
        strongest[one.table] = short[one.mode] + ("+" if one.rewrite else "") + ("d" if one.source != "trace" else "")
    return strongest


CASES: list[tuple[str, dict[str, str]]] = [
    ("CREATE TABLE x (id int)", {}),
    ("CREATE TABLE x (id int REFERENCES parent)", {"public.parent": "SRX"}),
    ("ALTER TABLE child ADD c int", {"public.child": "AX"}),
    ("ALTER TABLE child ADD c uuid DEFAULT gen_random_uuid()", {"public.child": "AX+"}),
    ("ALTER TABLE child ADD CONSTRAINT f FOREIGN KEY (parent_id) REFERENCES parent",
     {"public.child": "SRX", "public.parent": "SRX"}),
    ("ALTER TABLE child RENAME TO kid", {"public.child": "AX"}),
    ("DROP TABLE child", {"public.child": "AX"}),
    ("DROP INDEX child_name", {"public.child": "AX"}),
    ("ALTER INDEX child_name RENAME TO n", {"public.child_name": "SUX"}),
    ("CREATE INDEX n ON child (at)", {"public.child": "S"}),
    ("CREATE INDEX CONCURRENTLY n ON child (at)", {"public.child": "SUXd"}),
    ("DROP INDEX CONCURRENTLY child_name", {"public.child": "SUX"}),
    ("CREATE TRIGGER g BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
     {"public.child": "SRX"}),
    ("TRUNCATE child, parent", {"public.child": "AX+d", "public.parent": "AX+d"}),
    ("VACUUM FULL child", {"public.child": "AX+d"}),
    ("LOCK TABLE only other IN SHARE MODE", {}),
    ("DO $$ BEGIN EXECUTE 'TRUNCATE child'; END $$", {"public.child": "AX+d"}),
    ("UPDATE child SET name = 'x'", {"public.child": "RXd"}),
    ("BEGIN; LOCK other IN SHARE MODE; COMMIT", {"public.other": "Sd"}),
    ("BEGIN; UPDATE parent SET name = 'x'; ALTER TABLE child DROP name; COMMIT",
     {"public.parent": "RX", "public.child": "AX"}),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "wanted"), CASES)
def test_the_strongest_lock_of_each_table(shared: NativeClone, sql: str, wanted: dict[str, str]) -> None:
    shared.renew()
    fails = "25P01" if sql.startswith("LOCK") else ""
    assert told(held(shared, sql, fails=fails)) == wanted


def test_a_lock_lasts_until_its_transaction_ends(shared: NativeClone) -> None:
    """By a COMMIT of its own, at the end of a message of several statements, and where the client goes away."""
    shared.renew()
    nap = "SELECT pg_sleep(0.1)"
    found = held(shared, "BEGIN", "ALTER TABLE child ADD a int", nap, "ALTER TABLE other ADD b int", "COMMIT")
    assert [one.table for one in found] == ["public.child", "public.other"]
    assert found[0].seconds > 0.1 > found[1].seconds
    (one,) = held(shared, "ALTER TABLE parent ADD c int; " + nap)
    assert one.seconds > 0.1 and one.statement == "ALTER TABLE parent ADD c int; SELECT pg_sleep($1)"
    (lost,) = held(shared, "BEGIN", "ALTER TABLE other ADD d int", nap, "ROLLBACK")
    assert (lost.table, lost.mode) == ("public.other", "AccessExclusiveLock") and lost.seconds > 0.1
    (locked,) = held(shared, "BEGIN", "LOCK TABLE other IN SHARE MODE", nap, "COMMIT")
    assert (locked.mode, locked.source) == ("ShareLock", "documented") and locked.seconds > 0.1


def test_nothing_of_the_trace_stays(shared: NativeClone) -> None:
    shared.renew()
    held(shared, "ALTER TABLE child ADD a int")
    left = "SELECT evtname::text FROM pg_event_trigger UNION SELECT relname FROM pg_class WHERE relname LIKE 'trace%%'"
    assert shared.server.query(shared.name, left) == []


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ('truncate "A""b" , ONLY s."c"', [('A"b', "AX"), ("s.c", "AX")]),
        ("VACUUM (FULL, ANALYZE) t", [("t", "AX")]),
        ("VACUUM ANALYZE T", [("t", "SUX")]),
        ("CLUSTER VERBOSE t USING i", [("t", "AX")]),
        ("REINDEX (VERBOSE) TABLE t", [("t", "S")]),
        ("REINDEX INDEX CONCURRENTLY i", [("i", "SUX")]),
        ("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY s.t USING btree (a)", [("s.t", "SUX")]),
        ("LOCK t", [("t", "AX")]),
        ("LOCK TABLE t, u IN ROW EXCLUSIVE MODE NOWAIT", [("t", "RX"), ("u", "RX")]),
        ("WITH x AS (SELECT a FROM b) UPDATE t SET a = $1", [("t", "RX")]),
        ("INSERT INTO t (a) SELECT a FROM b FOR UPDATE", [("t", "RX")]),
        ("COPY t (a, b) FROM STDIN", [("t", "RX")]),
        ("COPY t TO STDOUT", []),
        ("SELECT a FROM t FOR UPDATE", []),
    ],
)
def test_what_has_no_event_is_read_from_its_statement(sql: str, named: list[tuple[str, str]]) -> None:
    assert list(locks.named(sql)) == [(name, SHORT[mode]) for name, mode in named]
