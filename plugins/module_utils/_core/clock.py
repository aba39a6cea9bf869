# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time behind a seam, so that a test never waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")
# Less than this (seconds) is jitter between two readings, no clock that was set.
JITTER = 0.5


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds for measuring."""

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class SteadyClock:
    """The one clock of a watch: the wall's time of its beginning, gone on by the monotonic clock.

    The wall clock may be set during a watch. Whatever carries its time (a line of the log, a flip) is put on this one
    before it is compared.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = clock.now() - clock.monotonic()

    def now(self) -> float:
        return self._ahead + self._clock.monotonic()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def step(self) -> float:
        """By how many seconds the wall clock was set since the beginning; negative for back."""
        found = self._clock.now() - self.now()
        return found if abs(found) >= JITTER else 0.0

    def of_wall(self, at: float) -> float:
        """A time that the wall clock gave since it was set last."""
        return at - self.step()


def wait_until(
    clock: Clock, observe: Callable[[], T], good: Callable[[T], bool], timeout: float, every: float = 0.2
) -> T:
    """Observe until ``good`` or until ``timeout`` seconds have passed; the last observation either way."""
    deadline = clock.monotonic() + timeout
    while True:
        seen = observe()
        if good(seen) or clock.monotonic() >= deadline:
            return seen
        clock.sleep(every)


def unchanged(clock: Clock, observe: Callable[[], int], seconds: float, every: float = 0.2) -> bool:
    """The same number, and not 0, for so long: of a process id, that what was started stays up."""
    first = observe()
    end = clock.monotonic() + seconds
    while first and clock.monotonic() < end:
        clock.sleep(every)
        if observe() != first:
            return False
    return first != 0
