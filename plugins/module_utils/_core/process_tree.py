# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that took too long, ended with all that it started: podman-compose killed alone leaves a podman behind that
goes on when no caller expects it any more."""

from __future__ import annotations

import contextlib
import os
import signal

from .clock import SystemClock, wait_until

# Podman that is told to end gives its addresses back; killed it keeps them.
GRACE = 5.0


def end(pid: int) -> None:
    """SIGTERM to the process and its descendants of the same group, SIGKILL to who is left after GRACE seconds.

    A container's monitor has a session of its own and is not one of them.
    """
    every = [pid, *descendants(pid)]
    _tell(every, signal.SIGTERM)
    wait_until(SystemClock(), lambda: [one for one in every if stat(one)], lambda living: not living, GRACE)
    _tell(every, signal.SIGKILL)


def _tell(every: list[int], number: int) -> None:
    for one in every:
        with contextlib.suppress(OSError):
            os.kill(one, number)


def descendants(pid: int) -> list[int]:
    group, found = _state(pid)[1], [pid]
    parents = {int(name): _state(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    for one in found:
        found += [child for child, (parent, theirs) in parents.items() if parent == one and theirs == group]
    return found[1:]


def stat(pid: int) -> list[str]:
    """/proc/<pid>/stat from the state on; [] of a process that is gone or only waits to be reaped."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as handle:
            # The name in parentheses may hold anything, spaces and parentheses too.
            fields = handle.read().rsplit(")", 1)[1].split()
    except OSError:
        return []
    return [] if fields[0] in ("Z", "X") else fields


def _state(pid: int) -> tuple[int, int]:
    """(parent, group) of a process that lives, else zeros."""
    fields = stat(pid)
    return (int(fields[1]), int(fields[2])) if fields else (0, 0)
