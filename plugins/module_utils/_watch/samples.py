# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the access log says of both colours: before the flip as a baseline, after it as samples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._verdict import stats
from .._verdict.judge import BOTH, outcome
from .._verdict.parameters import Baseline
from .accesslog import CLIENT_CLOSED, ELSEWHERE, OURS, UNCLEAR, Line, Routes
from .tail import Tail

# So much of the log is read back, for the baseline or for what was not watched (bytes).
BACK = 64 << 20
# An own request that the log doesn't show within so many intervals means that the log can't be trusted.
LATE_INTERVALS, LATE_AT_LEAST = 3, 5.0


class Counts:
    """Answers of both colours since the last ``take()``; ``flipped`` is when the new colour was seen live."""

    def __init__(self, new: str, old: str, hosts: Iterable[str] = ()) -> None:
        self.new = new
        self.old = old
        self.flipped: float | None = None
        self.last_ours = 0.0
        # Where the new colour's errors were, and those that may be its.
        self.routes: Counter[str] = Counter()
        self.known = Routes(hosts)
        self._reset()

    def _reset(self) -> None:
        self._side = {side: {"n": 0, "bad": 0, "left": 0} for side in (self.new, self.old)}
        self._edge_bad = 0
        self._uncoloured = {ELSEWHERE: 0, UNCLEAR: 0}

    def add(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._add(line)

    def learn(self, line: Line) -> None:
        """Whose its route is, and that the log is alive; the answer itself is not counted."""
        self.known.learn(line, not self._since(line))
        if line.ours:
            self.last_ours = max(self.last_ours, line.at)

    def _since(self, line: Line) -> bool:
        return self.flipped is not None and line.begun >= self.flipped

    def _add(self, line: Line) -> None:
        self.learn(line)
        if line.ours:
            return
        colour = line.colour
        if not colour and line.bad:
            # The edge's own 5xx belongs to the colour that was live when the request began.
            colour = self._blamed(line)
        side = self._side.get(colour)
        if side is None:
            return
        if line.status in (0, CLIENT_CLOSED):
            side["left"] += 1
            return
        side["n"] += 1
        side["bad"] += line.bad
        if line.bad and colour == self.new:
            self.routes["%s %d" % (line.route, line.status)] += 1

    def _blamed(self, line: Line) -> str:
        since, whose = self._since(line), self.known.whose(line)
        if whose == OURS:
            self._edge_bad += 1
            return self.new if since else self.old
        self._uncoloured[whose] += since
        if since and whose == UNCLEAR:
            self.routes["%s %d, answered by no colour" % (line.route, line.status)] += 1
        return ""

    def take(self) -> dict[str, Any]:
        """{new, old: {n, bad, left}, edge_bad, elsewhere, unclear} since the last call.

        ``left`` are visitors who went away; ``elsewhere`` errors of another site on the same edge, ``unclear`` those
        where that is not known.
        """
        taken = {
            "new": self._side[self.new],
            "old": self._side[self.old],
            "edge_bad": self._edge_bad,
            **self._uncoloured,
        }
        self._reset()
        return taken


class BeforeFlip:
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


class Samples:
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
        """What was answered after ``since`` while no watcher looked, a sample for each slot as if one had."""
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
        """Whether the log shows what we know was asked; ``none`` where none is kept: probes alone are judged."""
        if not self._tail.path:
            return "none"
        shown = self.counts.last_ours
        if self._unshown and shown >= self._unshown:
            self._unshown = 0.0
        if not self._unshown and asked > shown:
            self._unshown = asked
        late = bool(self._unshown) and now - self._unshown > self._patience
        return "down" if late or not self._tail.exists() else "ok"
