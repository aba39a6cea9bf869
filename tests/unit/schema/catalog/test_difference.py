# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The net difference by facts alone: nothing where nothing changed, and nothing lost is left unsaid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from kit.catalog_facts import Things, constraint, index, snapshot, table

from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.changes import (
    BREAKS,
    BRIDGE,
    CONDITIONAL,
    SAFE,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.difference import changes
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.snapshot import (
    Snapshot,
    Thing,
    differences,
    digest,
)

ID: Mapping[str, Any] = {"name": "id", "number": 1, "not_null": True, "checked": True}
NAMES = ("a", "b", "c", "d")


@st.composite
def schemas(draw: st.DrawFn, first: int = 100) -> Snapshot:
    """Some tables with columns, indexes and checks. The same names have the same oids, but for ``first``, and the same
    numbers: one that was dropped and made again is another, which only ``changes`` sees."""
    parts: list[Things] = []
    for place, name in enumerate(draw(st.lists(st.sampled_from(NAMES), unique=True))):
        oid = first + 100 * NAMES.index(name)
        columns = [ID]
        for column in draw(st.lists(st.sampled_from(NAMES), unique=True)):
            number = 2 + NAMES.index(column)
            columns.append({"name": column, "number": number, "type": draw(st.sampled_from(("integer", "text")))})
        parts.append(table(oid, name, columns))
        if draw(st.booleans()):
            parts.append(index(oid + 50, "%s_i" % name, oid, columns=[columns[-1]["name"]], unique=place % 2 == 0))
        if draw(st.booleans()):
            parts.append(constraint(oid + 60, "%s_c" % name, oid, name, type="c", definition="CHECK (true)"))
    return snapshot(*parts)


def classes_told(before: Snapshot, after: Snapshot) -> list[tuple[str, str]]:
    return [(one.what, one.rating) for one in changes(before, after)]


@given(schemas())
def test_nothing_changed_is_no_change(one: Snapshot) -> None:
    assert changes(one, Snapshot(dict(reversed(list(one.things.items()))))) == ()
    assert differences(one, one) == []


@given(schemas(), schemas())
def test_what_is_gone_is_told_and_never_safe(before: Snapshot, after: Snapshot) -> None:
    left = {(one.kind, one.name) for one in after.things.values()}
    tables = {one.name for one in after.things.values() if one.kind == "table"}
    told = {(one.kind, one.name): one.rating for one in changes(before, after)}
    for one in before.things.values():
        whole = one.name if one.kind == "table" else before.relations[one.parent].name if one.parent != 0 else ""
        lost = (one.kind, one.name) not in left
        # An index of the same definition under another name is the same index; here each has a name of its table.
        if one.kind == "table" and lost:
            assert told[one.kind, one.name] == BREAKS
        elif lost and whole in tables:
            assert told[one.kind, one.name] in (BREAKS, CONDITIONAL), one


@given(schemas(), schemas())
def test_what_was_there_in_both_ways_is_told_in_both(one: Snapshot, other: Snapshot) -> None:
    """A change and its reverse: neither direction sees a difference that the other does not."""
    assert bool(changes(one, other)) == bool(changes(other, one)) == bool(differences(one, other))


@given(schemas())
def test_the_same_made_again_is_no_drift_and_only_its_rows_are_in_question(one: Snapshot) -> None:
    moved = {
        (catalog, oid + (10000 if oid != 2200 else 0), sub): replace(
            thing, parent=thing.parent + (10000 if thing.parent not in (0, 2200) else 0)
        )
        for (catalog, oid, sub), thing in one.things.items()
    }
    again = Snapshot(moved)
    assert digest(one) == digest(again)
    assert {what for what, _rating in classes_told(one, again)} <= {"recreate_table"}


def column(name: str, number: int = 2, **given: Any) -> dict[str, Any]:
    return {"name": name, "number": number, **given}


def test_a_column_that_came_in_three_steps_is_one_required_column() -> None:
    before, after = snapshot(table(1, "t", [ID])), snapshot(table(1, "t", [ID, column("x", not_null=True)]))
    (told,) = changes(before, after)
    assert (told.what, told.rating, told.table, told.columns) == ("add_required_column", BRIDGE, "public.t", ("x",))
    assert told.probe == ""


def test_names_that_were_swapped_are_two_other_columns() -> None:
    one, other = column("a", 2), column("b", 3, type="text")
    before = snapshot(table(1, "t", [ID, one, other]))
    after = snapshot(table(1, "t", [ID, {**one, "name": "b"}, {**other, "name": "a"}]))
    told = classes_told(before, after)
    assert told.count(("replace_column", CONDITIONAL)) == 2
    assert all(rating == CONDITIONAL for _what, rating in told)


def test_a_renamed_column_takes_its_checks_along() -> None:
    check = {"type": "c", "definition": "CHECK ((a > 0))", "columns": ["a"], "expression": "(a > 0)"}
    other = {"type": "c", "definition": "CHECK ((b > 0))", "columns": ["b"], "expression": "(b > 0)"}
    before = snapshot(table(1, "t", [ID, column("a")]), constraint(9, "c", 1, "t", **check))
    after = snapshot(table(1, "t", [ID, column("b")]), constraint(9, "c", 1, "t", **other))
    assert classes_told(before, after) == [("rename_column", BREAKS)]


def test_a_view_that_takes_the_old_name_covers_a_rename() -> None:
    before = snapshot(table(1, "t", [ID, column("a")]))
    for writable, rating in ((True, CONDITIONAL), (False, BREAKS)):
        view = table(2, "t", [ID, column("a")], kind="view", writable=writable)
        after = snapshot(table(1, "t2", [ID, column("a")]), view)
        assert ("cover_table", rating) in classes_told(before, after)
    narrow = snapshot(table(1, "t2", [ID, column("a")]), table(2, "t", [ID], kind="view"))
    assert ("rename_table", BREAKS) in classes_told(before, narrow)


def test_what_no_rule_knows_is_for_review() -> None:
    before = snapshot(table(1, "t", [ID]))
    unknown = Thing("property graph", "public.g", 0, "g", {}, {"row": "1"})
    with_it = Snapshot({**before.things, ("pg_propgraph", 7, 0): unknown})
    assert classes_told(before, with_it) == [("add_object", CONDITIONAL)]
    assert classes_told(with_it, before) == [("drop_object", BREAKS)]
    changed = Snapshot({**before.things, ("pg_propgraph", 7, 0): replace(unknown, local={"row": "2"})})
    assert classes_told(with_it, changed) == [("change_object", CONDITIONAL)]
    new_kind = snapshot(table(1, "t", [ID]), constraint(9, "c", 1, "t", type="z"))
    assert classes_told(before, new_kind) == [("review", CONDITIONAL)]
    new_fact = Snapshot({key: replace(one, facts={**one.facts, "later": 1}) for key, one in before.things.items()})
    other_fact = Snapshot({key: replace(one, facts={**one.facts, "later": 2}) for key, one in before.things.items()})
    assert set(classes_told(new_fact, other_fact)) == {("review", CONDITIONAL)}


def test_a_unique_index_on_a_new_column_is_judged_by_what_an_old_insert_leaves_there() -> None:
    before = snapshot(table(1, "t", [ID, column("a")]))

    def told(new: Mapping[str, Any], **given: Any) -> str:
        made = index(5, "i", 1, **{"unique": True, "columns": ["x"], "terms": ["x"], **given})
        found = dict(classes_told(before, snapshot(table(1, "t", [ID, column("a"), new]), made)))
        return found["add_unique"]

    assert told(column("x", 3)) == SAFE
    assert told(column("x", 3), columns=["a", "x"]) == SAFE
    assert told(column("x", 3), columns=["a"], predicate="(x IS NOT NULL)") == SAFE
    assert told(column("x", 3), columns=["a"], predicate="((x IS NOT NULL) OR (a > 1))") == CONDITIONAL
    assert told(column("x", 3), nulls_equal=True) == CONDITIONAL
    assert told(column("x", 3, not_null=True, default="0")) == CONDITIONAL
    assert told(column("x", 3, default="gen_random_uuid()")) == SAFE
    assert told(column("x", 3), columns=["a"], predicate="(a IS NOT NULL)") == CONDITIONAL
