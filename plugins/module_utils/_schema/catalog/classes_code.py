# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The classes of change of types, functions, triggers, and of what is not of a table. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from . import probes
from .changes import BREAKS, CALL, CONDITIONAL, MEETS, READ, SAFE, WRITE, Change
from .match import Pair
from .rules import Context, Fact, Kind, Rule
from .rules_rights import owner, rights
from .snapshot import Thing

TRIGGER = Rule("add_trigger", CONDITIONAL, "is new: it changes or refuses old writes as it is written", WRITE)
DROP_TRIGGER = Rule("drop_trigger", CONDITIONAL, "is gone: old writes are left as they are", WRITE)
RENAME_TRIGGER = Rule(
    "rename_trigger", CONDITIONAL, "has another name: triggers fire in the order of their names", WRITE
)
CHANGE_TRIGGER = Rule("change_trigger", CONDITIONAL, "does something else, or fires at another time", WRITE)
RULE = Rule("add_rule", CONDITIONAL, "is new: it rewrites old statements", WRITE)
DROP_RULE = Rule("drop_rule", CONDITIONAL, "is gone: old statements are not rewritten", WRITE)
CHANGE_RULE = Rule("change_rule", CONDITIONAL, "rewrites otherwise", WRITE)
POLICY = Rule(
    "add_policy", CONDITIONAL, "is new: where row security is on it decides which rows are seen and taken", READ
)
DROP_POLICY = Rule("drop_policy", CONDITIONAL, "is gone: where row security is on other rows are seen and taken", READ)
CHANGE_POLICY = Rule("change_policy", CONDITIONAL, "lets other rows be seen and taken", READ)

ADD_TYPE = Rule("add_type", SAFE, "is new")
DROP_TYPE = Rule("drop_type", BREAKS, "is gone (42704)")
RENAME_TYPE = Rule("rename_type", BREAKS, "has another name: a statement that names it fails (42704)")
TYPE_AGAIN = Rule("recreate_type", CONDITIONAL, "was made again: a driver that keeps its oid fails", CALL)
LABEL = Rule("add_label", CONDITIONAL, "has the new label %s, which the old program can meet", MEETS)
NO_LABEL = Rule("drop_label", BREAKS, "has the label %s no more (22P02)")
OTHER_LABEL = Rule("rename_label", BREAKS, "names its label %s otherwise (22P02)")
ORDER = Rule("order_labels", CONDITIONAL, "sorts its labels otherwise", READ)
DOMAIN_NULL = Rule("domain_not_null", CONDITIONAL, "refuses NULL now (23502)", WRITE)
DOMAIN_NULLABLE = Rule("domain_nullable", CONDITIONAL, "takes NULL now, which the old program can meet", MEETS)
DOMAIN_DEFAULT = Rule("domain_default", CONDITIONAL, "has another default: an INSERT without it stores that", WRITE)
DOMAIN_CHECK = Rule("domain_check", CONDITIONAL, "is new: old writes of its columns are checked (23514)", WRITE)
DOMAIN_FREE = Rule("domain_check", SAFE, "is new, and not enforced")
DOMAIN_DROP = Rule(
    "domain_drop_check", CONDITIONAL, "is gone: the old program can meet values that it ruled out", MEETS
)
DOMAIN_RENAME = Rule("rename_constraint", SAFE, "has another name")
DOMAIN_VALID = Rule("validate", SAFE, "is checked for the rows before too now")

ADD_FUNCTION = Rule("add_function", SAFE, "is new")
OVERLOAD = Rule(
    "add_overload", CONDITIONAL, "is new beside one of its name: an old call can be ambiguous (42725)", CALL
)
DROP_FUNCTION = Rule("drop_function", BREAKS, "is gone (42883)")
REPLACED = Rule(
    "change_signature", CONDITIONAL, "is gone; another of its name takes as many arguments (42883, 42725)", CALL
)
RENAME_FUNCTION = Rule("rename_function", BREAKS, "has another name (42883)")
CHANGE_FUNCTION = Rule("replace_function", CONDITIONAL, "does something else (%s)", CALL)
TRIGGERED = Rule("replace_function", CONDITIONAL, "does something else, and is called for each old write", WRITE)
OTHER_KIND = Rule("change_routine", BREAKS, "is called otherwise: function, procedure or aggregate (42809)")
TUNE_FUNCTION = Rule("tune_function", SAFE, "is planned otherwise")


def type_labels(ctx: Context, pair: Pair) -> Iterator[Change]:
    was, now = pair.before.facts["labels"], pair.after.facts["labels"]
    ids = {oid: label for label, oid in pair.after.local["ids"].items()}
    renamed = {label: ids.get(pair.before.local["ids"][label]) for label in was if label not in now}
    for label, other in renamed.items():
        yield ctx.tell(pair.before, OTHER_LABEL if other else NO_LABEL, label)
    for label in now:
        if label not in was and label not in renamed.values():
            for table, column in _users(ctx, pair) or [("", "")]:
                yield ctx.tell(pair.before, LABEL, label, table=table, columns=(column,) if column else ())
    if [label for label in was if label in now] != [label for label in now if label in was]:
        yield ctx.tell(pair.before, ORDER)


def _users(ctx: Context, pair: Pair) -> list[tuple[str, str]]:
    """Tables and columns of that type, as they were."""
    found = []
    for oid, columns in ctx.before.columns.items():
        relation = ctx.before.relations[oid]
        for one in columns.values():
            if one.facts["type"] in (pair.before.name, pair.before.name + "[]") and relation.kind == "table":
                found.append((relation.name, one.bare))
    return found


def domain_not_null(ctx: Context, pair: Pair) -> Iterator[Change]:
    rule = DOMAIN_NULL if pair.after.facts["not_null"] else DOMAIN_NULLABLE
    users = _users(ctx, pair)
    asked = probes.any_of(probes.is_null(table, column) for table, column in users) if rule is DOMAIN_NULL else ""
    for table, column in users or [("", "")]:
        yield ctx.tell(pair.before, rule, table=table, columns=(column,) if column else (), probe=asked)
        asked = ""


def domain_default(ctx: Context, pair: Pair) -> Iterator[Change]:
    for table, column in _users(ctx, pair) or [("", "")]:
        yield ctx.tell(pair.before, DOMAIN_DEFAULT, table=table, columns=(column,) if column else ())


def domain_checked(ctx: Context, one: Thing) -> Iterator[Change]:
    if one.facts["enforced"] in (False, "false"):
        yield ctx.tell(one, DOMAIN_FREE)
        return
    domain = ctx.before.things.get(("pg_type", ctx.matched.back.get(one.parent, 0), 0))
    users = _users(ctx, Pair(domain, domain)) if domain else []
    expression = str(one.local["expression"])
    asked = probes.any_of(probes.of_domain(table, column, expression) for table, column in users)
    # One that is not valid is not held against the values that are there.
    asked = asked if one.facts["valid"] else ""
    for table, column in users or [("", "")]:
        yield ctx.tell(one, DOMAIN_CHECK, table=table, columns=(column,) if column else (), probe=asked)
        asked = ""


def domain_redefined(ctx: Context, pair: Pair) -> Iterator[Change]:
    yield ctx.tell(pair.before, DOMAIN_DROP)
    yield from domain_checked(ctx, pair.after)


def domain_valid(ctx: Context, pair: Pair) -> Iterator[Change]:
    checked = list(domain_checked(ctx, pair.after))
    yield ctx.tell(pair.before, DOMAIN_VALID, probe=checked[0].probe)


TYPE: dict[str, Fact] = {
    "labels": type_labels, "not_null": domain_not_null, "default": domain_default, "acl": rights, "owner": owner,
}  # fmt: skip
DOMAIN: dict[str, Fact] = {"definition": domain_redefined, "valid": domain_valid}


def function_made(ctx: Context, one: Thing) -> Iterator[Change]:
    same = any(_function(old) and old.local["called"] == one.local["called"] for old in ctx.before.things.values())
    yield ctx.tell(one, OVERLOAD if same or one.local["rivals"] else ADD_FUNCTION)


def _function(one: Thing) -> bool:
    return one.kind in ("function", "procedure", "aggregate")


def function_dropped(ctx: Context, one: Thing) -> Iterator[Change]:
    """A call may find another of the same name that takes as many arguments."""
    parent, takes = ctx.matched.oids.get(one.parent), one.local["takes"]
    others = [
        new
        for new in ctx.after.things.values()
        if _function(new) and new.parent == parent and new.local["called"] == one.local["called"]
        and new.local["takes"] - new.local["defaults"] <= takes <= new.local["takes"]
    ]  # fmt: skip
    yield ctx.tell(one, REPLACED if others else DROP_FUNCTION)


def function_changed(ctx: Context, pair: Pair) -> Iterator[Change]:
    users = [one for one in ctx.after.things.values() if one.kind == "trigger"]
    oid = next((key[1] for key, one in ctx.after.things.items() if one is pair.after), 0)
    tables = sorted({ctx.place(one)[0] for one in users if one.local["function"] == oid})
    for table in tables:
        yield ctx.tell(pair.before, TRIGGERED, table=table)
    if not tables:
        yield ctx.tell(pair.before, CHANGE_FUNCTION, _which(pair))


def _which(pair: Pair) -> str:
    names = [name for name, fact in pair.before.facts.items() if fact != pair.after.facts.get(name)]
    return ", ".join(sorted(names)) or "its parts"


FUNCTION: dict[str, Fact] = {
    **dict.fromkeys(
        ("arguments", "result", "body", "language", "volatile", "strict", "definer", "config", "aggregate"),
        function_changed,
    ),
    "kind": OTHER_KIND, "parallel": TUNE_FUNCTION, "leakproof": TUNE_FUNCTION, "cost": TUNE_FUNCTION,
    "acl": rights, "owner": owner,
}  # fmt: skip

ADD_PUBLICATION = Rule("add_publication", SAFE, "is new")
UNIDENTIFIED = Rule(
    "publish_table", CONDITIONAL, "publishes UPDATE and DELETE of %s, which has no identity for it: they fail (55000)",
    WRITE,
)  # fmt: skip
CHANGE_PUBLICATION = Rule("change_publication", SAFE, "publishes otherwise")
SETTINGS = Rule(
    "settings", CONDITIONAL, "differ: search_path and the like are what a new session of the program gets", CALL
)


def published(ctx: Context, one: Thing) -> Iterator[Change]:
    lost = [name for name in _unidentified(ctx, one) if one.local["changing"]]
    for name in lost:
        yield ctx.tell(one, UNIDENTIFIED, name, table=name)
    if not lost:
        yield ctx.tell(one, ADD_PUBLICATION)


def republished(ctx: Context, pair: Pair) -> Iterator[Change]:
    lost = [name for name in _unidentified(ctx, pair.after) if pair.after.local["changing"]]
    for name in lost:
        yield ctx.tell(pair.after, UNIDENTIFIED, name, table=name)
    if not lost:
        yield ctx.tell(pair.before, CHANGE_PUBLICATION)


def _unidentified(ctx: Context, one: Thing) -> list[str]:
    """Tables from before whose rows a subscriber could not find. With a filter or a column list it depends on these."""
    keyed = {k.parent for k in ctx.after.things.values() if k.kind == "constraint" and k.facts["type"] == "p"}
    found = []
    for oid in one.local["tables"]:
        old, now = ctx.old(oid), ctx.after.relations.get(oid)
        if old and now and (one.local["narrow"] or now.facts["identity"] == "n"
                            or (now.facts["identity"] == "d" and oid not in keyed)):  # fmt: skip
            parents = [ctx.before.relations[parent] for parent in old.local["inherits"]]
            # A program names the table; PostgreSQL looks at the partition.
            found.append(parents[0].name if parents else old.name)
    return list(dict.fromkeys(found))


def role_row(ctx: Context, pair: Pair) -> Iterator[Change]:
    yield ctx.tell(pair.before, Rule("change_role", CONDITIONAL, "may do other things, or has another name", CALL))


def role_login(ctx: Context, pair: Pair) -> Iterator[Change]:
    ends = Rule("change_role", BREAKS, "may not log in any more (28000)")
    yield ctx.tell(pair.before, Rule("change_role", SAFE, "may log in") if pair.after.local["login"] else ends)


def role_member(ctx: Context, pair: Pair) -> Iterator[Change]:
    lost = sorted(set(pair.before.local["member"]) - set(pair.after.local["member"]))
    left = Rule("leave_role", BREAKS, "has the rights of %s no more (42501)")
    yield ctx.tell(
        pair.before,
        left
        if lost
        else Rule("join_role", CONDITIONAL, "has the rights of more roles, and what their policies say", CALL),
        ", ".join(lost),
    )


def _plain(name: str, made: str = SAFE, dropped: str = BREAKS, changed: str = CONDITIONAL, **facts: Fact) -> Kind:
    """A kind that is told as a whole."""
    needs = "" if made == SAFE else CALL
    other = Rule("change_" + name, changed, "was changed", "" if changed == SAFE else CALL)
    return Kind(
        Rule("add_" + name, made, "is new", needs),
        Rule("drop_" + name, dropped, "is gone", CALL if dropped == CONDITIONAL else ""),
        Rule("rename_" + name, BREAKS if dropped == BREAKS else CONDITIONAL, "has another name", CALL),
        None, {"row": other, "version": other, "schema": other, "definition": other, **facts},
    )  # fmt: skip


UNKNOWN = _plain("object", CONDITIONAL)
KINDS = {
    "trigger": Kind(
        TRIGGER, DROP_TRIGGER, RENAME_TRIGGER, None, dict.fromkeys(("definition", "enabled"), CHANGE_TRIGGER)
    ),
    "rule": Kind(RULE, DROP_RULE, CHANGE_RULE, None, dict.fromkeys(("definition", "enabled"), CHANGE_RULE)),
    "policy": Kind(
        POLICY, DROP_POLICY, Rule("rename_policy", SAFE, "has another name"), None,
        dict.fromkeys(("command", "permissive", "using", "check", "roles"), CHANGE_POLICY),
    ),
    **{name: Kind(ADD_TYPE, DROP_TYPE, RENAME_TYPE, TYPE_AGAIN, TYPE) for name in ("type", "domain")},
    "domain constraint": Kind(domain_checked, DOMAIN_DROP, DOMAIN_RENAME, None, DOMAIN),
    **{
        name: Kind(function_made, function_dropped, RENAME_FUNCTION, None, FUNCTION)
        for name in ("function", "procedure", "aggregate")
    },
    "publication": Kind(
        published, Rule("drop_publication", SAFE, "is gone: nothing is replicated by it any more"),
        Rule("rename_publication", SAFE, "has another name"), None,
        dict.fromkeys(("row", "changing", "tables", "narrow"), republished),
    ),
    "settings": Kind(SETTINGS, SETTINGS, SETTINGS, None, {"row": SETTINGS}),
    "role": _plain("role", row=role_row, login=role_login, member=role_member),
    "database": _plain("database", acl=rights, limit=SETTINGS, open=SETTINGS),
    "extension": _plain("extension"),
    "statistics": _plain("statistics", SAFE, SAFE, SAFE),
    "event trigger": _plain("event_trigger", CONDITIONAL, CONDITIONAL),
    "default privileges": _plain("default_privileges", CONDITIONAL, CONDITIONAL),
    "collation": _plain("collation"),
    "language": _plain("language"),
    "server": _plain("server"),
    "foreign-data wrapper": _plain("foreign_data_wrapper"),
    "user mapping": _plain("user_mapping"),
    "text search configuration": _plain("text_search_configuration"),
    "text search dictionary": _plain("text_search_dictionary"),
}  # fmt: skip
