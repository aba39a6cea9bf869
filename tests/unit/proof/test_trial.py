# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One trial from its begin to its end with programs that are a few lines long: what is asked of whom, and when."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from kit.clocks import Clock

from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Endpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.session import Failed
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.evidence import WAITED, Outcome, Seen, Touched
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay import trial
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.side import Side
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import sqllog

Rule = Callable[["World", str, str], None]


class World:
    """``rule`` raises Failed where a program can't do something; ``fails``: how often the migration fails."""

    def __init__(self, rule: Rule, fails: int = 0) -> None:
        self.rule, self.fails = rule, fails
        self.migrated, self.writing = False, True
        self.errors: list[sqllog.SqlError] = []
        self.clock = Clock()
        self.asked: list[str] = []
        self.written = threading.Event()

    def sql(self, state: str) -> None:
        self.errors.append(sqllog.SqlError(self.clock.now(), "shop", state, "", "t.c"))

    def side(self, name: str) -> type[Side[str]]:
        world = self

        class Fake(Side[str]):
            journeys = ("login", "list")
            core = ("login",)
            crossing: Mapping[str, str] = {"session": "login", "list": "list"}
            lasting = ("session",)
            flights = ("pending", "off")

            @property
            def kind(self) -> str:
                return self.at.service

            def ask(self, journey: str) -> str:
                world.asked.append("%s %s" % (self.kind, journey))
                if self.known is None:
                    world.written.set()
                world.rule(world, self.kind, journey)
                self.made = self.kind
                return "done"

            def cross(self, journey: str, theirs: str) -> str:
                world.rule(world, self.kind, "%s of %s" % (journey, theirs))
                return "accepted"

            def begin(self, step: str) -> str:
                return self.kind

            def finish(self, step: str, begun: str) -> str:
                world.rule(world, self.kind, "%s from %s" % (step, begun))
                return "finished"

        return Fake


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[World], Seen]:
    def held(world: World) -> Seen:
        @contextmanager
        def serving(_self: trial.Trial, binary: Any, kind: str) -> Iterator[Endpoint]:
            yield Endpoint(kind, ("127.0.0.1", 1))

        def migrated(*_given: object) -> str:
            # The first run ends when the old program has written meanwhile.
            world.written.clear()
            if world.writing:
                assert world.written.wait(10)
            world.writing = False
            world.fails -= 1
            world.migrated = world.fails < 0
            return "" if world.migrated else "rc 1"

        def touched(*_given: object) -> Touched:
            return Touched(statements=len(world.asked))

        monkeypatch.setattr(trial.Trial, "_serving", serving)
        monkeypatch.setattr(trial.Trial, "_touched", touched)
        monkeypatch.setattr(trial, "migrated", migrated)
        monkeypatch.setitem(trial.SIDES, "kratos", world.side("shop"))
        podman = SimpleNamespace(run=lambda *_words, **_how: SimpleNamespace(out="", err=""))
        room: Any = SimpleNamespace(name="room", clock=world.clock, podman=podman)
        room.create = room.check = lambda *_names: None
        room.http = lambda: None
        room.log = lambda since: [one for one in world.errors if one.at >= since]
        monkeypatch.setattr(sqllog, "errors", list)
        old: Any = SimpleNamespace(product="kratos", label="Kratos v1")
        new: Any = SimpleNamespace(product="kratos", label="Kratos v2")
        return trial.Trial(room, "shop", "base", old, new, trial.Ports(1, 2), frozenset()).run()

    return held


def nothing(world: World, kind: str, what: str) -> None:
    """All works, but a step that the configuration forbids."""
    if what.startswith("off"):
        raise Failed("forbidden")


def broken(where: str, state: str = "") -> Rule:
    """``where``: ``old login`` fails on the migrated schema, and the log says so."""

    def rule(world: World, kind: str, what: str) -> None:
        nothing(world, kind, what)
        if world.migrated and "%s %s" % (kind, what) == where:
            if state:
                world.sql(state)
            raise Failed("status 500")

    return rule


def failures(seen: Seen) -> dict[str, list[str]]:
    parts = {"control": seen.control, "during": seen.during, "after": seen.after, "new": seen.new, **seen.crossed}
    return {name: [str(one) for one in part.values() if not one.ok] for name, part in parts.items()}


def test_all_that_a_trial_asks(run: Callable[[World], Seen]) -> None:
    world = World(nothing)
    seen = run(world)
    assert not any(failures(seen).values()) and seen.failed == ""
    assert list(seen.crossed) == [
        "Kratos v1 does not accept what it made before the migration",
        "Kratos v2 does not accept what Kratos v1 made before the migration",
        "Kratos v2 does not accept what Kratos v1 made",
        "Kratos v1 does not accept what Kratos v2 made",
        "a flow begun on Kratos v1 before the migration is not finished by it",
        "a flow begun on Kratos v1 is not finished by Kratos v2",
        "a flow begun on Kratos v2 is not finished by Kratos v1",
    ]
    # What the old one can't do by itself before is not asked of two sides; what it made is asked of it once.
    assert [list(part) for part in seen.crossed.values()] == [
        ["session"],
        *[["session", "list"]] * 3,
        *[["pending"]] * 3,
    ]
    assert world.asked[:2] == ["old login", "old list"] and world.asked[-4:] == [
        "old login", "old list", "new login", "new list",
    ]  # fmt: skip
    assert list(seen.during) == ["login"]


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("old login", "after"),
        ("new list", "new"),
        ("old list of new", "Kratos v1 does not accept what Kratos v2 made"),
        ("new pending from old", "a flow begun on Kratos v1 is not finished by Kratos v2"),
        ("old pending from new", "a flow begun on Kratos v2 is not finished by Kratos v1"),
    ],
)
def test_where_a_failure_is_told(run: Callable[[World], Seen], where: str, told: str) -> None:
    found = failures(run(World(broken(where, "23502"))))
    (words,) = found[told]
    assert words.endswith(": status 500 (SQLSTATE 23502, t.c)")


def test_a_migration_that_works_the_second_time_goes_on(run: Callable[[World], Seen]) -> None:
    seen = run(World(nothing, fails=1))
    assert seen.failed == "rc 1. a second run works" and seen.after and seen.crossed


def test_a_migration_that_fails_for_ever_ends_the_trial(run: Callable[[World], Seen]) -> None:
    seen = run(World(nothing, fails=9))
    assert seen.failed == "rc 1. a second run fails too (rc 1)" and not seen.after


def test_without_its_core_nothing_is_tried(run: Callable[[World], Seen]) -> None:
    def rule(world: World, kind: str, what: str) -> None:
        raise Failed("no mail server")

    seen = run(World(rule))
    assert seen == Seen({name: Outcome(name, False, "no mail server") for name in ("login", "list")})


@pytest.mark.parametrize(("often", "ok"), [(1, True), (8, True), (99, False)])
def test_a_prepared_plan_fails_once_a_connection(run: Callable[[World], Seen], often: int, ok: bool) -> None:
    left = [often]

    def rule(world: World, kind: str, what: str) -> None:
        nothing(world, kind, what)
        if world.migrated and (kind, what) == ("old", "list") and left[0]:
            left[0] -= 1
            world.sql("0A000")
            raise Failed("status 500")

    told = run(World(rule)).after["list"]
    assert told.ok == ok and ("each connection fails once" in told.cause) == ok and "0A000" in told.cause


def test_a_wait_for_a_lock_is_told_apart(run: Callable[[World], Seen]) -> None:
    world = World(nothing)

    def rule(_world: World, kind: str, what: str) -> None:
        nothing(world, kind, what)
        if world.asked.count("old login") > 1 and not world.migrated:
            world.sql("55P03")
            raise Failed("status 500")

    world.rule = rule
    writing = replace(Outcome("login", False, "status 500"), cause=WAITED)
    assert run(world).during == {"login": writing}


def test_what_postgresql_quotes_of_rows_is_left_out() -> None:
    words = (
        'ERROR: duplicate key value violates unique constraint "k"\nDETAIL: Key (email)=(ann@x.org) already exists.',
        "Failing row contains (1, ann@x.org, null).",
        'ERROR: invalid input syntax for type integer: "ann"',
    )
    told = [trial.ROWS.sub("(...)", one) for one in words]
    assert "ann" not in "".join(told) and 'constraint "k"' in told[0] and "(email)=(...) already exists" in told[0]
