# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks of the kernel that are never waited for without a deadline: a stopped process keeps what it holds."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress

from .errors import Refused

PAUSE, LONGEST_PAUSE = 0.001, 0.05


def taken(fd: int, seconds: float) -> bool:
    """Whether the exclusive flock on ``fd`` is ours within ``seconds``."""
    deadline, pause = time.monotonic() + seconds, PAUSE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            return True


def refused(fd: int, path: str) -> Refused:
    """What to raise where ``path`` (open as ``fd``) is still held at the deadline."""
    pid = holder(fd)
    fix = "Let process %d go on (kill -CONT %d) or end it (kill -9 %d), then run it again" % (pid, pid, pid)
    return Refused("%s is held by %s" % (path, named(pid)), fix=fix if pid else "See `fuser -v %s`" % path)


def holder(fd: int) -> int:
    """The process that holds the flock, 0 where the kernel does not name it (another PID namespace)."""
    wanted = os.fstat(fd).st_ino
    with suppress(OSError), open("/proc/locks", encoding="ascii") as handle:
        for line in handle:
            # 1: FLOCK  ADVISORY  WRITE 1234 fd:01:5678 0 EOF; the device of a file in btrfs or an overlay is another.
            parts = line.split()
            if parts[1:2] == ["FLOCK"] and int(parts[5].rpartition(":")[2]) == wanted:
                return max(0, int(parts[4]))
    return 0


def named(pid: int) -> str:
    """A process for a message: its name, and whether it is stopped."""
    if not pid:
        return "a process that can't be seen from here"
    name, state = "", ""
    with suppress(OSError), open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as handle:
        head, _paren, rest = handle.read().rpartition(")")
        name, state = head.partition("(")[2], rest.split()[0]
    said = "process %d" % pid + (" (%s)" % name if name else "")
    return said + (", which is stopped" if state in ("T", "t") else "")
