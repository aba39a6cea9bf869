# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``release_watch`` without Ansible: is there a watcher, start one, stop it, tell what it saw."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock, wait_until
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_json, read_text
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Runner
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger import events as record
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.state import StateDir
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import detach, main, payload, process
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config

STARTED_SECONDS, STOPPED_SECONDS = 20.0, 20.0
DECIDED = ("PASS", "PASS_SYNTHETIC_ONLY", "FAIL")


@dataclass(frozen=True)
class Seen:
    """The present watch. ``about`` is {pid, start, release, colour, since}, empty when there never was one."""

    about: Mapping[str, Any] = field(default_factory=dict)
    alive: bool = False
    verdict: Mapping[str, Any] = field(default_factory=dict)


class Launch:
    def __init__(self, state_dir: str, runner: Runner, clock: Clock) -> None:
        self.state = StateDir(state_dir)
        self.runner = runner
        self.clock = clock

    def observe(self, release: str = "") -> Seen:
        """The watch of a release, or the last one of the deployment."""
        about = read_json(self.state.path("watch.json")) or {}
        if release and about.get("release") != release:
            about = read_json(self.state.release(release, "watch", "pid")) or {}
        name = release or about.get("release", "")
        verdict = read_json(self.state.release(name, "verdict.json")) if name else None
        return Seen(about, process.alive(about), verdict or {})

    def plan_start(self, seen: Seen, wanted: Config, flip: str) -> Plan:
        """Nothing when this very cutover is watched or judged; ``flip`` is that of the switch if it is live already."""
        before = {"release": seen.about.get("release"), "alive": seen.alive}
        after = {"release": wanted.release, "alive": True}
        same = (seen.about.get("release"), seen.about.get("colour")) == (wanted.release, wanted.colour)
        if same and seen.alive and not seen.verdict:
            return Plan(before, after)
        judged = read_json(self.state.release(wanted.release, "verdict.json")) or {}
        if flip and judged.get("flip") == flip and judged.get("verdict") in DECIDED:
            return Plan(before, before)
        stop = (Step("stop", "watcher", "of %s" % seen.about.get("release")),) if seen.alive else ()
        return Plan(before, after, stop + (Step("start", "watcher", "of %s" % wanted.release),))

    def plan_stop(self, seen: Seen) -> Plan:
        before = {"release": seen.about.get("release"), "alive": seen.alive}
        return Plan(before, {**before, "alive": False}, (Step("stop", "watcher"),) if seen.alive else ())

    def apply(self, plan: Plan, wanted: Config | None = None) -> str:
        """Carry the plan out; how a watcher was started, '' when none was."""
        how = ""
        for step in plan.steps:
            if step.action == "stop":
                process.end(self.observe().about, self.clock, STOPPED_SECONDS)
            elif wanted is not None:
                how = self._start(wanted)
        return how

    def _start(self, wanted: Config) -> str:
        where = self.state.ensure("releases", wanted.release, "watch")
        self._set_aside(wanted.release)
        path = os.path.join(where, "config.json")
        wanted.write(path)
        library = payload.install(self.state.path("lib"))
        log = os.path.join(where, "log")
        before = self.observe(wanted.release).about
        unit = "olympus-bluegreen-watch-%s-%d" % (wanted.deployment, self.clock.now())
        begun = detach.start(self.runner, unit, library, main.__name__, path, log)
        events = os.path.join(where, "events.jsonl")
        wait_until(self.clock, lambda: bool(record.read(events)) or begun.gone(), bool, STARTED_SECONDS)
        if not record.read(events):
            now = self.observe(wanted.release).about
            if now != before:
                process.end(now, self.clock, 1)
            raise BluegreenError(
                "the watcher did not begin: %s" % (last_words(log) or "it said nothing"),
                mend="nothing was flipped; see %s" % log,
            )
        return begun.how

    def _set_aside(self, release: str) -> None:
        """Keep an earlier watch of this release under its flip's name; the new one starts with empty files."""
        verdict = read_json(self.state.release(release, "verdict.json")) or {}
        suffix = ".%s" % (verdict.get("flip") or "none")
        for names in (("verdict.json",), ("watch", "events.jsonl")):
            path = self.state.release(release, *names)
            if os.path.exists(path):
                os.rename(path, path + suffix)
        pid = self.state.release(release, "watch", "pid")
        if os.path.exists(pid):
            os.unlink(pid)

    def result(self, release: str = "", since: int = 0) -> dict[str, Any]:
        """What ``read`` returns."""
        seen = self.observe(release)
        name = release or seen.about.get("release", "")
        told = record.read(self.state.release(name, "watch", "events.jsonl")) if name else []
        verdict = dict(seen.verdict)
        rolled = verdict.get("rolled_back") or {}
        report = self.state.release(name, "report.html") if name else ""
        adopted = bool((verdict.get("old") or {}).get("adopted"))
        return {
            "watcher": {**seen.about, "alive": seen.alive},
            "release": name,
            "verdict": verdict.get("verdict", ""),
            "reasons": verdict.get("reasons", []),
            "returned_to": rolled.get("to", ""),
            "not_returned": rolled.get("why", ""),
            "courier": bool(rolled.get("to")) and not adopted,
            "evidence": verdict.get("evidence", {}),
            "report": report if report and os.path.exists(report) else "",
            "events": told[since:],
            "next": len(told),
        }


def last_words(path: str) -> str:
    lines = [line for line in (read_text(path) or "").splitlines() if line.strip()]
    return " | ".join(lines[-3:])
