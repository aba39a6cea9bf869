# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a database consists of at one moment, object by object, and whether another database consists of the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..._core.errors import BluegreenError
from ..._core.postgres import Db
from . import queries
from .grouping import flattened

# Catalog, oid, and the number of a column (0 for the whole).
Key = tuple[str, int, int]
RELATIONS = ("table", "view", "materialized view", "foreign table", "composite type")
# Kinds whose objects a dump of the schema carries.
DUMPED = frozenset(
    (*RELATIONS, "schema", "column", "attribute", "constraint", "domain constraint", "index", "trigger", "rule")
    + ("policy", "type", "domain", "function", "procedure", "aggregate", "sequence", "extension")
)  # fmt: skip
# What a role or a server may have otherwise, and a default or a name is printed by.
PRINTED_BY = {
    "search_path": "",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
}
LITERAL = r"'(?:[^']|'')*'"
# PostgreSQL writes IN (...) on a varchar otherwise once it read its own text again, as after a restore.
SPELLINGS = (
    (re.compile(r"\((%s)::(?:character varying|bpchar)\)::text" % LITERAL), r"\1"),
    (re.compile(r"(%s)::(?:character varying|bpchar|text)\b(?:\(\d+\))?(?!\[)" % LITERAL), r"\1"),
    (re.compile(r"\(ARRAY\[([^\[\]]*)\]\)::(?:text|character varying)\[\]"), r"ARRAY[\1]"),
    (re.compile(r"\((\w+)\)::text\b(?!\[)"), r"\1"),
)


@dataclass(frozen=True)
class Thing:
    """``name``: qualified, as SQL takes it. ``bare``: its name within ``parent`` (an oid). See ``queries``."""

    kind: str
    name: str
    parent: int = 0
    bare: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    local: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "%s %s" % (self.kind, self.name)


@dataclass(frozen=True)
class Snapshot:
    things: Mapping[Key, Thing]

    @cached_property
    def relations(self) -> dict[int, Thing]:
        return {key[1]: one for key, one in self.things.items() if one.kind in RELATIONS}

    @cached_property
    def columns(self) -> dict[int, dict[str, Thing]]:
        """Oid of a relation -> name of a column -> the column."""
        found: dict[int, dict[str, Thing]] = {}
        for one in self.things.values():
            if one.kind in ("column", "attribute"):
                found.setdefault(one.parent, {})[one.bare] = one
        return found

    def rows(self) -> dict[str, float]:
        """Table -> its rows as ANALYZE or VACUUM last counted them; -1 where neither has."""
        return {one.name: float(one.local["rows"]) for one in self.relations.values() if one.kind == "table"}

    def pages(self) -> dict[str, int]:
        return {one.name: int(one.local["pages"]) for one in self.relations.values() if one.kind == "table"}


def take(db: Db) -> Snapshot:
    """All of it in one transaction that reads only."""
    with reading(db):
        return look(db)


@contextmanager
def reading(db: Db) -> Iterator[None]:
    db.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        # The question is long and its rows are few: compiling it takes longer than running it.
        db.query("SET LOCAL jit = off")
        yield
    finally:
        # A connection that broke can't be asked; PostgreSQL ends the transaction by itself then.
        with suppress(BluegreenError):
            db.query("ROLLBACK")


def _set(db: Db, settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        db.query("SELECT set_config(%s, %s, true)", [name, value])


def look(db: Db) -> Snapshot:
    """As the transaction sees it that the caller has begun."""
    before = db.query("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(PRINTED_BY)])
    _set(db, PRINTED_BY)
    asked = [*queries.ALL, *(queries.other(str(row[0])) for row in db.query(queries.OTHERS))]
    rows = db.query(queries.question(asked))
    found = {}
    for number, oid, sub, kind, parent, bare, name, facts, local in rows:
        one = asked[number]
        found[one.catalog, oid, sub] = Thing(
            kind, name, parent, bare, dict(zip(one.facts, facts)), dict(zip(one.local, local))
        )
    sequences = [(key, one) for key, one in found.items() if one.kind == "sequence" and one.local["readable"]]
    values = dict(db.query(_values(sequences))) if sequences else {}
    for key, one in sequences:
        found[key] = replace(one, local={**one.local, "value": values[key[1]]})
    _set(db, {str(name): str(value) for name, value in before})
    return Snapshot(found)


def _values(sequences: Iterable[tuple[Key, Thing]]) -> str:
    """What each has counted to. pg_sequence_last_value() would lock it as a writer does."""
    one = "SELECT %d::bigint, CASE WHEN is_called THEN last_value END FROM %s"
    return " UNION ALL ".join(one % (key[1], sequence.name) for key, sequence in sequences)


def spelled(text: str) -> str:
    """An expression in the one spelling that does not depend on how often PostgreSQL has read it."""
    for pattern, instead in SPELLINGS:
        text = pattern.sub(instead, text)
    return flattened(text)


def named(snapshot: Snapshot) -> dict[str, str]:
    """Object -> what it is, without what a dump of the schema does not carry."""
    return {
        "%s %s" % (one.kind, one.name): spelled(json.dumps(one.facts, sort_keys=True))
        for one in snapshot.things.values()
        # An index that is not valid is in no dump.
        if one.kind in DUMPED and one.local.get("valid", True)
    }


def digest(snapshot: Snapshot) -> str:
    """Equal for a database and what a dump of its schema becomes on another server: by names, without oids, owners,
    rights and statistics."""
    return digest_of(named(snapshot))


def digest_of(things: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(things, sort_keys=True).encode()).hexdigest()


def differences(one: Snapshot, other: Snapshot) -> list[str]:
    """What ``other`` has otherwise, a sentence an object; [] where the digests are equal."""
    return differences_of(named(one), named(other))


def differences_of(left: Mapping[str, str], right: Mapping[str, str]) -> list[str]:
    """The same of what ``named`` gives."""
    found = ["%s is gone" % name for name in left if name not in right]
    found += ["%s is new" % name for name in right if name not in left]
    for name in left:
        if name in right and left[name] != right[name]:
            was, now = json.loads(left[name]), json.loads(right[name])
            found.append("%s differs in %s" % (name, ", ".join(key for key in was if was[key] != now.get(key))))
    return sorted(found)
