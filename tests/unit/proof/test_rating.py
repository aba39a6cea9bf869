# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a changed object, a lock and a row mean, by what the old program did with it."""

from __future__ import annotations

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof import policy
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.evidence import (
    BLOCKING_LOCK,
    BREAKS,
    BRIDGE_REQUIRED,
    NOT_JUDGED,
    SAFE,
    SAFE_IF_EXERCISED,
    Asked,
    Evidence,
    Held,
    Rehearsed,
    Seen,
    Touched,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.rating import Rated, rated, worst
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog import changes
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.changes import Change
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.options import VERDICTS

T = "public.t"
ALL = frozenset("*")
NOTHING = Touched()
READS, WRITES = Touched(read={T: ALL}), Touched(written={T: ALL})


def change(rating: str, needs: str = "") -> Change:
    return Change("column", T + ".c", "set_not_null", "column c of t is changed", rating, T, ("c",), needs)


def one(given: Change, touched: Touched, *probes: Asked, rows: int = 0) -> Rated:
    seen = Evidence(Rehearsed([given]), probes, Seen(touched=touched))
    if rows:
        seen = Evidence(Rehearsed([given], rows={T: rows}), probes, Seen(touched=touched))
    return next(found for found in rated(seen, "v1", 2.0) if found.kind == "column")


@pytest.mark.parametrize(
    ("rating", "needs", "touched", "verdict", "exercised"),
    [
        (changes.SAFE, "", NOTHING, SAFE, None),
        (changes.CONDITIONAL, changes.READ, NOTHING, SAFE_IF_EXERCISED, False),
        (changes.CONDITIONAL, changes.READ, WRITES, SAFE_IF_EXERCISED, False),
        (changes.CONDITIONAL, changes.READ, READS, SAFE, True),
        (changes.CONDITIONAL, changes.MEETS, READS, SAFE, True),
        (changes.CONDITIONAL, changes.WRITE, READS, SAFE_IF_EXERCISED, False),
        (changes.CONDITIONAL, changes.WRITE, WRITES, SAFE, True),
        (changes.CONDITIONAL, changes.CALL, Touched(named=frozenset(["c"])), SAFE, True),
        (changes.CONDITIONAL, changes.CALL, READS, SAFE_IF_EXERCISED, False),
        (changes.CONDITIONAL, changes.PLAN, READS, SAFE_IF_EXERCISED, False),
        # An unknown kind of change is never safe by itself.
        (changes.CONDITIONAL, "", READS, SAFE_IF_EXERCISED, False),
        (changes.BRIDGE, "", READS, BRIDGE_REQUIRED, False),
        (changes.BRIDGE, "", WRITES, SAFE, True),
        (changes.BREAKS, "", NOTHING, BREAKS, False),
        (changes.BREAKS, "", READS, SAFE_IF_EXERCISED, False),
    ],
)
def test_the_use_decides(rating: str, needs: str, touched: Touched, verdict: str, exercised: bool | None) -> None:
    found = one(change(rating, needs), touched)
    assert (found.verdict, found.exercised) == (verdict, exercised)


def test_rows_of_production_decide_whether_it_can_be_applied() -> None:
    given = change(changes.CONDITIONAL, changes.WRITE)
    assert one(given, WRITES, Asked(given, "holds")).verdict == SAFE
    assert one(given, WRITES, Asked(given, "violated")).verdict == BREAKS
    # A migration that cleans the rows first may well succeed.
    assert one(given, WRITES, Asked(given, "violated"), rows=3).verdict == SAFE_IF_EXERCISED
    late = one(given, WRITES, Asked(given, "unknown", "statement timeout"))
    assert late.verdict == SAFE_IF_EXERCISED and "statement timeout" in late.why


@pytest.mark.parametrize(
    ("mode", "seconds", "estimate", "blocks"),
    [
        ("AccessExclusiveLock", 0.1, None, False),
        ("AccessExclusiveLock", 0.7, None, True),
        ("AccessExclusiveLock", 0.01, 4.0, True),
        ("AccessExclusiveLock", 0.7, 0.1, False),
        ("ShareLock", 0.01, 4.0, True),
        ("ShareUpdateExclusiveLock", 9.0, 90.0, False),
        ("RowExclusiveLock", 9.0, 90.0, False),
    ],
)
def test_a_lock_over_the_budget_blocks(mode: str, seconds: float, estimate: float | None, blocks: bool) -> None:
    held = Held(T, mode, seconds, "ALTER TABLE", rewrite=True, estimate=estimate)
    found = rated(Evidence(Rehearsed(locks=[held])), "v1", 2.0)
    assert [one.verdict for one in found] == ([BLOCKING_LOCK] if blocks else [])


def test_a_session_that_waited_says_it_without_any_rule() -> None:
    (found,) = rated(Evidence(Rehearsed(stalls={T: 2.5, "public.u": 1.0})), "v1", 2.0)
    assert (found.name, found.verdict) == (T, BLOCKING_LOCK)


def test_rows_that_the_migration_writes_are_read_by_the_old_program() -> None:
    seen = Rehearsed(
        [Change("table", "public.n", "create_table", "", changes.SAFE, "public.n")], rows={T: 2, "public.n": 9}
    )
    found = {one.name: one.verdict for one in rated(Evidence(seen), "v1", 2.0)}
    assert found == {T: SAFE_IF_EXERCISED, "public.n": SAFE}
    found = {one.name: one.verdict for one in rated(Evidence(seen, replayed=Seen(touched=READS)), "v1", 2.0)}
    assert found[T] == SAFE


def test_the_worst_counts_and_comes_first() -> None:
    assert worst([]) == SAFE and worst([SAFE, BREAKS, BLOCKING_LOCK]) == BREAKS
    given = [change(changes.SAFE), change(changes.BREAKS), change(changes.CONDITIONAL, changes.READ)]
    found = [one.verdict for one in rated(Evidence(Rehearsed(given)), "v1", 2.0)]
    assert found == [BREAKS, SAFE_IF_EXERCISED, SAFE]


def test_the_policy() -> None:
    said = policy.policy({})
    assert [policy.decision(one, False, said) for one in VERDICTS] == [
        "proceed",
        "proceed",
        "ask",
        "ask",
        "ask",
        "ask",
    ]
    assert policy.decision(SAFE, True, said) == "ask"
    strict = policy.policy({"BREAKS": "refuse", "IN_FLIGHT": "proceed"})
    assert policy.decision(BREAKS, False, strict) == "refuse"
    assert policy.decision(SAFE, True, strict) == "proceed"
    assert policy.decision(NOT_JUDGED, False, strict) == "ask"
    for wrong in ({"FINE": "ask"}, {"BREAKS": "maybe"}):
        with pytest.raises(Refused, match="policy"):
            policy.policy(wrong)
