# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cleanup that is overtaken (REVIEW A3), with real podman: what became live meanwhile goes on running.

The three orders: a boot takes the fence away and a rollback follows; the controller dies and another run takes over;
the module itself is frozen while another run deploys and cuts over.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kit.compose_bench import DEPLOYMENT, GREEN, OLD, Bench, green, podman

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Fenced, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch

pytestmark = pytest.mark.lab


class At(SubprocessRunner):
    """Calls ``act`` right before the first command of podman with ``verb``."""

    def __init__(self, verb: str, act: Callable[[], Any]) -> None:
        super().__init__()
        self.verb, self.acts = verb, [act]

    def run(self, argv: Any, **given: Any) -> Result:
        if len(argv) > 1 and argv[1] == self.verb and self.acts:
            self.acts.pop()()
        return super().run(argv, **given)


def cut_over(switch: Switch, token: int) -> None:
    switch.prepare(ReturnTo("blue", "a", "1" * 16, 1.0), token)
    switch.flip("green", token)
    switch.unclaim(token)


def running() -> list[str]:
    mine = ("--filter", "label=olympus.bluegreen.deployment=" + DEPLOYMENT)
    return sorted(
        podman("ps", *mine, "--filter", "label=olympus.bluegreen.colour=green", "--format", "{{.Names}}").split()
    )


BOTH = ["bgtest-green_hera_1", "bgtest-green_kratos_1"]


def test_a_boot_that_offers_and_a_rollback_beside_a_cleanup(bench: Bench, switch: Switch) -> None:
    bench.run("adopted")
    bench.run("started", **GREEN, switch=switch)
    cleanup = switch.claim(0)

    def boot_and_rollback() -> None:
        switch.allow_rollback("green")
        assert switch.rollback().live == "green"

    here = sorted(green().split())
    with pytest.raises((Fenced, Refused)):
        bench.run("absent", **OLD, switch=switch, token=cleanup, runner=At("stop", boot_and_rollback))
    assert switch.read().live == "green" and running() == BOTH and sorted(green().split()) == here

    # It has removed one already: that one is made again from its file, and joined again.
    switch.flip("blue", switch.read().token)
    cleanup = switch.claim(0)
    removed: list[int] = []

    def after_one_is_gone() -> None:
        removed.append(len(running()))
        boot_and_rollback()

    class Second(At):
        def run(self, argv: Any, **given: Any) -> Result:
            ends = argv[1:2] == ["rm"]
            result = super().run(argv, **given)
            if ends and not removed:
                after_one_is_gone()
            return result

    with pytest.raises((Fenced, Refused), match="brought back: up"):
        bench.run("absent", **OLD, switch=switch, token=cleanup, runner=Second("never", lambda: None))
    assert removed == [1] and switch.read().live == "green" and running() == BOTH
    assert bench.run("read")["off_networks"] == []


@pytest.mark.slow
def test_another_run_takes_over_while_the_module_lives_on(bench: Bench, switch: Switch) -> None:
    bench.run("adopted")
    bench.run("started", **GREEN, switch=switch)
    cleanup = switch.claim(0)

    def taken_over() -> None:
        token = switch.claim(0)
        # Every container is right: nothing is made again, and the colour is offered.
        assert bench.run("started", **GREEN, switch=switch, token=token)["steps"] == ["allow-rollback green"]
        cut_over(switch, token)

    with pytest.raises((Fenced, Refused)):
        bench.run("absent", **OLD, switch=switch, token=cleanup, runner=At("stop", taken_over))
    assert switch.read().live == "green" and running() == BOTH


def _frozen_cleanup(bench: Bench, switch: Switch, token: int, told: Path) -> int:
    """The child's pid; it has stopped itself before it removes its first container."""
    child = os.fork()
    if child:
        os.waitpid(child, os.WUNTRACED)
        return child
    try:
        freeze = At("stop", lambda: os.kill(os.getpid(), signal.SIGSTOP))
        bench.run("absent", **OLD, switch=switch, token=token, runner=freeze)
        told.write_text("removed")
    except BaseException as exc:
        told.write_text("%s: %s" % (type(exc).__name__, exc))
    finally:
        os._exit(0)


@pytest.mark.slow
def test_a_module_that_wakes_up_removes_nothing_of_a_newer_run(bench: Bench, switch: Switch, tmp_path: Path) -> None:
    bench.run("adopted")
    bench.run("started", **GREEN, switch=switch)
    old = _frozen_cleanup(bench, switch, switch.claim(0), tmp_path / "told")
    try:
        token = switch.claim(0)
        bench.run("started", **{**GREEN, "version": "c"}, switch=switch, token=token)
        cut_over(switch, token)
        here = sorted(green().split())
    finally:
        os.kill(old, signal.SIGCONT)
        deadline = time.monotonic() + 120
        while os.waitpid(old, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
            time.sleep(0.1)
    assert (tmp_path / "told").read_text().startswith(("Fenced", "Refused"))
    assert switch.read().live == "green" and running() == BOTH and sorted(green().split()) == here
