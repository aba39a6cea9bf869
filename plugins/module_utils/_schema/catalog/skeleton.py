# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A first text of the bridge that a release needs: what the old program leaves out, a trigger fills in. Pure.

The value is a guess along a foreign key, and a person checks it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .changes import BRIDGE, Change
from .probes import quoted
from .snapshot import Snapshot, Thing

QUALIFIED = re.compile(r'"(?:[^"]|"")*"|[^".]+')
PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
HEAD = """\
-- Fills what the old program leaves out of %s.
-- Installed before the migration: until the column is there, the trigger does nothing.
"""
FUNCTION = """\
CREATE FUNCTION %(function)s() RETURNS trigger LANGUAGE plpgsql AS $bridge$
BEGIN
%(fills)s  RETURN new;
END $bridge$;
CREATE TRIGGER %(trigger)s BEFORE INSERT ON %(table)s
  FOR EACH ROW EXECUTE FUNCTION %(function)s();
"""
FILL = """\
  IF to_jsonb(new) ? %(key)s AND to_jsonb(new) ->> %(key)s IS NULL THEN
    -- TODO: %(todo)s
    new := jsonb_populate_record(new, (
      SELECT jsonb_build_object(%(key)s, %(value)s)%(source)s));
  END IF;
"""


def bridge(after: Snapshot, changes: Iterable[Change]) -> str:
    """'' where no new column needs one. It passes the rules of a bridge, and can be installed as it is."""
    tables: dict[str, list[Thing]] = {}
    columns = {one.name: one for named in after.columns.values() for one in named.values()}
    for change in changes:
        if change.rating == BRIDGE and change.name in columns:
            tables.setdefault(change.table, []).append(columns[change.name])
    return "\n".join(_table(after, table, found) for table, found in tables.items())


def _table(after: Snapshot, table: str, columns: list[Thing]) -> str:
    schema, last = QUALIFIED.findall(table)
    plain = last.strip('"').replace('""', '"')
    name = "bridge_" + plain if PLAIN.fullmatch(plain) else quoted("bridge_" + plain)
    fills = "".join(_fill(after, one) for one in columns)
    made = {"function": "%s.%s" % (schema, name), "trigger": name, "table": table, "fills": fills}
    return HEAD % ", ".join(one.name for one in columns) + FUNCTION % made


def _fill(after: Snapshot, column: Thing) -> str:
    key = "'%s'" % column.bare.replace("'", "''")
    found = _path(after, column)
    if found is None:
        return FILL % {
            "key": key, "todo": "the value of a row that the old program writes", "source": "",
            "value": "NULL::%s" % column.facts["type"],
        }  # fmt: skip
    foreign, source = found
    target, pairs = foreign.local["target_name"], zip(foreign.local["target_columns"], foreign.facts["columns"])
    return FILL % {
        "key": key, "todo": "check that %s of %s is what is meant" % (source, target), "value": "o." + quoted(source),
        "source": "\n      FROM %s o WHERE %s"
        % (target, " AND ".join("o.%s = new.%s" % (quoted(there), quoted(here)) for there, here in pairs)),
    }  # fmt: skip


def _path(after: Snapshot, column: Thing) -> tuple[Thing, str] | None:
    """A foreign key of the table to a row that has the value: it refers to the same table, or has the same name."""
    foreign = [one for one in after.things.values() if one.kind == "constraint" and one.facts["type"] == "f"]
    mine = [one for one in foreign if one.parent == column.parent and column.bare not in one.facts["columns"]]
    meant = {one.local["target"] for one in foreign if _is(one, column)}
    for one in mine:
        for other in foreign:
            same = other.parent == one.local["target"] and other.local["target"] in meant
            if same and len(other.facts["columns"]) == 1:
                return one, other.facts["columns"][0]
    for one in mine:
        named = after.columns.get(one.local["target"], {}).get(column.bare)
        if named and named.facts["type"] == column.facts["type"]:
            return one, column.bare
    return None


def _is(foreign: Thing, column: Thing) -> bool:
    return foreign.parent == column.parent and foreign.facts["columns"] == [column.bare]
