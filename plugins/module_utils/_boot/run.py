# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring the live colour back: start and join what has to run, wait until it answers, then do the rest.

It needs no lock, no controller and no answer, and changes nothing that is right already, so it can run at any time.
A colour that a run is taking away at this moment is that run's: nothing of it is started, no rollback is sent there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .._compose.containers import networks
from .._compose.containers.observe import Containers
from .._compose.deployment import store
from .._compose.deployment.job import Context
from .._compose.singletons import handover
from .._compose.stack import repair
from .._core.clock import Clock
from .._core.colours import accepted, colours_to_run
from .._core.errors import BluegreenError
from .._core.http import DirectHttp
from .._core.podman import Podman
from .._core.runner import Runner
from .._health import checks, gate
from .._health.model import Reach
from .._health.probe_origin import Standpoint
from .._state import events
from .._state.directory import StateDir
from .._state.lock import STALE_SECONDS, Lock
from .._watch.launch import Launch
from .record import Record

READY_SECONDS = 300.0
AGAIN = "run this program again"


@dataclass
class Boot:
    """``say`` gets a line for everything that is done; ``started`` and ``wrong`` are what the ledger is told."""

    record: Record
    runner: Runner
    clock: Clock
    say: Callable[[str], None]
    patience: float = READY_SECONDS
    started: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    # The switch's fencing token of the moment when we looked: a run that begins later is newer than we are.
    token: int = 0

    def run(self) -> bool:
        """Whether the live colour answers."""
        begun = self.clock.monotonic()
        context = Context(self.record.wanted, Podman(self.runner), self.clock)
        self._try("what a killed run was joining", lambda: networks.settle(context.podman, context.wanted))
        live, to_run = self._who()
        self.say("live: %s" % (live or "unknown"))
        ready = False
        # The live colour is there before anything else asks for the machine.
        for colours in dict.fromkeys([to_run[:1], to_run]):
            self._bring_back(context, colours)
            if live and not ready:
                ready = self._answers(context, live)
        if live:
            self._try("the couriers and singletons", lambda: self._singletons(context))
        self._try("the watch", self._watch)
        self._note({"event": "boot", "live": live, "ready": ready, "seconds": self.clock.monotonic() - begun})
        return ready

    def _who(self) -> tuple[str, tuple[str, ...]]:
        try:
            state = self.record.switch.read()
        except BluegreenError as exc:
            self._complain(str(exc))
            return "", ()
        self.token = state.token
        if not state.live:
            self._complain("the switch names no colour (%s). Fix: --tags adopt" % state.damage)
            return "", ()
        flip = state.return_to.flip if state.return_to else ""
        stable = accepted(StateDir(self.record.wanted.state_dir).read_marks(), flip)
        release = str(store.stack(self.record.wanted, state.live).get("release", ""))
        back = state.return_to.colour if state.return_to else None
        taken = [colour for colour in state.removing if colour != state.live]
        busy = self._busy() if taken else ""
        if busy:
            self._complain("%s is being removed or replaced by %s. Fix: wait for it, then %s" % (taken[0], busy, AGAIN))
        to_run = colours_to_run(state.live, back, stable, release)
        return state.live, tuple(colour for colour in to_run if not (busy and colour in taken))

    def _busy(self) -> str:
        """The run that holds the lock and is alive, '' where there is none."""
        try:
            held = Lock(StateDir(self.record.wanted.state_dir), None, self.clock).read()
        except BluegreenError as exc:
            return "a run whose lock can't be read (%s)" % exc
        if held is None or abs(self.clock.now() - float(held["beat"])) > STALE_SECONDS:
            return ""
        return "run %s (stage %s)" % (held["run"], held.get("stage") or "?")

    def _bring_back(self, context: Context, colours: Sequence[str]) -> None:
        """Each step by itself: one that fails does not stop the others."""
        world = Containers.look(context.podman, context.wanted)
        blue = world.adopted() if store.is_adopted(context.wanted, "blue") else None
        fixing = repair.plan(context, world, colours, blue)
        still = partial(self.record.switch.require, self.token)
        for step in fixing.steps:
            if self._try(str(step), partial(repair.do, context, fixing, step, still)):
                self.started.append(str(step))
                self.say(str(step))
        short = repair.shortfall(Containers.look(context.podman, context.wanted), fixing)
        for line in short:
            self._complain(line)
        for colour in () if short else colours:
            self._try("the way back to %s" % colour, partial(self.record.switch.allow_rollback, colour, self.token))

    def _answers(self, context: Context, live: str) -> bool:
        silent = self._unready(context, live)
        for line in silent:
            self._complain("%s is not ready: %s" % (live, line))
        if not silent:
            self.say("%s is ready" % live)
        return not silent

    def _unready(self, context: Context, live: str) -> list[str]:
        try:
            return unready(context, self.record.params["services"], live, self.patience)
        except (BluegreenError, OSError) as exc:
            return [str(exc)]

    def _singletons(self, context: Context) -> None:
        job = handover.hand_over(context, lambda: self.record.switch.read().live)
        for step in job.plan.steps:
            self.started.append(str(step))
            self.say(str(step))

    def _watch(self) -> None:
        """A watch that the boot cut off goes on from its events; its probes had secrets that no disk has."""
        launch = Launch(self.record.wanted.state_dir, self.runner, self.clock)
        seen = launch.observe()
        plan = launch.plan_restart(seen)
        if plan.changed:
            launch.apply(plan, launch.kept(seen.release))
            self.say("the watch of %s continues" % seen.release)

    def _try(self, what: str, act: Callable[[], None]) -> bool:
        try:
            act()
        except (BluegreenError, OSError) as exc:
            self._complain("%s: %s" % (what, exc))
            return False
        return True

    def _complain(self, line: str) -> None:
        if line not in self.wrong:
            self.wrong.append(line)
            self.say("WRONG: %s" % line)

    def _note(self, event: dict[str, Any]) -> None:
        """History only: a full disk stops no service."""
        state = StateDir(self.record.wanted.state_dir)
        whole = {**event, "started": self.started, "wrong": self.wrong}
        self._try("the ledger", lambda: _append(state, whole, self.clock.now()))


def _append(state: StateDir, event: dict[str, Any], now: float) -> None:
    events.append(state.ledger, event, now)


def unready(context: Context, services: Mapping[str, Mapping[str, Any]], colour: str, timeout: float) -> list[str]:
    """Services of ``colour`` that are not ready after ``timeout`` seconds, with what they said."""
    wanted = context.wanted
    asked = checks.GatePlan(
        colour=colour,
        against="",
        reach=Reach(wanted.nets, wanted.publish, wanted.port_base),
        services=services,
        probes={},
        secrets={},
        checks=("ready",),
    )
    edge = "" if asked.reach.by_ports else context.podman.service(wanted.project, wanted.edge_service)
    standpoint = Standpoint(context.podman, edge, checks.addresses(asked))
    results = gate.run(checks.plan(asked), DirectHttp(), context.clock, timeout, standpoint.enter)
    return ["%s: %s" % (one.service, one.detail) for one in results if not one.ok]
