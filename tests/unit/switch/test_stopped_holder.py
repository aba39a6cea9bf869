# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that was stopped while it held a lock: it is not waited for for ever, and when it wakes up after a rollback
that passed it by, blue is live all the same."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Fenced, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import locked
from ansible_collections.olympus.bluegreen.plugins.module_utils._state import events
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch import switch as switches
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch

BACK = ReturnTo("blue", "v1.4.2-0123456789", "00112233aabbccdd", 1.0)
SOON = 0.05
ENDED, FENCED, WHOLE = 0, 7, 9


@pytest.fixture(autouse=True)
def bounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What would wait for ever fails; the looks after a rollback without the lock come fast."""

    def late(_number: int, _frame: object) -> None:
        raise AssertionError("it still waits")

    monkeypatch.setattr(switches, "PAUSE", 0.01, raising=False)
    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 20)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@contextmanager
def stopped(act: Callable[[], int | None]) -> Iterator[int]:
    """A child that carries ``act`` out until that stops it; it goes on, and ends, with the block."""
    pid = os.fork()
    if pid == 0:
        rc = 3
        with suppress(BaseException):
            try:
                rc = int(act() or ENDED)
            except (Fenced, Refused):
                rc = FENCED
        os._exit(rc)
    try:
        assert os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1])
        yield pid
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def woken(pid: int) -> int:
    os.kill(pid, signal.SIGCONT)
    return os.WEXITSTATUS(os.waitpid(pid, 0)[1])


def stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def holding(path: str) -> Callable[[], None]:
    def act() -> None:
        with locked(path):
            stop()

    return act


def installed(where: Path, cut_over: bool = True) -> Switch:
    switch = Switch(str(where / "s"), lock_seconds=SOON)
    switch.install("blue", (os.getuid(), os.getgid()))
    if cut_over:
        switch.prepare(BACK, switch.claim(0))
        switch.flip("green", switch.read().token)
    return switch


def test_a_rollback_passes_it_by_and_says_so(tmp_path: Path) -> None:
    switch = installed(tmp_path)
    token = switch.read().token
    with stopped(holding(switch.path + "/lock")) as pid:
        assert switch.rollback().live == "blue"
        assert "process %d" % pid in switch.passed and "which is stopped" in switch.passed
        with pytest.raises(Fenced):
            Switch(switch.path, lock_seconds=SOON)._check(token, exact=False)
    assert switch.rollback().live == "blue" and not switch.passed


@pytest.mark.parametrize(
    "act",
    [
        lambda switch: switch.claim(0),
        lambda switch: switch.prepare(ReturnTo("green", "", "", 1.0), 9),
        lambda switch: switch.flip("blue", switch.read().token),
        lambda switch: switch.block_rollback("blue"),
        lambda switch: switch.install(),
    ],
)
def test_every_other_act_is_refused_and_says_who_it_is(act: Callable[[Switch], object], tmp_path: Path) -> None:
    switch = installed(tmp_path)
    before = switch.read()
    with stopped(holding(switch.path + "/lock")) as pid:
        with pytest.raises(Refused, match=r"held by process %d .*stopped\. Fix: .*kill -CONT %d" % (pid, pid)):
            act(switch)
        assert switch.read() == before


def test_a_refused_rollback_fences_all_the_same(tmp_path: Path) -> None:
    """There is nothing to roll back yet, and the run on its way to the first cutover has the lock, or its name."""
    switch = installed(tmp_path, cut_over=False)
    token = switch.claim(0)
    with stopped(holding(switch.path + "/lock")), pytest.raises(Refused, match=r"nothing to roll back.*was stopped"):
        switch.rollback()
    with pytest.raises(Fenced):
        switch.prepare(BACK, token)


ACTS: dict[str, Callable[[Switch], object]] = {
    "claim": lambda switch: switch.claim(0),
    "prepare": lambda switch: switch.prepare(ReturnTo("green", "r", "f", 2.0), switch.read().token + 9),
    "flip": lambda switch: switch.flip("green", switch.read().token),
    "rollback": lambda switch: switch.rollback(),
    "block_rollback": lambda switch: switch.block_rollback("blue"),
}


def stopping_at(path: str, name: str, number: int) -> Callable[[], int]:
    """The act, stopped before its step ``number``; one that has no such step is stopped when it is done."""
    left = [number]

    def step(_name: str) -> None:
        if not left[0]:
            stop()
        left[0] -= 1

    def act() -> int:
        ACTS[name](Switch(path, step))
        if left[0] < 0:
            return ENDED
        stop()
        return WHOLE

    return act


def passed_by(switch: Switch, name: str, act: Callable[[], int]) -> tuple[int, str, str]:
    """A rollback while the act is stopped. How that ends when it wakes, who has to be live, and the way back."""
    with stopped(act) as pid:
        try:
            rolled = switch.rollback()
        except Refused as told:
            # A withdrawal that was further came first: its colour goes.
            assert "being removed" in str(told) and name == "block_rollback"
            return woken(pid), "green", "blue"
        # Once prepare has named the colour that is live as the way back, there is nothing to leave.
        wanted = "green" if name == "prepare" and rolled.return_to != BACK else "blue"
        assert rolled.live == wanted
        return woken(pid), wanted, wanted


@pytest.mark.parametrize("name", ACTS)
def test_stopped_at_any_step_it_moves_nothing_when_it_wakes(name: str, tmp_path: Path) -> None:
    """Each act that a run carries out, stopped before each of its steps; then a rollback; then it goes on."""
    for number in range(12):
        (tmp_path / str(number)).mkdir()
        switch = installed(tmp_path / str(number), cut_over=name != "flip")
        if name == "flip":
            switch.prepare(BACK, switch.claim(0))
        woke, live, back = passed_by(switch, name, stopping_at(switch.path, name, number))
        state = switch.read()
        assert (state.live, state.damage) == (live, ""), (number, woke)
        assert state.return_to and state.return_to.colour == back
        assert state.live not in state.removing
        if woke == WHOLE:
            break
        assert woke == FENCED or name in ("rollback", "block_rollback"), (number, woke)
    assert number >= (2 if name == "prepare" else 1)


@pytest.mark.slow
def test_a_rollback_waits_five_seconds_at_most(tmp_path: Path) -> None:
    path = installed(tmp_path).path
    with stopped(holding(path + "/lock")):
        begun = time.monotonic()
        assert Switch(path).rollback().live == "blue"
        assert 5 <= time.monotonic() - begun < 8


def test_what_only_explains_is_written_all_the_same(tmp_path: Path) -> None:
    """The watcher writes an event before it rolls back: whoever holds that lock must not keep it from it."""
    path = str(tmp_path / "events.jsonl")
    with stopped(holding(path + ".lock")):
        events.append(path, {"event": "rolling_back"}, 1.0)
    assert [one["event"] for one in events.read(path)] == ["rolling_back"]


def test_no_lock_is_waited_for_without_a_deadline(tmp_path: Path) -> None:
    path = str(tmp_path / "lock.flock")
    with stopped(holding(path)) as pid, pytest.raises(Refused, match="process %d" % pid), locked(path, 0.01):
        pass
