# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``release_boot`` without Ansible: the programs, the record and the unit of a boot, and the way back by hand; written,
read and removed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .._cloudflare.edge import place_of
from .._compose.options import RELEASE
from .._core import code_copy, program
from .._core.argspec import DEPLOYMENT, ArgumentSpec
from .._core.files import read_json, sync_dir, write_atomic, write_json
from .._core.plan import Plan, Step
from .._core.runner import Runner, check
from .._edge import answer
from .._state import events
from .._state.directory import StateDir
from .._switch import rollback_script
from .._watch.launch import observe
from . import main, record, unit
from .record import Record

SPEC = DEPLOYMENT.merge(
    ArgumentSpec(
        {
            "state": {"type": "str", "choices": ["read", "installed", "absent"], "default": "read"},
            "unit_dir": {"type": "path", "default": unit.DIRECTORY},
            "bin_dir": {"type": "path", "default": rollback_script.DIRECTORY},
            **{name: RELEASE.options[name] for name in ("edge", *record.OPTIONS) if name in RELEASE.options},
            "source": {"type": "path", "default": ""},
            "services": {"type": "dict", "default": {}},
        }
    )
)
# The library has to hold what the programs begin with.
BOOT, RETURN = main.__name__, answer.__name__
PYTHON = sys.executable or "/usr/bin/python3"
# What podman needs to find its own configuration, where the operator has moved it.
ENVIRONMENT = ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF")


@dataclass(frozen=True)
class Boot:
    """``params``: the module's. ``systemd``: whether this host is run by it."""

    params: Mapping[str, Any]
    runner: Runner
    systemd: bool

    @property
    def state_dir(self) -> str:
        return str(self.params["state_dir"])

    @property
    def deployment(self) -> str:
        return str(self.params["deployment"])

    @property
    def _unit(self) -> str:
        return unit.path(self.deployment, self.params["unit_dir"])

    @property
    def _scripts(self) -> tuple[str, str]:
        return rollback_script.paths(self.deployment, self.state_dir, self.params["bin_dir"])

    def _programs(self, library: str) -> dict[str, str]:
        """Name to text."""
        given = (PYTHON, library, {name: os.environ[name] for name in ENVIRONMENT if name in os.environ})
        found = {program.BOOT: program.text(*given, BOOT, [record.path(self.state_dir)])}
        if self.params["edge"].get("kind") != "cloudflare":
            found[program.RETURN] = program.text(*given, RETURN)
        return found

    def install(self, check_mode: bool) -> Plan:
        """Record and programs first: a unit names only what is there."""
        place = place_of(self.runner, self.params["project"], self.params["edge"])
        wanted = record.made(self.params, place.directory)
        files = code_copy.read_source()
        library = code_copy.location(StateDir(self.state_dir).path("lib"), files)
        there = code_copy.whole(library, files)
        programs = self._programs(library)
        script = rollback_script.text(self.deployment, place.directory, self.params["edge"], self.state_dir)
        boot = program.path(self.state_dir, program.BOOT)
        text = unit.text(self.deployment, self.state_dir, place.directory, PYTHON, boot)
        steps = []
        if read_json(record.path(self.state_dir)) != wanted.data():
            steps.append(Step("write", record.path(self.state_dir)))
        for name, said in programs.items():
            if program.current(self.state_dir, name) != said or not there:
                steps.append(Step("write", program.path(self.state_dir, name)))
        if self.systemd and unit.present(self.deployment, self.params["unit_dir"]) != text:
            steps.append(Step("write", self._unit))
        if self.systemd and (steps or not unit.enabled(self.deployment, self.params["unit_dir"])):
            steps.append(Step("enable", unit.name(self.deployment)))
        steps += [Step("write", path) for path in rollback_script.wanted(self._scripts, script)]
        if not check_mode and steps:
            self._write(wanted, programs, text, script)
        return Plan({"installed": not steps}, {"installed": True}, tuple(steps))

    def _write(self, wanted: Record, programs: Mapping[str, str], text: str, script: str) -> None:
        os.makedirs(self.state_dir, mode=0o750, exist_ok=True)
        code_copy.install(StateDir(self.state_dir).path("lib"))
        write_json(record.path(self.state_dir), wanted.data())
        for name, said in programs.items():
            write_atomic(program.path(self.state_dir, name), said, 0o750)
        if program.RETURN in programs:
            # It begins here, and Python keeps what it has compiled for the time when it counts. Not by its own name:
            # on a file system that executes nothing the module goes back, and no adopt fails for that.
            check(self.runner.run([PYTHON, program.path(self.state_dir, program.RETURN)]), program.RETURN)
        for path in rollback_script.wanted(self._scripts, script):
            rollback_script.write(path, script)
        if self.systemd:
            write_atomic(self._unit, text, 0o644)
            check(self.runner.run(["systemctl", "daemon-reload"]), "systemctl daemon-reload")
            check(self.runner.run(["systemctl", "enable", unit.name(self.deployment)]), "systemctl enable")

    def remove(self, check_mode: bool) -> Plan:
        """The library stays: a watcher may run from it."""
        files = [self._unit, *(program.path(self.state_dir, name) for name in (program.BOOT, program.RETURN))]
        files += [record.path(self.state_dir), *(path for path in self._scripts if rollback_script.ours(path))]
        steps = tuple(Step("remove", path) for path in files if os.path.exists(path))
        if check_mode:
            return Plan({}, {}, steps)
        if self.systemd and os.path.exists(self._unit):
            check(self.runner.run(["systemctl", "disable", unit.name(self.deployment)]), "systemctl disable")
        for step in steps:
            os.unlink(step.target)
            sync_dir(os.path.dirname(step.target))
        if self.systemd and steps:
            check(self.runner.run(["systemctl", "daemon-reload"]), "systemctl daemon-reload")
        return Plan({}, {}, steps)

    def complaint(self) -> str:
        """What the operator should know of the script; '' where it is in its place."""
        return rollback_script.complaint(self._scripts)

    def result(self) -> dict[str, Any]:
        """What a reboot would do now, as facts and as a sentence (``story``)."""
        found = record.read(self.state_dir)
        last = [one for one in events.read(StateDir(self.state_dir).ledger) if one.get("event") == "boot"][-1:]
        boot = program.path(self.state_dir, program.BOOT)
        facts: dict[str, Any] = {
            "systemd": self.systemd,
            "unit": unit.name(self.deployment),
            "program": boot if program.current(self.state_dir, program.BOOT) else "",
            "installed": bool(unit.present(self.deployment, self.params["unit_dir"])),
            "enabled": unit.enabled(self.deployment, self.params["unit_dir"]),
            "rollback": next((path for path in self._scripts if rollback_script.ours(path)), ""),
            "last": last[0] if last else {},
            **_switch(found),
            "watch": _watch(self.state_dir),
        }
        return {**facts, "story": story(facts)}


def _switch(found: Record | None) -> dict[str, Any]:
    """By the recorded place of the switch: the edge's container may be gone."""
    state = found.switch.read() if found and found.switch.exists() else None
    back = asdict(state.return_to) if state and state.return_to else {}
    return {"live": state.live if state else "", "return_to": back}


def _watch(state_dir: str) -> dict[str, Any]:
    seen = observe(StateDir(state_dir))
    return {"release": seen.release, "alive": seen.alive, "died": seen.died}


def story(facts: Mapping[str, Any]) -> str:
    """What brings the live colour back after a reboot."""
    if facts["enabled"] and facts["program"]:
        how = "%s is enabled" % facts["unit"]
    elif facts["systemd"]:
        how = "After a reboot the live colour will NOT start by itself (--tags adopt installs %s)" % facts["unit"]
    elif facts["program"]:
        how = "no systemd on this host; after a reboot run: %s" % facts["program"]
    else:
        how = "After a reboot the live colour will NOT start by itself (no systemd on this host)"
    last = facts["last"]
    if last:
        at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(float(last["at"])))
        state = "ready" if last.get("ready") else "NOT ready"
        how += "; last boot %s: %s %s after %d s" % (at, last.get("live"), state, last.get("seconds") or 0)
    return how
