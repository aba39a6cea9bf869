# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that took too long, ended with all that it started: podman-compose killed alone leaves a podman behind that
goes on when nobody reckons with it any more."""

from __future__ import annotations

import contextlib
import os
import signal
import time

# Podman that is told to end gives its addresses back; killed it keeps them.
GRACE = 5.0


def end(pid: int) -> None:
    """SIGTERM to the process and its descendants of the same group, SIGKILL to who is left after GRACE seconds.

    A container's monitor has a session of its own and is not one of them.
    """
    every = [pid, *descendants(pid)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for one in every:
            with contextlib.suppress(OSError):
                os.kill(one, number)
        deadline = time.monotonic() + GRACE
        while number == signal.SIGTERM and time.monotonic() < deadline and any(_state(one)[0] for one in every):
            time.sleep(0.05)


def descendants(pid: int) -> list[int]:
    group, found = _state(pid)[1], [pid]
    parents = {int(name): _state(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    for one in found:
        found += [child for child, (parent, theirs) in parents.items() if parent == one and theirs == group]
    return found[1:]


def _state(pid: int) -> tuple[int, int]:
    """(parent, group) of a process that lives, else zeros."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as handle:
            fields = handle.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0, 0
    return (0, 0) if fields[0] in ("Z", "X") else (int(fields[1]), int(fields[2]))
