# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one clock of a watch: the wall's time of its beginning, gone on by the monotonic clock.

The wall clock may be set during a watch. Whatever carries its time (a line of the log, a flip) is put on this one
before it is compared.
"""

from __future__ import annotations

from .clock import Clock

# Less than this (seconds) is jitter between two readings, no clock that was set.
JITTER = 0.5


class SteadyClock:
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
