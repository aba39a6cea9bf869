# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a watch of docs/reuse.md meets: visitors, and a green that dies. On the host of its own that tests/reuse makes.

``python -m kit.reuse_watch visitors|doom|revive`` each leave a process behind, ``kill`` and ``end`` end some.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.request import Request, urlopen

GREEN = ("kit.reuse", "serve", "9002")
MARKER = Path("/var/lib/olympus-bluegreen-edge/olympus-bluegreen/switch/green")
PIDS = Path("/run/reuse_watch")
# Visitors of a second: half a minute of them is enough for a PASS.
RATE = 40
# Seconds that green lives after its flip: the watcher has seen it well.
LIVES = 5


def visit() -> None:
    request = Request("http://127.0.0.1/", headers={"Host": "shop.example.com"})
    while True:
        with suppress(OSError):
            urlopen(request, timeout=5).close()
        time.sleep(1 / RATE)


def doom() -> None:
    """Kill green some seconds after it went live."""
    while not MARKER.exists():
        time.sleep(0.1)
    time.sleep(LIVES)
    kill()


def kill() -> None:
    # In the process table of their own host there is nothing else.
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if "\0".join(GREEN) in one.read_text():
                os.kill(int(one.parent.name), signal.SIGKILL)


def behind(*argv: str) -> None:
    done = subprocess.Popen(
        [sys.executable, "-m", *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with PIDS.open("a") as handle:
        handle.write("%d\n" % done.pid)


def end() -> None:
    for pid in PIDS.read_text().split() if PIDS.exists() else []:
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    PIDS.unlink(missing_ok=True)


if __name__ == "__main__":
    if not os.environ.get("REUSE_ALONE"):
        raise SystemExit("this host is not theirs: nothing is started or ended")
    if sys.argv[1] in ("visitors", "doom"):
        behind("kit.reuse_watch", {"visitors": "visit"}.get(sys.argv[1], "do-doom"))
    elif sys.argv[1] == "revive":
        behind(*GREEN, "green", "v2")
    else:
        {"visit": visit, "do-doom": doom, "kill": kill, "end": end}[sys.argv[1]]()
