# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a cheap statement of another session waits while the migration runs, table by table: what users would feel.

A statement that waits gives up at once and is asked again in its turn, so one locked table hides no other, and nothing
of this stands in the migration's way: no transaction of ours lasts, and none waits for longer than a moment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..._core.clock import Clock
from ..._core.errors import BluegreenError
from ..._core.postgres import Db, QueryError

# A round of each worker asks all of its tables; it works for a third of the time at most.
WORKERS, TABLES, ROUND = 2, 40, 0.05
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
        if not _ask(db, there, stalls):
            # One by one then, as the server does not say which of them it waited for.
            there = [table for table in there if stop.is_set() or _ask(db, [table], stalls)]
        spent = stalls.clock.monotonic() - begun
        stop.wait(max(ROUND - spent, 2 * spent if spent < ROUND else 0.0))


def _ask(db: Db, asked: Sequence[str], stalls: Stalls) -> bool:
    """Whether all of them answered, or one alone is waited for."""
    begun = stalls.clock.monotonic()
    try:
        db.query("; ".join(ASK.format(table) for table in asked))
    except BluegreenError as exc:
        waited = isinstance(exc, QueryError) and exc.sqlstate in WAITED
        if len(asked) == 1:
            stalls.seen(asked[0], begun, waited)
        return waited and len(asked) == 1
    for table in asked:
        stalls.seen(table, begun, False)
    return True
