# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``release_watch`` without Ansible: start a watcher, begin a dead one again, stop it, tell what it saw."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core import code_copy, detach, process
from .._core.clock import Clock, wait_until
from .._core.errors import BluegreenError
from .._core.files import read_json, read_mapping, read_text, write_atomic
from .._core.plan import Plan, Step
from .._core.runner import Runner
from .._state import events as record
from .._state.directory import StateDir
from .._switch.switch import Switch
from . import main
from .config import STOP, Config

STARTED_SECONDS, STOPPED_SECONDS = 20.0, 20.0
DECIDED = ("PASS", "PASS_SYNTHETIC_ONLY", "FAIL")


@dataclass(frozen=True)
class Seen:
    """The present watch. ``about`` is {pid, start, release, colour, since, keeper}, empty when there never was one."""

    about: Mapping[str, Any] = field(default_factory=dict)
    alive: bool = False
    verdict: Mapping[str, Any] = field(default_factory=dict)

    @property
    def release(self) -> str:
        return str(self.about.get("release") or "")

    @property
    def shown(self) -> dict[str, Any]:
        return {"release": self.about.get("release"), "alive": self.alive}

    @property
    def died(self) -> bool:
        """Whether there was a watcher that left without a verdict."""
        return bool(self.about) and not self.alive and not self.verdict


def observe(state: StateDir, release: str = "") -> Seen:
    """The watch of a release, or the last one of the deployment."""
    about = read_mapping(state.path("watch.json"), "pid", "start")
    if release and about.get("release") != release:
        about = read_mapping(state.release(release, "watch", "pid"), "pid", "start")
    name = release or about.get("release", "")
    verdict = read_mapping(state.release(name, "verdict.json")) if name else {}
    missed = verdict and not verdict.get("flip") and _is_live(state, about, name)
    return Seen(about, process.watched(about), {} if missed else verdict)


def _is_live(state: StateDir, about: Mapping[str, Any], release: str) -> bool:
    """Whether the colour went live after all whose watch ended before a flip: what that said is no verdict of it."""
    kept = read_json(state.release(release, "watch", "config.json")) or {}
    switch = Switch(str(kept.get("switch_dir") or ""))
    if about.get("release") != release or not switch.exists():
        return False
    now = switch.read()
    return now.live == about.get("colour") and now.return_to is not None


class Launch:
    def __init__(self, state_dir: str, runner: Runner, clock: Clock) -> None:
        self.state = StateDir(state_dir)
        self.runner = runner
        self.clock = clock

    def observe(self, release: str = "") -> Seen:
        return observe(self.state, release)

    def events_path(self, release: str) -> str:
        return self.state.release(release, "watch", "events.jsonl")

    def events(self, release: str) -> list[dict[str, Any]]:
        return record.read(self.events_path(release))

    def plan_start(self, seen: Seen, config: Config, flip: str) -> Plan:
        """Nothing when this very cutover is watched or judged; ``flip`` is that of the switch if it is live already."""
        before = seen.shown
        after = {"release": config.release, "alive": True}
        same = (seen.about.get("release"), seen.about.get("colour")) == (config.release, config.colour)
        armed = self.armed(config.release)
        if same and not seen.verdict and (seen.alive or (flip and armed == flip)) and armed in ("", flip or armed):
            # One that died goes on from its events when it is followed.
            return Plan(before, after if seen.alive else before)
        judged = read_json(self.state.release(config.release, "verdict.json")) or {}
        if flip and judged.get("flip") == flip and judged.get("verdict") in DECIDED:
            return Plan(before, before)
        stop = (Step("stop", "watcher", "of %s" % seen.about.get("release")),) if seen.alive else ()
        return Plan(before, after, stop + (Step("start", "watcher", "of %s" % config.release),))

    def armed(self, release: str) -> str:
        """The flip that the present watch of a release is about; '' where it has seen none yet."""
        events = reversed(self.events(release))
        return next((str(event.get("flip") or "") for event in events if event["event"] == "armed"), "")

    def plan_restart(self, seen: Seen) -> Plan:
        """Start a watcher again that died before its verdict, while its colour is live or there was no flip yet."""
        before = seen.shown
        if not seen.died or self.kept(seen.release) is None:
            return Plan(before, before)
        return Plan(before, {**before, "alive": True}, (Step("restart", "watcher", "of %s" % seen.release),))

    def plan_stop(self, seen: Seen) -> Plan:
        before = seen.shown
        return Plan(before, {**before, "alive": False}, (Step("stop", "watcher"),) if seen.alive else ())

    def kept(self, release: str) -> Config | None:
        """The configuration of a release's watch, without its secrets."""
        values = read_json(self.state.release(release, "watch", "config.json"))
        return Config.of(values) if isinstance(values, dict) else None

    def switch(self, release: str) -> Switch | None:
        """The switch that a watch looked at."""
        kept = self.kept(release)
        found = Switch(kept.switch_dir) if kept else None
        return found if found and found.exists() else None

    def apply(self, plan: Plan, config: Config | None = None) -> str:
        """Carry the plan out; how a watcher was started, '' when none was."""
        how = ""
        for step in plan.steps:
            if step.action == "stop":
                self._say_stop()
                process.end(self.observe().about, self.clock, STOPPED_SECONDS)
            elif config is not None:
                # A verdict is still there where its watch ended before the flip.
                judged = os.path.exists(self.state.release(config.release, "verdict.json"))
                how = self._start(config, fresh=step.action == "start" or judged)
        return how

    def _start(self, config: Config, fresh: bool) -> str:
        where = self.state.ensure("releases", config.release, "watch")
        if fresh:
            self._set_aside(config.release)
        path, log = (os.path.join(where, name) for name in ("config.json", "log"))
        self._forget(config.release, STOP)
        library = code_copy.install(self.state.path("lib"))
        config.write(path)
        before, events = self.observe(config.release).about, len(self.events(config.release))
        unit = "olympus-bluegreen-watch-%s-%d" % (config.deployment, self.clock.now())
        started = detach.start(self.runner, unit, library, main.__name__, path, log)

        def speaks() -> bool:
            return len(self.events(config.release)) > events

        wait_until(self.clock, lambda: speaks() or started.gone(), bool, STARTED_SECONDS)
        if not speaks():
            config.without_secrets().write(path)
            now = self.observe(config.release).about
            if now != before:
                process.end(now, self.clock, 1)
            raise BluegreenError(
                "the watcher did not start: %s" % (last_words(log) or "its log is empty"),
                fix="%s; see %s" % ("nothing was flipped" if fresh else "what is live stays live, unwatched", log),
            )
        return started.how

    def _say_stop(self) -> None:
        release = str(self.observe().about.get("release") or "")
        if release:
            write_atomic(self.state.release(release, "watch", STOP), "")

    def _set_aside(self, release: str) -> None:
        """Keep an earlier watch of this release under its flip's name; the new one starts with empty files."""
        verdict = read_json(self.state.release(release, "verdict.json")) or {}
        suffix = ".%s" % (verdict.get("flip") or "none")
        for names in (("verdict.json",), ("watch", "events.jsonl")):
            path = self.state.release(release, *names)
            if os.path.exists(path):
                os.rename(path, path + suffix)
        for name in ("pid", "control"):
            self._forget(release, name)

    def _forget(self, release: str, name: str) -> None:
        path = self.state.release(release, "watch", name)
        if os.path.exists(path):
            os.unlink(path)

    def result(self, release: str = "", since: int = 0) -> dict[str, Any]:
        """What ``read`` returns."""
        seen = self.observe(release)
        name = release or seen.release
        events = self.events(name) if name else []
        verdict = dict(seen.verdict)
        rolled = verdict.get("rolled_back") or {}
        report = self.state.release(name, "report.html") if name else ""
        return {
            "watcher": {**seen.about, "alive": seen.alive},
            "release": name,
            "verdict": verdict.get("verdict", ""),
            "reasons": verdict.get("reasons", []),
            "signed_off": verdict.get("signed_off") or {},
            "returned_to": rolled.get("to", ""),
            "held": bool(rolled.get("held")),
            "not_returned": "" if rolled.get("to") else rolled.get("why", ""),
            "evidence": verdict.get("evidence", {}),
            "report": report if report and os.path.exists(report) else "",
            "events": events[since:],
            "next": len(events),
        }


def last_words(path: str) -> str:
    lines = [line for line in (read_text(path) or "").splitlines() if line.strip()]
    return " | ".join(lines[-3:])
