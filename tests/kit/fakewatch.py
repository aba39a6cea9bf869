# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment in a fake time, watched by the real Watcher through real files: what the edge logs, what probes say."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Runner, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.probe_origin import Standpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._verdict.parameters import Judgement
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import main
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.watcher import Watcher

Event = dict[str, Any]
START, FLIP = 1_000_000, 5
RELEASE = "v2-0123456789"
LOGIN, PGADMIN = "login.test", "pgadmin.test"


class Clock:
    """Both clocks; ``set_by`` is what the wall clock was set by. Each second that passes is lived by ``each``."""

    def __init__(self) -> None:
        self.at = 0.0
        self.set_by = 0.0
        self.each: Callable[[int], None] = lambda second: None

    def now(self) -> float:
        return START + self.at + self.set_by

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        end = self.at + seconds
        for second in range(int(self.at) + 1, int(end) + 1):
            self.at = float(second)
            self.each(second)
        self.at = end


@dataclass
class Scene:
    """``second`` is what happens in each second after the flip, once it has begun."""

    root: Path
    second: Callable[[Scene, int], None] = lambda scene, since: None
    clock: Clock = field(default_factory=Clock)
    # What a visitor gets: (status, whether a colour said so), by turns.
    answers: tuple[tuple[int, bool], ...] = ((200, True),) * 10
    probes: dict[str, list[bool]] = field(default_factory=lambda: {"login": [True, True]})
    logging: bool = True
    elsewhere: bool = False
    probing: bool = True
    looking: bool = True
    answered: float = 0.0
    live: str = "blue"
    told: list[Event] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    now: Callable[[], float] = lambda: 0.0

    def __post_init__(self) -> None:
        self.switch = Switch(str(self.root / "olympus-bluegreen"))
        os.mkdir(self.switch.path)
        self.switch.install("blue")
        self.log = Path(self.switch.path) / "log" / "access.log"
        self.clock.each = self.live_a_second

    # The part of the observer and of the prober: ``Quiet`` hands over what happened.

    def live_a_second(self, second: int) -> None:
        if second == FLIP:
            token = self.switch.claim(0)
            self.switch.prepare(ReturnTo("blue", "old", "flip", self.clock.now()), token)
            self.switch.flip("green", token)
        if second > FLIP:
            self.second(self, second - FLIP)
        colour = "green" if second > FLIP else "blue"
        for status, said in self.answers:
            self.write(status, colour if said else "")
        if self.elsewhere:
            self.write(500, "", host=PGADMIN)
        if self.looking and second % 3 == 0:
            self.answered = self.now()
            self.write(200, colour, agent="olympus-bluegreen")
            self.told.append({"event": "looked", "ok": True, "at": self.now()})
        self.flush()
        if self.probing:
            self.told.append({"event": "pair", "checks": dict(self.probes), "at": self.now()})

    def write(self, status: int, colour: str, host: str = LOGIN, agent: str = "x", ago: float = 0.0) -> None:
        line = {
            "ts": self.clock.now() - ago,
            "duration": 0.01,
            "status": status,
            "request": {"host": host, "uri": "/login", "headers": {"User-Agent": [agent]}},
            "resp_headers": {"X-Bluegreen-Colour": [colour]} if colour else {},
        }
        self.lines.append(json.dumps(line) + "\n")

    def flush(self) -> None:
        if self.logging:
            with self.log.open("a") as handle:
                handle.writelines(self.lines)
        self.lines = []

    def history(self) -> None:
        """What blue answered in the half hour before."""
        for second in range(1800, 0, -1):
            self.write(200, "blue", ago=second)
        self.flush()


class Quiet:
    """A source whose thread is the scene itself."""

    def __init__(self, scene: Scene, kinds: tuple[str, ...]) -> None:
        self.scene = scene
        self.kinds = kinds
        self.live = "blue"

    @property
    def answered(self) -> float:
        return self.scene.answered

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def events(self) -> list[Event]:
        found = [event for event in self.scene.told if event["event"] in self.kinds]
        self.scene.told = [event for event in self.scene.told if event["event"] not in self.kinds]
        return found


class NoEntry(Standpoint):
    """A standpoint that can't be entered: ``why`` is what happens instead."""

    def __init__(self, why: Exception) -> None:
        self.why = why
        self.tries = 0

    def enter(self) -> Any:
        self.tries += 1
        raise self.why


class NoFork(SubprocessRunner):
    def run(self, *_argv: Any, **_given: Any) -> Any:
        raise BlockingIOError(11, "Resource temporarily unavailable")


def watch(
    scene: Scene, window: float = 300, prober: Exception | None = None, runner: Runner | None = None
) -> tuple[Judgement, list[Event]]:
    """The judgement and the record. ``prober``: the real one stands where this is raised; ``runner``: the real observer
    asks Podman by it."""
    state = scene.root / "state"
    config = Config(
        "d",
        str(state),
        RELEASE,
        "green",
        scene.switch.path,
        window=window,
        publish="loopback",
        public=() if runner else ({"host": LOGIN, "path": "/login"},),
    )
    standpoint = NoEntry(prober or AssertionError("not asked"))
    inputs = main.inputs_of(config, standpoint, scene.clock, Podman(runner or SubprocessRunner()))
    scene.now = inputs.clock.now
    changes: dict[str, Any] = {}
    if prober is None:
        changes["prober"] = Quiet(scene, ("pair",))
    if runner is None:
        changes["observer"] = Quiet(scene, ("looked", "public"))
    record = state / "releases" / RELEASE / "watch"
    record.mkdir(parents=True)
    watcher = Watcher(config, replace(inputs, **changes))
    try:
        told = watcher.run()
    finally:
        watcher.stop_sources()
    return told, [json.loads(line) for line in (record / "events.jsonl").read_text().splitlines()]
