# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Type what an operator types: ansible-playbook bluegreen.yml, in this checkout, on the lab's inventory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from olympus_lab import config, podman
from olympus_lab.progress import LabError

INVENTORY = config.LAB / "release" / "inventory.yml"
LOGS = config.BUILD / "log"


@dataclass(frozen=True)
class Run:
    """A finished play: return code, everything printed, seconds."""

    rc: int
    out: str
    seconds: float


def environment() -> dict[str, str]:
    path = f"{config.VENV / 'bin'}:{os.environ['PATH']}"
    plain = {"ANSIBLE_CONFIG": str(config.ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"}
    return {**podman.environment(), **plain, "PATH": path, "LAB_HTTPS_PORT": str(config.HTTPS_PORT)}


def command(tags: str = "", extra: Mapping[str, Any] | None = None, check: bool = False) -> list[str]:
    argv = [str(config.VENV / "bin" / "ansible-playbook"), "bluegreen.yml", "-i", str(INVENTORY)]
    if tags:
        argv += ["--tags", tags]
    if check:
        argv.append("--check")
    if extra:
        argv += ["-e", json.dumps(dict(extra))]
    return argv


def play(
    name: str, tags: str = "", extra: Mapping[str, Any] | None = None, check: bool = False, quiet: bool = False
) -> Run:
    """Run the playbook, showing what it prints as it comes. Its log is build/lab/log/NAME.log."""
    argv = command(tags, extra, check)
    shown = ["ansible-playbook", *argv[1:2], *(argv[4:])]
    print(f"\n$ {' '.join(shown)}", flush=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    out: list[str] = []
    with (LOGS / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            argv, cwd=config.ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for line in process.stdout or ():
            out.append(line)
            log.write(line)
            if not quiet and line.strip():
                sys.stdout.write("  " + line)
                sys.stdout.flush()
    return Run(process.wait(), "".join(out), time.monotonic() - began)


def must(name: str, tags: str = "", extra: Mapping[str, Any] | None = None, quiet: bool = False) -> Run:
    """A play that has to succeed."""
    done = play(name, tags, extra, quiet=quiet)
    if done.rc != 0:
        tail = "\n".join(done.out.splitlines()[-30:]) if quiet else ""
        raise LabError(f"{name}: ansible-playbook ended with {done.rc}, log {LOGS / (name + '.log')}\n{tail}")
    return done


def state_dir() -> Path:
    return config.BUILD / "state"
