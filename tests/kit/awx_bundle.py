# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection awx.awx out of PyPI's bundle `ansible`, as no Galaxy is asked: build/awx/collections."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "build" / "awx"
# Of the line of the ansible-core that the tests have; it holds awx.awx 24.6.1.
BUNDLE = "ansible==12.3.0"
PART = "ansible_collections/awx/awx/"


def ensure() -> Path:
    """A path for ANSIBLE_COLLECTIONS_PATH; the first call downloads 54 MB."""
    found = PLACE / "collections"
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (found / PART / "MANIFEST.json").is_file():
            argv = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--disable-pip-version-check"]
            subprocess.run([*argv, "-d", str(PLACE), BUNDLE], check=True)
            (wheel,) = PLACE.glob("ansible-*.whl")
            with zipfile.ZipFile(wheel) as bundle:
                # The manifest last: it says that all of it is there.
                names = sorted(bundle.namelist(), key=lambda name: name.endswith("/MANIFEST.json"))
                bundle.extractall(found, [name for name in names if name.startswith(PART)])
            wheel.unlink()
    return found
