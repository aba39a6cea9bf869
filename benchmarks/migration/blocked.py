# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""ory_migrate where a long reader is in its way, and where an index that it builds is cut short."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kit import majors
from kit.apply_bench import ADD, INDEX, Bench
from kit.majors import Server

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

LOCK_TIMEOUT, SLACK = 1.0, 0.5
RUNS, KILLS = 5, 20
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"


@contextmanager
def shop(server: Server, name: str) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as given:
        made = Bench(server, name, Path(given))
        try:
            yield made
        finally:
            made.podman.close()


@contextmanager
def beside(look: Callable[[], None]) -> Iterator[None]:
    """``look`` again and again in a thread."""
    over = threading.Event()

    def loop() -> None:
        while not over.is_set():
            look()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def waits() -> dict[str, object]:
    """``gave_up_s``: from when the migrator waits until it does no more. ``longest_stall_s``: of other readers."""
    waited: list[float] = []
    stalls: list[float] = []
    with majors.server(18) as server, shop(server, "blocked") as bench:
        reader, other, watcher = (server.connection("blocked") for _one in range(3))
        reader.cursor().execute("BEGIN; SELECT * FROM people")
        since = [0.0]

        def read() -> None:
            begun = time.monotonic()
            other.cursor().execute("SELECT count(*) FROM people")
            stalls.append(time.monotonic() - begun)

        def watch() -> None:
            cursor = watcher.cursor()
            cursor.execute(WAITING)
            now = time.monotonic()
            if cursor.fetchone()[0]:
                since[0] = since[0] or now
            elif since[0]:
                waited.append(now - since[0])
                since[0] = 0.0
            time.sleep(0.005)

        with beside(read), beside(watch):
            for _run in range(RUNS):
                _refused(bench)
        for one in (reader, other, watcher):
            one.close()
        applied, after = bench.versions(), bench.run([ADD])[0]["after"]["count"]
    assert len(waited) >= RUNS and applied == [] and after == 1, (waited, applied, after)
    limit = LOCK_TIMEOUT + SLACK
    return {
        "gave_up_s": max(waited),
        "longest_stall_s": max(stalls),
        "limit_s": limit,
        "runs": RUNS,
        "holds": max(waited) <= limit and max(stalls) <= limit,
    }


def _refused(bench: Bench) -> None:
    try:
        bench.run([ADD], lock_timeout=LOCK_TIMEOUT, attempts=1)
    except BluegreenError:
        return
    raise AssertionError("it was not blocked")


def cut_short() -> dict[str, object]:
    """CREATE INDEX CONCURRENTLY waits for a writer, and its client is killed or its time is up, in turn. The writer
    goes when the invalid index is being dropped."""
    invalid = applied = 0
    with majors.server(18) as server, shop(server, "cut") as bench:
        bench.run([ADD])
        for number in range(KILLS):
            writer, over = server.connection("cut"), threading.Event()
            writer.cursor().execute("BEGIN; INSERT INTO people VALUES (%d, 'x')" % (1000 + number))
            hands = threading.Thread(target=_hands, args=(bench, writer, over, number % 2 == 0))
            hands.start()
            try:
                bench.run([ADD, INDEX], lock_timeout=5.0 if number % 2 == 0 else 0.3, attempts=1)
            except BluegreenError:
                pass
            else:
                applied += 1
            finally:
                over.set()
                hands.join()
                writer.close()
            invalid += len(bench.invalid())
            applied += bench.versions() != ["001"]
        last = bench.run([ADD, INDEX])[0]["after"]["count"]
    return {"times": KILLS, "invalid_left": invalid, "recorded_applied": applied, "applied_in_the_end": last == 2}


def _hands(bench: Bench, writer: Any, over: threading.Event, kill: bool) -> None:
    if kill and _waits(bench, "CREATE", over):
        bench.podman.there["olympus-migrate-shop"].process.kill()
    if _waits(bench, "DROP", over):
        writer.close()


def _waits(bench: Bench, verb: str, over: threading.Event) -> bool:
    """Until such a statement waits for another transaction; False where it is over before."""
    asked = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%s INDEX CONCURRENTLY%%'"
    while not over.is_set():
        if bench.sql(asked % verb):
            return True
        time.sleep(0.01)
    return False
