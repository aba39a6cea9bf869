# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Stages as they are typed behind an edge that is a process of this host; after each the systems are asked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import process
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.launch import Launch
from olympus_lab import binaries, config, native, release, stack, truth
from olympus_lab.load import Load
from olympus_lab.progress import wait_for

LOAD: dict[str, Any] = {
    "identities": 6, "sessions": 6, "tokens": 4, "refresh_chains": 1, "websockets": 2, "streams": 1,
    "stream_seconds": 8, "max_seconds": 2400, "volume": {"rate": 40, "h1": 6, "h2": 2, "streams": 2, "fresh": 1},
}  # fmt: skip


@contextmanager
def standing(edge: native.NativeEdge) -> Iterator[native.NativeEdge]:
    """The lab at v1.4.2 behind ``edge``; nothing of it is left afterwards."""
    binaries.build(["caddy", "lab-load"])
    shutil.rmtree(native.PLACE, ignore_errors=True)
    try:
        stack.up(fresh=True, edge=edge)
        yield edge
    finally:
        end_the_watcher()
        edge.stop()
        stack.down()
        shutil.rmtree(native.PLACE, ignore_errors=True)


def end_the_watcher() -> None:
    """It outlives its controller by design, but not a test that was interrupted."""
    process.end(Launch(str(config.STATE), SubprocessRunner(), SystemClock()).observe().about, SystemClock(), 10)


@contextmanager
def under_load() -> Iterator[Load]:
    running = Load(config.LOGS / "native-load", LOAD)
    running.start()
    try:
        yield running
    finally:
        running.kill()


class Story:
    """``where`` is the directory of the marker, ``settings`` what the operator's inventory says of this edge."""

    def __init__(self, edge: native.NativeEdge, where: Path, settings: dict[str, Any]) -> None:
        self.edge, self.where, self.settings, self.number = edge, where, settings, 0
        self.before = self.untouched()

    def untouched(self) -> tuple[str, int]:
        return stack.container_id("postgres"), self.edge.pid

    def stage(self, name: str, live: str, tags: str = "", rc: int = 0, **extra: Any) -> release.Run:
        self.number += 1
        done = release.play(f"native-{self.number}-{name}", tags, {**self.settings, **extra}, quiet=True)
        assert done.rc == rc, done.out[-6000:]
        assert truth.on_disk(self.where) == live
        wait_for(f"{live} in public", lambda: others(live), 10)
        assert self.untouched() == self.before
        return done


def others(live: str) -> str:
    return ", ".join(host for host, colour in truth.in_public().items() if colour != live)


def verdict(version: str) -> dict[str, Any]:
    (found,) = (config.STATE / "releases").glob(f"{version}-*/verdict.json")
    told: dict[str, Any] = json.loads(found.read_text())
    return told
