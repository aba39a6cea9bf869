# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users of the old program while the migration runs: what they write then, a backfill may never see."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import TracebackType

from ..._core.clock import Clock
from ..evidence import WAITED, Outcome

# The longest that the writer goes on, and that its first round is waited for.
SECONDS, FIRST_SECONDS = 240.0, 60.0


class Writer:
    """Asks ``once``, a round of journeys, over and over from its begin to its end; a round that has begun is ended."""

    def __init__(self, once: Callable[[], Iterator[Outcome]], clock: Clock) -> None:
        self._once = once
        self._clock = clock
        self._first, self._over = threading.Event(), threading.Event()
        self._counts = False
        self._worst: dict[str, Outcome] = {}
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._failure and not value:
            raise self._failure

    def first(self) -> None:
        """Returns when a whole round is done: what ends from here on was met during the migration."""
        self._first.wait(FIRST_SECONDS)
        self._counts = True

    def worst(self) -> dict[str, Outcome]:
        """Of each journey the worst that was seen: a failure by a lock ends with it, any other does not."""
        return dict(self._worst)

    def _run(self) -> None:
        end = self._clock.monotonic() + SECONDS
        try:
            while not self._over.is_set() and self._clock.monotonic() < end:
                for outcome in self._once():
                    if self._counts:
                        kept = self._worst.get(outcome.journey, outcome)
                        self._worst[outcome.journey] = max(kept, outcome, key=_badness)
                self._first.set()
        except Exception as exc:  # It is raised where the writer ends.
            self._failure = exc
        finally:
            self._first.set()


def _badness(outcome: Outcome) -> int:
    return 0 if outcome.ok else 1 if outcome.cause == WAITED else 2
