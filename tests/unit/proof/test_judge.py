# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a trial saw -> the verdict."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.evidence import (
    BREAKS,
    NOT_JUDGED,
    SAFE,
    SAFE_IF_EXERCISED,
    Outcome,
    Seen,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.judge import PASSES, Verdict, judge

NAMES = ("identity", "login", "settings", "list")
CORE = ("identity", "login")


def all_of(*failed: str, cause: str = "") -> dict[str, Outcome]:
    return {name: Outcome(name, name not in failed, "status 500" if name in failed else "", cause) for name in NAMES}


def verdict(seen: Seen) -> Verdict:
    return judge(seen, CORE, "Kratos v1", "Kratos v2")


def crossed(*failed: str) -> Mapping[str, Mapping[str, Outcome]]:
    return {"Kratos v1 does not accept what Kratos v2 made": all_of(*failed)}


def test_everything_passes() -> None:
    found = verdict(Seen(all_of(), {}, all_of(), all_of(), crossed()))
    assert (found.verdict, found.reasons, found.untried, found.journeys) == (SAFE, (), (), 12)


def test_the_old_program_fails_behind_the_migration() -> None:
    found = verdict(Seen(all_of(), {}, all_of("login", cause="SQLSTATE 23502, devices.id"), all_of(), crossed()))
    assert found.verdict == BREAKS
    assert found.reasons == ("Kratos v1 fails on the migrated schema: login: status 500 (SQLSTATE 23502, devices.id)",)


def test_the_new_program_fails() -> None:
    found = verdict(Seen(all_of(), {}, all_of(), all_of("list"), crossed()))
    assert found.verdict == BREAKS and found.reasons[0].startswith("Kratos v2 fails on the migrated schema: list")


def test_the_others_work_is_not_accepted() -> None:
    found = verdict(Seen(all_of(), {}, all_of(), all_of(), crossed("login")))
    assert found.verdict == BREAKS and found.reasons == (
        "Kratos v1 does not accept what Kratos v2 made: login: status 500",
    )


def test_what_fails_before_the_migration_too_says_nothing_of_it() -> None:
    found = verdict(Seen(all_of("settings"), {}, all_of("settings"), all_of("settings"), crossed()))
    assert (found.verdict, found.reasons, found.untried) == (SAFE_IF_EXERCISED, (), ("settings: status 500",))


def test_without_a_login_before_nothing_is_known() -> None:
    found = verdict(Seen(all_of("login")))
    assert found.verdict == NOT_JUDGED
    assert found.reasons == ("Kratos v1 fails in the trial before any migration: login: status 500",)


def test_the_migration_itself_fails() -> None:
    found = verdict(Seen(all_of(), failed="rc 1, deadlock"))
    assert (found.verdict, found.reasons) == (
        BREAKS,
        ("the migration fails while Kratos v1 runs: rc 1, deadlock",),
    )


def test_a_bridge_that_breaks_the_old_schema() -> None:
    found = verdict(Seen(all_of(), all_of("login"), failed="never asked"))
    assert (found.verdict, found.reasons) == (
        BREAKS,
        ("Kratos v1 fails with the bridge while the schema is the old one: login: status 500",),
    )


outcomes = st.sets(st.sampled_from(NAMES)).map(lambda failed: all_of(*failed))


@given(outcomes, outcomes, outcomes, st.sets(st.sampled_from(NAMES)))
def test_it_passes_only_where_all_that_worked_works_on(
    control: dict[str, Outcome], after: dict[str, Outcome], new: dict[str, Outcome], refused: set[str]
) -> None:
    found = verdict(Seen(control, {}, after, new, crossed(*refused)))
    known = [name for name in NAMES if control[name].ok]
    well = all(after[name].ok and new[name].ok for name in known) and not refused
    assert (found.verdict in PASSES) == (well and set(CORE) <= set(known))
    assert (found.verdict == SAFE) == (well and len(known) == len(NAMES))
    assert bool(found.reasons) == (found.verdict not in PASSES)
