# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The whole story with a Caddy that is a process of this host and dials published ports, under a small load."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from lab_story import Story, others, standing, under_load, verdict

from olympus_lab import config, native, podman, release, truth
from olympus_lab.load import Load, faults
from olympus_lab.progress import wait_for

pytestmark = [pytest.mark.lab, pytest.mark.slow]

FAULTY = "v1.5.2-errors"


@pytest.fixture
def edge() -> Iterator[native.NativeEdge]:
    with standing(native.NativeEdge()) as running:
        yield running


@pytest.fixture
def load(edge: native.NativeEdge) -> Iterator[Load]:
    with under_load() as running:
        yield running


def boot_brings_back(service: str) -> None:
    """The program that a reboot runs, typed by hand: it asks the live colour by its published ports."""
    podman.call(["stop", "-t", "2", f"{config.PROJECT}-green_{service}_1"])
    done = subprocess.run(
        [str(config.STATE / "boot")], env=release.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "green is ready" in done.stdout, done.stdout + done.stderr
    wait_for("green in public", lambda: others("green"), 10)


def test_adopt_release_rollback_release_cleanup_and_a_bad_one(edge: native.NativeEdge, load: Load) -> None:
    story = Story(edge, native.switch_dir(), native.settings("switch"))
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


def test_the_stages_by_another_method(edge: native.NativeEdge, load: Load) -> None:
    """What reloads at each flip: the same stages, and the public follows. What a reload loses is only counted."""
    story = Story(edge, native.switch_dir(), native.settings("reload"))
    story.stage("adopt", "blue", "adopt", version="v1.4.2")
    # A reload loses some answers: in a short window they are too many of too few to be sure of a PASS.
    story.stage("upgrade", "green", version="v1.5.0", bluegreen_watch={"window": 60, "interval": 1, "min_events": 300})
    assert verdict("v1.5.0")["verdict"] == "PASS"
    story.stage("rollback", "blue", "rollback")
    story.stage("rollback-again", "blue", "rollback")
    status = story.stage("status", "blue", "status")
    assert "PROBLEM" not in status.out and "reload" in status.out
    figures = load.stop()
    print(f"native, reload: {figures['requests']} requests, {figures['lost']} lost by {figures['lost_by_reason']}")
    assert figures["requests"] > 2_000
