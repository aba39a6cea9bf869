# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The locks of a migrator that is a plain role, on real servers: as the server itself shows them, and for how long."""

from __future__ import annotations

import time

import pytest
from kit.clone_bench import NativeClone

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
        log = clone.log(begun - 1)
        ran = sqllog.statements(log, clone.name, begun - 1, time.time() + 1)
        return list(locks.held(trace.read(db, log), ran))
    finally:
        db.close()


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


# The bench compares all majors over the whole corpus; an old one shows here what it can do otherwise.
@pytest.mark.parametrize(
    ("shadow", "sql", "wanted"),
    [(major, *case) for major, cases in ((14, CASES[::4]), (18, CASES)) for case in cases],
    indirect=["shadow"],
)
def test_the_strongest_lock_of_each_table(clone: NativeClone, sql: str, wanted: dict[str, str]) -> None:
    fails = "25P01" if sql.startswith("LOCK") else ""
    assert told(held(clone, sql, fails=fails)) == wanted
