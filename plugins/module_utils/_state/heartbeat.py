# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A long module keeps the lock of the run that called it: its controller waits, and says nothing meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .._core.clock import SystemClock
from .._core.errors import BluegreenError
from .directory import StateDir
from .lock import Lock

# Seconds; a lock is taken over after STALE_SECONDS without one.
EVERY = 30.0


@contextmanager
def beating(state_dir: str, wanted: bool, every: float = EVERY) -> Iterator[None]:
    """The run that holds the lock of ``state_dir`` now is alive as long as this lasts; a run that takes the lock over
    meanwhile beats itself. Where ``wanted`` is not: nothing."""
    over = threading.Event()
    lock = Lock(StateDir(state_dir), None, SystemClock())

    def beat() -> None:
        run = None
        while True:
            try:
                run = str((lock.read() or {}).get("run") or "") if run is None else run
                if run:
                    lock.beat(run)
            except (BluegreenError, OSError):
                # Given up or taken over meanwhile, or no space: the work itself goes on.
                pass
            if over.wait(every):
                return

    worker = threading.Thread(target=beat, daemon=True)
    if wanted:
        worker.start()
    try:
        yield
    finally:
        over.set()
        if wanted:
            worker.join(5)
