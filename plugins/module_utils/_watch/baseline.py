# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before the flip: what the old colour answered lately, which probes it passes, whether both colours fail already."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._verdict import stats
from ansible_collections.olympus.bluegreen.plugins.module_utils._verdict.judge import BOTH, outcome
from ansible_collections.olympus.bluegreen.plugins.module_utils._verdict.parameters import Baseline
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.accesslog import CLIENT_CLOSED, Line, Routes


class Approach:
    """Counts the answers of ``old`` from ``oldest`` (epoch seconds) until ``until``; ``known`` learns the routes."""

    def __init__(self, old: str, oldest: float, now: float, known: Routes, until: float = math.inf) -> None:
        self._old = old
        self._oldest = oldest
        self._until = until
        self._known = known
        self._n = 0
        self._bad_times: list[float] = []
        # Errors that no colour answered: whose they are is known when the routes are.
        self._uncoloured: list[Line] = []
        self._first = min(now, until)
        self._pairs = self._both_bad = 0
        self.trusted: set[str] = set()
        # When the log last showed a request of our own.
        self.last_ours = 0.0

    def read(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._known.learn(line, line.at <= self._until)
            if line.ours:
                self.last_ours = max(self.last_ours, line.at)
            elif self._oldest <= line.at <= self._until and line.status not in (0, CLIENT_CLOSED):
                self._count(line)

    def _count(self, line: Line) -> None:
        if line.colour == self._old:
            self._first = min(self._first, line.at)
            self._n += 1
            if line.bad:
                self._bad_times.append(line.at)
        elif line.bad and not line.colour:
            self._uncoloured.append(line)

    def trust(self, event: Mapping[str, Any]) -> None:
        """A pair of probes: what the old colour passes is worth asking the new one."""
        self.trusted.update(name for name, (_new, old) in event["checks"].items() if old)
        found = outcome(event["checks"], self.trusted)
        self._pairs += bool(found)
        self._both_bad += found == BOTH

    def baseline(self, flipped: float, slot: float) -> Baseline:
        ours = [line.at for line in self._uncoloured if self._known.coloured(line)]
        bad = [*self._bad_times, *ours]
        first = min([self._first, *ours])
        slots = stats.slots(bad, first, flipped, slot)
        return Baseline(self._n + len(ours), len(bad), stats.dispersion(slots), round(max(0.0, flipped - first), 1))

    def before(self) -> Baseline:
        """Seconds of probes, and those of them in which both colours failed."""
        return Baseline(self._pairs, self._both_bad)
