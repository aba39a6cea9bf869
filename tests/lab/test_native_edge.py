# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The whole story with a Caddy that is a process of this host and dials published ports, under a small load."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import process
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.launch import Launch
from olympus_lab import binaries, config, native, podman, release, stack, truth
from olympus_lab.load import Load, faults
from olympus_lab.progress import wait_for

pytestmark = [pytest.mark.lab, pytest.mark.slow]

FAULTY = "v1.5.2-errors"
LOAD: dict[str, Any] = {
    "identities": 6, "sessions": 6, "tokens": 4, "refresh_chains": 1, "websockets": 2, "streams": 1,
    "stream_seconds": 8, "max_seconds": 2400, "volume": {"rate": 40, "h1": 6, "h2": 2, "streams": 2, "fresh": 1},
}  # fmt: skip


@pytest.fixture
def edge() -> Iterator[native.NativeEdge]:
    """The lab at v1.4.2 behind its own native Caddy; nothing of it is left afterwards."""
    binaries.build(["caddy", "lab-load"])
    shutil.rmtree(native.PLACE, ignore_errors=True)
    running = native.NativeEdge()
    try:
        stack.up(fresh=True, edge=running)
        yield running
    finally:
        end_the_watcher()
        running.stop()
        stack.down()
        shutil.rmtree(native.PLACE, ignore_errors=True)


def end_the_watcher() -> None:
    """It outlives its controller by design, but not a test that was interrupted."""
    process.end(Launch(str(config.STATE), SubprocessRunner(), SystemClock()).observe().about, SystemClock(), 10)


@pytest.fixture
def load(edge: native.NativeEdge) -> Iterator[Load]:
    running = Load(config.LOGS / "native-load", LOAD)
    running.start()
    yield running
    running.kill()


class Story:
    """Stages as they are typed; after each the systems are asked, not what the stage said of itself."""

    def __init__(self, edge: native.NativeEdge, method: str = "switch") -> None:
        self.edge, self.number = edge, 0
        self.settings = native.settings(method)
        self.before = self.untouched()

    def untouched(self) -> tuple[str, int]:
        return stack.container_id("postgres"), self.edge.pid

    def stage(self, name: str, live: str, tags: str = "", rc: int = 0, **extra: Any) -> release.Run:
        self.number += 1
        done = release.play(f"native-{self.number}-{name}", tags, {**self.settings, **extra}, quiet=True)
        assert done.rc == rc, done.out[-6000:]
        assert truth.on_disk(native.switch_dir()) == live
        wait_for(f"{live} in public", lambda: others(live), 10)
        assert self.untouched() == self.before
        return done


def others(live: str) -> str:
    return ", ".join(host for host, colour in truth.in_public().items() if colour != live)


def verdict(version: str) -> dict[str, Any]:
    (found,) = (config.STATE / "releases").glob(f"{version}-*/verdict.json")
    told: dict[str, Any] = json.loads(found.read_text())
    return told


def boot_brings_back(service: str) -> None:
    """The program that a reboot runs, typed by hand: it asks the live colour by its published ports."""
    podman.call(["stop", "-t", "2", f"{config.PROJECT}-green_{service}_1"])
    done = subprocess.run(
        [str(config.STATE / "boot")], env=release.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "green is ready" in done.stdout, done.stdout + done.stderr
    wait_for("green in public", lambda: others("green"), 10)


def test_adopt_release_rollback_release_cleanup_and_a_bad_one(edge: native.NativeEdge, load: Load) -> None:
    story = Story(edge)
    load.mark("adopt-begin")
    story.stage("adopt", "blue", "adopt", version="v1.4.2")
    load.mark("adopt-end")
    watch = truth.FlipWatch(load, native.switch_dir())
    watch.start()
    try:
        story.stage("preflight", "blue", "preflight", version="v1.5.0")
        story.stage("upgrade", "green", version="v1.5.0")
        assert verdict("v1.5.0")["verdict"] == "PASS"
        story.stage("rollback", "blue", "rollback")
        story.stage("again", "green", version="v1.5.0")
        load.mark("retire:blue")
        story.stage("cleanup", "green", "cleanup", bluegreen_bake=0)
        story.stage("bad", "green", rc=2, version=FAULTY)
        told = verdict(FAULTY)
        assert (told["verdict"], told["rolled_back"]["to"]) == ("FAIL", "green"), told["reasons"]
        status = story.stage("status", "green", "status")
        assert "PROBLEM" not in status.out and "FAIL" in status.out
    finally:
        watch.stop()
    figures = load.stop()
    assert [colour for _at, colour in watch.flips] == ["green", "blue", "green", "blue", "green"]
    shown = {name: figures.get(name) for name in ("requests", "lost", "lost_by_reason", "announced_lost", "duplicated")}
    print(f"native: {shown}")
    assert faults(figures) == [] and figures["requests"] > 5_000
    boot_brings_back("site")


@pytest.mark.parametrize("method", ["admin", "caddyfile"])
def test_the_stages_by_another_method(method: str, edge: native.NativeEdge, load: Load) -> None:
    """What reloads at each flip: the same stages, and the public follows. What a reload loses is only counted."""
    story = Story(edge, method)
    story.stage("adopt", "blue", "adopt", version="v1.4.2")
    story.stage("upgrade", "green", version="v1.5.0")
    assert verdict("v1.5.0")["verdict"] == "PASS"
    story.stage("rollback", "blue", "rollback")
    story.stage("rollback-again", "blue", "rollback")
    status = story.stage("status", "blue", "status")
    assert "PROBLEM" not in status.out and method in status.out
    figures = load.stop()
    print(f"native, {method}: {figures['requests']} requests, {figures['lost']} lost by {figures['lost_by_reason']}")
    assert figures["requests"] > 2_000
