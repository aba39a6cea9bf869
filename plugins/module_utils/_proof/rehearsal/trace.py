# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which locks the migration's own sessions hold at the end of each of their commands, as the server itself shows them.

Event triggers run inside the migrator's backend, so any program is seen, and no command is missed between two samples.
They need a superuser: this is for a clone in the shadow. The migrator may be a plain role.

No event is there for TRUNCATE, VACUUM, CLUSTER, REINDEX (before 17), LOCK and all that writes rows, and what ends with
CONCURRENTLY holds its lock no more when its event comes: ``locks`` takes those from the log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._core.postgres import Db
from ..shadow import sqllog

SCHEMA = "olympus_bluegreen"
MARK = sqllog.OURS + " trace "
# PostgreSQL's own numbers, the weakest first.
MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)

# A number of a sequence stays used when its transaction is rolled back: the row is gone then, and the log has the rest.
INSTALL = (
    "CREATE SCHEMA IF NOT EXISTS olympus_bluegreen",
    "CREATE SEQUENCE olympus_bluegreen.trace_number",
    "CREATE TABLE olympus_bluegreen.trace (number bigint, transaction xid, seen jsonb, sql text)",
    "CREATE TABLE olympus_bluegreen.trace_settled (at timestamptz DEFAULT now())",
    """
CREATE TABLE olympus_bluegreen.trace_existing AS
SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind AS kind, coalesce(i.indrelid, 0::oid) AS base,
       c.relfilenode AS file
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'olympus_bluegreen')
""",
    """
CREATE FUNCTION olympus_bluegreen.trace() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog SET client_min_messages = warning AS $$
DECLARE
  seen jsonb;
BEGIN
  IF tg_event = 'ddl_command_end' AND (SELECT bool_and(in_extension) FROM pg_event_trigger_ddl_commands()) THEN
    RETURN;
  END IF;
  SELECT jsonb_build_object(
    'number', nextval('olympus_bluegreen.trace_number'), 'tag', tg_tag, 'pid', pg_backend_pid(),
    'transaction', pg_current_xact_id()::xid::text::bigint, 'started', extract(epoch FROM statement_timestamp()),
    'at', extract(epoch FROM clock_timestamp()),
    'rewritten', CASE tg_event WHEN 'table_rewrite' THEN pg_event_trigger_table_rewrite_oid()::bigint ELSE 0 END,
    'locks', coalesce(jsonb_agg(jsonb_build_array(
      l.relation::bigint, l.mode, pg_stat_get_xact_numscans(l.relation))), '[]'))
  INTO seen
  FROM pg_locks l
  WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.mode <> 'SIReadLock';
  INSERT INTO olympus_bluegreen.trace
  VALUES ((seen ->> 'number')::bigint, pg_current_xact_id()::xid, seen, current_query());
  RAISE LOG '%', 'MARK' || seen::text;
END $$
""".replace("MARK", MARK),
    "CREATE EVENT TRIGGER olympus_bluegreen_end ON ddl_command_end EXECUTE FUNCTION olympus_bluegreen.trace()",
    "CREATE EVENT TRIGGER olympus_bluegreen_rewrite ON table_rewrite EXECUTE FUNCTION olympus_bluegreen.trace()",
    # A migrator that loads data as a replica would escape else.
    "ALTER EVENT TRIGGER olympus_bluegreen_end ENABLE ALWAYS",
    "ALTER EVENT TRIGGER olympus_bluegreen_rewrite ENABLE ALWAYS",
)
REMOVE = (
    "DROP EVENT TRIGGER IF EXISTS olympus_bluegreen_end",
    "DROP EVENT TRIGGER IF EXISTS olympus_bluegreen_rewrite",
    "DROP FUNCTION IF EXISTS olympus_bluegreen.trace()",
    "DROP TABLE IF EXISTS olympus_bluegreen.trace, olympus_bluegreen.trace_existing",
    "DROP TABLE IF EXISTS olympus_bluegreen.trace_settled",
    "DROP SEQUENCE IF EXISTS olympus_bluegreen.trace_number",
)
EVENTS = """
SELECT seen, sql, CASE current_setting('track_commit_timestamp') WHEN 'on'
  THEN extract(epoch FROM pg_xact_commit_timestamp(transaction))::float8 END
FROM olympus_bluegreen.trace ORDER BY number
"""
EXISTING = """
SELECT e.oid::bigint, e.name, e.kind::text, e.base::bigint, coalesce(c.relfilenode <> e.file, false), c.oid IS NULL
FROM olympus_bluegreen.trace_existing e LEFT JOIN pg_class c ON c.oid = e.oid
"""


@dataclass(frozen=True)
class Relation:
    """One that was there before, by the name that it had. ``base``: of an index its table; ``refiled``: it has a new
    file now."""

    oid: int
    name: str
    kind: str
    base: int = 0
    refiled: bool = False
    gone: bool = False


@dataclass(frozen=True)
class Event:
    """The end of a command, or that it is about to rewrite table ``rewritten``. Times are seconds since the epoch.

    ``started``: when the client's message came that the command was in. ``locks``: relation -> the strongest mode that
    the transaction holds. ``scanned``: relations that it has read from end to end. ``ended``: when the transaction's
    end released them, None where that is not known.
    """

    at: float
    started: float
    pid: int
    transaction: int
    tag: str
    sql: str
    locks: Mapping[int, str]
    scanned: frozenset[int] = frozenset()
    rewritten: int = 0
    ended: float | None = None


@dataclass(frozen=True)
class Trace:
    existing: Mapping[int, Relation]
    events: Sequence[Event] = ()


def install(db: Db) -> None:
    """``db``: a superuser's session in the clone, before the migrator comes."""
    for statement in INSTALL:
        db.query(statement)


def remove(db: Db) -> None:
    """The schema itself stays: it is no other program's."""
    for statement in REMOVE:
        db.query(statement)


def read(db: Db, log: Iterable[str] = ()) -> Trace:
    """``log``: the server's own lines since then; they have what a rolled-back transaction did."""
    existing = {int(row[0]): Relation(int(row[0]), *row[1:]) for row in db.query(EXISTING)}
    found = {int(seen["number"]): _event(seen, sql, ended) for seen, sql, ended in db.query(EVENTS)}
    here = str(db.query("SELECT current_database()")[0][0])
    entries = [one for one in sqllog.entries(log) if one.kind == "LOG" and one.database == here]
    for entry in entries:
        if entry.text.startswith(MARK):
            seen = json.loads(entry.text[len(MARK) :])
            lost = _event(seen, "", _after(entry, entries))
            found.setdefault(int(seen["number"]), lost)
    return Trace(existing, tuple(found[number] for number in sorted(found)))


def rank(mode: str) -> int:
    return MODES.index(mode)


def _event(seen: Mapping[str, Any], sql: str, ended: float | None) -> Event:
    locks: dict[int, str] = {}
    for relation, mode, _scans in seen["locks"]:
        locks[relation] = max(mode, locks.get(relation, mode), key=rank)
    return Event(
        at=float(seen["at"]),
        started=float(seen["started"]),
        pid=int(seen["pid"]),
        transaction=int(seen["transaction"]),
        tag=str(seen["tag"]),
        sql=sqllog.without_values(sql),
        locks=locks,
        scanned=frozenset(relation for relation, _mode, scans in seen["locks"] if scans),
        rewritten=int(seen["rewritten"]),
        ended=None if ended is None else float(ended),
    )


def _after(event: sqllog.Entry, entries: Iterable[sqllog.Entry]) -> float | None:
    """When the session first said something outside of the event's transaction."""
    later = (one for one in entries if one.pid == event.pid and one.at >= event.at)
    return next((one.at for one in later if one.transaction != event.transaction), None)
