# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The watch itself: wait for the flip, look, judge, and act at once when the new colour is worse.

Nothing here needs the controller. Every observation is an event on disk before it is judged, so that the verdict can
be checked afterwards from the record alone.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import Switch, SwitchState
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger import events as record
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.state import StateDir
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import judge as judging
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import stats
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.accesslog import CLIENT_CLOSED, Counts, Tail
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.observer import Observer, Public
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.parameters import (
    Baseline,
    Judgement,
    Parameters,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.prober import Prober

# So much of the log before the flip is read for the baseline (bytes); what is older says little about tonight.
BACK = 64 << 20
# How soon a flip is seen, and how often the waiting says that it waits (seconds).
LOOK, HEARTBEAT, PROGRESS = 0.1, 10.0, 5.0
# An own request that the log doesn't show within so many intervals means that the log can't be trusted.
LATE_INTERVALS, LATE_AT_LEAST = 3, 5.0


@dataclass(frozen=True)
class World:
    """What a watch touches. ``prober`` is None where probes are switched off."""

    clock: Clock
    switch: Switch
    tail: Tail
    observer: Observer
    public: Public
    prober: Prober | None


class Watcher:
    def __init__(self, config: Config, world: World) -> None:
        self.config = config
        self.world = world
        self.state = StateDir(config.state_dir)
        self.path = self.state.release(config.release, "watch", "events.jsonl")
        self.counts = Counts(config.colour, config.old)
        self.parameters = Parameters.of({**config.parameters, "metrics": 2 if world.prober else 1})
        self.judge = judging.Judge(self.parameters, Baseline())
        self.flip = ""
        self.since = world.clock.now()
        self.stopped = False
        self._trusted: set[str] = set()
        self._n = 0
        self._bad_times: list[float] = []
        self._first = self.since
        # When the oldest own request began that the log does not show yet; 0 when it shows all.
        self._unshown = 0.0

    def run(self) -> Judgement:
        """Watch to the end. Never raises for what the world does; the judgement says it."""
        signal.signal(signal.SIGTERM, self._stop)
        self._listen()
        self.note({"event": "waiting", "release": self.config.release, "colour": self.config.colour})
        for source in self._sources():
            source.start()
        try:
            why = self._wait() or self._watch()
        except BluegreenError as exc:
            why = ("broken", "the watch itself failed: %s" % exc)
        if why[0] != "failed":
            self._weigh({"event": "ended", "why": why[0], "detail": why[1]})
        return self.judge.judgement()

    def stop_sources(self) -> None:
        for source in self._sources():
            source.stop()

    def note(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Write an event of the watch; one that brings its own time keeps it. A full disk must not end the watch."""
        at = float(event.get("at", self.world.clock.now()))
        try:
            return record.append(self.path, event, at)
        except OSError:
            return {**event, "at": at}

    def read_switch(self) -> SwitchState:
        return self.world.switch.read()

    def still_ours(self, state: SwitchState) -> bool:
        """Whether the flip that is being watched is still the one in force."""
        flip = state.return_to.flip if state.return_to else ""
        return state.live == self.config.colour and flip == self.flip

    def _sources(self) -> list[Prober | Observer]:
        return [self.world.observer, *([self.world.prober] if self.world.prober else [])]

    def _stop(self, _signal: int, _frame: object) -> None:
        self.stopped = True

    # Before the flip

    def _listen(self) -> None:
        """Read what the old colour answered lately; the window of the baseline ends with the flip."""
        self.world.tail.open(BACK)
        self._first = self.world.clock.now()
        self._baseline()

    def _baseline(self) -> None:
        oldest = self.since - self.config.baseline
        for line in self.world.tail.lines():
            if line.ours:
                self.counts.last_ours = max(self.counts.last_ours, line.at)
            if line.ours or line.at < oldest or line.status in (0, CLIENT_CLOSED):
                continue
            if line.colour == self.config.old or (line.bad and not line.colour):
                self._first = min(self._first, line.at)
                self._n += 1
                if line.bad:
                    self._bad_times.append(line.at)

    def _wait(self) -> tuple[str, str] | None:
        """Until the switch names our colour; (why, detail) when that never came."""
        clock = self.world.clock
        deadline, beat = clock.monotonic() + self.config.wait, clock.monotonic() + HEARTBEAT
        while True:
            state = self.read_switch()
            if state.live == self.config.colour:
                self._begin(state)
                return None
            if self.stopped:
                return "stopped", "the watch was stopped before the flip"
            if clock.monotonic() >= deadline:
                return "never_live", "%s was not live within %g s" % (self.config.colour, self.config.wait)
            if clock.monotonic() >= beat:
                beat += HEARTBEAT
                self.note({"event": "waiting", "release": self.config.release, "colour": self.config.colour})
            self._baseline()
            self._trust()
            clock.sleep(LOOK)

    def _trust(self) -> None:
        for event in self.world.prober.events() if self.world.prober else ():
            if event["event"] == "pair":
                self._trusted.update(name for name, (_new, old) in event["checks"].items() if old)
            elif event["event"] == "probing":
                self.note(event)

    def _begin(self, state: SwitchState) -> None:
        now = self.world.clock.now()
        self.flip = state.return_to.flip if state.return_to else ""
        self.counts.flipped = now
        self.world.observer.live = self.config.colour
        slots = stats.slots(self._bad_times, self._first, now, self.parameters.slot)
        baseline = Baseline(self._n, len(self._bad_times), stats.dispersion(slots), round(now - self._first, 1))
        armed = self.note(
            {
                "event": "armed",
                "at": now,
                "flip": self.flip,
                "colour": self.config.colour,
                "window": self.config.window,
                "parameters": self.parameters.as_dict(),
                "baseline": asdict(baseline),
                "trusted": sorted(self._trusted),
            }
        )
        self.judge = judging.of_armed(armed)

    # After it

    def _watch(self) -> tuple[str, str]:
        """(why, detail) of the end; why is ``failed`` when there is a reason to roll back."""
        clock = self.world.clock
        begun = clock.monotonic()
        progress = begun + PROGRESS
        while True:
            tick = clock.monotonic()
            ended = self._superseded()
            if ended:
                return ended
            self._collect()
            if self.judge.failures():
                return "failed", ""
            if tick >= progress:
                progress += PROGRESS
                self.note({"event": "progress", "left": round(self.config.window - (tick - begun)), **self._numbers()})
            if tick - begun >= self.config.window:
                return "window", ""
            clock.sleep(max(0.05, self.config.interval - (clock.monotonic() - tick)))

    def _superseded(self) -> tuple[str, str] | None:
        if self.stopped:
            return "stopped", "the watch was stopped"
        state = self.read_switch()
        if state.live != self.config.colour:
            return "superseded", "somebody else moved the switch to %s during the watch" % (state.live or "nobody")
        if not self.still_ours(state):
            return "superseded", "a newer cutover began during the watch"
        return None

    def _collect(self) -> None:
        self.counts.add(self.world.tail.lines())
        taken = self.counts.take()
        for source in self._sources():
            for event in source.events():
                self._weigh(event)
        self._weigh({"event": "sample", **taken, "source": self._source()})

    def _source(self) -> str:
        """Whether the log shows what we know was asked."""
        asked, shown, now = self.world.observer.answered, self.counts.last_ours, self.world.clock.now()
        if self._unshown and shown >= self._unshown:
            self._unshown = 0.0
        if not self._unshown and asked > shown:
            self._unshown = asked
        late = bool(self._unshown) and now - self._unshown > max(LATE_INTERVALS * self.config.interval, LATE_AT_LEAST)
        return "down" if late or not self.world.tail.exists() else "ok"

    def _weigh(self, event: Mapping[str, Any]) -> None:
        """On disk first, then to the judge. A rule that holds is written only when it was broken before."""
        broken = self.judge.rules.get(str(event.get("rule")), (0, ""))[0]
        if event["event"] == "rule" and not event["bad"] and not broken:
            return
        self.judge.add(self.note(event))

    def _numbers(self) -> dict[str, Any]:
        found = self.judge.evidence()
        names = ("organic", "synthetic", "pairs", "error_log_e", "error_log_limit", "pair_log_e", "pair_log_limit")
        return {name: found[name] for name in names}
