# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Rollback as it is typed, in every bad moment: the colour, the return code and the words that docs/operations.md says.

A full disk is in tests/contract/caddy/test_way_back.py, a kill between renames in tests/unit/switch/.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kit.operations import rollback_table

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Fenced
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import StateDir
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.lock import Claim, Lock
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch
from olympus_lab import config, podman, release, truth
from olympus_lab.progress import wait_for

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("deployed")]
TABLE = rollback_table()


@pytest.fixture(scope="module", autouse=True)
def nobody_at_it(deployed: str) -> None:
    """A run that was killed before these tests has left its lock, as it may; here it would hide whose lock is seen."""
    lock = the_lock()
    lock.release(str((lock.read() or {}).get("run")))
    assert lock.read() is None and deployed


def the_lock() -> Lock:
    return Lock(StateDir(str(config.STATE)), switch(), SystemClock())


def switch() -> Switch:
    return Switch(str(truth.switch_dir().parent))


def make_live(colour: str) -> None:
    """A cutover reduced to what it writes: the way back to the other colour, then the flip."""
    if truth.on_disk() == colour:
        flip("green" if colour == "blue" else "blue")
    flip(colour)
    in_public(colour)


def flip(colour: str) -> None:
    here = switch()
    token = here.claim(0)
    here.prepare(ReturnTo(truth.on_disk(), "", "%016x" % time.time_ns(), time.time()), token)
    here.flip(colour, token)
    here.unclaim(token)


def begin(name: str, tags: str, **extra: object) -> subprocess.Popen[bytes]:
    """A play that is left to run beside others; its output goes to a log."""
    with (config.LOGS / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            release.command(tags, extra), cwd=config.ROOT, env=release.environment(), stdout=log, stderr=log
        )


def plain(text: str) -> str:
    """Ansible breaks long lines where it likes."""
    return re.sub(r"\s+", " ", text)


def judged(case: str, rc: int, out: str, live: str) -> None:
    """What the table says of this case, and what the systems say."""
    row = TABLE[case]
    assert rc == row.rc, out[-2000:]
    for words in row.words:
        assert words in plain(out), (words, out[-2000:])
    assert truth.on_disk() == live


def typed(case: str, live: str, **extra: object) -> release.Run:
    done = release.play("rollback-" + case.replace(" ", "-"), "rollback", extra, quiet=True)
    judged(case, done.rc, done.out, live)
    return done


def in_public(colour: str) -> None:
    """Every public name is answered by this colour, soon: an edge that was just started listens a moment later."""

    def missing() -> str:
        try:
            return ", ".join(host for host, said in truth.in_public().items() if said != colour)
        except OSError as error:
            return str(error)

    wait_for(f"{colour} in public", missing, 20)


def changed(out: str) -> int:
    found = re.search(r"olympuslab +: ok=\d+ +changed=(\d+)", out)
    assert found, out[-500:]
    return int(found[1])


@contextmanager
def stopped(service: str) -> Iterator[None]:
    podman.call(["stop", "-t", "2", config.container(service)])
    try:
        yield
    finally:
        podman.call(["start", config.container(service)])


def test_typed_twice() -> None:
    make_live("green")
    first = typed("as it should be", "blue")
    in_public("blue")
    second = typed("typed twice", "blue")
    assert changed(first.out) >= 1 and switch().read().live == "blue"
    assert changed(second.out) == 0
    print(f"rollback_play_s={first.seconds:.1f} tasks={first.out.count('TASK [')}")


def test_somebody_holds_the_lock() -> None:
    make_live("green")
    lock = the_lock()
    held = lock.take(Claim("other-run", stage="cutover", operator="somebody"))
    try:
        typed("another run holds the lock", "blue")
        in_public("blue")
        with pytest.raises(Fenced):
            switch().flip("green", int(held["token"]))
    finally:
        lock.release("other-run")


def test_two_at_once() -> None:
    make_live("green")
    both = [begin(f"rollback-at-once-{number}", "rollback") for number in (1, 2)]
    codes = [one.wait(120) for one in both]
    for number, code in enumerate(codes, 1):
        judged("two at once", code, (config.LOGS / f"rollback-at-once-{number}.log").read_text(), "blue")
    in_public("blue")


def test_postgresql_is_stopped() -> None:
    make_live("green")
    with stopped("postgres"):
        typed("PostgreSQL is stopped", "blue")
        in_public("blue")


def test_no_edge_runs() -> None:
    make_live("green")
    with stopped("caddy"):
        typed("the edge is stopped", "blue")
    in_public("blue")


def test_a_cutover_is_running(deployed: str) -> None:
    """Typed when the cutover has begun and not flipped: it is fenced, whatever it was just doing."""
    if switch().read().live != "blue":
        make_live("blue")
    cutover = begin("rollback-cutover", "cutover", version=deployed)
    try:
        wait_for("the cutover's lock", lambda: "" if (config.STATE / "lock.json").exists() else "lock", 60)
        typed("a cutover is running", "blue")
    finally:
        code = cutover.wait(180)
    judged("the cutover that was running", code, (config.LOGS / "rollback-cutover.log").read_text(), "blue")
    in_public("blue")


@pytest.mark.slow
@pytest.mark.parametrize("after", [1.0, 3.0, 6.0, 10.0, 15.0])
def test_a_cutover_is_running_at_any_moment(deployed: str, after: float) -> None:
    """Wherever the cutover is when the rollback is typed: blue is live when both are over, unless the rollback was
    over before the cutover had its lock."""
    if switch().read().live != "blue":
        make_live("blue")
    cutover = begin("rollback-moment-cutover", "cutover", version=deployed)
    time.sleep(after)
    begun = (config.STATE / "lock.json").exists() or truth.on_disk() == "green"
    back = release.play("rollback-moment", "rollback", quiet=True)
    assert cutover.wait(180) in (0, 2)
    assert back.rc == 0, back.out[-2000:]
    assert truth.on_disk() == "blue" or not begun


def test_green_is_gone_while_it_is_live() -> None:
    """The last one: the colour that it removes is needed by all others. Then the target is dead."""
    make_live("green")
    names = podman.call(["ps", "-a", "--filter", f"name={config.PROJECT}-green_", "--format", "{{.Names}}"]).stdout
    podman.call(["rm", "-f", "-t", "0", *names.split()])
    typed("the live colour is gone", "blue")
    in_public("blue")
    flip_to_the_dead()
    typed("the target is not alive", "blue")
    in_public("blue")
    done = typed("forced to a dead target", "green", bluegreen_force_rollback=True)
    assert "green" in done.out
    flip("blue")
    in_public("blue")


def flip_to_the_dead() -> None:
    """Live is blue, and the way back is green, which is gone."""
    flip("green")
    flip("blue")


def test_the_table_is_whole() -> None:
    """Every row is typed by some test, here or on a real Caddy without Podman."""
    tests = Path(__file__).parent.parent
    beside = ["contract/caddy/test_%s.py" % name for name in ("way_back", "caddy_follow", "caddy_played")]
    texts = [(tests / name).read_text() for name in ("lab/test_rollback.py", *beside)]
    assert TABLE and not [case for case in TABLE if not any(f'"{case}"' in text for text in texts)]
