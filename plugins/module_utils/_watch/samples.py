# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access log as the samples that a watch judges by, and whether it can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.accesslog import Counts, Line
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.tail import Tail

# So much of the log is read back, for the baseline or for what nobody watched (bytes).
BACK = 64 << 20
# An own request that the log doesn't show within so many intervals means that the log can't be trusted.
LATE_INTERVALS, LATE_AT_LEAST = 3, 5.0


class Trail:
    """``patience``: seconds after which a request of our own must have been logged."""

    def __init__(self, tail: Tail, counts: Counts, interval: float) -> None:
        self.counts = counts
        self._tail = tail
        self._patience = max(LATE_INTERVALS * interval, LATE_AT_LEAST)
        # When the oldest own request began that the log does not show yet; 0 when it shows all.
        self._unshown = 0.0

    def rewind(self, since: float = 0.0) -> None:
        """Back to what was logged after ``since`` (epoch seconds), as far as ``BACK`` goes."""
        self._tail.open(BACK, since)

    def lines(self) -> Iterator[Line]:
        return self._tail.lines()

    def sample(self, asked: float, now: float) -> dict[str, Any]:
        """What was answered since the last sample; ``asked`` is when the last own request began. ``cut``: some of the
        log got lost since."""
        cuts = self._tail.cuts
        self.counts.add(self._tail.lines())
        cut = {"cut": True} if self._tail.cuts > cuts else {}
        return {"event": "sample", **self.counts.take(), **cut, "source": self._source(asked, now)}

    def missed(self, since: float, slot: float) -> Iterator[dict[str, Any]]:
        """What was answered after ``since`` while nobody looked, a sample for each slot as if somebody had."""
        self.rewind()
        slots: dict[int, list[Line]] = {}
        # A log that does not reach back to then was rolled away meanwhile.
        whole = False
        for line in self._tail.lines():
            if line.at > since:
                slots.setdefault(int(line.at // slot), []).append(line)
            else:
                self.counts.learn(line)
                whole = True
        for _slot, lines in sorted(slots.items()):
            self.counts.add(lines)
            cut = {} if whole else {"cut": True}
            at = max(line.at for line in lines)
            yield {"event": "sample", "at": at, **self.counts.take(), **cut, "source": "ok", "missed": True}

    def _source(self, asked: float, now: float) -> str:
        """Whether the log shows what we know was asked; ``none`` where nobody keeps one: probes alone are judged."""
        if not self._tail.path:
            return "none"
        shown = self.counts.last_ours
        if self._unshown and shown >= self._unshown:
            self._unshown = 0.0
        if not self._unshown and asked > shown:
            self._unshown = asked
        late = bool(self._unshown) and now - self._unshown > self._patience
        return "down" if late or not self._tail.exists() else "ok"
