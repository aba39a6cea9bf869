# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""States of tests/unit/worlds made on the lab: the command that status prints is run, and the model is held to it."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field, replace
from typing import Any

from kit.effects import done, settled
from kit.states import State
from kit.walk import step

from olympus_lab import config, podman, release, stack, truth
from olympus_lab.progress import wait_for

# The model's release numbers, as the lab has them.
VERSIONS = {"v1": "v1.4.2", "v2": "v1.5.0"}
PROMOTED = {"bluegreen_watch_do": "promote"}
SHORT = {"window": 10, "interval": 1, "min_events": 1}
SICK = """
CREATE OR REPLACE FUNCTION lab_sick() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN IF host(inet_client_addr()) = ANY (string_to_array(''%s'', '','')) THEN
     RAISE EXCEPTION ''lab: this colour is sick''; END IF; RETURN NEW; END';
CREATE OR REPLACE TRIGGER lab_sick BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION lab_sick();
"""
WELL = "DROP TRIGGER IF EXISTS lab_sick ON sessions"


def kratos(colour: str) -> str:
    """The container of the lab: blue is the operator's own."""
    return config.container("ciam-kratos") if colour == "blue" else f"{config.PROJECT}-green_ciam-kratos_1"


def sick(*colours: str) -> None:
    """Kratos of these colours can't write a session any more; without one, all are well."""
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    found = [podman.call(["inspect", kratos(one), "--format", template]).stdout.split() for one in colours]
    addresses = ",".join(address for one in found for address in one)
    stack.psql(SICK % addresses if colours else WELL, "ciam_kratos")


def mv(old: str, new: str) -> None:
    """The last resort of docs/operations.md."""
    where = truth.switch_dir()
    os.rename(where / old, where / new)
    wait_for(f"{new} in public", lambda: "" if set(truth.in_public().values()) == {new} else "not yet", 20)


def script() -> subprocess.CompletedProcess[str]:
    """bluegreen-rollback, as a person types it at the edge host."""
    path = str(config.STATE / "rollback")
    return subprocess.run([path], capture_output=True, text=True, check=False)


@dataclass
class Screen:
    """What status printed: its labelled lines, each in one piece."""

    lines: dict[str, str] = field(default_factory=dict)
    whole: str = ""

    @property
    def next(self) -> str:
        return self.lines.get("next", "")

    @property
    def command(self) -> tuple[str, dict[str, str]]:
        """(stage, extra variables) of the first command; the stage is ``-`` where none is printed."""
        given = r"(?: -e \S+?=(?:<[^>]+>|\S+))*"
        found = re.match(rf"ansible-playbook bluegreen\.yml((?: --tags \w+)?)({given})", self.next)
        if found is None:
            return "-", {}
        extra = dict(one.split("=", 1) for one in re.findall(r"-e (\S+?=(?:<[^>]+>|\S+))", found.group(2)))
        return found.group(1).replace(" --tags ", ""), extra


LABELS = ("live", "idle", "edge", "rollback", "stable", "schema", "verdict", "mails", "lock", "boot", "PROBLEM", "next")


def status() -> Screen:
    """It answers whatever happened."""
    done_ = release.play("worlds-status", "status", quiet=True)
    assert done_.rc == 0, done_.out[-2000:]
    seen, label = Screen(whole=done_.out), ""
    for line in done_.out.splitlines():
        word, _space, rest = line.strip().strip('"').partition(" ")
        if word in LABELS and len(line.strip()) > 11:
            label = word
            seen.lines[label] = rest.strip()
        elif label and line.startswith("  ") and line.strip():
            seen.lines[label] += " " + line.strip().strip('"')
        else:
            label = ""
    return seen


def on_the_lab(extra: dict[str, str]) -> dict[str, Any]:
    """The model's versions in the lab's words."""
    return {key: VERSIONS.get(value.partition("-")[0], value) for key, value in extra.items()}


def follow(name: str, one: State, steps: int = 1) -> tuple[State, list[release.Run]]:
    """Run what status prints as often; each time it is what the model expects, and so is who is live then."""
    runs: list[release.Run] = []
    for number in range(steps):
        known, expected = step(one)
        screen = status()
        if screen.command == ("watch", PROMOTED) and (expected["stage"], expected["extra"]) == ("watch", {}):
            # Without visitors ten seconds are too short for the judge, and over by now: a person has to sign it off.
            one = replace(one, verdict="INCONCLUSIVE")
            known, expected = step(one)
        stage = "-" if expected["stage"] is None else str(expected["stage"])
        assert screen.command[0] == stage, (screen.next, expected)
        wanted = on_the_lab(dict(expected["extra"]))
        given = {key: value.partition("-")[0] for key, value in screen.command[1].items()}
        assert given == wanted, (screen.next, wanted)
        if stage == "-":
            return known, runs
        extra: dict[str, Any] = {**screen.command[1], "bluegreen_watch": SHORT}
        run = release.play(f"worlds-{name}-{number}", stage, extra, quiet=True)
        runs.append(run)
        one = done(known, stage, dict(expected["extra"]))
        if stage == "watch" and not wanted and one.verdict == "PASS" and "INCONCLUSIVE" in run.out:
            # Without visitors ten seconds are too short for the judge: a person says what the model takes for granted.
            one = replace(one, verdict="INCONCLUSIVE")
        else:
            assert run.rc == 0, run.out[-4000:]
        assert truth.on_disk() == one.live
    return one, runs


def is_settled(one: State) -> Screen:
    """By the model and on the screen: the live colour is not sick, no problem is told."""
    assert settled(one), one
    screen = status()
    assert "SICK" not in screen.lines["live"] and "PROBLEM" not in screen.lines, screen.whole[-3000:]
    return screen
