# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of the corpus: our locks and verdicts against the server's own answer. All of them: make bench-schema."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from kit import corpus, majors
from kit.corpus import Case, figures
from kit.corpus.oracle import BREAKS, CHANGES, SAFE, Corpus, Truth
from kit.corpus.ours import Ours, tried

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof import evidence, judge
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import sqllog
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog import snapshot

CASES = {case.name: case for case in corpus.cases()}
# One of each kind; what the server says of it.
FEW = {
    "add_column": CHANGES,
    "create_table_with_reference": SAFE,
    "drop_unique": BREAKS,
    "create_index_concurrently": SAFE,
    "function_overload_ambiguous": BREAKS,
    "rolled_back_in_part": SAFE,
}
NONE = ("breaking_rated_safe", "lock_mismatches", "drift_between_majors", "refused_not_seen", "false_alarms")
REFUSED_FEW = ("refused_unique", "refused_foreign_key")
HOPS = {
    "kratos_1.3_to_25.4": evidence.BREAKS,
    "kratos_25.4_to_26.2": evidence.BRIDGE_REQUIRED,
    "hydra_2.3_to_25.4": evidence.BREAKS,
    "hydra_25.4_to_26.2": evidence.BREAKS,
}


@pytest.fixture(scope="module")
def bench() -> Iterator[Corpus]:
    if not (majors.BIN / "initdb").exists():
        assert not os.environ.get("CI"), "no PostgreSQL 18 in %s, and this is CI" % majors.BIN
        pytest.skip("no PostgreSQL 18 in %s: python -m olympus_lab images" % majors.BIN)
    with majors.server(18, **sqllog.SETTINGS) as server:
        yield Corpus(server, corpus.application())


def test_it_has_enough_of_each_kind() -> None:
    assert len(CASES) == len(corpus.cases()) >= 90
    assert {case.file for case in CASES.values()} >= {"columns", "constraints", "indexes", "partitions", "programs"}
    assert all(case.sql for case in CASES.values()) and len(corpus.application()) >= 30


def test_a_look_at_production_takes_no_lock_of_a_writer(bench: Corpus) -> None:
    db = bench.server.db("asked")
    with snapshot.reading(db):
        snapshot.look(db)
        taken = db.query("SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'")
    db.close()
    assert taken == [("AccessShareLock",)]


@pytest.mark.parametrize("name", FEW)
def test_few_of_them(bench: Corpus, name: str) -> None:
    truth, ours = tried(bench, CASES[name])
    assert (truth.refused, truth.verdict) == ("", FEW[name])
    assert (ours.locks, ours.rewritten) == (truth.locks, truth.rewritten)
    assert truth.verdict != BREAKS or evidence.SAFE not in (ours.alone.verdict, ours.verdict.verdict)
    assert truth.verdict != SAFE or not {ours.alone.verdict, ours.verdict.verdict} & set(figures.HURTS)


@pytest.mark.parametrize("name", HOPS)
def test_the_shapes_of_the_known_hops(bench: Corpus, name: str) -> None:
    truth, ours = tried(bench, CASES[name])
    assert (truth.verdict, ours.verdict.verdict) == (BREAKS, HOPS[name])
    assert (ours.locks, ours.rewritten) == (truth.locks, truth.rewritten)


@pytest.mark.parametrize("name", REFUSED_FEW)
def test_production_s_rows_refuse_it_and_that_is_known_before(bench: Corpus, name: str) -> None:
    truth, ours = tried(bench, CASES[name])
    assert truth.refused and ours.contradicted() and ours.alone.verdict == evidence.BREAKS


@pytest.mark.slow
@pytest.mark.parametrize("major", majors.MAJORS)
def test_all_of_them(major: int) -> None:
    with majors.server(major, **sqllog.SETTINGS) as server:
        made = Corpus(server, corpus.application())
        rows = [figures.Row(case, major, *tried(made, case)) for case in CASES.values() if case.since <= major]
    found = figures.Results(rows, {})
    counted = found.figures()
    assert [counted[one] for one in NONE] == [0] * len(NONE), found.misses()
    assert counted["safe_rated_breaks"] <= 0.05 * counted["safe_cases"], found.misses()


def row(major: int = 18, server: str = SAFE, ours: str = evidence.SAFE, **locks: str) -> figures.Row:
    truth = Truth(server, {}, {}, {}, locks, frozenset(), {}, {})
    verdict = judge.Verdict(ours)
    held = Ours(evidence.Rehearsed(), verdict, verdict, locks, frozenset())
    return figures.Row(Case("one", "columns", ("SELECT 1",)), major, truth, held)


def test_figures_tell_each_kind_of_miss() -> None:
    def of(*rows: figures.Row) -> set[str]:
        found = figures.Results(rows, {"one": ("ban-drop-column",)})
        kinds = ("breaking_rated_safe", "safe_rated_breaks", "lock_mismatches", "drift_between_majors")
        counted = found.figures()
        assert sum(int(counted[kind]) for kind in kinds) == len(found.misses()) or not found.misses()
        return {kind for kind in kinds if counted[kind]}

    assert of(row(), row(14)) == set()
    assert of(row(server=BREAKS)) == {"breaking_rated_safe"}
    assert of(row(server=BREAKS, ours=evidence.BREAKS)) == set()
    assert of(row(ours=evidence.BRIDGE_REQUIRED)) == {"safe_rated_breaks"}
    other = replace(row(14), ours=replace(row().ours, locks={"public.t": "ShareLock"}))
    assert of(row(), other) == {"lock_mismatches", "drift_between_majors"}
