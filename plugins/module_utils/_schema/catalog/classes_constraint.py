# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The classes of change of constraints and indexes. Pure.

What holds for new columns alone is safe where an INSERT that leaves them out leaves them NULL, and NULL is let through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from . import probes
from .changes import BREAKS, CALL, CONDITIONAL, MEETS, PLAN, SAFE, WRITE, Change
from .match import Pair
from .rules import REVIEW, Context, Fact, Kind, Rule, distinct, silent
from .snapshot import Thing

CHECK = Rule(
    "add_check", CONDITIONAL, "is new: old writes are checked (23514), also where the rows before are not", WRITE
)
CHECK_FREE = Rule("add_check", SAFE, "is new: it looks at new columns alone, which the old program leaves NULL")
UNIQUE = Rule("add_unique", CONDITIONAL, "is new: old writes can be a second of the same (23505)", WRITE)
UNIQUE_FREE = Rule("add_unique", SAFE, "is new: no write of the old program can be a second of the same")
FOREIGN = Rule("add_foreign_key", CONDITIONAL, "is new: old writes must refer to a row that is there (23503)", WRITE)
FOREIGN_FREE = Rule("add_foreign_key", SAFE, "is new: it looks at new columns, which the old program leaves NULL")
REFERRED = Rule(
    "refer_to_table", CONDITIONAL, "is new: a row of %s that is referred to can't be deleted as before (23503)", WRITE
)
REFERRED_NEW = Rule(
    "refer_to_table", CONDITIONAL, "is new: a row of %s that the new program refers to can't be deleted (23503)", MEETS
)
EXCLUDE = Rule("add_exclusion", CONDITIONAL, "is new: old writes can be in its way (23P01)", WRITE)
NOT_ENFORCED = Rule("add_not_enforced", SAFE, "is new, and not enforced")
DROP_CHECK = Rule("drop_check", CONDITIONAL, "is gone: the old program can meet values that it ruled out", MEETS)
DROP_FOREIGN = Rule("drop_foreign_key", CONDITIONAL, "is gone: nothing cascades or is refused any more", WRITE)
DROP_UNIQUE = Rule("drop_unique", BREAKS, "is gone: ON CONFLICT on its columns fails (42P10), and rows can repeat")
DROP_DOUBLE = Rule(
    "drop_unique", CONDITIONAL, "is gone; another unique index has its columns. ON CONSTRAINT of its name fails", CALL
)
DROP_EXCLUDE = Rule("drop_exclusion", CONDITIONAL, "is gone: what it ruled out can be there", MEETS)
RENAME = Rule("rename_constraint", SAFE, "has another name (%s)")
RENAME_UNIQUE = Rule(
    "rename_constraint", CONDITIONAL, "has another name (%s): ON CONFLICT ON CONSTRAINT fails (42704)", CALL
)
VALIDATE = Rule("validate", SAFE, "is checked for the rows before too now")
DEFER = Rule(
    "defer_constraint", CONDITIONAL, "is checked at another time: an error comes with COMMIT, or earlier", WRITE
)
DEFER_UNIQUE = Rule("defer_constraint", BREAKS, "can be deferred now: ON CONFLICT on its columns fails (55000)")
ENFORCE = Rule("enforce", CONDITIONAL, "is enforced now: old writes are checked", WRITE)
UNENFORCE = Rule("unenforce", CONDITIONAL, "is not enforced any more: what it ruled out can be there", MEETS)
FIRING = Rule("fire_constraint", CONDITIONAL, "is checked otherwise: its triggers were switched on or off", WRITE)

INDEX = Rule("add_index", SAFE, "is new")
INDEX_CALLS = Rule(
    "add_index", CONDITIONAL, "is new, and its expression is computed for each old write: it must not fail", WRITE
)
INDEX_LONG = Rule("add_index", CONDITIONAL, "is new, and takes no value of more than about 2700 bytes (54000)", WRITE)
INVALID = Rule(
    "invalid_index", CONDITIONAL, "was left invalid: it costs and helps nothing. Drop it and make it again", PLAN
)
INVALID_UNIQUE = Rule("invalid_index", CONDITIONAL, "was left invalid, and refuses a second of the same (23505)", WRITE)
DROP_INDEX = Rule("drop_index", CONDITIONAL, "is gone: statements that used it get slower", PLAN)
RENAME_INDEX = Rule("rename_index", SAFE, "has another name (%s)")
READY = Rule("index_valid", SAFE, "is valid now")
REPLICA = Rule("replica_identity", CONDITIONAL, "identifies the rows for replication, or does not any more", WRITE)

# Functions that fail for no value, and what else of an expression can.
TOTAL = ("lower", "upper", "btrim", "coalesce", "md5", "any")
CALLS = re.compile(r"(\w+)\(", re.IGNORECASE)
RISKY = re.compile(r"[/%]|::(?!text\b|character varying\b|bpchar\b|regclass\b)|->", re.IGNORECASE)
# Where NULL does not simply pass a CHECK.
NOT_NULL_SAFE = re.compile(r"\bIS\b|\bDISTINCT\b|\bCASE\b|\w\(", re.IGNORECASE)


def _free(ctx: Context, parent: int, columns: Sequence[str]) -> list[Thing]:
    """Those of the columns that are new and stay NULL in an old INSERT."""
    fresh = ctx.fresh(parent)
    return [fresh[name] for name in columns if name in fresh and silent(fresh[name])]


def constraint_made(ctx: Context, one: Thing) -> Iterator[Change]:
    if one.local["part"]:
        return
    if not _on(one.facts["enforced"]):
        yield ctx.tell(one, NOT_ENFORCED)
        return
    make = {"c": _check, "f": _foreign, "u": _unique, "p": _unique}.get(one.facts["type"])
    if make:
        yield from make(ctx, one)
    elif one.facts["type"] == "x":
        yield ctx.tell(one, EXCLUDE)
    else:
        yield ctx.tell(one, REVIEW, "a constraint of type %s is new" % one.facts["type"])


def _on(fact: object) -> bool:
    return fact not in (False, "false")


def _check(ctx: Context, one: Thing) -> Iterator[Change]:
    columns, expression = one.facts["columns"], str(one.local["expression"])
    if columns and len(_free(ctx, one.parent, columns)) == len(columns) and not NOT_NULL_SAFE.search(expression):
        yield ctx.tell(one, CHECK_FREE)
        return
    table = ctx.old(one.parent)
    # One that is not valid is not held against the rows that are there.
    known = one.facts["valid"] and ctx.old_names(one.parent, columns) == columns
    yield ctx.tell(one, CHECK, probe=probes.unchecked(table.name, expression) if table and known else "")


def _foreign(ctx: Context, one: Thing) -> Iterator[Change]:
    columns, local = list(one.facts["columns"]), one.local
    free = _free(ctx, one.parent, columns)
    passes = len(free) == len(columns) if local["match"] == "f" else bool(free)
    target = ctx.old(local["target"])
    if passes:
        yield ctx.tell(one, FOREIGN_FREE)
    else:
        yield ctx.tell(one, FOREIGN, probe=_orphan(ctx, one))
    # A row that cascades, or is set NULL, is deleted as before.
    if target and (local["on_delete"] in ("a", "r") or not passes):
        rule = REFERRED_NEW if passes else REFERRED
        yield ctx.tell(one, rule, target.name, table=target.name, columns=local["target_columns"])


def _orphan(ctx: Context, one: Thing) -> str:
    table, target = ctx.old(one.parent), ctx.old(one.local["target"])
    columns = ctx.old_names(one.parent, one.facts["columns"])
    targets = ctx.old_names(one.local["target"], one.local["target_columns"])
    if not (table and target and columns and targets and one.facts["valid"]):
        return ""
    return probes.orphan(table.name, columns, target.name, targets, one.local["match"] == "f")


def _unique(ctx: Context, one: Thing) -> Iterator[Change]:
    """A constraint is its index; one that was a unique index before refuses nothing new."""
    key = ("pg_class", one.local["index"], 0)
    index = ctx.after.things.get(key)
    old = ctx.before.things.get(key)
    if index is None:
        yield ctx.tell(one, UNIQUE)
    elif old is not None and old.facts["unique"] and old.local["valid"]:
        yield ctx.tell(one, UNIQUE_FREE)
    else:
        yield from unique(ctx, one, index)


def unique(ctx: Context, one: Thing, index: Thing) -> Iterator[Change]:
    if _never_second(ctx, index):
        yield ctx.tell(one, UNIQUE_FREE)
        return
    table, columns = ctx.old(index.parent), index.facts["columns"]
    terms, names = list(index.local["terms"]), [name for name in columns if name]
    known = table is not None and (not names or ctx.old_names(index.parent, names) == names)
    # An expression may name any column: it can be asked where the table has no new one and no new name.
    plain = all(columns) and not index.facts["predicate"]
    if not table or not known or not (plain or _unchanged(ctx, index.parent)):
        yield ctx.tell(one, UNIQUE)
        return
    probe = probes.duplicate(table.name, terms, index.facts["predicate"], index.facts["nulls_equal"])
    yield ctx.tell(one, UNIQUE, probe=probe)


def _unchanged(ctx: Context, parent: int) -> bool:
    now = list(ctx.after.columns.get(parent, {}))
    kept = [name for name in now if name not in ctx.fresh(parent)]
    return ctx.old_names(parent, kept) == kept


def _never_second(ctx: Context, index: Thing) -> bool:
    facts, fresh = index.facts, ctx.fresh(index.parent)
    free = {one.bare for one in _free(ctx, index.parent, list(fresh))}
    if any(name in fresh and distinct(fresh[name]) for name in facts["columns"]):
        return True
    if not facts["nulls_equal"] and any(name in free for name in facts["columns"]):
        return True
    parts = str(facts["predicate"])
    if " OR " not in parts and any(re.search(r"(?<![\w.])\"?%s\"? IS NOT NULL" % re.escape(n), parts) for n in free):
        return True
    before = ctx.matched.back.get(index.parent, 0)
    kept = [one for one in ctx.uniques(ctx.after, index.parent) if one is not index]
    known = {one.bare for one in ctx.uniques(ctx.before, before)}
    mine = set(facts["columns"])
    return not facts["nulls_equal"] and any(one.bare in known and set(one.facts["columns"]) <= mine for one in kept)


def constraint_dropped(ctx: Context, one: Thing) -> Iterator[Change]:
    if one.local["part"]:
        return
    kind = one.facts["type"]
    if kind in ("u", "p"):
        yield ctx.tell(one, DROP_DOUBLE if _double(ctx, one) else DROP_UNIQUE)
    else:
        rules = {"c": DROP_CHECK, "f": DROP_FOREIGN, "x": DROP_EXCLUDE}
        yield ctx.tell(one, rules[kind]) if kind in rules else ctx.tell(one, REVIEW, "a constraint is gone")


def _double(ctx: Context, one: Thing) -> bool:
    """Whether another unique index has the same columns still."""
    parent = ctx.matched.oids.get(one.parent, 0)
    columns = set(one.facts["columns"])
    plain = "" not in columns and not one.facts.get("predicate")
    return plain and any(set(index.facts["columns"]) == columns for index in ctx.uniques(ctx.after, parent))


def constraint_renamed(ctx: Context, pair: Pair) -> Iterator[Change]:
    if not pair.before.local["part"]:
        rule = RENAME if pair.before.facts["type"] in ("c", "f") else RENAME_UNIQUE
        yield ctx.tell(pair.before, rule, pair.after.bare)


def redefined(ctx: Context, pair: Pair) -> Iterator[Change]:
    """Made again and otherwise: what it was is gone, and what it is now is new."""
    yield from constraint_dropped(ctx, pair.before)
    yield from constraint_made(ctx, pair.after)


def valid(ctx: Context, pair: Pair) -> Iterator[Change]:
    if pair.before.facts["enforced"] != pair.after.facts["enforced"]:
        return
    if not pair.after.facts["valid"]:
        yield ctx.tell(pair.before, REVIEW, "not valid")
        return
    yield ctx.tell(pair.before, VALIDATE, probe=_probe(ctx, pair.after))


def _probe(ctx: Context, one: Thing) -> str:
    """The question of a constraint that is there before already."""
    return next((change.probe for change in constraint_made(ctx, one) if change.probe), "")


def deferrable(ctx: Context, pair: Pair) -> Iterator[Change]:
    arbiter = pair.before.facts["type"] in ("u", "p") and pair.after.facts["deferrable"]
    yield ctx.tell(pair.before, DEFER_UNIQUE if arbiter else DEFER)


def deferred(ctx: Context, pair: Pair) -> Iterator[Change]:
    if pair.before.facts["deferrable"] == pair.after.facts["deferrable"]:
        yield ctx.tell(pair.before, DEFER)


def enforced(ctx: Context, pair: Pair) -> Iterator[Change]:
    if not _on(pair.after.facts["enforced"]):
        yield ctx.tell(pair.before, UNENFORCE)
        return
    yield ctx.tell(pair.before, ENFORCE, probe=_probe(ctx, pair.after))


def firing(ctx: Context, pair: Pair) -> Iterator[Change]:
    was, now = set(pair.before.local["firing"]), set(pair.after.local["firing"])
    if was and now:
        yield ctx.tell(pair.before, FIRING)


def in_the_definition(_ctx: Context, _pair: Pair) -> Iterator[Change]:
    return iter(())


CONSTRAINT: dict[str, Fact] = {
    "type": REVIEW, "definition": redefined, "valid": valid, "deferrable": deferrable, "deferred": deferred,
    "enforced": enforced, "no_inherit": in_the_definition, "columns": in_the_definition, "firing": firing,
}  # fmt: skip


def index_made(ctx: Context, one: Thing) -> Iterator[Change]:
    if one.local["part"] or (one.local["constraint"] and one.local["valid"]):
        return
    if not one.local["valid"]:
        yield ctx.tell(one, INVALID_UNIQUE if one.facts["unique"] else INVALID)
    if one.facts["unique"]:
        yield from unique(ctx, one, one)
    elif _can_fail(one):
        yield ctx.tell(one, INDEX_CALLS)
    elif _can_be_long(ctx, one):
        yield ctx.tell(one, INDEX_LONG)
    else:
        yield ctx.tell(one, INDEX)


def _can_fail(one: Thing) -> bool:
    """Whether the server computes something for a row that not every row can take."""
    texts = [term for term, name in zip(one.local["terms"], one.facts["columns"]) if not name]
    texts.append(str(one.facts["predicate"]))
    return any(
        RISKY.search(re.sub(r"'(?:[^']|'')*'(::\w+)?", "", text)) or set(map(str.lower, CALLS.findall(text))) - {*TOTAL}
        for text in texts
    )


def _can_be_long(ctx: Context, one: Thing) -> bool:
    """Whether a column can have a value that fits in no page of the index."""
    columns = ctx.after.columns.get(one.parent, {})
    types = [str(columns[name].facts["type"]) for name in one.facts["columns"] if name in columns]
    unbounded = ("text", "bytea", "jsonb", "character varying")
    return " btree " in one.facts["definition"] and any(one in unbounded or one.endswith("[]") for one in types)


def index_dropped(ctx: Context, one: Thing) -> Iterator[Change]:
    if one.local["part"] or one.local["constraint"]:
        return
    relation = ctx.relation(one.parent)
    # Nothing conflicts in a materialized view.
    if not one.facts["unique"] or not one.local["valid"] or (relation and relation.kind != "table"):
        yield ctx.tell(one, DROP_INDEX)
    else:
        yield ctx.tell(one, DROP_DOUBLE if _double(ctx, one) else DROP_UNIQUE)


def index_renamed(ctx: Context, pair: Pair) -> Iterator[Change]:
    if not (pair.before.local["part"] or pair.after.local["constraint"]):
        yield ctx.tell(pair.before, RENAME_INDEX, pair.after.bare)


def index_redefined(ctx: Context, pair: Pair) -> Iterator[Change]:
    yield from index_dropped(ctx, pair.before)
    yield from index_made(ctx, pair.after)


def index_valid(ctx: Context, pair: Pair) -> Iterator[Change]:
    if pair.after.local["valid"]:
        yield ctx.tell(pair.before, READY)
    else:
        yield ctx.tell(pair.before, INVALID_UNIQUE if pair.after.facts["unique"] else INVALID)


INDEX_FACTS: dict[str, Fact] = {
    "definition": index_redefined, "unique": index_redefined, "nulls_equal": index_redefined,
    "columns": in_the_definition, "predicate": in_the_definition, "identity": REPLICA, "valid": index_valid,
    "options": Rule("tune_index", SAFE, "has other storage parameters"),
}  # fmt: skip
KINDS = {
    "constraint": Kind(constraint_made, constraint_dropped, constraint_renamed, None, CONSTRAINT),
    "index": Kind(index_made, index_dropped, index_renamed, None, INDEX_FACTS),
}
