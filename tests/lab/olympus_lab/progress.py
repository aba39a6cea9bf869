# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Say what goes on: a line a step. On a terminal it counts its seconds; in a log it is said again now and then."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from olympus_lab import config

# Seconds between two looks of a terminal, and between two lines in a log.
TICK, INTERVAL = 1.0, 30.0


class LabError(Exception):
    """The lab can't go on; the message says why and what to do."""


def say(text: str) -> None:
    print(f"lab: {text}", flush=True)


@contextmanager
def step(label: str) -> Iterator[None]:
    """Print ``label`` now and, with the time it took, at the end. Between them a terminal's line counts the seconds; a
    log gets one line every INTERVAL seconds."""
    done = threading.Event()
    began = time.monotonic()
    terminal = sys.stdout.isatty()

    def beat() -> None:
        while not done.wait(TICK if terminal else INTERVAL):
            said = f"lab: {label} ... {time.monotonic() - began:.0f} s"
            print(f"\r{said}" if terminal else said, end="" if terminal else "\n", flush=True)

    if terminal:
        print(f"lab: {label}", end="", flush=True)
    else:
        say(label)
    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        # Whatever is said next begins on a clean line.
        print(end="\r\x1b[K" if terminal else "", flush=True)
    say(f"{label}: done in {time.monotonic() - began:.1f} s")


def run_logged(
    label: str, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None, stdin: str = ""
) -> None:
    """Run ``argv`` under ``step``, its output in a log file; raise LabError with the log's end if it fails."""
    log = config.LOGS / (label.replace(" ", "-").replace("/", "-") + ".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with step(label), log.open("wb") as out:
        done = subprocess.run(
            list(argv), env=env, cwd=cwd, stdout=out, stderr=subprocess.STDOUT, input=stdin.encode(), check=False
        )
    if done.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise LabError(f"{label} failed (rc {done.returncode}), log {log.relative_to(config.ROOT)}:\n{tail}")


def wait_for(label: str, observe: Callable[[], str], seconds: float) -> None:
    """Ask ``observe`` until it returns "" (nothing missing). It says what is missing; LabError after ``seconds``."""
    deadline = time.monotonic() + seconds
    with step(label):
        while missing := observe():
            if time.monotonic() > deadline:
                raise LabError(f"{label}: not within {seconds:.0f} s; missing: {missing}")
            time.sleep(0.1)


def main_guard(action: Callable[[], int]) -> int:
    """Run ``action``; a LabError becomes one message on stderr and rc 1."""
    try:
        return action()
    except LabError as error:
        print(f"lab: ERROR {error}", file=sys.stderr)
        return 1
