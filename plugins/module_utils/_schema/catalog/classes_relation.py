# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The classes of change of tables, views, sequences and schemas. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .changes import BREAKS, CALL, CONDITIONAL, MEETS, READ, SAFE, WRITE, Change
from .match import Pair
from .rules import REVIEW, Context, Fact, Kind, Rule
from .rules_rights import owner, rights
from .snapshot import RELATIONS, Thing

ADD = Rule("add_%s", SAFE, "is new")
SHADOW = Rule("shadow", CONDITIONAL, "is new and has the name of one in another schema: search_path decides", CALL)
REFERRED = Rule(
    "refer_to_table", CONDITIONAL, "is new: a row of %s that a new table refers to can't be deleted (23503)", MEETS
)
PARTITION = Rule("attach_partition", CONDITIONAL, "is a part of %s now: its rows show there, and are checked", WRITE)
DROP = Rule("drop_%s", BREAKS, "is gone (42P01)")
RENAME = Rule("rename_%s", BREAKS, "is named %s now (42P01)")
COVERED = Rule(
    "cover_table", CONDITIONAL, "was renamed or dropped; a view took its name, with all of its columns", WRITE
)
READ_ONLY = Rule(
    "cover_table", BREAKS, "was renamed or dropped; the view that took its name can't be written to", WRITE
)
AGAIN = Rule("recreate_table", CONDITIONAL, "was made again: it has the rows that the migration copied, no other", READ)
EMPTIED = Rule("empty_table", BREAKS, "was emptied: it has a new file without rows", READ)
TRUNCATED = Rule("new_file", BREAKS, "has a new file, as after TRUNCATE: production's rows would be gone", READ)
FILE = Rule("new_file", CONDITIONAL, "has a new file: its rows were written again, and may be others", READ)
KEPT = Rule("new_file", SAFE, "has a new file: it was written again (VACUUM FULL, CLUSTER)")
PERSISTENCE = Rule("set_persistence", SAFE, "is logged otherwise (%s): an unlogged table is empty after a crash")
OPTIONS = Rule("set_options", SAFE, "has other storage parameters")
VIEW_OPTIONS = Rule("set_view_options", CONDITIONAL, "has other options (%s): rows or rights may differ", READ)
METHOD = Rule("set_access_method", SAFE, "has another access method")
SPACE = Rule("set_tablespace", SAFE, "lies in another tablespace")
REPLACE = Rule("replace_view", CONDITIONAL, "is defined otherwise: what is read differs", READ)
UNWRITABLE = Rule("view_not_writable", CONDITIONAL, "can't be written to any more (55000)", WRITE)
UNFILLED = Rule("unfilled", BREAKS, "holds nothing until it is refreshed: reading it fails (55000)", READ)
FILLED = Rule("filled", SAFE, "can be read now")
WRITABLE = Rule("view_writable", SAFE, "can be written to now")
RLS = Rule(
    "enable_rls", CONDITIONAL, "has row security now: a role that is not its owner sees what a policy lets it see", READ
)
RLS_GRANTED = Rule("enable_rls", BREAKS, "has row security now, and no policy: other roles see no row of it", READ)
RLS_FORCED = Rule("force_rls", CONDITIONAL, "has row security for its owner too", READ)
RLS_EMPTY = Rule("force_rls", BREAKS, "has row security for its owner too, and no policy: no row is seen", READ)
RLS_OFF = Rule("disable_rls", CONDITIONAL, "has less row security: more rows are seen", READ)
DETACH = Rule("detach_partition", BREAKS, "is no part of %s any more: its rows are not seen there", READ)
REPLICA = Rule("replica_identity", SAFE, "is replicated by another identity")
NO_REPLICA = Rule(
    "replica_identity",
    CONDITIONAL,
    "has no replica identity: UPDATE and DELETE fail where it is published (55000)",
    WRITE,
)


def made(ctx: Context, one: Thing) -> Iterator[Change]:
    for parent in one.local["inherits"]:
        if ctx.old(parent):
            yield ctx.tell(one, PARTITION, _called(ctx, parent), table=_called(ctx, parent))
            return
    same = any(old.bare == one.bare and old.parent != one.parent for old in ctx.before.relations.values())
    yield ctx.tell(one, SHADOW if same else _of(ADD, one))
    yield from _referred(ctx, one)


def _referred(ctx: Context, one: Thing) -> Iterator[Change]:
    """What a new table keeps the old program from deleting; what cascades, or is set NULL, does not."""
    for foreign in ctx.after.things.values():
        if foreign.kind == "constraint" and foreign.local["target"] and foreign.local["on_delete"] in ("a", "r"):
            old = ctx.old(foreign.local["target"])
            if old and ctx.after.relations.get(foreign.parent) is one:
                yield ctx.tell(foreign, REFERRED, old.name, table=old.name, columns=foreign.local["target_columns"])


def _called(ctx: Context, parent: int) -> str:
    relation = ctx.relation(parent)
    return relation.name if relation else ""


def _of(rule: Rule, one: Thing) -> Rule:
    return Rule(rule.what % one.kind.replace(" ", "_"), rule.rating, rule.text, rule.needs)


def dropped(ctx: Context, one: Thing) -> Iterator[Change]:
    cover = ctx.cover(one) if one.kind == "table" else None
    if cover:
        yield ctx.tell(one, COVERED if cover.local["writable"] else READ_ONLY)
    else:
        yield ctx.tell(one, _of(DROP, one))


def renamed(ctx: Context, pair: Pair) -> Iterator[Change]:
    cover = ctx.cover(pair.before)
    if cover:
        yield ctx.tell(pair.before, COVERED if cover.local["writable"] else READ_ONLY)
    else:
        yield ctx.tell(pair.before, _of(RENAME, pair.before), pair.after.name)


def again(ctx: Context, pair: Pair) -> Iterator[Change]:
    if pair.before.kind == pair.after.kind == "table":
        yield ctx.tell(pair.before, AGAIN)
    elif pair.before.kind != pair.after.kind:
        yield ctx.tell(pair.before, REVIEW, "a %s now" % pair.after.kind)


def file(ctx: Context, pair: Pair) -> Iterator[Change]:
    """Of a table without rows VACUUM FULL and CLUSTER count them; TRUNCATE, and a rewrite by ALTER, do not."""
    was, now = pair.before.local, pair.after.local
    if pair.again or pair.before.kind != "table":
        return
    if now["filled"]:
        yield ctx.tell(pair.before, FILE)
    elif was["filled"]:
        yield ctx.tell(pair.before, EMPTIED)
    else:
        yield ctx.tell(pair.before, KEPT if now["rows"] >= 0 else TRUNCATED)


def options(ctx: Context, pair: Pair) -> Iterator[Change]:
    if pair.before.kind == "view":
        yield ctx.tell(pair.before, VIEW_OPTIONS, ", ".join(pair.after.facts["options"]) or "none")
    else:
        yield ctx.tell(pair.before, OPTIONS)


def persistence(ctx: Context, pair: Pair) -> Iterator[Change]:
    yield ctx.tell(pair.before, PERSISTENCE, "logged" if pair.after.facts["persistence"] == "p" else "unlogged")


def writable(ctx: Context, pair: Pair) -> Iterator[Change]:
    yield ctx.tell(pair.before, WRITABLE if pair.after.local["writable"] else UNWRITABLE)


def populated(ctx: Context, pair: Pair) -> Iterator[Change]:
    yield ctx.tell(pair.before, FILLED if pair.after.local["populated"] else UNFILLED)


def rls(ctx: Context, pair: Pair) -> Iterator[Change]:
    now, owner_ = pair.after.facts, pair.after.local["owner"]
    others = [one for one in pair.after.local["acl"] if not one.startswith("%s " % owner_)]
    if not now["rls"]:
        yield ctx.tell(pair.before, RLS_OFF)
    else:
        yield ctx.tell(pair.before, RLS_GRANTED if others and not _policies(ctx, pair) else RLS)


def forced(ctx: Context, pair: Pair) -> Iterator[Change]:
    now = pair.after.facts
    if not now["forced_rls"]:
        yield ctx.tell(pair.before, RLS_OFF)
    else:
        yield ctx.tell(pair.before, RLS_FORCED if _policies(ctx, pair) or not now["rls"] else RLS_EMPTY)


def _policies(ctx: Context, pair: Pair) -> bool:
    oids = {oid for oid, one in ctx.after.relations.items() if one is pair.after}
    return any(one.kind == "policy" and one.parent in oids for one in ctx.after.things.values())


def inherits(ctx: Context, pair: Pair) -> Iterator[Change]:
    was = [ctx.matched.oids.get(parent, 0) for parent in pair.before.local["inherits"]]
    now = pair.after.local["inherits"]
    for parent in was:
        if parent and parent not in now:
            yield ctx.tell(pair.before, DETACH, _called(ctx, parent), table=_called(ctx, parent))
    for parent in now:
        if parent not in was:
            yield ctx.tell(pair.before, PARTITION, _called(ctx, parent), table=_called(ctx, parent))


def leaving(ctx: Context, pair: Pair) -> Iterator[Change]:
    if pair.after.local["leaving"]:
        yield ctx.tell(pair.before, DETACH, "its parent")


def replica(ctx: Context, pair: Pair) -> Iterator[Change]:
    now = pair.after.facts["identity"]
    keyed = any(
        one.kind == "constraint" and one.facts["type"] == "p" and ctx.after.relations.get(one.parent) is pair.after
        for one in ctx.after.things.values()
    )
    yield ctx.tell(pair.before, NO_REPLICA if now == "n" or (now == "d" and not keyed) else REPLICA)


def told_elsewhere(_ctx: Context, _pair: Pair) -> Iterator[Change]:
    """By ``inherits``, or by the definition's own columns."""
    return iter(())


FACTS: dict[str, Fact] = {
    "persistence": persistence, "rls": rls, "forced_rls": forced, "identity": replica, "options": options,
    "method": METHOD, "definition": REPLACE, "bound": told_elsewhere, "parents": told_elsewhere, "inherits": inherits,
    "leaving": leaving, "foreign": REPLACE, "writable": writable,
    "populated": populated, "file": file, "space": SPACE, "acl": rights,
    "owner": owner,
}  # fmt: skip

DROP_SEQUENCE = Rule("drop_sequence", BREAKS, "is gone (42P01)")
DROP_OWNED = Rule("drop_sequence", CONDITIONAL, "is gone with its column's numbering (42P01)", CALL)
RENAME_SEQUENCE = Rule("rename_sequence", BREAKS, "is named %s now (42P01)")
RENAME_OWNED = Rule("rename_sequence", CONDITIONAL, "has another name, which its column knows (42P01)", CALL)
SEQUENCE_AGAIN = Rule("recreate_sequence", CONDITIONAL, "was made again and counts from its start", WRITE)
RESTART = Rule("restart_sequence", CONDITIONAL, "counts from another number: old inserts can meet one that is taken")
COUNTS = Rule("change_sequence", CONDITIONAL, "counts otherwise", CALL)
CACHE = Rule("tune_sequence", SAFE, "keeps other numbers in store, or starts elsewhere when it is reset")
BELONGS = Rule("own_sequence", CONDITIONAL, "belongs to another column, and is dropped with that", CALL)
SCHEMA_ADD = Rule("add_schema", SAFE, "is new")
SCHEMA_DROP = Rule("drop_schema", BREAKS, "is gone with all that was in it (3F000)")
SCHEMA_RENAME = Rule("rename_schema", BREAKS, "is named %s now: nothing in it is found by its old name (42P01)")


def sequence_made(ctx: Context, one: Thing) -> Iterator[Change]:
    if not one.local["belongs"]:
        yield ctx.tell(one, Rule("add_sequence", SAFE, "is new"))


def sequence_dropped(ctx: Context, one: Thing) -> Iterator[Change]:
    yield ctx.tell(one, DROP_OWNED if one.local["belongs"] else DROP_SEQUENCE)


def counted(ctx: Context, pair: Pair) -> Iterator[Change]:
    """Numbers that were taken are nothing new; RESTART gives it a new file, and setval can only be seen by less."""
    was, now = pair.before.local, pair.after.local
    if now["file"] == was["file"] and (now.get("value") or 0) >= (was["value"] or 0):
        return
    relations = [ctx.before.relations.get(oid) for oid, _number, _how in was["belongs"]]
    table = next((one.name for one in relations if one), "")
    yield ctx.tell(pair.before, RESTART, table=table, needs=WRITE if table else CALL)


def sequence_rights(ctx: Context, pair: Pair) -> Iterator[Change]:
    """An identity column takes its numbers without them."""
    inner = any(how == "i" for _oid, _number, how in pair.after.local["belongs"])
    for one in rights(ctx, pair):
        yield replace(one, rating=CONDITIONAL) if inner and one.rating == BREAKS else one


def sequence_renamed(ctx: Context, pair: Pair) -> Iterator[Change]:
    old = pair.before
    yield ctx.tell(old, RENAME_OWNED) if old.local["belongs"] else ctx.tell(old, RENAME_SEQUENCE, pair.after.name)


def schema_made(ctx: Context, one: Thing) -> Iterator[Change]:
    """What is in it is not told, but for names that a search_path can find first."""
    yield ctx.tell(one, SCHEMA_ADD)
    known = {old.bare for old in ctx.before.relations.values()}
    for new in ctx.after.relations.values():
        if ctx.after.things.get(("pg_namespace", new.parent, 0)) is one and new.bare in known:
            yield ctx.tell(new, SHADOW)


def schema_renamed(ctx: Context, pair: Pair) -> Iterator[Change]:
    yield ctx.tell(pair.before, SCHEMA_RENAME, pair.after.name)


SEQUENCE: dict[str, Fact] = {
    "type": COUNTS, "increment": COUNTS, "maximum": COUNTS, "minimum": COUNTS, "cycle": COUNTS, "start": CACHE,
    "cache": CACHE, "persistence": CACHE, "belongs": BELONGS, "value": counted, "acl": sequence_rights, "owner": owner,
}  # fmt: skip
KINDS = {
    **{name: Kind(made, dropped, renamed, again, FACTS) for name in RELATIONS},
    "sequence": Kind(sequence_made, sequence_dropped, sequence_renamed, SEQUENCE_AGAIN, SEQUENCE),
    "schema": Kind(schema_made, SCHEMA_DROP, schema_renamed, None, {"acl": rights, "owner": owner}),
}
