# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watcher's last act: singletons follow the switch, tried again for about a minute, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context, Job
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import singletons_followup
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config

SERVICES = {"kratos": {"kind": "kratos", "port": 4433, "admin_port": 4434}, "site": {"kind": "site", "port": 3000}}
STACK = {"project": "prod", "edge_service": "caddy", "singletons": {"janitor": {"service": "cleaner"}}}


class Clock:
    slept = 0.0

    def now(self) -> float:
        return self.slept

    monotonic = now

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def follow(monkeypatch: pytest.MonkeyPatch, fails: int, stack: Mapping[str, Any]) -> tuple[list[Any], float]:
    calls: list[Context] = []

    def hand_over(context: Context, live: Any) -> Job:
        calls.append(context)
        if len(calls) <= fails:
            raise BluegreenError("podman is ill")
        return Job(Plan(steps=(Step("start", "kratos-courier", "blue"),)), notes={"moved": []})

    monkeypatch.setattr(singletons_followup, "hand_over", hand_over)
    noted: list[Any] = []
    clock = Clock()
    config = Config.of(
        {"deployment": "olympus", "state_dir": "/nowhere", "release": "v2-0", "colour": "green", "switch_dir": "/no",
         "services": SERVICES, "shared": ["postgres"], "stack": stack}
    )  # fmt: skip
    singletons_followup.follow(config, Podman(SubprocessRunner()), clock, noted.append)
    for context in calls:
        assert [one.name for one in context.wanted.all_singletons] == ["kratos-courier", "janitor"]
    return noted, clock.slept


def test_it_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    noted, slept = follow(monkeypatch, 0, STACK)
    assert noted == [{"event": "singletons", "done": True, "steps": ["start kratos-courier blue"], "moved": []}]
    assert slept == 0


def test_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    noted, slept = follow(monkeypatch, 2, STACK)
    assert [event["done"] for event in noted] == [False, False, True] and slept == 6


def test_it_gives_up_after_a_minute_and_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    noted, slept = follow(monkeypatch, 99, STACK)
    assert [event["done"] for event in noted] == [False] * 6 and slept == 60
    assert noted[0]["why"] == "podman is ill"


def test_a_watch_that_was_told_of_no_stack_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert follow(monkeypatch, 0, {}) == ([], 0)
