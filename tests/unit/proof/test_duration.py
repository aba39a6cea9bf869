# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of our own for tables of any shape, on real servers; and what their time says of production's size."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kit.clone_bench import NativeClone
from kit.majors import Server

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.rehearsal import duration, filling
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.rehearsal.duration import Measured
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.rehearsal.locks import Lock
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.rehearsal.trace import Relation

# As Hydra has it: what a row may hold hangs on a number in it.
SHAPES = """
CREATE TYPE mood AS ENUM ('it''s', 'b');
CREATE DOMAIN mail AS varchar(40) CHECK (VALUE <> '');
CREATE TABLE networks (id uuid PRIMARY KEY);
INSERT INTO networks VALUES ('00000000-0000-0000-0000-000000000001');
CREATE TABLE kinds (a smallint, b int, c bigint, d real, e numeric(6, 2) NOT NULL, f numeric, g text, h varchar(255),
  i char(36), j char(3), k uuid, l timestamptz, m timestamp, n date, o time, p interval, q json, r jsonb, s bytea,
  t inet, u cidr, v mood NOT NULL, w mail NOT NULL, x text[] NOT NULL, y int4range, z point, bit bit(3), money money,
  xml xml, search tsvector, yes boolean NOT NULL, "Odd""name" name, lsn pg_lsn);
CREATE TABLE keys (pk int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nid uuid NOT NULL REFERENCES networks,
  code varchar(8) NOT NULL UNIQUE, twice int GENERATED ALWAYS AS (length(code) * 2) STORED, UNIQUE (nid, pk));
CREATE TABLE flows (id varchar(40) PRIMARY KEY, state smallint NOT NULL, told boolean,
  CONSTRAINT "A state" CHECK (state = 128 OR (state = 2 AND told IS NOT NULL)));
CREATE TABLE never (id int PRIMARY KEY, day date NOT NULL) PARTITION BY RANGE (id);
"""


@pytest.fixture(scope="module")
def shapes(shadow: Server) -> Iterator[NativeClone]:
    clone = NativeClone(shadow, "shapes").made()
    assert clone.migrate(SHAPES) == ""
    yield clone


@pytest.mark.parametrize(("table", "rows"), [("kinds", 300), ("keys", 300), ("flows", 300), ("never", 0)])
def test_rows_of_ours_fit_a_table(shapes: NativeClone, table: str, rows: int) -> None:
    db = shapes.open()
    assert filling.fill(db, "public." + table, 300, ["public.networks"]) == rows
    db.close()


def test_what_our_rows_do_not_hold_is_there_behind_them(shapes: NativeClone) -> None:
    """The migration may drop it by its name, or write to a row; a key refers to a row that is there."""
    db = shapes.open()
    filling.fill(db, "public.flows", 10, [])
    filling.fill(db, "public.keys", 10, ["public.networks"])
    db.query("UPDATE flows SET told = false")
    db.query('ALTER TABLE flows DROP CONSTRAINT "A state"')
    assert db.query("SELECT count(*) FROM keys JOIN networks ON nid = id") == db.query("SELECT count(*) FROM keys")
    db.close()


BIG = {"public.big": 1e6, "public.wide": 4e6}


def lock(seconds: float, worked: str = "big", mode: str = "AccessExclusiveLock", **more: object) -> Lock:
    given = frozenset("public." + one for one in worked.split())
    return Lock(1, Relation(1, "public.big", "r"), mode, 100.0, 100.0 + seconds, "s", worked=given, **more)  # type: ignore[arg-type]


def estimate(one: Lock, seen: Measured) -> float | None:
    (held,) = duration.scaled([one], seen)
    return held.estimate


def test_the_time_on_more_rows_is_scaled_to_productions() -> None:
    seen = Measured(BIG, {}, rows={"public.big": 100_000}, again=[lock(0.51)])
    assert seen.to_fill([lock(0.01, "wide big"), lock(0.01, "small")]) == ["public.wide", "public.big"]
    assert estimate(lock(0.01), seen) == pytest.approx(0.01 + 0.5 * 10)
    # It was faster by chance.
    assert estimate(lock(0.6), seen) == pytest.approx(0.6)


def test_what_no_large_table_is_read_for_takes_its_time() -> None:
    assert estimate(lock(0.01, "small"), Measured(BIG, {})) == pytest.approx(0.01)
    assert estimate(lock(0.01, ""), Measured(BIG, {})) == pytest.approx(0.01)


def test_rows_that_are_there_come_first() -> None:
    there = Measured(BIG, {"public.big": 500_000})
    assert not there.to_fill([lock(1)]) and estimate(lock(1), there) == pytest.approx(2)


def test_no_one_waits_for_a_weak_lock() -> None:
    assert estimate(lock(1, mode="ShareUpdateExclusiveLock"), Measured(BIG, {})) is None
    assert Measured(BIG, {}).to_fill([lock(1, mode="RowExclusiveLock")]) == []


def test_a_rate_serves_where_the_second_run_says_nothing() -> None:
    rate = {"rewrite": 2e-6, "scan": 1e-7, "index": 1e-6, "reference": 5e-7, "write": 3e-6}
    seen = Measured(BIG, {}, {"public.big": 4}, rows={"public.big": 0}, again=[lock(9)], rate=rate)
    assert estimate(lock(0.5), seen) == pytest.approx(0.5 + 0.1)
    assert estimate(lock(0.5, rewrite=True), seen) == pytest.approx(0.5 + 2 + 4)
    assert estimate(lock(0.5), Measured(BIG, {})) is None
