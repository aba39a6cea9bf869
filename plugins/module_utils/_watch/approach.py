# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before the flip: what the old colour answered lately, and which probes it passes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import stats
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.accesslog import CLIENT_CLOSED, Line
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.parameters import Baseline


class Approach:
    """Counts the answers of ``old`` from ``oldest`` (epoch seconds) on, until ``until``."""

    def __init__(self, old: str, oldest: float, now: float, until: float = math.inf) -> None:
        self._old = old
        self._oldest = oldest
        self._until = until
        self._n = 0
        self._bad_times: list[float] = []
        self._first = min(now, until)
        self.trusted: set[str] = set()
        # When the log last showed a request of our own.
        self.last_ours = 0.0

    def read(self, lines: Iterable[Line]) -> None:
        for line in lines:
            if line.ours:
                self.last_ours = max(self.last_ours, line.at)
            elif self._oldest <= line.at <= self._until and line.status not in (0, CLIENT_CLOSED):
                self._count(line)

    def _count(self, line: Line) -> None:
        if line.colour == self._old or (line.bad and not line.colour):
            self._first = min(self._first, line.at)
            self._n += 1
            if line.bad:
                self._bad_times.append(line.at)

    def trust(self, event: Mapping[str, Any]) -> None:
        """A pair of probes: what the old colour passes is worth asking the new one."""
        self.trusted.update(name for name, (_new, old) in event["checks"].items() if old)

    def baseline(self, flipped: float, slot: float) -> Baseline:
        slots = stats.slots(self._bad_times, self._first, flipped, slot)
        seconds = round(max(0.0, flipped - self._first), 1)
        return Baseline(self._n, len(self._bad_times), stats.dispersion(slots), seconds)
