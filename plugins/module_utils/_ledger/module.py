# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``release_ledger`` without Ansible: options in, result out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from .._cloudflare.edge import place_of
from .._core.argspec import COLOURS, DEPLOYMENT, ArgumentSpec
from .._core.clock import Clock
from .._core.errors import BluegreenError
from .._core.files import read_json
from .._core.plan import Plan, Step
from .._core.runner import Runner
from .._health import last_failures
from .._notify import textfile
from .._notify.address import SPEC as NOTIFY
from .._schema import progress
from .._state import events
from .._state.directory import StateDir
from .._state.lock import STALE_SECONDS, Claim, Lock
from .._switch.switch import Switch, describe

STATES = ("read", "locked", "beaten", "unlocked", "waited", "appended", "accepted", "reported", "told")

SPEC = ArgumentSpec(
    {
        "state": {"type": "str", "choices": list(STATES), "default": "read"},
        "project": {"type": "str", "default": ""},
        "edge": {"type": "dict", "default": {}},
        "switch_dir": {"type": "path", "default": ""},
        "run": {"type": "str", "default": ""},
        "stage": {"type": "str", "default": ""},
        "version": {"type": "str", "default": ""},
        "operator": {"type": "str", "default": ""},
        "controller": {"type": "dict", "default": {}},
        "seen": {"type": "dict", "default": {}},
        "stale": {"type": "float", "default": STALE_SECONDS},
        "unlock": {"type": "str", "default": ""},
        "since": {"type": "float", "default": 0.0},
        "seconds": {"type": "float", "default": 0.0},
        "event": {"type": "dict", "default": {}},
        "release": {"type": "str", "default": ""},
        "colour": {"type": "str", "choices": list(COLOURS)},
        "flip": {"type": "str", "default": ""},
        "last": {"type": "int", "default": 50},
        "outcome": {"type": "dict", "default": {}},
    },
    required_if=(
        ("state", "locked", ["run"]),
        ("state", "beaten", ["run"]),
        ("state", "unlocked", ["run"]),
        ("state", "appended", ["event"]),
        ("state", "accepted", ["release"]),
        ("state", "reported", ["release"]),
    ),
).merge(DEPLOYMENT, NOTIFY)


def _migrated(one: Mapping[str, Any]) -> dict[str, Any]:
    """A schema target's last migration in a few words; the whole of it is in the release's directory."""
    applied, pending = one.get("applied") or (), one.get("pending") or ()
    about = {key: one.get(key) for key in ("target", "verdict", "hop", "reasons", "untried", "bridges", "accepted")}
    return {**about, "applied": len(applied), "pending": len(pending), "after": (one.get("after") or {}).get("latest")}


def _accepted(wanted: Mapping[str, Any]) -> dict[str, str]:
    """The marks of a release that is the stable one, and of the colour that was removed for it."""
    cleaned = {"cleaned": str(wanted["colour"])} if wanted["colour"] else {}
    flip = {"flip": str(wanted["flip"])} if wanted["flip"] else {}
    return {"stable": str(wanted["release"]), "fence": str(wanted["release"]), **cleaned, **flip}


def left(since: float, seconds: float, now: float) -> float:
    """How long to wait until ``since`` is ``seconds`` ago; never longer than that, also where the clock went back."""
    return max(0.0, min(seconds, since + seconds - now))


# The module's options, and what is live -> the events that the ledger keeps of it.
StageEnded = Callable[[Mapping[str, Any], Callable[[], str]], Iterable[Mapping[str, Any]]]


class Ledger:
    """``write_report``: of one release. ``stage_ended``: tells of the end of a stage. A caller that only locks or reads
    needs neither."""

    def __init__(
        self,
        params: Mapping[str, Any],
        runner: Runner,
        clock: Clock,
        write_report: Callable[[StateDir, str], object] = lambda state, release: None,
        stage_ended: StageEnded = lambda params, live: (),
    ) -> None:
        self.params = params
        self._stage_ended = stage_ended
        self._write_report = write_report
        self.state = StateDir(params["state_dir"])
        self.clock = clock
        self.warnings: list[str] = []
        self._runner = runner

    def plan(self) -> Plan:
        """What the state would write; ``beaten``, ``waited`` and ``read`` change nothing that a decision rests on."""
        given, marks = self.params, self.state.read_marks()
        run = (read_json(self.state.lock) or {}).get("run")
        writes: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
            "locked": ("lock.json", {"run": run}, {"run": given["run"]}),
            "unlocked": ("lock.json", {"run": run}, {"run": None if run == given["run"] else run}),
            "appended": ("ledger.jsonl", {}, {"event": given["event"].get("event")}),
            "accepted": ("marks.json", marks, {**marks, **_accepted(given)}),
            "reported": ("report", {}, {"report": given["release"]}),
        }
        name, before, after = writes.get(given["state"], ("", {}, {}))
        return Plan(before, after, (Step("write", name),) if before != after else ())

    def apply(self) -> None:
        """Bring the state about. Raises Refused or Fenced for a lock of another run."""
        state, wanted = self.params["state"], self.params
        if state == "locked":
            self._take()
        elif state == "beaten":
            self._lock().beat(wanted["run"], wanted["stage"])
        elif state in ("unlocked", "told"):
            self._end(state == "unlocked")
        elif state == "waited":
            self.clock.sleep(left(wanted["since"], wanted["seconds"], self.clock.now()))
        elif state == "appended":
            self._append(wanted["event"])
        elif not self.plan().changed:
            return
        elif state == "accepted":
            self._accept(wanted["release"])
        elif state == "reported":
            self._write_report(self.state, wanted["release"])

    def _end(self, unlocks: bool) -> None:
        held = (read_json(self.state.lock) or {}) if unlocks else {}
        if unlocks and self._lock().release(self.params["run"]):
            # The release that a stage belonged to is known by the lock, not by the run that gives it back.
            self._append({"event": "stage_ended", "stage": held["stage"], "version": held["version"]})
        self._tell()

    def _tell(self) -> None:
        """The last act of a stage: its message, then the metrics. What goes wrong here is a warning."""
        for event in self._stage_ended(self.params, self._live_now):
            if event.get("why"):
                self.warnings.append("The message was not delivered: %s" % event["why"])
            try:
                self._append(event)
            except OSError as exc:
                self.warnings.append("The ledger was not written: %s" % exc)
        self._measure()

    def _live_now(self) -> str:
        """'' where the switch can't be read: that keeps no message."""
        try:
            return str(self.live().get("live") or "")
        except (BluegreenError, OSError):
            return ""

    def _measure(self) -> None:
        path = self.params["textfile"]
        why = textfile.write(path, self.state, self.params["deployment"], self._live_now()) if path else ""
        if why:
            self.warnings.append("The metrics were not written: %s" % why)

    def _accept(self, release: str) -> None:
        """With its report once more, which now shows how the old colour was left."""
        self.state.mark(**_accepted(self.params))
        self._append({"event": "accepted", "release": release, "cleaned": self.params["colour"] or ""})
        if release in {item["id"] for item in self.state.releases()}:
            self._write_report(self.state, release)

    def held_by_another(self) -> dict[str, Any]:
        """The lock of another run, {} where there is none."""
        lock = self._lock().read() or {}
        return lock if lock.get("run") != self.params["run"] else {}

    def live(self) -> dict[str, object]:
        """What the switch says, {} where there is none."""
        found = self._switch
        return describe(found.read()) if found and found.exists() else {}

    def _take(self) -> None:
        before = read_json(self.state.lock) or {}
        lock = self._lock().take(self._claim())
        if before.get("run") != lock["run"]:
            over = {"taken_over_from": before["run"], "unlocked": bool(self.params["unlock"])} if before else {}
            began = {"event": "stage_began", "token": lock["token"], "operator": lock["operator"]}
            self._append({**began, **over})
            self._measure()

    def result(self) -> dict[str, Any]:
        """The state as it is now."""
        known = {item["id"]: item for item in self.state.releases()}
        for ident, item in known.items():
            item["verdict"] = read_json(self.state.release(ident, "verdict.json")) or {}
            item["schema"] = [_migrated(one) for one in self.state.schema_results(ident)]
        lock = self._lock()
        return {
            "lock": lock.read() or {},
            "now": self.clock.now(),
            "silent": lock.silent(),
            "token": self._token(lock),
            "marks": self.state.read_marks(),
            "health": last_failures.read(self.params["state_dir"]),
            "events": events.read(self.state.ledger)[-self.params["last"] :] if self.params["last"] > 0 else [],
            "releases": known,
            "migrating": progress.read_all(self.params["state_dir"]),
            "report": self._report_path(),
            "warnings": self.warnings,
        }

    def _token(self, lock: Lock) -> int:
        """Our own lock's token where we hold it, else the switch's."""
        held = lock.read()
        if held and self.params["run"] and held["run"] == self.params["run"]:
            return int(held["token"])
        return lock.token()

    def _report_path(self) -> str:
        release = self.params["release"]
        path = self.state.release(release, "report.html") if release else ""
        return path if path and os.path.exists(path) else ""

    def _append(self, event: Mapping[str, Any]) -> None:
        self.state.ensure()
        about = {name: self.params[name] for name in ("stage", "run", "version") if self.params[name]}
        events.append(self.state.ledger, {**about, **event}, self.clock.now())

    def _claim(self) -> Claim:
        names = ("run", "stage", "operator", "version", "controller", "seen")
        return Claim(**{name: self.params[name] for name in names}, unlock=self.params["unlock"].strip())

    def _lock(self) -> Lock:
        return Lock(self.state, self._switch, self.clock, self.params["stale"])

    @cached_property
    def _switch(self) -> Switch | None:
        """None where there is no edge to ask: without the switch's token every write to it is refused anyway."""
        if self.params["switch_dir"]:
            return Switch(self.params["switch_dir"])
        if not self.params["project"]:
            return None
        try:
            return Switch(place_of(self._runner, self.params["project"], self.params["edge"]).directory)
        except BluegreenError as exc:
            self.warnings.append(str(exc))
            return None
