# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of our own for a table of a clone, so that what a migration does to each row takes its time there too.

The value of a column depends on its type and the row's number alone: keys of the same number refer to each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..._core.postgres import Db, QueryError

# Base type -> its value in row g; %(size)d is the length of a text, or the digits before a number's point.
VALUES: Mapping[str, str] = {
    "bool": "g %% 2 = 0",
    "int2": "(g %% 32767)::int2",
    "int4": "g",
    "int8": "g",
    "oid": "g",
    "float4": "g",
    "float8": "g",
    "money": "g::money",
    "numeric": "g %% (10 ^ least(%(size)d, 9))::int8",
    "text": "md5(g::text)",
    "name": "md5(g::text)",
    "varchar": "right(md5(g::text) || lpad(to_hex(g), 6, '0'), %(size)d)",
    "bpchar": "right(md5(g::text) || lpad(to_hex(g), 6, '0'), %(size)d)",
    "uuid": "md5(g::text)::uuid",
    "timestamptz": "now() - make_interval(secs => g)",
    "timestamp": "localtimestamp - make_interval(secs => g)",
    "date": "current_date - (g %% 20000)::int",
    "time": "time '00:00' + make_interval(secs => g)",
    "interval": "make_interval(secs => g)",
    "json": "'{}'",
    "jsonb": "'{}'",
    "bytea": "decode(md5(g::text), 'hex')",
    "inet": "inet '10.0.0.0' + g",
    "cidr": "'10.0.0.0/8'",
    "tsvector": "''",
}
# A type without a length takes any; a key is told apart by its last digits.
ANY = 38
COLUMNS = """
SELECT quote_ident(a.attname), b.typname, b.typcategory::text, format_type(b.oid, NULL), a.attnotnull, a.atthasdef,
  CASE WHEN b.typname IN ('varchar', 'bpchar') AND m.typmod > 4 THEN m.typmod - 4
       WHEN b.typname = 'numeric' AND m.typmod > 4 THEN ((m.typmod - 4) >> 16) - ((m.typmod - 4) & 1023) END,
  (SELECT quote_literal(enumlabel) FROM pg_enum WHERE enumtypid = b.oid ORDER BY enumsortorder LIMIT 1),
  (SELECT format('%%I.%%I', n.nspname, r.relname) FROM pg_constraint f JOIN pg_class r ON r.oid = f.confrelid
     JOIN pg_namespace n ON n.oid = r.relnamespace
   WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum] LIMIT 1),
  (SELECT quote_ident(k.attname) FROM pg_constraint f
     JOIN pg_attribute k ON k.attrelid = f.confrelid AND k.attnum = f.confkey[1]
   WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum] LIMIT 1)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
  CROSS JOIN LATERAL (SELECT CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS typmod) m
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attnum
"""
# A migration may name it: one of that name that holds always takes its place where our rows do not hold it.
CHECKS = """
SELECT quote_ident(conname) FROM pg_constraint
WHERE conrelid = %s::regclass AND contype = 'c' AND coninhcount = 0
"""


@dataclass(frozen=True)
class Column:
    """``label``: the first of an enumeration, as SQL takes it. ``parent`` and ``key``: what it refers to."""

    name: str
    type: str
    category: str
    spelled: str
    required: bool
    default: bool
    size: int | None
    label: str | None
    parent: str | None
    key: str | None

    def value(self, known: Collection[str]) -> str:
        """In row g; '' where this type has none here. ``known``: parents that have rows of their own."""
        if self.parent in known:
            return "(SELECT %s FROM %s LIMIT 1)" % (self.key, self.parent)
        if self.label:
            return "%s::%s" % (self.label, self.spelled)
        if self.category in ("A", "R"):
            return "'%s'::%s" % ("{}" if self.category == "A" else "empty", self.spelled)
        given = VALUES.get(self.type, "")
        return given % {"size": self.size or ANY} if given else ""


def fill(db: Db, table: str, rows: int, parents: Collection[str]) -> int:
    """How many rows the table has then; those that it had where no value of ours fits.

    ``db``: a superuser's session in a clone. ``parents``: tables with rows that are not filled.
    """
    columns = [Column(*row) for row in db.query(COLUMNS, [table])]
    checks = [str(row[0]) for row in db.query(CHECKS, [table])]
    db.query("SET session_replication_role = replica")
    db.query("SET statement_timeout = '60s'")
    for every, unchecked in ((True, False), (True, True), (False, True)):
        try:
            _insert(db, table, rows, columns, parents, every, checks if unchecked else ())
            db.query("ANALYZE " + table)
            break
        except QueryError:
            db.query("ROLLBACK")
    return int(db.query("SELECT count(*) FROM " + table)[0][0])


def _insert(
    db: Db,
    table: str,
    rows: int,
    columns: Sequence[Column],
    parents: Collection[str],
    every: bool,
    checks: Sequence[str],
) -> None:
    """``every``: also what may be NULL has a value. ``checks`` are those that our rows need not hold."""
    given = {one.name: one.value(parents) for one in columns if every or one.required}
    # What has no value here keeps its default, or is NULL: the server says where it may not be.
    named = {name: value for name, value in given.items() if value}
    text = "INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM generate_series(1, %d) g ON CONFLICT DO NOTHING"
    db.query("BEGIN")
    for name in checks:
        db.query("ALTER TABLE %s DROP CONSTRAINT %s" % (table, name))
        db.query("ALTER TABLE %s ADD CONSTRAINT %s CHECK (true)" % (table, name))
    db.query(text % (table, ", ".join(named), ", ".join(named.values()), rows))
    db.query("COMMIT")


def with_rows(db: Db, tables: Collection[str]) -> frozenset[str]:
    return frozenset(table for table in tables if db.query("SELECT 1 FROM %s LIMIT 1" % table))
