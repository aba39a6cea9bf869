# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots made of facts, without a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog import queries
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.snapshot import Key, Snapshot, Thing

PUBLIC = 2200
Things = Mapping[Key, Thing]
# What a fact is where a test says nothing of it.
PLAIN: Mapping[str, Any] = {
    "options": [], "parents": [], "inherits": [], "acl": [], "columns": [], "keys": [], "terms": [], "roles": [],
    "labels": [], "ids": {}, "firing": [], "target_columns": [], "config": [], "valid": True, "enforced": "true",
    "writable": True, "immediate": True, "permissive": True, "persistence": "p", "identity": "d", "enabled": "O",
    "rows": -1, "pages": 0, "file": 1, "number": 1, "of": 23, "size": -1, "target": 0, "index": 0, "function": 0,
    "type": "", "unique": False, "not_null": False, "checked": False, "rls": False, "forced_rls": False,
    "partitioned": False, "deferrable": False, "deferred": False, "no_inherit": False, "part": False, "filled": False,
    "constraint": False, "leaving": False, "inherited": False, "domain": False, "domain_not_null": False,
    "nulls_equal": False, "match": "s", "on_delete": "a", "on_update": "a",
}  # fmt: skip


def _made(rows: queries.Rows, kind: str, parent: int, bare: str, name: str, given: Mapping[str, Any]) -> Thing:
    facts, local = ({key: given.get(key, PLAIN.get(key, "")) for key in part} for part in (rows.facts, rows.local))
    return Thing(kind, name, parent, bare, facts, local)


def schema(name: str = "public", oid: int = PUBLIC) -> Things:
    return {("pg_namespace", oid, 0): _made(queries.SCHEMAS, "schema", 0, name, name, {})}


def table(oid: int, name: str, columns: Sequence[Mapping[str, Any]] = (), kind: str = "table", **given: Any) -> Things:
    """``columns``: each with ``name`` and ``number``."""
    whole = "public." + name
    found: dict[Key, Thing] = {("pg_class", oid, 0): _made(queries.RELATIONS, kind, PUBLIC, name, whole, given)}
    for one in columns:
        facts = {"identity": "", "target": -1, "type": "integer", **one}
        made = _made(queries.COLUMNS, "column", oid, one["name"], "%s.%s" % (whole, one["name"]), facts)
        found["pg_class", oid, one["number"]] = made
    return found


def constraint(oid: int, name: str, parent: int, table_name: str, **given: Any) -> Things:
    whole = "%s on public.%s" % (name, table_name)
    return {("pg_constraint", oid, 0): _made(queries.CONSTRAINTS, "constraint", parent, name, whole, given)}


def index(oid: int, name: str, parent: int, **given: Any) -> Things:
    facts = {"identity": False, "definition": " USING btree (%s)" % ", ".join(given.get("columns", ())), **given}
    return {("pg_class", oid, 0): _made(queries.INDEXES, "index", parent, name, "public." + name, facts)}


def snapshot(*parts: Things) -> Snapshot:
    return Snapshot({key: one for part in (schema(), *parts) for key, one in part.items()})
