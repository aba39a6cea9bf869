# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a trial saw -> the verdict."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.evidence import (
    BLOCKING_LOCK,
    BREAKS,
    BRIDGE_REQUIRED,
    NOT_JUDGED,
    SAFE,
    SAFE_IF_EXERCISED,
    WAITED,
    Evidence,
    Outcome,
    Rehearsed,
    Seen,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.judge import PASSES, Programs, Verdict, judge
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog import changes
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.changes import Change

NAMES = ("identity", "login", "settings", "list")
CORE = ("identity", "login")


def all_of(*failed: str, cause: str = "") -> dict[str, Outcome]:
    return {name: Outcome(name, name not in failed, "status 500" if name in failed else "", cause) for name in NAMES}


PROGRAMS = Programs("Kratos v1", "Kratos v2", CORE)
NEW_COLUMN = Change(
    "column", "public.devices.id", "add_column_not_null", "column id of public.devices is new and NOT NULL",
    changes.BRIDGE, "public.devices", ("id",),
)  # fmt: skip


def verdict(seen: Seen | None, *found: Change, failed: str = "", why: str = "") -> Verdict:
    return judge(Evidence(Rehearsed(found, failed=failed), replayed=seen, why=why), PROGRAMS)


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


def test_what_a_bridge_would_fill_alone_needs_one() -> None:
    lost = all_of("login", cause="SQLSTATE 23502, devices.id")
    assert verdict(Seen(all_of(), {}, lost, all_of(), crossed()), NEW_COLUMN).verdict == BRIDGE_REQUIRED
    both = {**lost, "list": all_of("list", cause="SQLSTATE 42703, devices.name")["list"]}
    assert verdict(Seen(all_of(), {}, both, all_of(), crossed()), NEW_COLUMN).verdict == BREAKS


def test_a_migration_that_old_writes_race_needs_a_bridge() -> None:
    words = 'column "id" of relation "devices" contains null values'
    assert verdict(Seen(all_of(), failed=words), NEW_COLUMN).verdict == BRIDGE_REQUIRED
    assert verdict(Seen(all_of(), failed=words)).verdict == BREAKS


def test_a_migration_that_fails_on_the_schema_itself() -> None:
    found = verdict(None, failed="rc 1, relation exists")
    assert (found.verdict, found.reasons) == (
        BREAKS,
        ("the migration fails on production's own schema: rc 1, relation exists",),
    )


def test_a_trial_that_could_not_be_held() -> None:
    assert verdict(None, why="it does not start").reasons == ("it does not start",)
    alone = judge(Evidence(Rehearsed(), why="no program runs"), Programs("shop v1", "shop v2"))
    assert (alone.verdict, alone.untried) == (SAFE_IF_EXERCISED, ("no program runs",))


def test_a_flow_in_flight_is_told_apart() -> None:
    lost = {"a flow begun on Kratos v1 is not accepted by Kratos v2": all_of("login")}
    found = verdict(Seen(all_of(), {}, all_of(), all_of(), lost))
    assert (found.verdict, found.reasons) == (SAFE, ())
    assert found.in_flight == ("a flow begun on Kratos v1 is not accepted by Kratos v2: login: status 500",)


def test_only_while_the_migration_runs() -> None:
    found = verdict(Seen(all_of(), {}, all_of(), all_of(), crossed(), during=all_of("login")))
    assert found.reasons == ("Kratos v1 fails while the migration runs: login: status 500",)
    same = verdict(Seen(all_of(), {}, all_of("login"), all_of(), crossed(), during=all_of("login")))
    assert same.reasons == ("Kratos v1 fails on the migrated schema: login: status 500",)


def test_a_wait_for_a_lock_is_none_of_the_schema() -> None:
    meanwhile = all_of("login", cause=WAITED)
    found = verdict(Seen(all_of(), {}, all_of(), all_of(), crossed(), during=meanwhile))
    why = "Kratos v1 fails while the migration runs: login: status 500 (it waited for a lock)"
    assert (found.verdict, found.reasons) == (BLOCKING_LOCK, (why,))
    broken = verdict(Seen(all_of(), {}, all_of("list"), all_of(), crossed(), during=meanwhile))
    assert broken.verdict == BREAKS and len(broken.reasons) == 2


def test_a_migration_whose_second_run_goes_on_is_no_break() -> None:
    found = verdict(Seen(all_of(), {}, all_of(), all_of(), crossed(), failed="rc 1, deadlock. a second run works"))
    assert (found.verdict, found.reasons) == (SAFE_IF_EXERCISED, ())
    assert found.untried == ("the migration can fail while Kratos v1 writes: rc 1, deadlock. a second run works",)


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
