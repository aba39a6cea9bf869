# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback against everything that may run at the same moment: after it blue is live, whoever was on his way."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Fenced, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch

BACK = ReturnTo("blue", "v1.4.2-0123456789", "00112233aabbccdd", 1.0)
ROUNDS = 150


def cut_over(switch: Switch, token: int) -> None:
    """What the cutover stage writes once it has its token; fenced it stops."""
    try:
        switch.prepare(BACK, token)
        switch.flip("green", token)
    except (Fenced, Refused):
        return


def roll_back(switch: Switch, keep: bool = False) -> None:
    """There may be nothing to roll back yet: that is said, and the cutover on its way is stopped all the same."""
    try:
        assert switch.rollback(keep).live == "blue"
    except Refused as told:
        assert "nothing to roll back" in str(told)


@pytest.mark.parametrize("done", [0, 1, 2])
@pytest.mark.parametrize("keep", [True, False])
def test_between_any_two_acts_of_a_cutover(done: int, keep: bool, tmp_path: Path) -> None:
    """Rolled back after the token, after prepare, after the flip: the rest of the cutover is refused."""
    switch = Switch(str(tmp_path / "s"))
    switch.install()
    token = switch.claim(0)
    acts: list[Callable[[], object]] = [lambda: switch.prepare(BACK, token), lambda: switch.flip("green", token)]
    for act in acts[:done]:
        act()
    roll_back(switch, keep)
    for act in acts:
        with pytest.raises(Fenced):
            act()
    assert switch.read().live == "blue" and not switch.read().damage


@pytest.mark.parametrize("act", ["prepare", "flip"])
def test_after_a_cutover_that_died_at_any_step(act: str, tmp_path: Path) -> None:
    number = 0
    while True:
        switch = Switch(str(tmp_path / str(number)))
        switch.install()
        token = switch.claim(0)
        if act == "flip":
            switch.prepare(BACK, token)
        if not died(switch.path, act, token, number):
            break
        roll_back(switch)
        assert switch.read().live == "blue", "step %d" % number
        with pytest.raises(Fenced):
            switch.flip("green", token)
        number += 1
    assert number >= {"prepare": 3, "flip": 1}[act]


def died(path: str, act: str, token: int, number: int) -> bool:
    """Run one act in a child that kills itself at its step ``number``; False when it had no such step."""
    pid = os.fork()
    if pid == 0:
        left = [number]

        def step(_name: str) -> None:
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1

        switch = Switch(path, step)
        try:
            switch.prepare(BACK, token) if act == "prepare" else switch.flip("green", token)
            os._exit(0)
        except BaseException:
            os._exit(3)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def racer(path: str, kind: str, tokens: list[int], delays: list[float], start: Barrier) -> None:
    for number, token in enumerate(tokens):
        switch = Switch(os.path.join(path, str(number)))
        start.wait(30)
        time.sleep(delays[number])
        if kind == "cutover":
            cut_over(switch, token)
        else:
            roll_back(switch, bool(number % 2))
        start.wait(30)


@pytest.mark.parametrize("kinds", [("cutover", "rollback"), ("cutover", "rollback", "rollback")])
def test_at_the_same_moment(kinds: tuple[str, ...], tmp_path: Path) -> None:
    """Real processes, many rounds: a rollback that begins when the cutover has its token always wins."""
    rng, tokens = random.Random(4), []
    for number in range(ROUNDS):
        switch = Switch(str(tmp_path / str(number)))
        switch.install()
        tokens.append(switch.claim(0))
    context = multiprocessing.get_context("fork")
    start = context.Barrier(len(kinds))
    delays = [[rng.uniform(0, 0.002) for _round in range(ROUNDS)] for _kind in kinds]
    racers = [
        context.Process(target=racer, args=(str(tmp_path), kind, tokens, delay, start))
        for kind, delay in zip(kinds, delays)
    ]
    for one in racers:
        one.start()
    for one in racers:
        one.join(60)
        assert one.exitcode == 0
    states = [Switch(str(tmp_path / str(number))).read() for number in range(ROUNDS)]
    assert [state.live for state in states] == ["blue"] * ROUNDS
    assert not any(state.damage or state.claimed for state in states)
    # The race was one: in some rounds the cutover had come to its way back, in some it was fenced before.
    assert 0 < sum(state.return_to is not None for state in states) < ROUNDS


def test_nobody_goes_back_to_a_colour_that_is_being_removed(tmp_path: Path) -> None:
    """The refusal stops a cutover that is on its way; who insists goes there anyway."""
    switch = Switch(str(tmp_path / "s"))
    switch.install()
    cut_over(switch, switch.claim(0))
    with pytest.raises(Refused, match="green is live now"):
        switch.block_rollback("green")
    switch.block_rollback("blue")
    token = switch.claim(0)
    with pytest.raises(Refused, match="blue is being removed or replaced"):
        switch.rollback()
    assert (switch.read().live, switch.read().token, switch.read().claimed) == ("green", token + 1, False)
    with pytest.raises(Fenced):
        switch.flip("blue", token)
    assert switch.fence() == ""
    switch.allow_rollback("blue")
    assert switch.rollback().live == "blue"
    switch.flip("green", switch.read().token)
    switch.block_rollback("blue")
    assert switch.rollback(force=True).live == "blue"


def test_a_removal_of_a_run_that_was_overtaken_is_fenced(tmp_path: Path) -> None:
    """By a newer run, also one that has ended and left the colour whole; never by a rollback that it refuses itself."""
    switch = Switch(str(tmp_path / "s"))
    switch.install()
    cut_over(switch, switch.claim(0))
    cleanup = switch.claim(0)
    switch.block_rollback("blue", cleanup)
    with pytest.raises(Refused, match="blue is being removed or replaced"):
        switch.rollback()
    switch.block_rollback("blue", cleanup)

    newer = switch.claim(0)
    for act in (switch.block_rollback, switch.allow_rollback):
        with pytest.raises(Fenced):
            act("blue", cleanup)
    switch.allow_rollback("blue", newer)
    switch.unclaim(newer)
    with pytest.raises(Fenced):
        switch.block_rollback("blue", cleanup)
    assert not switch.rollback_blocked("blue") and switch.rollback().live == "blue"
