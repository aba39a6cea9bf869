# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One act at Cloudflare stands still at each of its requests while another one runs from its beginning to its end.

It stands still before the request reaches Cloudflare (it was checked, and comes late), or when it was answered and
nothing came after it yet. That is SIGSTOP, a slow network, or a 429 that is waited for. Afterwards switch, load
balancers, pools and visitors agree on the colour that the later act decided.
"""

from __future__ import annotations

import copy
import itertools
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kit.cloudflare_fake import Cloudflare, Fault
from kit.cloudflare_kit import HOSTS, Deployment, MemoryHttp

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare import pools
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Fenced
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch

MOVED = [{"name": "edge-2", "address": "203.0.113.22", "port": None, "weight": None, "host": None}]


def deployment(root: Path, live: str = "green") -> Deployment:
    """Both pools are ours and sessions are pinned; ``live`` serves. Nothing goes over a socket. ``back``: a rollback
    has ended the sessions of green, and blue serves."""
    edge = Deployment(root, memory=True, session_affinity="cookie")
    # What visitors get is asked of the fake itself.
    edge.header = ""
    edge.fake.put("pools", id=edge.blue, description=pools.mark("olympus", "blue"))
    edge.adopt()
    edge.run("live", colour="green", token=edge.claim())
    if live != "green":
        edge.run("returned", keep_sticky=live == "blue")
    edge.fake.fresh()
    return edge


def copied(edge: Deployment, root: Path) -> Deployment:
    """Another one that stands where ``edge`` stands."""
    new = copy.copy(edge)
    shutil.copytree(edge.root / "edge", root / "edge")
    new.root, new.switch = root, Switch(str(root / "edge" / "olympus-bluegreen"))
    new.fake = Cloudflare(edge.clock.now)
    new.fake.state = copy.deepcopy(edge.fake.state)
    new.http = MemoryHttp(new.fake)
    return new


def act(edge: Deployment, state: str, colour: str = "", **more: Any) -> Callable[[], Any]:
    """Who goes forward has taken the token, as a stage does when it begins; a rollback needs none."""
    token = 0 if state == "returned" else edge.claim()
    return partial(edge.run, state, token=token, colour=colour or None, **more)


@dataclass
class Told:
    """What an act ended with."""

    error: BluegreenError | None = None
    result: dict[str, Any] = field(default_factory=dict, repr=False)


def ended(run: Callable[[], Any]) -> Told:
    try:
        return Told(result=run())
    except BluegreenError as exc:
        return Told(error=exc)


def interrupted(edge: Deployment, slow: Callable[[], Any], index: int, after: bool, other: Callable[[], Any]) -> Told:
    """``slow`` stands still at its request ``index`` (before it, or ``after`` it) until ``other`` is through."""
    hook = iter([other])

    def pause() -> None:
        for run in hook:
            edge.http = MemoryHttp(edge.fake)
            run()

    edge.http = MemoryHttp(edge.fake, index, pause, after)
    told = ended(slow)
    edge.http = MemoryHttp(edge.fake)
    assert next(hook, None) is None, "it never got there"
    return told


@pytest.fixture(autouse=True)
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """No plug is pulled here: a thousand switches are moved in a second."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)


def agree(edge: Deployment, colour: str) -> None:
    """Switch, load balancers, pools, and what all visitors get, the pinned ones too."""
    assert edge.switch.read().live == colour
    assert pools.shape(edge.pool(colour)) == ""
    assert [edge.lb(host)["default_pools"][0] for host in HOSTS] == [edge.pool(colour)["id"]] * 3
    for cookie in ("", "__cflb=" + edge.pool(colour)["id"]):
        assert edge.serving(cookie) == [colour] * 3


ACTS: dict[str, Callable[[Deployment], Callable[[], Any]]] = {
    "cutover to green": lambda edge: act(edge, "live", "green"),
    "cutover to blue": lambda edge: act(edge, "live", "blue"),
    "rollback": lambda edge: act(edge, "returned"),
    "rollback that keeps sessions": lambda edge: act(edge, "returned", keep_sticky=True),
    "drain of blue": lambda edge: act(edge, "drained", "blue"),
    "drain of green": lambda edge: act(edge, "drained", "green"),
    "adopt": lambda edge: act(
        edge,
        "adopted",
        pools={**edge.params()["pools"], "green": {**edge.params()["pools"]["green"], "origins": MOVED}},
    ),
}
# Who is live first, and what runs then: all that is not refused at once.
FIRST = {
    "blue": ("cutover to green", "drain of green", "adopt"),
    "back": ("cutover to green", "rollback"),
    "green": ("cutover to blue", "rollback", "rollback that keeps sessions", "drain of blue", "adopt"),
}


# Where an act that goes through leaves the switch.
MOVES = {
    "cutover to green": "green",
    "cutover to blue": "blue",
    "rollback": "blue",
    "rollback that keeps sessions": "blue",
}


def later(edge: Deployment, name: str) -> Callable[[], Any]:
    """An act of a run that begins when it is called."""

    def begun() -> Any:
        return ACTS[name](edge)()

    return begun


def noted(edge: Deployment, name: str, left: list[str]) -> None:
    """Act, and note how it ended and who is live then."""
    left[:] = [repr(ended(ACTS[name](edge))), edge.switch.read().live]


def writes(edge: Deployment, run: Callable[[Deployment], Callable[[], Any]], root: Path) -> list[int]:
    """The requests of an act that write, that runs alone."""
    alone = copied(edge, root)
    run(alone)()
    return [at for at, one in enumerate(alone.fake.log) if one.method != "GET"]


def was_asleep(edge: Deployment, name: str) -> bool:
    """Whether the pool has served no request at any time."""
    ours = edge.pool(name)["id"]
    return any(pools.shape(then["pools"][ours]) for _at, then in edge.fake.past if ours in then["pools"])


@pytest.mark.parametrize("failover", [True, False])
def test_a_rollback_between_the_checks_of_a_drain_and_its_write(tmp_path: Path, failover: bool) -> None:
    """No visitor is left behind a pool that the drain of a moment ago has shut."""
    edge = deployment(tmp_path / "edge")
    drain = partial(act, state="drained", colour="blue", failover=failover)
    (index,) = writes(edge, drain, tmp_path / "alone")
    backs: list[Told] = []
    told = interrupted(
        edge, drain(edge), index, False, lambda: backs.append(ended(partial(edge.run, "returned", failover=failover)))
    )
    assert isinstance(told.error, Fenced) and backs[0].result["live"] == "blue"
    agree(edge, "blue")


def test_a_rollback_while_a_drain_waits_for_its_429(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edge = deployment(tmp_path / "edge")
    drain = partial(act, state="drained", colour="blue")
    (index,) = writes(edge, drain, tmp_path / "alone")
    run = drain(edge)
    edge.fake.fresh()
    edge.fake.faults = {index: Fault("429", 50)}
    slept, moved = edge.clock.sleep, iter([partial(edge.run, "returned")])

    def sleep(seconds: float) -> None:
        slept(seconds)
        if seconds > 40:
            for back in moved:
                back()

    monkeypatch.setattr(edge.clock, "sleep", sleep)
    assert isinstance(ended(run).error, Fenced) and next(moved, None) is None
    agree(edge, "blue")
    assert not was_asleep(edge, "blue"), "what was checked before the wait is checked again after it"


def test_a_rollback_while_a_drain_waits_for_sessions_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows a drain removes containers."""
    edge = deployment(tmp_path)
    run, moved = act(edge, "drained", "blue"), iter([partial(edge.run, "returned")])
    monkeypatch.setattr(edge.clock, "sleep", lambda seconds: [back() for back in moved])
    assert isinstance(ended(run).error, Fenced)
    agree(edge, "blue")


def test_a_cutover_while_the_end_of_sessions_is_late(tmp_path: Path) -> None:
    """A rollback disables the pool of the colour left behind, which is the live one again by then."""
    edge = deployment(tmp_path / "edge")
    back = partial(act, state="returned")
    *_balancers, last = writes(edge, back, tmp_path / "alone")
    for after in (False, True):
        here = copied(edge, tmp_path / str(after))
        told = interrupted(here, back(here), last, after, later(here, "cutover to green"))
        assert isinstance(told.error, Fenced) and "a newer run has begun" in str(told.error)
        agree(here, "green")


def test_a_cutover_that_comes_late_lets_nobody_back_to_a_bad_colour(tmp_path: Path) -> None:
    """A rollback has ended the sessions of green; the cutover that it has fenced would open its pool again."""
    edge = deployment(tmp_path / "edge", "back")
    cutover = partial(act, state="live", colour="green")
    wake, *_balancers = writes(edge, cutover, tmp_path / "alone")
    for after in (False, True):
        here = copied(edge, tmp_path / str(after))
        told = interrupted(here, cutover(here), wake, after, partial(here.run, "returned"))
        assert isinstance(told.error, Fenced)
        agree(here, "blue")
        assert not here.pool("green")["enabled"]
        assert here.serving("__cflb=" + here.green) == ["blue"] * 3


def test_a_drain_of_an_older_run_writes_nothing(tmp_path: Path) -> None:
    edge = deployment(tmp_path)
    edge.switch.claim(7)
    assert "token 5, but the switch is at 7" in str(edge.fails("drained", colour="blue", token=5))
    assert edge.fake.mutating == [] and edge.switch.read().warm == ("blue", "green")
    assert edge.run("drained", colour="blue", token=7)["drained"]


def test_a_live_pool_that_is_shut_is_a_problem(tmp_path: Path) -> None:
    """As a run leaves it that was killed with its write on the way."""
    edge = deployment(tmp_path)
    edge.fake.put("pools", id=edge.green, enabled=False)
    wrong = "the switch says green, but its pool green serves no request: the pool is disabled"
    assert wrong in edge.run("read")["problems"]
    assert edge.run("live", colour="green", token=edge.claim())["steps"] == ["enable pool green"]
    agree(edge, "green")


CASES = pytest.mark.parametrize(("live", "slow"), [(live, slow) for live, acts in FIRST.items() for slow in acts])


@CASES
def test_a_write_that_is_late_leaves_all_of_it_agreeing(tmp_path: Path, live: str, slow: str) -> None:
    walk(tmp_path, live, slow, ("PATCH", "POST"))


@pytest.mark.slow
@CASES
def test_an_answer_that_is_old_leaves_all_of_it_agreeing(tmp_path: Path, live: str, slow: str) -> None:
    walk(tmp_path, live, slow, ("GET",))


def walk(tmp_path: Path, live: str, slow: str, methods: Sequence[str]) -> None:
    """Each other act right before and right after each request of ``slow`` that has one of these methods."""
    stands = deployment(tmp_path / "stands", live)
    alone = copied(stands, tmp_path / "alone")
    ACTS[slow](alone)()
    asked = [one.method for one in alone.fake.log]
    places = [(at, after) for at, method in enumerate(asked) if method in methods for after in (False, True)]
    for name, (index, after) in itertools.product(ACTS, places):
        edge = copied(stands, tmp_path / ("%s-%d-%d" % (name, index, after)))
        left: list[str] = []

        told = interrupted(edge, ACTS[slow](edge), index, after, partial(noted, edge, name, left))
        try:
            agree(edge, left[1] if told.error or slow not in MOVES else MOVES[slow])
        except AssertionError as exc:
            where = "%s %s request %d, %s" % (name, ("before", "after")[after], index, asked[index])
            raise AssertionError("%s: %s, %s\n%s" % (where, told, left[0], exc)) from exc
