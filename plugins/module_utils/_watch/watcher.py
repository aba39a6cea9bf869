# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The watch itself: wait for the flip, look, judge, and act at once when the new colour is worse.

Nothing here needs the controller. Every observation is an event on disk before it is judged, so that the verdict can
be checked afterwards from the record alone, and a watcher that died is gone on with from there.
"""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .._core.clock import SteadyClock
from .._core.errors import BluegreenError
from .._state import events as record
from .._state.directory import StateDir
from .._switch.switch import Switch, SwitchState
from .._verdict import judge as judging
from .._verdict.parameters import Baseline, Judgement, Parameters
from . import orders
from .config import STOP, Config
from .observer import Observer, Public
from .rollback_followup import Follow
from .samples import BeforeFlip, Counts, Samples
from .source import Source
from .tail import Tail

# How soon a flip is seen, and how often the waiting says that it waits (seconds).
LOOK, HEARTBEAT, PROGRESS = 0.1, 10.0, 5.0
# A flip that is older than this when it is first seen was not watched from its beginning (seconds).
LATE = 1.0
# A watcher that comes late looks for so long at least, though the window be over: probes must have been sent.
LEAST = 30.0

End = tuple[str, str]
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Resume:
    """What a watcher that died left in its events.

    ``armed`` is empty where the watch had not seen the flip yet; ``events`` are all there are, it included.

    ``until`` is up to when the access log was counted (epoch seconds), ``containers`` what the new colour's were before
    the flip, ``rolling`` whether the way back had begun.
    """

    events: tuple[Event, ...] = ()
    armed: Event = field(default_factory=dict)
    until: float = 0.0
    containers: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)
    rolling: bool = False

    @classmethod
    def of(cls, events: Sequence[Event]) -> Resume:
        armed = next((event for event in events if event["event"] == "armed"), {})
        counted = [float(event["at"]) for event in events if event["event"] in ("armed", "sample")]
        seen: Event = next((event["seen"] for event in events if event["event"] == "containers"), {})
        return cls(
            tuple(events),
            armed,
            max(counted, default=0.0),
            {name: (str(state), int(start), int(restarts)) for name, (state, start, restarts) in seen.items()},
            any(event["event"] == "rolling_back" for event in events),
        )


@dataclass(frozen=True)
class WatchInputs:
    """What a watch touches. ``prober`` is None where probes are switched off; ``follow``: what has to be made to follow
    the switch on the way back; nothing where it looks itself."""

    clock: SteadyClock
    switch: Switch
    tail: Tail
    observer: Observer
    public: Public
    prober: Source | None
    follow: Follow = lambda _state, _note: ""


class Watcher:
    def __init__(self, config: Config, inputs: WatchInputs) -> None:
        self.config = config
        self.inputs = inputs
        self.state = StateDir(config.state_dir)
        self.path = self.state.release(config.release, "watch", "events.jsonl")
        self.control = self.state.release(config.release, "watch", "control")
        self.counts = Counts(config.colour, config.old, [name["host"] for name in config.public])
        self.samples = Samples(inputs.tail, self.counts, config.interval)
        self.parameters = Parameters.of({**config.parameters, "metrics": 2 if inputs.prober else 1})
        self.judge = judging.Judge(self.parameters, Baseline())
        self.window = orders.Window(config.window)
        self.flip = ""
        self.rolling = False
        self.since = inputs.clock.now()
        self.stopped = False
        # Monotonic: when the window began, and before what no window ends.
        self._begun = self._least = 0.0

    def run(self) -> Judgement:
        """Watch to the end. Never raises for what the world does; the judgement says it."""
        signal.signal(signal.SIGTERM, self._stop)
        past = Resume.of(record.read(self.path))
        try:
            why = (self._go_on(past) if past.armed else self._begin(past)) or self._watch()
        except BluegreenError as exc:
            why = ("broken", "the watch itself failed: %s" % exc)
        if why[0] not in ("failed", "decided"):
            self._weigh({"event": "ended", "why": why[0], "detail": why[1]})
        return self.judge.judgement()

    def stop_sources(self) -> None:
        for source in self._sources():
            source.stop()

    def note(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Write an event of the watch; one that brings its own time keeps it. A full disk must not end the watch."""
        at = float(event.get("at", self.inputs.clock.now()))
        try:
            return record.append(self.path, event, at)
        except OSError:
            return {**event, "at": at}

    def read_switch(self) -> SwitchState:
        return self.inputs.switch.read()

    def still_ours(self, state: SwitchState) -> bool:
        """Whether the flip that is being watched is still the one in force."""
        flip = state.return_to.flip if state.return_to else ""
        return state.live == self.config.colour and flip == self.flip

    def _sources(self) -> list[Source]:
        return [self.inputs.observer, *([self.inputs.prober] if self.inputs.prober else [])]

    def _start_sources(self) -> None:
        """Those that run already go on; a thread that could not be had is tried for again."""
        for source in self._sources():
            source.start()

    def _stop(self, _signal: int, _frame: object) -> None:
        """A stop on purpose leaves a file; a host that goes down does not, and the watch goes on after the boot."""
        if not os.path.exists(self.state.release(self.config.release, "watch", STOP)):
            os._exit(128 + signal.SIGTERM)
        self.stopped = True

    # Before the flip

    def _begin(self, past: Resume) -> End | None:
        """Until the switch names our colour; (why, detail) when that never came."""
        clock, flipped = self.inputs.clock, self._flipped(self.read_switch())
        self.window = orders.Window(self.config.window, past.events)
        oldest = self.since - self.config.baseline
        before = BeforeFlip(self.config.old, oldest, self.since, self.counts.known, flipped)
        # What the log held before the flip ends with it; the rest is read again when the watch is armed.
        self.samples.rewind(oldest)
        before.read(self.samples.lines())
        self.note({"event": "waiting", "release": self.config.release, "colour": self.config.colour})
        deadline, beat = clock.monotonic() + self.config.wait, clock.monotonic() + HEARTBEAT
        while True:
            self._start_sources()
            state = self.read_switch()
            if state.live == self.config.colour:
                self._arm(state, before)
                return None
            if self.stopped:
                return "stopped", "the watch was stopped before the flip"
            self._obey()
            if self.window.end:
                return self.window.end
            if clock.monotonic() >= deadline:
                return "never_live", "%s was not live within %g s" % (self.config.colour, self.config.wait)
            if clock.monotonic() >= beat:
                beat += HEARTBEAT
                self.note({"event": "waiting", "release": self.config.release, "colour": self.config.colour})
            before.read(self.samples.lines())
            self._trust(before)
            clock.sleep(LOOK)

    def _flipped(self, state: SwitchState) -> float:
        """When our colour went live, if it did long ago; infinity while it has not."""
        if state.live != self.config.colour or state.return_to is None:
            return math.inf
        at = self.inputs.clock.of_wall(state.return_to.at)
        return at if self.inputs.clock.now() - at > LATE else math.inf

    def _trust(self, before: BeforeFlip) -> None:
        for source in self._sources():
            for event in source.events():
                if event["event"] == "pair":
                    before.trust(event)
                elif event["event"] in ("probing", "containers"):
                    self.note(event)

    def _arm(self, state: SwitchState, before: BeforeFlip) -> None:
        clock, late = self.inputs.clock, self._flipped(state)
        at = clock.now() if late == math.inf else late
        self.flip = state.return_to.flip if state.return_to else ""
        self.counts.flipped, self.counts.last_ours = at, before.last_ours
        self.inputs.observer.live = self.config.colour
        armed = self.note(
            {
                "event": "armed",
                "at": at,
                "flip": self.flip,
                "colour": self.config.colour,
                "window": self.config.window,
                "parameters": self.parameters.as_dict(),
                "baseline": asdict(before.baseline(at, self.parameters.slot)),
                "trusted": sorted(before.trusted),
                "untested": self.config.untested(),
                "interval": self.config.interval,
                "before": {name: value for name, value in asdict(before.before()).items() if name in ("n", "bad")},
                "observed": self.config.watches_containers or bool(self.config.public),
                "asks": self.config.asks(),
            }
        )
        self.judge = judging.of_armed(armed)
        self._begun = clock.monotonic() - max(0.0, clock.now() - at)
        if late != math.inf:
            self._catch_up(at)

    # After a watcher died

    def _go_on(self, past: Resume) -> End | None:
        """Be where the watcher was that wrote these events; (why, detail) where it had decided already."""
        clock, armed = self.inputs.clock, past.armed
        self.flip, self.counts.flipped = str(armed["flip"]), float(armed["at"])
        self.rolling = past.rolling
        self.judge = judging.of_armed(armed)
        for event in past.events:
            self.judge.add(event)
        self.window = orders.Window(self.config.window, past.events)
        self.inputs.observer.resume(self.config.colour, past.containers)
        self.note({"event": "resumed", "release": self.config.release, "gap": round(clock.now() - past.until, 1)})
        if self.judge.judgement().verdict:
            return "decided", ""
        self._begun = clock.monotonic() - max(0.0, clock.now() - float(armed["at"]))
        self._start_sources()
        if clock.now() < past.until:
            # The clock was set back while no watcher looked: what was logged then looks like what was counted.
            self._weigh({"event": "sample", **self.counts.take(), "source": "ok", "missed": True, "cut": True})
        self._catch_up(past.until)
        return None

    def _catch_up(self, since: float) -> None:
        """What the log says of the time in which no watcher looked."""
        self._least = self.inputs.clock.monotonic() + min(LEAST, self.config.window)
        for sample in self.samples.missed(since, self.parameters.slot):
            self._weigh(sample)

    # After the flip

    def _watch(self) -> End:
        """(why, detail) of the end; why is ``failed`` when there is a reason to roll back."""
        clock = self.inputs.clock
        progress = clock.monotonic() + PROGRESS
        while True:
            tick = clock.monotonic()
            self._start_sources()
            ended = self._superseded()
            if ended:
                return ended
            self._collect()
            if self.judge.failures():
                return "failed", ""
            self._obey()
            if self.window.end:
                return self.window.end
            if tick >= progress:
                progress += PROGRESS
                self.note({"event": "progress", **self._left(tick), **self._numbers()})
            if tick >= self._least and self.window.over(tick - self._begun):
                return "window", ""
            clock.sleep(max(0.05, self.config.interval - (clock.monotonic() - tick)))

    def _left(self, tick: float) -> dict[str, Any]:
        left = round(max(self.window.seconds - (tick - self._begun), self._least - tick, 0))
        return {"left": left, "held": self.window.held}

    def _superseded(self) -> End | None:
        if self.stopped:
            return "stopped", "the watch was stopped"
        state = self.read_switch()
        if state.live != self.config.colour:
            return "superseded", "the switch was moved to %s during the watch, not by the watcher" % (
                state.live or "no colour"
            )
        if not self.still_ours(state):
            return "superseded", "a newer cutover began during the watch"
        return None

    def _obey(self) -> None:
        """Answer an operator's order: the event first, then its file goes."""
        order = orders.pending(self.control)
        if order is None:
            return
        if not self.window.knows(order):
            now = self.judge.if_ended({"why": "promoted", "at": self.inputs.clock.now()})
            self.window.add(self.note(self.window.answer(order, bool(self.flip), now)))
        try:
            orders.clear(self.control)
        except OSError:
            return

    def _collect(self) -> None:
        sample = self.samples.sample(self.inputs.observer.answered, self.inputs.clock.now())
        for source in self._sources():
            for event in source.events():
                self._weigh(event)
        self._weigh(sample)

    def _weigh(self, event: Mapping[str, Any]) -> None:
        """On disk first, then to the judge. A rule that holds is written only when it was broken before."""
        broken = self.judge.rules.get(str(event.get("rule")), (0, ""))[0]
        if event["event"] == "rule" and not event["bad"] and not broken:
            return
        self.judge.add(self.note(event))

    def _numbers(self) -> dict[str, Any]:
        found = self.judge.evidence()
        names = ("traffic", "probe", "pairs", "error_log_e", "error_log_limit", "pair_log_e", "pair_log_limit")
        return {name: found[name] for name in names}
