# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback beside a cleanup or a deploy: the colour that it goes to is never removed, with real podman."""

from __future__ import annotations

from typing import Any

import pytest
from kit.compose_bench import GREEN, OLD, Bench, green

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch

pytestmark = pytest.mark.lab


class AtRemoval(SubprocessRunner):
    """Calls ``act`` right before the first container is removed."""

    def __init__(self, act: Any) -> None:
        super().__init__()
        self.act = act

    def run(self, argv: Any, **given: Any) -> Result:
        if "rm" in argv and self.act:
            act, self.act = self.act, None
            act()
        return super().run(argv, **given)


def test_whoever_comes_first_wins(bench: Bench, switch: Switch) -> None:
    bench.run("adopted")
    bench.run("started", **GREEN, switch=switch)
    assert not bench.run("started", **GREEN, switch=switch)["changed"] and not switch.rollback_blocked("green")
    here = green()

    # The rollback: the stage still believes what it saw when it began.
    assert switch.rollback().live == "green"
    for state, given in (("absent", OLD), ("started", {**GREEN, "version": "c"})):
        with pytest.raises(Refused, match="green is live now"):
            bench.run(state, **given, switch=switch)
    assert green() == here

    # The cleanup: a rollback that comes while it removes is refused, and goes nowhere.
    switch.flip("blue", switch.read().token)
    told: list[Refused] = []

    def rollback() -> None:
        with pytest.raises(Refused, match="green is being removed or replaced") as caught:
            switch.rollback()
        told.append(caught.value)

    assert bench.run("absent", **OLD, switch=switch, runner=AtRemoval(rollback))["changed"]
    assert told and switch.read().live == "blue" and green() == ""

    bench.run("started", **GREEN, switch=switch)
    assert switch.rollback().live == "green"


@pytest.mark.slow
def test_a_start_that_was_killed_is_no_way_back_until_it_is_whole(bench: Bench, switch: Switch) -> None:
    bench.run("adopted")
    switch.block_rollback("green")
    bench.run("started", **GREEN)
    assert switch.rollback_blocked("green")
    assert bench.run("started", **GREEN, switch=switch)["steps"] == [
        "allow-rollback green"
    ] and not switch.rollback_blocked("green")
