# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""One lab for the tests that need a release on its way: blue adopted and live, a faulty one deployed on green."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from olympus_lab import binaries, release, stack

# Half of Hera's answers are errors, and only to visitors: no gate sees them.
FAULTY = "v1.5.2-errors"


@pytest.fixture(scope="session")
def deployed() -> Iterator[str]:
    """The version that stands on green. LAB_STANDS=1: it stands already, and stays."""
    if os.environ.get("LAB_STANDS"):
        yield FAULTY
        return
    binaries.build(["lab-load"])
    shutil.rmtree(release.state_dir(), ignore_errors=True)
    stack.up(fresh=True)
    release.must("release-adopt", "adopt", {"version": "v1.4.2"}, quiet=True)
    release.must("release-deploy", "migrate,deploy", {"version": FAULTY}, quiet=True)
    yield FAULTY
    stack.down()
