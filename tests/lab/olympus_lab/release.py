# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Type what an operator types: ansible-playbook bluegreen.yml, in this checkout, on the lab's inventory."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from olympus_lab import config, operator_edit, podman
from olympus_lab.progress import LabError

INVENTORY = config.LAB / "release" / "inventory.yml"
LOGS = config.LOGS


@dataclass(frozen=True)
class Run:
    """A finished play: return code, everything printed, seconds."""

    rc: int
    out: str
    seconds: float


def environment() -> dict[str, str]:
    path = f"{config.VENV / 'bin'}:{os.environ['PATH']}"
    plain = {"ANSIBLE_CONFIG": str(config.ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"}
    lab = {"LAB_HTTPS_PORT": str(config.HTTPS_PORT), "LAB_SLOT": str(config.SLOT), "LAB_OPERATOR": str(config.OPERATOR)}
    return {**podman.environment(), **plain, "PATH": path, **lab}


def command(tags: str = "", extra: Mapping[str, Any] | None = None, check: bool = False) -> list[str]:
    argv = [str(config.VENV / "bin" / "ansible-playbook"), "bluegreen.yml", "-i", str(INVENTORY)]
    if tags:
        argv += ["--tags", tags]
    if check:
        argv.append("--check")
    given = {**beside(), **(extra or {})}
    if given:
        argv += ["-e", json.dumps(given)]
    return argv


def beside() -> dict[str, str]:
    """On a machine with several stacks an operator says which one is his; a lab that is alone learns it."""
    return {"bluegreen_project": config.PROJECT} if config.SLOT or "LAB_BESIDE" in os.environ else {}


def play(
    name: str, tags: str = "", extra: Mapping[str, Any] | None = None, check: bool = False, quiet: bool = False
) -> Run:
    """Run the playbook, showing what it prints as it comes. Its log is build/lab/log/NAME.log.

    A release that the lab knows is first written into the operator's files, as he does it; not for a way back.
    """
    version = (extra or {}).get("version")
    if operator_edit.known(version) and "rollback" not in tags:
        operator_edit.to(str(version))
    argv = command(tags, extra, check)
    shown = ["ansible-playbook", *argv[1:2], *(argv[4:])]
    print(f"\n$ {' '.join(shown)}", flush=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with (LOGS / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            argv, cwd=config.ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            with Printer(quiet) as printer:
                for line in process.stdout or ():
                    log.write(line)
                    printer.take(line)
        except BaseException:
            # Whoever is interrupted leaves no play behind.
            process.terminate()
            process.wait()
            raise
    return Run(process.wait(), "".join(printer.lines), time.monotonic() - began)


class Printer:
    """Shows lines as they come, and after SILENCE seconds without one what is being waited for."""

    SILENCE = 8.0

    def __init__(self, quiet: bool) -> None:
        self.lines: list[str] = []
        self._quiet = quiet
        self._task, self._last = "", time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Printer:
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._done.set()
        self._thread.join()

    def take(self, line: str) -> None:
        self.lines.append(line)
        self._task = line.strip(" *\n") if line.startswith("TASK") else self._task
        if line.strip() and not self._quiet:
            self._say(line.rstrip())

    def _beat(self) -> None:
        while not self._done.wait(1.0):
            if time.monotonic() - self._last >= self.SILENCE:
                self._say(f"... {self._task}")

    def _say(self, text: str) -> None:
        print("  " + text, flush=True)
        self._last = time.monotonic()


def must(name: str, tags: str = "", extra: Mapping[str, Any] | None = None, quiet: bool = False) -> Run:
    """A play that has to succeed."""
    done = play(name, tags, extra, quiet=quiet)
    if done.rc != 0:
        tail = "\n".join(done.out.splitlines()[-30:]) if quiet else ""
        raise LabError(f"{name}: ansible-playbook ended with {done.rc}, log {LOGS / (name + '.log')}\n{tail}")
    return done


def state_dir() -> Path:
    return config.STATE
