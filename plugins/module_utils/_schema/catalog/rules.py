# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a class of change is written down, and what its rule may ask of both snapshots. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Union

from .changes import CONDITIONAL, Change
from .match import PARTS, Matched, Pair
from .snapshot import RELATIONS, Snapshot, Thing

# A default that no two rows share.
DISTINCT = ("nextval(", "gen_random_uuid(", "uuidv7(", "uuidv4(", "uuid_generate_v", "public.uuid_generate_v")


@dataclass(frozen=True)
class Rule:
    """``text`` follows the object's kind and name."""

    what: str
    rating: str
    text: str
    needs: str = ""


REVIEW = Rule("review", CONDITIONAL, "changed in a way that no rule knows (%s); read the migration", "call")
Made = Union[Rule, Callable[["Context", Thing], Iterable[Change]]]
Fact = Union[Rule, Callable[["Context", Pair], Iterable[Change]]]


@dataclass(frozen=True)
class Kind:
    """The classes of one kind of object: made, dropped, named otherwise, made again under its name; and fact by fact.

    Of the ``local`` facts only those with a rule are compared; of the others each, and one without a rule is for
    review.
    """

    made: Made
    dropped: Made
    renamed: Fact
    again: Fact | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)


class Context:
    """Both snapshots and who is who. What it says of a table or a column is said as the old program knows it."""

    def __init__(self, matched: Matched) -> None:
        self.matched = matched
        self.before, self.after = matched.before, matched.after
        self._fresh: dict[int, dict[str, Thing]] = {}
        for one in matched.made:
            if one.kind in ("column", "attribute"):
                self._fresh.setdefault(one.parent, {})[one.bare] = one

    def tell(
        self, one: Thing, rule: Rule, said: object = "", table: str | None = None, columns: Iterable[str] | None = None,
        probe: str = "", needs: str = "",
    ) -> Change:  # fmt: skip
        """``said`` fills the place in the rule's text, where it has one."""
        text = rule.text % said if "%s" in rule.text else rule.text
        place, named = self.place(one)
        return Change(
            one.kind, one.name, rule.what, "%s %s" % (one, text), rule.rating, place if table is None else table,
            tuple(named if columns is None else columns), needs or rule.needs, probe,
        )  # fmt: skip

    def place(self, one: Thing) -> tuple[str, tuple[str, ...]]:
        """Its table and columns."""
        if one.kind in RELATIONS:
            return one.name, ()
        relation = self.relation(one.parent)
        if relation is None or one.kind not in PARTS:
            return "", ()
        if one.kind in ("column", "attribute"):
            return relation.name, (one.bare,)
        return relation.name, tuple(name for name in one.facts.get("columns", ()) if name)

    def relation(self, parent: int) -> Thing | None:
        """What was there before of that oid; what is there now where it is new."""
        before, after = self.before.relations, self.after.relations
        return before.get(self.matched.back.get(parent, parent)) or after.get(parent)

    def old(self, parent: int) -> Thing | None:
        """The relation of that oid of after, as it was; None where it is new."""
        return self.before.relations.get(self.matched.back.get(parent, -1))

    def fresh(self, parent: int) -> dict[str, Thing]:
        """The columns that a relation of after did not have."""
        return self._fresh.get(parent, {})

    def old_names(self, parent: int, columns: Iterable[str]) -> list[str]:
        """Columns of after as they were called; [] where one of them is new."""
        old_of, there = self.matched.old_of, self.after.columns.get(parent, {})
        numbers = [int(there[name].local["number"]) if name in there else 0 for name in columns]
        found = [old_of.get(("pg_class", parent, number)) for number in numbers]
        return [one.bare for one in found if one] if all(found) else []

    def cover(self, old: Thing) -> Thing | None:
        """A view that took the name of a relation and has all of its columns."""
        for oid, one in self.after.relations.items():
            if one.name == old.name and one.kind == "view" and old.kind != "view":
                mine = next((oid for oid, thing in self.before.relations.items() if thing is old), 0)
                if set(self.before.columns.get(mine, ())) <= set(self.after.columns.get(oid, ())):
                    return one
        return None

    def uniques(self, look: Snapshot, parent: int) -> list[Thing]:
        """What can be the arbiter of ON CONFLICT by its columns alone."""
        return [
            one
            for one in look.things.values()
            if one.kind == "index" and one.parent == parent and one.facts["unique"] and one.local["valid"]
            and one.local["immediate"] and not one.facts["predicate"] and "" not in one.facts["columns"]
        ]  # fmt: skip


def silent(column: Thing) -> bool:
    """An INSERT that does not name the column leaves it NULL."""
    facts, local = column.facts, column.local
    given = facts["default"] or local["domain_default"] or facts["identity"] or facts["generated"]
    return not (given or facts["not_null"] or local["domain_not_null"])


def required(column: Thing) -> bool:
    """An INSERT that does not name the column fails."""
    facts, local = column.facts, column.local
    given = facts["default"] or local["domain_default"] or facts["identity"] or facts["generated"]
    return bool((facts["not_null"] or local["domain_not_null"]) and not given)


def distinct(column: Thing) -> bool:
    """An INSERT that does not name the column gives each row a value of its own."""
    default = str(column.facts["default"])
    return bool(column.facts["identity"]) or default.startswith(DISTINCT)
