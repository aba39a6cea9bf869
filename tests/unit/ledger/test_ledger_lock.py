# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock: who may have it (a table), and that only one gets it (real processes)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import ReturnTo, Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Fenced, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.lock import Claim, Lock, may_take
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.state import StateDir


class Clock(SystemClock):
    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> float:
        return self.at


@pytest.fixture
def switch(tmp_path: Path) -> Switch:
    os.mkdir(tmp_path / "switch")
    made = Switch(str(tmp_path / "switch"))
    made.install()
    return made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lock(tmp_path: Path, switch: Switch, clock: Clock) -> Lock:
    return Lock(StateDir(str(tmp_path / "state")), switch, clock)


def claim(run: str, **changes: Any) -> Claim:
    return Claim(**{"run": run, "stage": "deploy", "operator": "op", "version": "v2", **changes})


HELD = {"run": "a", "beat": 1000.0}


@pytest.mark.parametrize(
    ("lock", "run", "seen", "now", "wanted"),
    [
        (None, "b", None, 1000, True),
        (HELD, "a", None, 9999, True),
        (HELD, "b", None, 1001, False),
        (HELD, "b", None, 1899, False),
        (HELD, "b", None, 1901, True),
        (HELD, "b", {"run": "a", "alive": False}, 1001, True),
        (HELD, "b", {"run": "a", "alive": True}, 9999, False),
        (HELD, "b", {"run": "other", "alive": False}, 1001, False),
        (HELD, "b", {}, 1001, False),
    ],
)
def test_who_may_take_it(lock: Any, run: str, seen: Any, now: float, wanted: bool) -> None:
    assert may_take(lock, claim(run, seen=seen), now, 900) is wanted


def test_a_new_run_raises_the_token_and_the_same_run_keeps_it(lock: Lock, switch: Switch) -> None:
    first = lock.take(claim("a"))
    again = lock.take(claim("a", stage="cutover"))
    assert (first["token"], again["token"], switch.read().token) == (1, 1, 1)
    assert again["since"] == first["since"] and again["stage"] == "cutover"
    assert lock.release("b") is False and lock.release("a") is True and lock.release("a") is False
    assert lock.take(claim("b"))["token"] == 2


def test_the_refusal_names_everything(lock: Lock, clock: Clock) -> None:
    lock.take(claim("a", controller={"host": "ctl", "pid": 7}))
    clock.at += 60
    with pytest.raises(Refused) as refused:
        lock.take(claim("b"))
    told = str(refused.value)
    for word in ("op at ctl (process 7)", "stage deploy", "run a", "v2", "1970-01-01", "60 s ago", "wait 840 s"):
        assert word in told


def test_stale_is_taken_over_and_the_old_run_is_fenced(lock: Lock, clock: Clock, switch: Switch) -> None:
    lock.take(claim("a"))
    clock.at += 800
    lock.beat("a", "migrate")
    clock.at += 800
    with pytest.raises(Refused):
        lock.take(claim("b"))
    clock.at += 200
    assert lock.take(claim("b"))["token"] == 2
    with pytest.raises(Fenced):
        lock.beat("a")
    with pytest.raises(Fenced):
        switch.prepare(ReturnTo("blue", "r", "0" * 16, 0), 1)
    assert lock.release("a") is False


def test_a_rollback_fences_the_run_that_goes_on(lock: Lock, switch: Switch) -> None:
    taken = lock.take(claim("a"))
    switch.prepare(ReturnTo("blue", "r", "0" * 16, 0), taken["token"])
    switch.flip("green", taken["token"])
    switch.rollback()
    with pytest.raises(Fenced, match="rollback or a newer run"):
        lock.take(claim("a"))


def test_before_an_adopt_the_token_is_nothing(tmp_path: Path, clock: Clock) -> None:
    lock = Lock(StateDir(str(tmp_path / "state")), Switch(str(tmp_path / "none")), clock)
    assert lock.take(claim("a"))["token"] == 0
    os.mkdir(tmp_path / "none")
    Switch(str(tmp_path / "none")).install()
    later = Lock(lock.state, Switch(str(tmp_path / "none")), clock)
    assert later.take(claim("a"))["token"] == 0
    assert later.state.root and oct(os.stat(later.state.root).st_mode)[-3:] == "750"


RACER = """
import sys, time
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.lock import Claim, Lock
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.state import StateDir
state, switch, run, go = sys.argv[1:]
lock = Lock(StateDir(state), Switch(switch), SystemClock())
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(go)):
    try:
        print("got", lock.take(Claim(run))["token"], flush=True)
        lock.release(run)
    except Refused:
        print("refused", flush=True)
print("end", flush=True)
sys.stdin.readline()
"""


def racer(lock: Lock, run: str, rounds: int) -> subprocess.Popen[str]:
    path = lock.switch.path if lock.switch else ""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(item for item in sys.path if item)}
    args = [sys.executable, "-c", RACER, lock.state.root, path, run, str(rounds)]
    started = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    if started.stdout is None or started.stdout.readline() != "ready\n":
        raise AssertionError("no racer")
    return started


def tell(process: subprocess.Popen[str]) -> None:
    if process.stdin is None:
        raise AssertionError("no pipe")
    process.stdin.write("\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[str]) -> list[str]:
    if process.stdout is None:
        raise AssertionError("no pipe")
    lines = []
    while (line := process.stdout.readline().strip()) != "end":
        lines.append(line)
    return lines


def test_no_two_processes_ever_hold_the_same_token(lock: Lock, switch: Switch) -> None:
    racers = [racer(lock, "run-%d" % index, 40) for index in range(4)]
    for process in racers:
        tell(process)
    got = Counter(line for process in racers for line in heard(process) if line.startswith("got"))
    for process in racers:
        tell(process)
        process.wait(10)
    assert got and max(got.values()) == 1
    assert sum(got.values()) == switch.read().token


def test_a_killed_holder(lock: Lock, tmp_path: Path) -> None:
    """kill -9 leaves the lock: another controller waits for the beat to go stale, the same controller need not."""
    os.makedirs(lock.state.root)
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    real = Lock(lock.state, lock.switch, SystemClock())
    real.take(claim("a", controller={"host": "ctl", "pid": process.pid}))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with pytest.raises(Refused):
        real.take(claim("b"))
    began = time.monotonic()
    assert real.take(claim("b", seen={"run": "a", "alive": False}))["run"] == "b"
    assert time.monotonic() - began < 60
    assert json.loads(Path(lock.state.lock).read_text())["token"] == 2
