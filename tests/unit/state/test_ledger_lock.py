# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock: who may have it (a table), and that only one gets it (real processes)."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Fenced, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import write_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.module import left
from ansible_collections.olympus.bluegreen.plugins.module_utils._state import lock as lock_module
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import StateDir
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.heartbeat import EVERY
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.lock import (
    STALE_SECONDS,
    Claim,
    Lock,
    Moment,
    may_take,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch


class Clock(SystemClock):
    """``at`` is what the clock says, ``up`` the time since the boot."""

    def __init__(self) -> None:
        self.at, self.up = 1000.0, 50.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.up

    def passes(self, seconds: float) -> None:
        self.at += seconds
        self.up += seconds


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
    return Lock(StateDir(str(tmp_path / "state")), switch, clock, boot=lambda: "boot-1")


def claim(run: str, **changes: Any) -> Claim:
    return Claim(**{"run": run, "stage": "deploy", "operator": "op", "version": "v2", **changes})


# Of a version before the time since the boot was written down, and one of today.
OLD = {"run": "a", "beat": 1000.0}
HELD = {**OLD, "up": 50.0, "boot": "boot-1"}


def moment(passed: float, stepped: float = 0.0, boot: str = "boot-1", up: float = 50.0) -> Moment:
    """So many seconds after the beat; meanwhile the clock was put on (or back) by ``stepped``."""
    return Moment(1000.0 + passed + stepped, up + passed, boot)


MONTH = 2592000.0


@pytest.mark.parametrize(
    ("lock", "run", "seen", "at", "wanted"),
    [
        (None, "b", None, moment(0), True),
        (HELD, "a", None, moment(9999), True),
        (HELD, "b", None, moment(1), False),
        (HELD, "b", None, moment(119), False),
        (HELD, "b", None, moment(121), True),
        (HELD, "b", {"run": "a", "alive": False}, moment(1), True),
        (HELD, "b", {"run": "a", "alive": True}, moment(9999), False),
        (HELD, "b", {"run": "other", "alive": False}, moment(1), False),
        (HELD, "b", {}, moment(1), False),
        # The clock was put back: the beat lies in the future, and real time goes on.
        (HELD, "b", None, moment(1, -MONTH), False),
        (HELD, "b", None, moment(121, -MONTH), True),
        (HELD, "b", None, moment(121, -60), True),
        # Put on by a month: the run beat a second ago.
        (HELD, "b", None, moment(1, MONTH), False),
        (HELD, "b", None, moment(121, MONTH), True),
        # Started again since: it has not beaten for as long as the host is up, whatever its clock says.
        (HELD, "b", None, Moment(1200.0, 30.0, "boot-2"), False),
        (HELD, "b", None, Moment(1200.0, 121.0, "boot-2"), True),
        (HELD, "b", None, Moment(1000.0 - MONTH, 30.0, "boot-2"), False),
        (HELD, "b", None, Moment(1000.0 - MONTH, 121.0, "boot-2"), True),
        # Only the clock is there to go by.
        (OLD, "b", None, moment(1), False),
        (OLD, "b", None, moment(121), True),
        (OLD, "b", None, moment(0, -1), True),
        (OLD, "b", None, moment(1, -MONTH), True),
        (HELD, "b", None, moment(1, boot=""), False),
        (HELD, "b", None, moment(121, boot=""), True),
    ],
)
def test_who_may_take_it(lock: Any, run: str, seen: Any, at: Moment, wanted: bool) -> None:
    assert may_take(lock, claim(run, seen=seen), at, STALE_SECONDS) is wanted


@given(
    step=st.floats(-1e8, 1e8, allow_nan=False),
    steps=st.lists(st.floats(0, 60, allow_nan=False), min_size=1, max_size=12),
)
def test_it_is_kept_for_the_real_time_of_its_beat_whatever_the_clock_does(step: float, steps: list[float]) -> None:
    passed = 0.0
    for more in steps:
        passed += more
        assert may_take(HELD, claim("b"), moment(passed, step), 120.0) is (50.0 + passed - 50.0 > 120.0)


def test_four_beats_in_a_row_are_missed_before_it_is_taken_over() -> None:
    assert (STALE_SECONDS, EVERY) == (120.0, 30.0)


def test_a_new_run_raises_the_token_and_the_same_run_keeps_it(lock: Lock, switch: Switch) -> None:
    first = lock.take(claim("a"))
    again = lock.take(claim("a", stage="cutover"))
    assert (first["token"], again["token"], switch.read().token) == (1, 1, 1)
    assert again["since"] == first["since"] and again["stage"] == "cutover"
    assert lock.release("b") is False and lock.release("a") is True and lock.release("a") is False
    assert lock.take(claim("b"))["token"] == 2


def test_the_refusal_names_everything(lock: Lock, clock: Clock) -> None:
    lock.take(claim("a", controller={"host": "ctl", "pid": 7}))
    clock.passes(60)
    with pytest.raises(Refused) as refused:
        lock.take(claim("b"))
    told = str(refused.value)
    for word in ("op at ctl (process 7)", "stage deploy", "run a", "v2", "1970-01-01", "60 s ago", "wait 60 s"):
        assert word in told
    assert "-e bluegreen_unlock=a" in told and "clock" not in told
    with pytest.raises(Refused) as alive:
        lock.take(claim("b", seen={"run": "a", "alive": True}))
    assert "wait" not in str(alive.value) and "-e bluegreen_unlock=a" in str(alive.value)


def test_a_clock_that_went_back_is_told_and_keeps_no_lock(lock: Lock, clock: Clock) -> None:
    """../inputs/lock_from_the_future: the run died, then the host's clock was corrected by a month."""
    clock.at += MONTH
    lock.take(claim("a"))
    clock.at -= MONTH
    clock.passes(10)
    with pytest.raises(Refused) as refused:
        lock.take(claim("b"))
    told = str(refused.value)
    assert "last beat 10 s ago, and this host's clock went back by 2592000 s since" in told
    assert not re.search(r"\s-\d", told)
    assert "wait 110 s" in told and "-e bluegreen_unlock=a" in told
    clock.passes(111)
    assert lock.take(claim("b"))["run"] == "b"


def test_a_lock_without_a_boot_and_a_holder_that_lives(lock: Lock, clock: Clock) -> None:
    """A version before wrote it, and its clock was a month ahead."""
    lock.take(claim("a"))
    written = json.loads(Path(lock.state.lock).read_text())
    old = {key: one for key, one in written.items() if key not in ("up", "boot")}
    Path(lock.state.lock).write_text(json.dumps({**old, "beat": clock.at + MONTH}))
    with pytest.raises(Refused, match="at an unknown time, and this host's clock went back by 2592000 s"):
        lock.take(claim("b", seen={"run": "a", "alive": True}))
    assert lock.silent() is None
    assert lock.take(claim("b"))["run"] == "b"


def test_an_operator_breaks_the_lock_of_one_run(lock: Lock, switch: Switch) -> None:
    """R14: a job that died, and the operator does not wait."""
    old = lock.take(claim("a"))
    with pytest.raises(Refused, match=r"bluegreen_unlock=x is not the run that holds the lock\. op at .*run a"):
        lock.take(claim("b", unlock="x"))
    # Not even where it would be given: the operator means another state of things.
    with pytest.raises(Refused):
        lock.take(claim("b", unlock="x", seen={"run": "a", "alive": False}))
    assert lock.take(claim("b", unlock="a", seen={"run": "a", "alive": True}))["token"] == 2
    # The same command again, and its next stages.
    assert lock.take(claim("b", unlock="a"))["token"] == 2
    with pytest.raises(Fenced):
        switch.prepare(ReturnTo("blue", "r", "0" * 16, 0), old["token"])
    with pytest.raises(Fenced):
        lock.beat("a")
    assert lock.release("a") is False and lock.release("b") is True
    # Typed once more, it finds a free lock.
    assert lock.take(claim("c", unlock="a"))["token"] == 3


def test_a_run_that_lost_its_lock_takes_none_again(lock: Lock, clock: Clock) -> None:
    """It was alive after all; its next stage would begin behind the one that took over."""
    lock.take(claim("a"))
    clock.passes(121)
    lock.take(claim("b"))
    lock.release("b")
    with pytest.raises(Fenced, match="took the lock over from run a"):
        lock.take(claim("a", stage="cutover"))
    assert lock.read() is None and lock.take(claim("c"))["run"] == "c"


def dying(left: list[int], path: str, value: Any) -> None:
    """The last of so many writes is not made."""
    left[0] -= 1
    if not left[0]:
        raise KeyboardInterrupt
    write_json(path, value)


def test_killed_while_it_takes_over(lock: Lock, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each write: the same claim again has the lock, and the old run never."""
    for write in range(1, 4):
        run = "old-%d" % write
        lock.take(claim(run))
        clock.passes(121)

        with monkeypatch.context() as patched:
            patched.setattr(lock_module, "write_json", partial(dying, [write]))
            with suppress(KeyboardInterrupt):
                lock.take(claim("new-%d" % write))
        assert lock.take(claim("new-%d" % write))["run"] == "new-%d" % write
        with pytest.raises(Fenced):
            lock.take(claim(run))
        assert lock.release("new-%d" % write)


def test_stale_is_taken_over_and_the_old_run_is_fenced(lock: Lock, clock: Clock, switch: Switch) -> None:
    lock.take(claim("a"))
    clock.passes(100)
    lock.beat("a", "migrate")
    clock.passes(100)
    with pytest.raises(Refused):
        lock.take(claim("b"))
    clock.passes(21)
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


@pytest.mark.parametrize(
    ("since", "seconds", "now", "waits"),
    [(1000.0, 60.0, 1020.0, 40.0), (1000.0, 60.0, 1060.0, 0.0), (0.0, 60.0, 1000.0, 0.0), (1000.0, 60.0, -MONTH, 60.0)],
)
def test_how_long_a_cache_is_waited_out(since: float, seconds: float, now: float, waits: float) -> None:
    """C4: by one clock, and no longer than the cache lasts where that went back."""
    assert left(since, seconds, now) == waits


MODULES = Path(__file__).resolve().parents[3] / "plugins/modules"


@pytest.mark.parametrize(
    "name",
    ["caddy_upstream", "cloudflare_lb_pool", "health_gate", "ory_migrate", "podman_compose_release", "release_ledger",
     "release_preflight", "schema_bridge", "schema_proof"],
)  # fmt: skip
def test_what_may_outlast_the_lock_beats(name: str) -> None:
    """A gate may take 120 s, a migration 900."""
    assert "with beating(" in (MODULES / (name + ".py")).read_text()


RACER = """
import sys, time
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.lock import Claim, Lock
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import StateDir
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
    path = lock.switch.path if isinstance(lock.switch, Switch) else ""
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
