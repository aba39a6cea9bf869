# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Something goes wrong at each request of a cutover and of a rollback, and a run dies before each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kit.cloudflare_fake import TOKEN, Fault
from kit.cloudflare_kit import HOSTS, Deployment, origin

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Fenced

KINDS = ("429", "500", "500-after", "before", "after")


class Killed(BaseException):
    """kill -9: nobody cleans up."""


def die() -> None:
    raise Killed


@contextmanager
def deployment(root: Path, state: str) -> Iterator[Deployment]:
    """One that is about to be told ``state``, with sessions that a rollback has to end."""
    with Deployment(root, session_affinity="cookie") as edge:
        # What visitors get is asked of the fake itself: a tenth of the time.
        edge.header = ""
        edge.adopt()
        if state == "returned":
            edge.run("live", colour="green")
            edge.fake.fresh()
        yield edge


def requests(tmp_path: Path, state: str) -> int:
    """How many requests the act takes when nothing goes wrong."""
    with deployment(tmp_path / "well", state) as edge:
        edge.run(state, colour="green")
        return len(edge.fake.log)


def settled(edge: Deployment, colour: str) -> None:
    """The act is done, a second run writes nothing, and the way back works."""
    assert edge.serving() == [colour] * 3 and edge.switch.read().live == colour
    edge.fake.fresh()
    state = "live" if colour == "green" else "returned"
    assert not edge.run(state, colour="green")["changed"] and edge.fake.mutating == []
    edge.run("returned")
    assert edge.serving() == ["blue"] * 3 and edge.switch.read().live == "blue"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("state", "target"), [("live", "green"), ("returned", "blue")])
def test_one_fault_at_each_request_is_outlived(tmp_path: Path, kind: str, state: str, target: str) -> None:
    count = requests(tmp_path, state)
    assert count >= 7
    for index in range(count):
        with deployment(tmp_path / str(index), state) as edge:
            edge.fake.faults = {index: Fault(kind, 3)}
            slept = edge.clock.slept
            edge.run(state, colour="green")
            assert edge.clock.slept - slept <= 3, "one fault costs no more than its own wait"
            settled(edge, target)


@pytest.mark.parametrize("stale", [0, 1.2])
@pytest.mark.parametrize("kind", KINDS)
def test_an_adoption_makes_one_pool_whatever_is_lost(tmp_path: Path, kind: str, stale: float) -> None:
    for index in range(6):
        with Deployment(tmp_path / str(index)) as edge:
            edge.clock.sleep(10)
            edge.fake.faults, edge.fake.stale = {index: Fault(kind, 3)}, stale
            told = went_wrong(partial(edge.run, "adopted"))
            assert told is None and edge.switch.read().live == "blue"
            edge.fake.fresh()
            edge.clock.sleep(10)
            edge.run("adopted")
            assert sorted(one["name"] for one in edge.fake.state["pools"].values()) == ["blue", "green"]
            edge.fake.fresh()
            assert not edge.run("adopted")["changed"] and edge.fake.mutating == []


def test_an_adoption_that_is_killed_is_finished_by_the_next(tmp_path: Path) -> None:
    for index in range(6):
        with Deployment(tmp_path / str(index)) as edge:
            with pytest.raises(Killed):
                edge.run_killed("adopted", index, die)
            edge.run("adopted")
            edge.fake.fresh()
            assert not edge.run("adopted")["changed"] and edge.fake.mutating == []
            assert edge.switch.read().live == "blue" and not edge.switch.read().damage


def wall(kind: str, index: int, length: int = 400) -> dict[int, Fault]:
    return {at: Fault(kind, 900) for at in range(index, index + length)}


@pytest.mark.parametrize("kind", ["429", "500", "after"])
def test_a_cutover_that_cannot_go_on_is_taken_back_or_named(tmp_path: Path, kind: str) -> None:
    """Cloudflare is gone from one request on, for good or for a while; then a rerun or a rollback finishes it."""
    states = set()
    for index in range(requests(tmp_path, "live")):
        # Each point has both endings.
        for length, after in ((7, "live"), (400, "returned")) if index % 2 else ((7, "returned"), (400, "live")):
            with deployment(tmp_path / ("%d-%d" % (index, length)), "live") as edge:
                edge.fake.faults = wall(kind, index, length)
                told = went_wrong(partial(edge.run, "live", colour="green"))
                if told:
                    states.add(consistent(edge, told))
                edge.fake.fresh()
                edge.clock.sleep(1000)
                finished(edge, after)
    assert states >= {"", "partial"} and (kind == "429" or "restored" in states)


def went_wrong(act: Callable[[], Any]) -> BluegreenError | None:
    try:
        act()
    except BluegreenError as exc:
        assert TOKEN not in str(exc) and TOKEN not in str(exc.partial)
        return exc
    return None


def consistent(edge: Deployment, told: BluegreenError) -> str:
    """What the error says is what is there."""
    state = str(told.partial.get("state", ""))
    if state == "partial":
        assert told.partial["wanted"] == "green" and "roll back" in str(told) and edge.switch.read().live == "green"
        hosts: Any = told.partial["hosts"]
        assert isinstance(hosts, str) or [hosts[host] for host in HOSTS] == edge.serving()
    else:
        assert edge.serving() == ["blue"] * 3 and edge.switch.read().live == "blue"
    return state


def finished(edge: Deployment, after: str) -> None:
    if after == "live":
        edge.run("live", colour="green")
        return settled(edge, "green")
    if edge.switch.read().return_to is None:
        # It had not begun.
        assert edge.serving() == ["blue"] * 3
        return None
    edge.run("returned")
    return settled(edge, "blue")


def test_a_rollback_goes_as_far_as_it_can_and_is_finished_by_the_next(tmp_path: Path) -> None:
    for index in range(requests(tmp_path, "returned")):
        with deployment(tmp_path / str(index), "returned") as edge:
            edge.fake.faults = wall("before", index, 12)
            told = went_wrong(partial(edge.run, "returned"))
            assert told is None or edge.switch.read().live == "blue"
            edge.fake.fresh()
            edge.run("returned")
            settled(edge, "blue")


@pytest.mark.parametrize("after", ["live", "returned"])
@pytest.mark.parametrize("state", ["live", "returned"])
def test_killed_before_any_request_it_is_finished_or_taken_back(tmp_path: Path, state: str, after: str) -> None:
    for index in range(requests(tmp_path, state)):
        with deployment(tmp_path / str(index), state) as edge:
            with pytest.raises(Killed):
                edge.run_killed(state, index, die)
            edge.fake.fresh()
            if state == "returned" and after == "live":
                edge.switch.claim(50)
            finished(edge, after)


def test_one_name_that_refuses_takes_the_others_back(tmp_path: Path) -> None:
    with deployment(tmp_path, "live") as edge:
        edge.fake.refuse = edge.ids[HOSTS[2]]
        told = edge.fails("live", colour="green")
        assert "every hostname is on blue as before" in str(told) and told.partial["written"] == list(HOSTS)
        assert edge.serving() == ["blue"] * 3 and edge.switch.read().live == "blue"
        edge.fake.refuse = ""
        edge.run("live", colour="green")
        edge.fake.refuse = edge.ids[HOSTS[0]]
        told = edge.fails("returned")
        assert told.partial["hosts"] == {HOSTS[0]: "green", HOSTS[1]: "blue", HOSTS[2]: "blue"}
        edge.fake.refuse = ""
        edge.run("returned")
        settled(edge, "blue")


def test_who_goes_on_with_a_dead_runs_cutover_takes_nothing_back(tmp_path: Path) -> None:
    with deployment(tmp_path, "live") as edge:
        with pytest.raises(Killed):
            edge.run_killed("live", 9, die)
        edge.fake.fresh()
        edge.fake.refuse = edge.ids[HOSTS[2]]
        told = edge.fails("live", colour="green")
        assert told.partial["hosts"] == {HOSTS[0]: "green", HOSTS[1]: "green", HOSTS[2]: "blue"}
        assert "half way to green" in str(told) and edge.switch.read().live == "green"
        edge.fake.refuse = ""
        edge.fake.fresh()
        # Gone for one write and its reading back: still neither finished nor "as before".
        edge.fake.faults = wall("500", 7, 5)
        assert edge.fails("live", colour="green").partial["state"] == "partial"
        edge.fake.fresh()
        edge.run("live", colour="green")
        settled(edge, "green")


def test_a_name_that_somebody_gave_away_is_no_success(tmp_path: Path) -> None:
    with deployment(tmp_path, "returned") as edge:
        other = edge.fake.put("pools", name="other", origins=[origin("o", "203.0.113.60")])
        edge.fake.put("load_balancers", id=edge.ids[HOSTS[1]], default_pools=[other])
        told = edge.fails("returned")
        assert "does not serve blue: it sends to neither colour's pool" in str(told)
        assert told.partial["hosts"] == {HOSTS[0]: "blue", HOSTS[1]: "", HOSTS[2]: "blue"}


def test_a_rollback_in_the_middle_of_a_cutover_wins(tmp_path: Path) -> None:
    """Whoever is fenced brings what he wrote to where the switch says."""
    for index in range(5, 11):
        with deployment(tmp_path / str(index), "live") as edge:
            edge.fake.meanwhile = {index: edge.switch.rollback}
            told = went_wrong(partial(edge.run, "live", colour="green"))
            assert isinstance(told, Fenced) and edge.switch.read().live == "blue"
            assert edge.serving() == ["blue"] * 3


def once(left: Iterator[Callable[[], object]]) -> None:
    for act in left:
        act()


def test_a_whole_rollback_between_any_two_requests_of_a_cutover_wins(tmp_path: Path) -> None:
    for index in range(requests(tmp_path, "live")):
        with deployment(tmp_path / str(index), "live") as edge:
            rollback = iter([partial(went_wrong, partial(edge.run, "returned"))])
            told = went_wrong(partial(edge.run_killed, "live", index, partial(once, rollback)))
            assert isinstance(told, Fenced), "request %d: %r" % (index, told)
            assert edge.serving() == ["blue"] * 3 and edge.switch.read().live == "blue"
            if edge.switch.read().return_to:
                settled(edge, "blue")


def test_an_older_token_writes_nothing(tmp_path: Path) -> None:
    with deployment(tmp_path, "live") as edge:
        edge.switch.claim(7)
        # Not even the pool that a rollback has shut is opened.
        edge.fake.put("pools", id=edge.green, enabled=False)
        assert "token 3, but the switch is at 7" in str(edge.fails("live", colour="green", token=3))
        assert edge.fake.mutating == [] and edge.serving() == ["blue"] * 3
