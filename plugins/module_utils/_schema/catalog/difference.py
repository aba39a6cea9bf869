# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The net difference of two looks at one database, each part of it classified. Pure.

It is never inferred from SQL: what was added and taken back is no change, and what came in three steps is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import classes_code, classes_column, classes_constraint, classes_relation
from .changes import BREAKS, BRIDGE, CONDITIONAL, SAFE, Change
from .match import PARTS, Pair, match
from .rules import REVIEW, Context, Fact, Kind, Made, Rule
from .snapshot import Snapshot, Thing

KINDS: dict[str, Kind] = {
    **classes_relation.KINDS,
    **classes_column.KINDS,
    **classes_constraint.KINDS,
    **classes_code.KINDS,
}
# Classes that can give a table a new file: a column that is there can have had a default that is not.
REWRITES = frozenset(
    ("add_column", "add_required_column", "replace_column", "add_computed_column", "change_type", "narrow_type")
    + ("widen_type", "change_zone", "set_persistence", "set_access_method", "set_tablespace", "set_expression")
    + ("change_generated",)
)  # fmt: skip
WORST = (BREAKS, BRIDGE, CONDITIONAL, SAFE)


def changes(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """The worst first."""
    ctx = Context(match(before, after))
    found = list(dict.fromkeys(_all(ctx)))
    rewritten = {one.table for one in found if one.what in REWRITES}
    told = [one for one in found if one.what != "new_file" or one.table not in rewritten]
    return tuple(sorted(told, key=lambda one: (WORST.index(one.rating), one.table, one.kind, one.name, one.what)))


def _all(ctx: Context) -> Iterator[Change]:
    for one in ctx.matched.dropped:
        yield from _whole(ctx, one, _kind(one).dropped)
    for one in ctx.matched.made:
        yield from _whole(ctx, one, _kind(one).made)
    for pair in ctx.matched.both():
        yield from _pair(ctx, pair)


def _kind(one: Thing) -> Kind:
    return KINDS.get(one.kind, classes_code.UNKNOWN)


def _whole(ctx: Context, one: Thing, made: Made) -> Iterable[Change]:
    return [ctx.tell(one, made)] if isinstance(made, Rule) else made(ctx, one)


def _pair(ctx: Context, pair: Pair) -> Iterator[Change]:
    kind, before, after = _kind(pair.before), pair.before, pair.after
    if before.local.get("part") and after.local.get("part"):
        return
    moved = before.kind not in PARTS and ctx.matched.oids.get(before.parent, before.parent) != after.parent
    if before.bare != after.bare or moved:
        yield from _one(ctx, pair, kind.renamed)
    elif pair.again and kind.again:
        yield from _one(ctx, pair, kind.again)
    for name, was in before.facts.items():
        if not ctx.matched.same(was, after.facts.get(name)) and not _of_parent(ctx, pair, name):
            yield from _one(ctx, pair, kind.facts.get(name, REVIEW), name)
    for name, was in before.local.items():
        if name in kind.facts and was != after.local.get(name):
            yield from _one(ctx, pair, kind.facts[name], name)


def _of_parent(ctx: Context, pair: Pair, fact: str) -> bool:
    """Whether the column of a partition changed with that of its table, which is told."""
    if not pair.after.local.get("inherited"):
        return False
    for parent in ctx.after.relations[pair.after.parent].local["inherits"]:
        now = ctx.after.columns.get(parent, {}).get(pair.after.bare)
        old = ctx.matched.old_of.get(("pg_class", parent, now.local["number"])) if now else None
        if now and old and (old.facts[fact], now.facts[fact]) == (pair.before.facts[fact], pair.after.facts[fact]):
            return True
    return False


def _one(ctx: Context, pair: Pair, fact: Fact, name: str = "") -> Iterable[Change]:
    return [ctx.tell(pair.before, fact, name)] if isinstance(fact, Rule) else fact(ctx, pair)
