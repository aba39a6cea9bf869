# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a database consists of, object by object, so that two looks tell what was made, changed and dropped between.

Rows are known by their oid: a name can be given again. Temporary and TOAST relations, the types and arrays that come
with a table, clones of a trigger on partitions and what PostgreSQL makes for a foreign key are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..._core.postgres import Db

# Without what ANALYZE, VACUUM or the first trigger and rule of a table write there.
OF_CLASS = (
    "relname, relnamespace, reltype, relowner, relam, relfilenode, reltablespace, relpersistence, relkind, relnatts,"
    " relchecks, relrowsecurity, relforcerowsecurity, relispartition, relacl, reloptions, relreplident"
)
RELATIONS = "SELECT oid FROM pg_class WHERE relnamespace IN (SELECT oid FROM spaces)"
ROW_TYPES = "SELECT reltype FROM pg_class WHERE relkind <> 'c'"
# Catalog -> which of its rows count.
COUNTED = {
    "pg_class": "x.relnamespace IN (SELECT oid FROM spaces)",
    "pg_proc": "true",
    "pg_trigger": "NOT x.tgisinternal AND x.tgparentid = 0",
    # The row of a constraint trigger goes with its trigger.
    "pg_constraint": "x.connamespace IN (SELECT oid FROM spaces) AND x.contype <> 't'",
    "pg_type": "x.typnamespace IN (SELECT oid FROM spaces) AND x.oid NOT IN (SELECT typarray FROM pg_type)"
    " AND x.oid NOT IN (%s)" % ROW_TYPES,
    "pg_attrdef": "x.adrelid IN (%s)" % RELATIONS,
    "pg_namespace": "x.oid IN (SELECT oid FROM spaces)",
    # A view's own rule goes with the view.
    "pg_rewrite": "x.rulename <> '_RETURN'",
    "pg_policy": "true",
    "pg_operator": "true",
    "pg_cast": "true",
    "pg_collation": "true",
    "pg_extension": "true",
    "pg_event_trigger": "true",
    "pg_statistic_ext": "true",
    "pg_publication": "true",
    "pg_default_acl": "true",
}
# Below this are PostgreSQL's own.
FIRST = 16384


def _rows(catalog: str, counted: str) -> str:
    row = "ROW(%s)" % OF_CLASS if catalog == "pg_class" else "x"
    return "SELECT '%s'::regclass, x.oid, 0, md5(%s::text) FROM %s x WHERE x.oid >= %d AND %s" % (
        catalog, row, catalog, FIRST, counted,
    )  # fmt: skip


COLUMNS = (
    "SELECT 'pg_class'::regclass, x.attrelid, x.attnum::int, md5(x::text) FROM pg_attribute x"
    " JOIN pg_class c ON c.oid = x.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')"
    " WHERE x.attnum > 0 AND x.attrelid >= %d AND x.attrelid IN (%s)" % (FIRST, RELATIONS)
)
LOOK = (
    "WITH spaces AS (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast)'), things(class, id, sub, print)"
    " AS (%s) SELECT class::text, id::bigint, sub, print, coalesce(i.type, ''), coalesce(i.identity, '')"
    " FROM things, LATERAL pg_identify_object(class, id, sub) i"
) % " UNION ALL ".join([*(_rows(*pair) for pair in COUNTED.items()), COLUMNS])

Key = tuple[str, int, int]


@dataclass(frozen=True)
class Thing:
    """``kind`` and ``name`` are PostgreSQL's words: trigger, ``t on public.sessions``; ``row`` tells a change."""

    kind: str
    name: str
    oid: int
    row: str = ""

    def __str__(self) -> str:
        return "%s %s" % (self.kind, self.name)


@dataclass(frozen=True)
class Difference:
    made: tuple[Thing, ...]
    changed: tuple[Thing, ...]
    dropped: tuple[Thing, ...]


def look(db: Db) -> dict[Key, Thing]:
    """As this transaction sees it: REPEATABLE READ shows its own changes and no other session's."""
    return {
        (str(catalog), int(oid), int(column)): Thing(str(kind), str(name), int(oid), str(row))
        for catalog, oid, column, row, kind, name in db.query(LOOK)
    }


def difference(before: Mapping[Key, Thing], after: Mapping[Key, Thing]) -> Difference:
    """Pure. The columns of a table that is new, or gone, are not told one by one."""
    made = [key for key in after if key not in before and not _part_of(key, before, after)]
    dropped = [key for key in before if key not in after and not _part_of(key, after, before)]
    changed = [key for key in after if key in before and before[key].row != after[key].row]
    return Difference(
        _sorted(after[key] for key in made),
        _sorted(_named(after[key], before[key]) for key in changed),
        _sorted(before[key] for key in dropped),
    )


def _part_of(key: Key, here: Mapping[Key, Thing], there: Mapping[Key, Thing]) -> bool:
    whole = (key[0], key[1], 0)
    return key[2] > 0 and whole in there and whole not in here


def _named(after: Thing, before: Thing) -> Thing:
    """A dropped column keeps its row and loses its name."""
    return after if after.name and "........" not in after.name else before


def _sorted(things: Iterable[Thing]) -> tuple[Thing, ...]:
    return tuple(sorted(things, key=lambda thing: (thing.kind, thing.name)))
