# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""One command at a time may change the lab: its names are the machine's, whichever checkout it runs from."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from olympus_lab import config
from olympus_lab.progress import wait_for

# Packages, images and binaries are the machine's; a lab is its slot's.
MACHINE = Path("/run/lock/olympus-lab.lock")
PATH = Path(f"/run/lock/olympus-lab{config.SLOT or ''}.lock")
PATIENCE = 900.0


@contextmanager
def held(path: Path = PATH, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock for the block; wait for another holder, saying so. The kernel frees it when a holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:

        def taken() -> str:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                return f"process {file.read().strip() or '?'} is at it"
            return ""

        if holder := taken():
            wait_for(f"another lab command to end ({holder})", taken, patience)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
