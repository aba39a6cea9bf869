# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a run whose controller waits for a module."""

from __future__ import annotations

import time
from pathlib import Path

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import StateDir
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.heartbeat import beating
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.lock import Claim, Lock


def test_a_long_module_keeps_the_lock_of_who_called_it(tmp_path: Path) -> None:
    lock = Lock(StateDir(str(tmp_path)), None, SystemClock())
    with beating(str(tmp_path), True, 0.02):
        assert lock.read() is None
    begun = float(lock.take(Claim("run-1", "deploy"))["beat"])
    with beating(str(tmp_path), False, 0.02):
        time.sleep(0.1)
        assert (lock.read() or {})["beat"] == begun
    with beating(str(tmp_path), True, 0.02):
        deadline = time.monotonic() + 10
        while (lock.read() or {})["beat"] <= begun + 0.05:
            assert time.monotonic() < deadline
    held = lock.read() or {}
    assert (held["run"], held["stage"]) == ("run-1", "deploy")
    lock.release("run-1")


def test_a_module_beats_for_no_run_that_came_behind_its_own(tmp_path: Path) -> None:
    """Its run lost the lock; the next one is alive only while it says so itself."""
    lock = Lock(StateDir(str(tmp_path)), None, SystemClock())
    lock.take(Claim("run-1"))
    with beating(str(tmp_path), True, 0.01):
        begun = float((lock.read() or {})["beat"])
        deadline = time.monotonic() + 10
        while float((lock.read() or {})["beat"]) == begun:
            assert time.monotonic() < deadline
        taken = float(lock.take(Claim("run-2", unlock="run-1"))["beat"])
        # Some fifty of its beats.
        time.sleep(0.5)
        assert (lock.read() or {})["beat"] == taken
    lock.release("run-2")
