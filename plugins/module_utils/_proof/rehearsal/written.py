# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows that a migration wrote: no catalog tells of them. What a row holds stays in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..._core.postgres import Db

SMALL = 500
COUNTERS = """
SELECT relid::bigint, format('%I.%I', schemaname, relname), n_tup_ins + n_tup_upd + n_tup_del
FROM pg_stat_user_tables WHERE schemaname <> 'olympus_bluegreen'
"""
# A row that a session wrote after the migration's are gone is counted, and there is no session but ours.
SETTLED = """
SELECT EXISTS (SELECT FROM pg_stat_user_tables
  WHERE relid = 'olympus_bluegreen.trace_settled'::regclass
    AND n_tup_ins >= (SELECT count(*) FROM olympus_bluegreen.trace_settled))
  AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
    AND application_name NOT LIKE %s)
"""
TABLES = """
SELECT c.oid::bigint, format('%I.%I', n.nspname, c.relname),
       array_agg(a.attnum::int ORDER BY a.attnum), array_agg(quote_ident(a.attname) || '::text' ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^pg_'
  AND n.nspname NOT IN ('information_schema', 'olympus_bluegreen')
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Rows:
    """The rows of a small table: each is the text of its columns, in the order of ``columns`` (their numbers)."""

    table: str
    columns: Sequence[int]
    rows: Sequence[Sequence[str | None]]


def counters(db: Db) -> dict[int, tuple[str, int]]:
    """Oid -> table, and how many rows were ever written there."""
    return {int(oid): (str(name), int(count)) for oid, name, count in db.query(COUNTERS)}


def rows(
    before: Mapping[int, tuple[str, int]], after: Mapping[int, tuple[str, int]], left_out: Collection[str]
) -> dict[str, int]:
    """Table that was there before -> rows written since."""
    return {
        name: after[oid][1] - count
        for oid, (name, count) in before.items()
        if name not in left_out and oid in after and after[oid][1] > count
    }


def small_tables(db: Db) -> dict[int, Rows]:
    """Those with some rows, and not more than a lookup table has."""
    found = {}
    for oid, table, numbers, columns in db.query(TABLES):
        seen = _rows(db, table, columns)
        if seen and len(seen) <= SMALL:
            found[int(oid)] = Rows(str(table), tuple(numbers), seen)
    return found


def changed(before: Mapping[int, Rows], db: Db, left_out: Collection[str]) -> tuple[str, ...]:
    """Tables whose rows are others now, compared in the columns that are still there."""
    found = []
    now = {int(oid): (table, numbers, columns) for oid, table, numbers, columns in db.query(TABLES)}
    for oid, known in before.items():
        if oid in now and known.table not in left_out:
            table, numbers, columns = now[oid]
            kept = [number for number in known.columns if number in numbers]
            was = Counter(tuple(row[known.columns.index(number)] for number in kept) for row in known.rows)
            here = _rows(db, table, [columns[numbers.index(number)] for number in kept]) if kept else ()
            if kept and was != Counter(here):
                found.append(known.table)
    return tuple(sorted(found))


def _rows(db: Db, table: str, columns: Sequence[str]) -> Sequence[tuple[str | None, ...]]:
    return db.query("SELECT %s FROM %s LIMIT %d" % (", ".join(columns), table, SMALL + 1))
