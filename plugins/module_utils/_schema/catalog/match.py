# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which object of one snapshot is which of another. Pure.

A program knows an object by its name, so the same name in the same place is the same object, whatever its oid: that
is how an index comes back from REINDEX CONCURRENTLY. What then has the same oid was renamed or moved; a constraint or
an index of the same definition was made again under another name. The rest was made or dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .snapshot import RELATIONS, Key, Snapshot, Thing, spelled

# What lies in something of a level lies below it.
LEVELS = ("schema", "relation", "part")
PARTS = ("column", "attribute", "constraint", "domain constraint", "index", "trigger", "rule", "policy")
PLACES = ("pg_namespace", "pg_class", "pg_type")
# Two of one group can bear the same name one after the other and mean the same to a program.
GROUPS = {
    "foreign table": "table", "materialized view": "view", "type": "type", "domain": "type", "attribute": "column",
    "procedure": "function", "aggregate": "function",
}  # fmt: skip
# Their names are in the texts of others: expressions, views, definitions.
NAMED = (*RELATIONS, "schema", "column", "attribute", "type", "domain", "function", "sequence")
BY_DEFINITION = ("constraint", "domain constraint", "index", "trigger", "policy")


@dataclass(frozen=True)
class Pair:
    """One object before and after. ``again``: it has another oid (or number) than before."""

    before: Thing
    after: Thing
    again: bool = False


@dataclass
class Matched:
    """``oids``: those before -> after, of what is there in both."""

    before: Snapshot
    after: Snapshot
    pairs: dict[Key, Key] = field(default_factory=dict)
    oids: dict[int, int] = field(default_factory=lambda: {0: 0})
    made: list[Thing] = field(default_factory=list)
    dropped: list[Thing] = field(default_factory=list)

    @cached_property
    def back(self) -> dict[int, int]:
        return {after: before for before, after in self.oids.items()}

    @cached_property
    def old_of(self) -> dict[Key, Thing]:
        return {after: self.before.things[before] for before, after in self.pairs.items()}

    def both(self) -> Iterable[Pair]:
        for old, new in self.pairs.items():
            # A column's oid is its table's: another number of the same table is another column.
            other = old != new if old[2] == 0 else old[1] == new[1] and old[2] != new[2]
            yield Pair(self.before.things[old], self.after.things[new], other)

    @cached_property
    def _renamed(self) -> dict[str, str]:
        found = {}
        for pair in self.both():
            if pair.before.kind in NAMED:
                one, other = (thing.bare.split("(")[0] for thing in (pair.before, pair.after))
                found.update({} if one == other else {one: other})
                # With another schema, what is qualified changes where the bare name does not.
                found.update({} if pair.before.name == pair.after.name or one != other else _moved(pair))
        return dict(sorted(found.items(), key=lambda names: -len(names[0])))

    @cached_property
    def _names(self) -> re.Pattern[str]:
        return re.compile(r"(?<!\w)(?:%s)(?!\w)" % "|".join(map(re.escape, self._renamed)))

    def same(self, before: object, after: object) -> bool:
        """Whether two facts say the same, but for the names of what was renamed itself."""
        if before == after:
            return True
        one, other = (spelled(json.dumps(fact, sort_keys=True)) for fact in (before, after))
        if self._renamed:
            one = self._names.sub(lambda found: self._renamed[found.group()], one).replace('\\"', "")
            other = other.replace('\\"', "")
        return one == other


def _moved(pair: Pair) -> dict[str, str]:
    one, other = pair.before, pair.after
    return {} if one.kind in PARTS else {one.name.split("(")[0]: other.name.split("(")[0]}


def match(before: Snapshot, after: Snapshot) -> Matched:
    found = Matched(before, after)
    for level in LEVELS:
        here, there = ({k: t for k, t in look.things.items() if _level(t) == level} for look in (before, after))
        _pair(found, here, there)
        # The oids of this level are the places of the next.
        found.oids.update({old[1]: new[1] for old, new in found.pairs.items() if old[0] in PLACES and old[2] == 0})
    _rest(found)
    return found


def _level(one: Thing) -> str:
    return "schema" if one.kind == "schema" else "part" if one.kind in PARTS else "relation"


def _pair(found: Matched, here: Mapping[Key, Thing], there: Mapping[Key, Thing]) -> None:
    taken: set[Key] = set()

    def pair(olds: Mapping[object, Key], news: Mapping[object, Key]) -> None:
        for mark, old in olds.items():
            new = news.get(mark)
            if new is not None and new not in taken and old not in found.pairs:
                found.pairs[old] = new
                taken.add(new)

    placed = {key: one for key, one in here.items() if one.parent in found.oids}
    pair(
        {(_group(one), found.oids[one.parent], one.bare): key for key, one in placed.items()},
        {(_group(one), one.parent, one.bare): key for key, one in there.items()},
    )
    # A part does not leave its table; a table may leave its schema.
    pair(
        {(_group(one), key, found.oids.get(one.parent) if one.kind in PARTS else 0): key for key, one in here.items()},
        {(_group(one), key, one.parent if one.kind in PARTS else 0): key for key, one in there.items()},
    )
    left = {key: one for key, one in placed.items() if one.kind in BY_DEFINITION and key not in found.pairs}
    new = {key: one for key, one in there.items() if one.kind in BY_DEFINITION and key not in taken}
    pair(
        {_defined(one, found.oids[one.parent]): key for key, one in left.items()},
        {_defined(one, one.parent): key for key, one in new.items()},
    )


def _group(one: Thing) -> str:
    return GROUPS.get(one.kind, one.kind)


def _defined(one: Thing, parent: int) -> object:
    return one.kind, parent, spelled(json.dumps(one.facts, sort_keys=True))


def _rest(found: Matched) -> None:
    """What is in something that is new, or gone, is not told one by one."""
    new, old = set(found.pairs.values()), set(found.oids.values())
    found.made = [one for key, one in found.after.things.items() if key not in new and one.parent in old]
    found.dropped = [
        one for key, one in found.before.things.items() if key not in found.pairs and one.parent in found.oids
    ]
