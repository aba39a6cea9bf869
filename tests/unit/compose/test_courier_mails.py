# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A courier is ended between two mails, by what its database says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import observe
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.singletons import stop
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._ory import courier_command


class Rows:
    """A database that answers the two questions from a table of id -> (send_count, attempts that ended)."""

    def __init__(self, rows: dict[str, tuple[int, int]]) -> None:
        self.rows = rows
        self.kept: list[str] = []

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        if sql == stop.BEGUN:
            return [(name, sent) for name, (sent, _ended) in self.rows.items() if sent > 0]
        if sql == stop.TRIED:
            return [(name, ended) for name, (_sent, ended) in self.rows.items() if ended]
        assert sql == stop.GIVE_BACK and isinstance(values[0], list)
        self.kept = values[0]
        return [(name,) for name in self.rows if name not in self.kept]

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({}, set()),
        ({"taken": (0, 0)}, set()),
        ({"sending": (1, 0), "taken": (0, 0)}, {"sending"}),
        ({"failed-before": (2, 2)}, set()),
        ({"tried-again": (3, 2)}, {"tried-again"}),
    ],
)
def test_being_sent(rows: dict[str, tuple[int, int]], expected: set[str]) -> None:
    db = Rows(rows)
    assert stop.being_sent(db) == expected
    assert stop.give_back(db, expected) == len(rows) - len(expected) and db.kept == sorted(expected)


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize("alone", [False, True])
def test_mails_of_an_older_version_get_their_channel(newer: bool, alone: bool) -> None:
    said: list[tuple[str, list[object]]] = []

    class Db(Rows):
        def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
            said.append((sql, list(values)))
            return [("m",)] if newer else []

    assert stop.name_channel(Db({}), alone) == int(newer)
    changes = [
        (stop.NAMELESS, [[1, 3] if alone else []]),
        (stop.FORGET, [["m"]]),
        (stop.NAME_CHANNEL, [["m"]]),
    ]
    assert said[1:] == (changes if newer else [])


class Fake:
    """Podman that pauses and unpauses one container; a clock that only this moves."""

    def __init__(self, paused: bool = False) -> None:
        self.said: list[str] = []
        self.paused = paused
        self.time = 0.0

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        self.said.append(argv[1])
        if argv[1] == "container":
            return Result(0, json.dumps([{"State": {"Status": "paused" if self.paused else "running"}}]), "")
        if argv[1] == "pause" and self.paused:
            return Result(125, "", "is already paused")
        self.paused = argv[1] == "pause"
        return Result(0, "", "")

    def now(self) -> float:
        return self.time

    monotonic = now

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.mark.parametrize("paused", [False, True])
def test_it_stays_paused_once_no_mail_is_on_its_way(paused: bool) -> None:
    fake, looks = Fake(paused), iter([{"m"}, {"m"}, set()])
    told = stop.pause(Podman(fake), "c", lambda: next(looks), fake)
    assert told.unconfirmed == frozenset() and fake.paused
    assert [word for word in fake.said if word != "container"] == ["pause", "unpause"] * 2 + ["pause"]


def test_a_mail_that_is_sent_for_ever_is_told() -> None:
    fake = Fake()
    told = stop.pause(Podman(fake), "c", lambda: {"m"}, fake)
    assert told.unconfirmed == {"m"} and told.seconds >= stop.PATIENCE and fake.paused


def test_without_a_database_it_runs_again() -> None:
    fake = Fake()

    def look() -> set[str]:
        raise BluegreenError("the database is gone")

    with pytest.raises(BluegreenError):
        stop.pause(Podman(fake), "c", look, fake)
    assert not fake.paused


@pytest.mark.parametrize(
    ("command", "sends"),
    [
        ("serve -c /k.yml --watch-courier", True),
        ("courier watch -c /k.yml", True),
        ("-c /k.yml courier watch", True),
        ("serve -c /k.yml", False),
        ("serve --watch-courier=false", False),
        ("courier", False),
    ],
)
def test_who_sends(command: str, sends: bool) -> None:
    assert courier_command.sends(command.split()) is sends


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("postgres://k:a@db/k?max_conns=1", "postgres://k:a@db/k?sslmode=disable", True),
        ("postgres:///k?host=db1&user=k", "postgres:///k?host=db2&user=k", False),
        ("postgres://k@db/k?search_path=a", "postgres://k@db/k?search_path=b", False),
        ("postgres://k@db/?dbname=a", "postgres://k@db/?database=a&max_conns=2", True),
    ],
)
def test_which_couriers_work_on_the_same_rows(one: str, other: str, same: bool) -> None:
    """A second courier of the same database is found by this: where the server stands in the query too."""
    first, second = (observe.container({"Config": {"Env": ["DSN=" + url]}}).database for url in (one, other))
    assert (first == second) is same and first
