# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to production's rows: would a change fail on them? Each finds one row that does not fit, and shows none.

The SQL is made of names and expressions of the catalog, quoted as the server writes them, and runs with an empty
search_path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..._core.postgres import Db, QueryError
from .changes import Change
from .snapshot import reading

HOLDS, VIOLATED, UNKNOWN = "holds", "violated", "unknown"
# A probe queues behind no lock of production's.
LOCK_MS = 1000
REASONS = {
    "57014": "no answer within the time limit",
    "55P03": "the table is locked",
    "42501": "the role may not read it",
    "42P01": "production does not have the table",
    "42703": "production does not have the column",
    "42883": "production does not have a function that it calls",
}
TYPE = re.compile(
    r"^(?P<base>[a-z ]+?)(?:\((?P<size>-?\d+)(?:,(?P<scale>-?\d+))?\))?(?P<zone> with(?:out)? time zone)?$"
)
INTEGERS = {"smallint": 32767, "integer": 2147483647, "bigint": 9223372036854775807}
TEXTS = ("character varying", "character", "text")


def quoted(name: str) -> str:
    return '"%s"' % name.replace('"', '""')


def _one(table: str, condition: str) -> str:
    return "SELECT 1 FROM %s WHERE %s LIMIT 1" % (table, condition)


def is_null(table: str, column: str) -> str:
    return _one(table, "%s IS NULL" % quoted(column))


def unchecked(table: str, expression: str) -> str:
    return _one(table, "NOT (%s)" % expression)


def duplicate(table: str, terms: Sequence[str], predicate: str = "", nulls_equal: bool = False) -> str:
    """``terms``: columns and expressions as the server writes them."""
    conditions = ["(%s)" % predicate] if predicate else []
    conditions += [] if nulls_equal else ["(%s) IS NOT NULL" % term for term in terms]
    where = " WHERE %s" % " AND ".join(conditions) if conditions else ""
    keys = ", ".join("(%s)" % term for term in terms)
    return "SELECT 1 FROM %s%s GROUP BY %s HAVING count(*) > 1 LIMIT 1" % (table, where, keys)


def orphan(table: str, columns: Sequence[str], target: str, targets: Sequence[str], full: bool = False) -> str:
    """A row that refers to none. MATCH SIMPLE lets any NULL pass, MATCH FULL only all of them."""
    mine = ["c." + quoted(name) for name in columns]
    same = " AND ".join("p.%s = %s" % (quoted(name), one) for name, one in zip(targets, mine))
    lost = "NOT EXISTS (SELECT FROM %s p WHERE %s)" % (target, same)
    some = "(%s)" % " OR ".join("%s IS NOT NULL" % one for one in mine)
    every = " AND ".join("%s IS NOT NULL" % one for one in mine)
    return _one(table + " c", "%s AND %s" % (some if full else every, lost))


def narrowing(column: str, was: str, now: str) -> str:
    """The condition of a value of type ``was`` that type ``now`` can't take as it is; '' where each fits, or none
    can say."""
    old, new = TYPE.match(was), TYPE.match(now)
    if not old or not new:
        return ""
    name = quoted(column)
    if new["base"] in ("character varying", "character") and new["size"] and old["base"] in TEXTS:
        fits = old["size"] and int(old["size"]) <= int(new["size"])
        return "" if fits else "length(rtrim(%s::text, ' ')) > %s" % (name, new["size"])
    numbers = ("numeric", *INTEGERS)
    if old["base"] not in (*numbers, "real", "double precision") or new["base"] not in numbers:
        return ""
    if new["base"] in INTEGERS:
        limit = INTEGERS[new["base"]]
        fits = INTEGERS.get(old["base"], limit + 1) <= limit
        return "" if fits else "round(%s::numeric) NOT BETWEEN -%d AND %d" % (name, limit + 1, limit)
    return _numeric(name, old, new)


def _numeric(name: str, old: re.Match[str], new: re.Match[str]) -> str:
    if not new["size"]:
        return ""
    size, scale = int(new["size"]), int(new["scale"] or 0)
    if old["base"] == "numeric" and old["size"]:
        whole = int(old["size"]) - int(old["scale"] or 0)
        if whole <= size - scale and int(old["scale"] or 0) <= scale:
            return ""
    if INTEGERS.get(old["base"], 10**100) < 10 ** (size - scale):
        return ""
    value = "%s::numeric" % name
    return "%s <> 'NaN' AND (abs(round(%s, %d)) >= 1e%d OR round(%s, %d) <> %s)" % (
        value, value, scale, size - scale, value, scale, value,
    )  # fmt: skip


def narrower(table: str, column: str, was: str, now: str) -> str:
    condition = narrowing(column, was, now)
    return _one(table, condition) if condition else ""


def of_domain(table: str, column: str, expression: str) -> str:
    """A value of a column that a new CHECK of its domain refuses."""
    return unchecked(table, re.sub(r"\bVALUE\b", lambda _found: quoted(column), expression))


def any_of(probes: Iterable[str]) -> str:
    """The same question to several tables at once."""
    found = list(probes)
    return " UNION ALL ".join("(%s)" % probe for probe in found) + " LIMIT 1" if len(found) > 1 else "".join(found)


def ask(db: Db, changes: Iterable[Change], seconds: float) -> list[tuple[Change, str, str]]:
    """What production says to each change that has a probe: the change, HOLDS, VIOLATED or UNKNOWN, and why unknown.

    Each is asked in a transaction that reads only, for at most ``seconds``. PostgreSQL's own words are left out: they
    can have a value in them.
    """
    return [(change, *_answer(db, change.probe, seconds)) for change in changes if change.probe]


def _answer(db: Db, probe: str, seconds: float) -> tuple[str, str]:
    with reading(db):
        try:
            db.query("SELECT set_config('search_path', '', true)")
            db.query("SET LOCAL lock_timeout = %d" % LOCK_MS)
            db.query("SET LOCAL statement_timeout = %d" % max(1, int(seconds * 1000)))
            return (VIOLATED if db.query(probe) else HOLDS), ""
        except QueryError as exc:
            return UNKNOWN, REASONS.get(exc.sqlstate, "PostgreSQL refuses the question (SQLSTATE %s)" % exc.sqlstate)
