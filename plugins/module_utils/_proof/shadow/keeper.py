# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What takes the trial away where its own process was killed: a small one beside it that notices.

It holds the read end of a pipe. The end of the pipe without a word means that the trial died.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

# A `podman run` of the killed trial may still be at work: what it makes is looked for until there is none for a while.
KEEPER = """
import shutil, subprocess, sys, time
podman, label, *directories = sys.argv[1:]
def told(*words):
    done = subprocess.run([podman, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stdout.split()
if sys.stdin.read() != "done":
    quiet, end = 0, time.monotonic() + 120
    while quiet < 5 and time.monotonic() < end:
        there = told("ps", "-a", "-q", "--filter", "label=" + label)
        nets = told("network", "ls", "-q", "--filter", "label=" + label)
        if there:
            told("rm", "-f", "-v", "-t", "0", *there)
        if nets and not there:
            told("network", "rm", "-f", *nets)
        quiet = 0 if there or nets else quiet + 1
        time.sleep(1)
    for one in directories:
        shutil.rmtree(one, ignore_errors=True)
"""


@contextmanager
def kept(podman: str, label: str, *directories: str) -> Iterator[None]:
    """While this is open, everything with ``label`` (KEY=VALUE) and in ``directories`` goes with this process, however
    it ends."""
    words: Sequence[str] = (sys.executable, "-c", KEEPER, podman, label, *directories)
    quiet = subprocess.DEVNULL
    # In a session of its own: an interrupt of the play reaches the whole group of its process.
    keeper = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, text=True, start_new_session=True
    )
    try:
        yield
    finally:
        keeper.communicate("done")
