# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration rehearsed on real servers: what it locked, wrote, ran and stalled, also where it fails."""

from __future__ import annotations

import threading
import time

import pytest
from kit.clone_bench import NativeClone

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.evidence import Rehearsed
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.rehearsal import contention, duration
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.rehearsal.rehearse import rehearse


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows enough to tell one from none; the rates themselves are the bench's."""
    monkeypatch.setattr(duration, "ROWS", 12_000)


def rehearsed(clone: NativeClone, *strings: str, **how: object) -> Rehearsed:
    return rehearse(clone, lambda name: clone.migrate(*strings), **how)  # type: ignore[arg-type]


def test_a_migration_is_known_by_all_that_it_did(clone: NativeClone) -> None:
    clone.migrate(
        "INSERT INTO parent VALUES (1, 'one')", "INSERT INTO child SELECT g, 1 FROM generate_series(1, 600) g"
    )
    found = rehearsed(
        clone,
        "ALTER TABLE child ADD secret text",
        "BEGIN",
        "UPDATE child SET secret = 'hunter2' WHERE id < 101",
        "INSERT INTO parent VALUES (2, 'it''s')",
        "COMMIT",
    )
    assert (found.failed, found.lookups) == ("", ("public.parent",))
    assert found.rows == {"public.child": 100, "public.parent": 1}
    assert found.started != found.rehearsed
    assert [ran.sql for ran in found.statements] == [
        "ALTER TABLE child ADD secret text",
        "BEGIN",
        "UPDATE child SET secret = '...' WHERE id < $1",
        "INSERT INTO parent VALUES ($1, '...')",
        "COMMIT",
    ]
    strongest = [(held.table, held.mode) for held in found.locks]
    assert strongest == [
        ("public.child", "AccessExclusiveLock"),
        ("public.child", "RowExclusiveLock"),
        ("public.parent", "RowExclusiveLock"),
    ]
    assert set(found.stalls) == {"public.child", "public.other", "public.parent"}


def test_a_migration_that_fails_is_told_with_what_it_locked(clone: NativeClone) -> None:
    found = rehearsed(clone, "BEGIN", "ALTER TABLE child ADD c int", "ALTER TABLE child ADD id int")
    assert (found.failed, found.changes) == ("42701", ()) and found.started == found.rehearsed
    assert [(held.table, held.mode) for held in found.locks] == [("public.child", "AccessExclusiveLock")]


def test_a_lock_that_is_held_is_felt(clone: NativeClone) -> None:
    """The migration sleeps while it holds the lock: a second is felt on that table, on another nothing like it."""
    found = rehearsed(clone, "BEGIN; ALTER TABLE child ADD c int; SELECT pg_sleep(0.6); COMMIT")
    assert 0.5 < found.stalls["public.child"] < 2 and found.stalls["public.other"] < 0.5
    (held,) = found.locks
    assert 0.55 < held.seconds < 2


def test_the_probe_ends_at_once_and_waits_for_no_lock(clone: NativeClone) -> None:
    holder = clone.connection()
    with holder.cursor() as cursor:
        cursor.execute("BEGIN; LOCK parent")
        db = clone.open()
        begun = time.monotonic()
        with contention.watched(clone.open, contention.tables(db), SystemClock()) as stalls:
            time.sleep(0.2)
        assert time.monotonic() - begun < 0.2 + 2 and threading.active_count() < 10
        db.close()
    holder.close()
    assert stalls["public.parent"] > 0.1 and set(stalls) == {"public.child", "public.other", "public.parent"}


def test_a_lock_is_scaled_to_the_size_of_production(clone: NativeClone) -> None:
    sizes = {"public.child": 1_000_000.0, "public.parent": 20_000.0, "public.other": 5e6}
    found = rehearsed(
        clone.kept(),
        "ALTER TABLE child ALTER parent_id TYPE bigint",
        "ALTER TABLE child ALTER name SET NOT NULL",
        "ALTER TABLE child ADD FOREIGN KEY (parent_id) REFERENCES parent",
        "CREATE INDEX by_at ON child (at)",
        "ALTER TABLE other ADD c int",
        sizes=sizes,
    )
    rewrite, scan, *others = found.locks
    assert rewrite.rewrite and all(one.estimate and one.estimate > one.seconds for one in (rewrite, scan, *others[:-1]))
    assert rewrite.estimate is not None and scan.estimate is not None and rewrite.estimate > scan.estimate
    # No row of it is read, however many there are.
    assert others[-1].table == "public.other" and others[-1].estimate == others[-1].seconds


def test_what_can_not_be_filled_is_scaled_by_a_table_of_ours(clone: NativeClone) -> None:
    domain = "CREATE DOMAIN zero AS int CHECK (VALUE = 0)"
    assert not clone.migrate(domain, "CREATE TABLE odd (id zero NOT NULL, at date)")
    sizes = {"public.odd": 1e6}
    found = rehearsed(clone.kept(), "ALTER TABLE odd ADD CHECK (at > 'epoch')", sizes=sizes)
    (held,) = found.locks
    assert held.estimate is not None and held.estimate > 2 * held.seconds


def test_nothing_is_filled_where_no_large_table_is_read(clone: NativeClone) -> None:
    """There is no second clone to be had here, so none was asked for."""
    found = rehearsed(
        clone, "ALTER TABLE child ADD c int", "CREATE INDEX i ON parent (name)", sizes={"public.child": 1e6}
    )
    assert [held.estimate == held.seconds for held in found.locks] == [True, True]


def test_rows_that_are_there_are_the_measure(clone: NativeClone) -> None:
    clone.migrate("INSERT INTO child SELECT g, g FROM generate_series(1, 60000) g")
    found = rehearsed(clone, "CREATE INDEX i ON child (parent_id)", sizes={"public.child": 600_000.0})
    (held,) = found.locks
    assert held.estimate == pytest.approx(10 * held.seconds)
