# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes by pid AND start time: a pid alone may already belong to another process."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .clock import Clock, wait_until
from .process_tree import stat


def started(pid: int) -> int:
    """Start of a living process in clock ticks since boot; 0 for one that is gone or only waits to be reaped."""
    fields = stat(pid)
    return int(fields[19]) if fields else 0


def identity(pid: int) -> dict[str, int]:
    return {"pid": pid, "start": started(pid)}


def alive(known: Mapping[str, Any] | None) -> bool:
    """Whether the process recorded as {pid, start} still runs."""
    if not known:
        return False
    return started(int(known["pid"])) == int(known["start"]) != 0


def watched(known: Mapping[str, Any]) -> bool:
    """Whether the process lives, or its keeper, who is about to begin it again."""
    return alive(known) or alive(known.get("keeper"))


def end(known: Mapping[str, Any], clock: Clock, patience: float) -> bool:
    """SIGTERM, then SIGKILL after ``patience`` seconds; whether it had to be killed. Never touches another process.

    A process with a ``keeper`` belongs to its group, and the keeper is told too: it must not begin it again.
    """
    keeper: Mapping[str, Any] = known.get("keeper") or {}
    # Each may end between a look and its signal.
    with suppress(ProcessLookupError):
        if alive(keeper) and os.getpgid(int(keeper["pid"])) == int(keeper["pid"]):
            os.killpg(int(keeper["pid"]), signal.SIGTERM)
        elif alive(known):
            os.kill(int(known["pid"]), signal.SIGTERM)
        else:
            return False
    if wait_until(clock, lambda: alive(known), lambda living: not living, patience):
        with suppress(ProcessLookupError):
            os.kill(int(known["pid"]), signal.SIGKILL)
        wait_until(clock, lambda: alive(known), lambda living: not living, 5)
        return True
    return False
