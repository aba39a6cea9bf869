# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The classes of change of a column. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from . import probes
from .changes import BREAKS, BRIDGE, CALL, CONDITIONAL, MEETS, READ, SAFE, WRITE, Change
from .match import Pair
from .rules import Context, Fact, Kind, Rule, required
from .rules_rights import rights
from .snapshot import Thing

REQUIRED = Rule(
    "add_required_column", BRIDGE,
    "is new, NOT NULL and has no default: an INSERT of the old program leaves it out and fails (23502)", WRITE,
)  # fmt: skip
FILLED = Rule(
    "add_required_column",
    CONDITIONAL,
    "is new and NOT NULL; a new BEFORE INSERT trigger of its table may fill it",
    WRITE,
)
ADD = Rule(
    "add_column", CONDITIONAL, "is new: SELECT * and an INSERT without a column list see it, plans of live sessions"
    " fail once (0A000)", READ,
)  # fmt: skip
COMPUTED = Rule(
    "add_computed_column", CONDITIONAL, "is new and computed for each row that the old program writes", WRITE
)
ATTRIBUTE = Rule("add_attribute", CONDITIONAL, "is new: a row that is written out has one value too few", CALL)
DROP = Rule("drop_column", BREAKS, "is gone (42703)")
RENAME = Rule("rename_column", BREAKS, "is named %s now (42703)")
COVERED = Rule("cover_column", CONDITIONAL, "is under its old name only in the view that took its table's place", WRITE)
REPLACED = Rule(
    "replace_column", CONDITIONAL, "is another column of that name: what it had is there only if it was copied", READ
)
NARROW = Rule(
    "narrow_type", CONDITIONAL, "takes less than before (%s): a longer or larger value fails (22001, 22003)", WRITE
)
WIDEN = Rule("widen_type", CONDITIONAL, "takes more than before (%s); plans of live sessions fail once (0A000)", READ)
RETYPE = Rule("change_type", CONDITIONAL, "has another type (%s): what is read differs", READ)
RETYPE_WRITES = Rule(
    "change_type", CONDITIONAL, "has another type (%s): what the old program writes or compares must fit", WRITE
)
ZONE = Rule("change_zone", CONDITIONAL, "has another type (%s): its values mean what the session's TimeZone says", READ)
SET_NOT_NULL = Rule("set_not_null", CONDITIONAL, "refuses NULL now (23502)", WRITE)
DROP_NOT_NULL = Rule("drop_not_null", CONDITIONAL, "may be NULL now, which the old program can meet", MEETS)
VALIDATE = Rule("validate", SAFE, "is NOT NULL as before; the rows before are checked too now")
DROP_DEFAULT = Rule("drop_default", CONDITIONAL, "has no default any more: an INSERT without it stores NULL", WRITE)
DROP_REQUIRED = Rule(
    "drop_default", CONDITIONAL, "has no default any more and is NOT NULL: an INSERT without it fails (23502)", WRITE
)
SET_DEFAULT = Rule("set_default", CONDITIONAL, "has a default now: an INSERT without it stores that", WRITE)
CHANGE_DEFAULT = Rule("change_default", CONDITIONAL, "has another default: an INSERT without it stores that", WRITE)
EXPRESSION = Rule("set_expression", CONDITIONAL, "is computed otherwise: what is read differs", READ)
ALWAYS = Rule("identity_always", BREAKS, "takes no value of a program any more (428C9)", WRITE)
BY_DEFAULT = Rule("identity_by_default", SAFE, "takes a program's value too now")
ADD_IDENTITY = Rule("add_identity", CONDITIONAL, "is numbered by the server now where a program gives no value", WRITE)
DROP_IDENTITY = Rule("drop_identity", CONDITIONAL, "is not numbered by the server any more", WRITE)
GENERATE = Rule("generate_column", BREAKS, "is computed now: an INSERT or UPDATE of it fails (428C9)", WRITE)
DROP_EXPRESSION = Rule("drop_expression", CONDITIONAL, "is not computed any more: old writes leave it as it is", WRITE)
STORED = Rule("change_generated", CONDITIONAL, "is computed at another time (stored, virtual)", READ)
COLLATE = Rule("change_collation", CONDITIONAL, "sorts and compares otherwise; plans of live sessions fail once", READ)
FOREIGN = Rule("set_options", CONDITIONAL, "is read otherwise from the foreign server", READ)
TUNE = Rule("tune_column", SAFE, "is stored or counted otherwise")


def made(ctx: Context, one: Thing) -> Iterator[Change]:
    if one.local["inherited"] and one.bare in _parents(ctx, one):
        return
    if one.kind == "attribute":
        yield ctx.tell(one, ATTRIBUTE)
        return
    if required(one):
        yield ctx.tell(one, FILLED if _new_trigger(ctx, one.parent) else REQUIRED)
        return
    yield ctx.tell(one, ADD)
    # A constant can't fail; what is computed from the row, or called, can.
    if one.facts["generated"] or one.facts["identity"] or "(" in one.facts["default"] or one.local["domain"]:
        yield ctx.tell(one, COMPUTED)


def _parents(ctx: Context, one: Thing) -> dict[str, Thing]:
    """The columns of what the column's table inherits from."""
    found: dict[str, Thing] = {}
    for parent in ctx.after.relations[one.parent].local["inherits"]:
        found.update(ctx.after.columns.get(parent, {}))
    return found


def _new_trigger(ctx: Context, parent: int) -> bool:
    return any(
        one.kind == "trigger" and one.parent == parent and " BEFORE INSERT " in one.facts["definition"]
        for one in ctx.matched.made
    )


def dropped(ctx: Context, one: Thing) -> Iterator[Change]:
    if not _inherited_drop(ctx, one):
        yield ctx.tell(one, COVERED if _covered(ctx, one) else DROP)


def _inherited_drop(ctx: Context, one: Thing) -> bool:
    """A column of a partition goes with its parent's, which is told."""
    parents = ctx.before.relations[one.parent].local["inherits"] if one.local["inherited"] else ()
    gone = {(thing.parent, thing.bare) for thing in ctx.matched.dropped if thing.kind == "column"}
    return any((parent, one.bare) in gone for parent in parents)


def _covered(ctx: Context, one: Thing) -> bool:
    relation = ctx.before.relations.get(one.parent)
    return relation is not None and ctx.cover(relation) is not None


def renamed(ctx: Context, pair: Pair) -> Iterator[Change]:
    old = pair.before
    if old.local["inherited"] and pair.after.bare in _parents(ctx, pair.after):
        return
    yield ctx.tell(old, COVERED) if _covered(ctx, old) else ctx.tell(old, RENAME, pair.after.bare)


def again(ctx: Context, pair: Pair) -> Iterator[Change]:
    relation = ctx.after.relations.get(pair.after.parent)
    if relation is not None and relation.kind == "table":
        yield ctx.tell(pair.before, REPLACED)


def retyped(ctx: Context, pair: Pair) -> Iterator[Change]:
    was, now = str(pair.before.facts["type"]), str(pair.after.facts["type"])
    said = "%s to %s" % (was, now)
    old, table = pair.before, ctx.place(pair.before)[0]
    if probes.narrowing(old.bare, was, now):
        yield ctx.tell(old, NARROW, said, probe=probes.narrower(table, old.bare, was, now))
    elif all(text.startswith("time") for text in (was, now)) and ("with time" in was) != ("with time" in now):
        yield ctx.tell(old, ZONE, said)
    elif _wider(was, now):
        yield ctx.tell(old, WIDEN, said)
    else:
        yield ctx.tell(old, RETYPE, said)
        yield ctx.tell(old, RETYPE_WRITES, said)


def _wider(was: str, now: str) -> bool:
    old, new = probes.TYPE.match(was), probes.TYPE.match(now)
    if not old or not new:
        return False
    texts, numbers = ("character varying", "text"), ("numeric", *probes.INTEGERS)
    return (
        any(old["base"] in group and new["base"] in group for group in (texts, numbers)) or old["base"] == new["base"]
    )


def not_null(ctx: Context, pair: Pair) -> Iterator[Change]:
    if not pair.after.facts["not_null"]:
        yield ctx.tell(pair.before, DROP_NOT_NULL)
        return
    table = ctx.place(pair.before)[0]
    probe = probes.is_null(table, pair.before.bare) if pair.after.facts["checked"] else ""
    yield ctx.tell(pair.before, SET_NOT_NULL, probe=probe)


def checked(ctx: Context, pair: Pair) -> Iterator[Change]:
    if pair.before.facts["not_null"] == pair.after.facts["not_null"]:
        probe = probes.is_null(ctx.place(pair.before)[0], pair.before.bare)
        yield ctx.tell(pair.before, VALIDATE, probe=probe)


def default(ctx: Context, pair: Pair) -> Iterator[Change]:
    was, now = pair.before.facts, pair.after.facts
    if was["generated"] != now["generated"]:
        return
    if now["generated"]:
        yield ctx.tell(pair.before, EXPRESSION)
    elif now["default"]:
        yield ctx.tell(pair.before, CHANGE_DEFAULT if was["default"] else SET_DEFAULT)
    elif not now["identity"]:
        yield ctx.tell(pair.before, DROP_REQUIRED if required(pair.after) else DROP_DEFAULT)


def identity(ctx: Context, pair: Pair) -> Iterator[Change]:
    was, now = pair.before.facts["identity"], pair.after.facts["identity"]
    if now == "a":
        yield ctx.tell(pair.before, ALWAYS)
    elif now == "d":
        yield ctx.tell(pair.before, BY_DEFAULT if was else ADD_IDENTITY)
    else:
        yield ctx.tell(pair.before, DROP_IDENTITY)


def generated(ctx: Context, pair: Pair) -> Iterator[Change]:
    was, now = pair.before.facts["generated"], pair.after.facts["generated"]
    yield ctx.tell(pair.before, STORED if was and now else GENERATE if now else DROP_EXPRESSION)


FACTS: dict[str, Fact] = {
    "type": retyped, "collation": COLLATE, "not_null": not_null, "checked": checked, "default": default,
    "identity": identity, "generated": generated, "storage": TUNE, "compression": TUNE, "target": TUNE,
    "options": TUNE, "foreign": FOREIGN, "acl": rights,
}  # fmt: skip
KINDS = {name: Kind(made, dropped, renamed, again, FACTS) for name in ("column", "attribute")}
