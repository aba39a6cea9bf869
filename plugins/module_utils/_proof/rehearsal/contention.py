# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a cheap statement of another session waits while the migration runs, table by table: what users would feel.

A statement that waits gives up at once and is asked again in its turn, so one locked table hides no other, and nothing
of this stands in the migration's way: no transaction of ours lasts, none waits while it holds a lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..._core.clock import Clock
from ..._core.errors import BluegreenError
from ..._core.postgres import Db, QueryError

WORKERS, TABLES, ROUND = 4, 40, 0.04
# It waited for a lock; it was too slow.
WAITED = ("55P03", "57014")
# Not a word of it in the server's log, no trigger fires, and whatever waits is over in a moment.
SESSION = (
    "SET log_min_duration_statement = -1",
    "SET log_min_messages = fatal",
    "SET session_replication_role = replica",
    "SET lock_timeout = '10ms'",
    "SET statement_timeout = '2s'",
)
# What any write locks and plans, without a row; then a row, as one that the migration is changing is locked too.
ASK = "DELETE FROM {0} WHERE false; SELECT 1 FROM {0} LIMIT 1 FOR NO KEY UPDATE"
KNOWN = """
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'olympus_bluegreen')
ORDER BY c.relpages DESC, 1
"""


@dataclass
class Stalls:
    """Table -> since when it has been waited for, and the longest seconds that it was."""

    clock: Clock
    waiting: dict[str, float] = field(default_factory=dict)
    longest: dict[str, float] = field(default_factory=dict)

    def seen(self, table: str, begun: float, waited: bool) -> None:
        since = self.waiting.setdefault(table, begun)
        self.longest[table] = max(self.longest.get(table, 0.0), self.clock.monotonic() - since)
        if not waited:
            del self.waiting[table]


def tables(db: Db) -> tuple[str, ...]:
    """Those that are asked: the largest, as far as the server knows."""
    return tuple(str(row[0]) for row in db.query(KNOWN)[:TABLES])


@contextmanager
def watched(open_session: Callable[[], Db], known: Sequence[str], clock: Clock) -> Iterator[dict[str, float]]:
    """Table -> its longest stall; filled when this closes. ``open_session``: as a superuser, in the clone."""
    found: dict[str, float] = {}
    stop = threading.Event()
    shares = [known[first::WORKERS] for first in range(WORKERS) if known[first::WORKERS]]
    sessions: list[Db] = []
    workers: list[tuple[threading.Thread, Stalls]] = []
    try:
        for share in shares:
            sessions.append(_session(open_session))
            stalls = Stalls(clock)
            thread = threading.Thread(target=_asked, args=(sessions[-1], share, stalls, stop), daemon=True)
            workers.append((thread, stalls))
            thread.start()
        yield found
    finally:
        stop.set()
        for thread, stalls in workers:
            thread.join()
            found.update(stalls.longest)
        for db in sessions:
            db.close()


def _session(open_session: Callable[[], Db]) -> Db:
    db = open_session()
    for setting in SESSION:
        db.query(setting)
    return db


def _asked(db: Db, share: Sequence[str], stalls: Stalls, stop: threading.Event) -> None:
    """Until told to stop; a table that is gone, or a session that is, is asked no more."""
    there = list(share)
    while there and not stop.is_set():
        begun = stalls.clock.monotonic()
        for table in list(there):
            if not _ask(db, table, stalls):
                there.remove(table)
            if stop.is_set():
                return
        stop.wait(max(0.0, ROUND - (stalls.clock.monotonic() - begun)))


def _ask(db: Db, table: str, stalls: Stalls) -> bool:
    begun = stalls.clock.monotonic()
    try:
        db.query(ASK.format(table))
    except QueryError as exc:
        stalls.seen(table, begun, exc.sqlstate in WAITED)
        return exc.sqlstate in WAITED
    except BluegreenError:
        return False
    stalls.seen(table, begun, False)
    return True
