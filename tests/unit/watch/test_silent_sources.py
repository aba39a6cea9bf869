# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sources that fall silent or lie: none makes a PASS, and none takes a good release back for what is not its own."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kit.fakewatch import FLIP, NoFork, Scene, watch

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Runner
from ansible_collections.olympus.bluegreen.plugins.module_utils._verdict.judge import judge

PASS, FAIL, INCONCLUSIVE = "PASS", "FAIL", "INCONCLUSIVE"
ILL, WELL = {"login": [False, False]}, {"login": [True, True]}


def nothing(scene: Scene, since: int) -> None:
    """A good release."""


def at(second: int, do: Callable[[Scene], object]) -> Callable[[Scene, int], None]:
    def happens(scene: Scene, since: int) -> None:
        if since == second:
            do(scene)

    return happens


def set_(**changes: Any) -> Callable[[Scene], None]:
    def do(scene: Scene) -> None:
        for name, value in changes.items():
            setattr(scene, name, value)

    return do


def rolled_before(scene: Scene) -> None:
    """The half hour before lies in a packed file; the present one has just begun. Green then errs in 8 %."""
    packed = scene.log.parent / "access-2026-11-30T12-00-00.000-size.log.gz"
    with gzip.open(packed, "wb") as handle:
        handle.write(scene.log.read_bytes())
    scene.log.write_text("")


def eight_percent(scene: Scene, since: int) -> None:
    scene.answers = ((200, True),) * 9 + ((500 if since % 5 else 200, True),)


def clock_back(scene: Scene, since: int) -> None:
    """An hour back, and then the edge itself answers half of all requests, as green listens no more."""
    if since == 20:
        scene.clock.set_by = -3600
        scene.answers = ((200, True),) * 5 + ((502, False),) * 5


def clock_back_unlogged(scene: Scene, since: int) -> None:
    if since == 20:
        scene.clock.set_by = -3600
        scene.logging = False


def by_turns(scene: Scene, since: int) -> None:
    """Half of the window both colours are ill, ten seconds at a time, and so are the answers."""
    ill = since // 10 % 2 == 0
    scene.probes = ILL if ill else WELL
    scene.answers = ((500 if ill else 200, True),) * 10


def ill_already(scene: Scene) -> None:
    """Two seconds of both failing, before the flip."""
    scene.probes = WELL
    live = scene.clock.each

    def lived(second: int) -> None:
        if second < FLIP:
            scene.probes = ILL if second in (2, 3) else WELL
        live(second)

    scene.clock.each = lived


def ill_to_the_end(scene: Scene, since: int) -> None:
    if since == 200:
        scene.probes, scene.answers = ILL, ((500, True),) * 10


def ill_a_tenth(scene: Scene, since: int) -> None:
    ill = since in range(100, 130)
    scene.probes, scene.answers = ILL if ill else WELL, ((500 if ill else 200, True),) * 10


def replaced(make: Callable[[Path], object]) -> Callable[[Scene], None]:
    def do(scene: Scene) -> None:
        scene.log.unlink()
        make(scene.log)
        scene.logging = False

    return do


def linked(path: Path) -> None:
    (path.parent / "other").write_text("")
    os.symlink("other", path)


def cut_off(scene: Scene) -> None:
    """As ``copytruncate`` does; what was logged since the last look is gone."""
    shutil.copy(scene.log, str(scene.log) + ".1")
    os.truncate(scene.log, 0)


def no_log(scene: Scene) -> None:
    shutil.rmtree(scene.log.parent)
    scene.logging = False


@dataclass(frozen=True)
class Case:
    verdict: str
    word: str
    second: Callable[[Scene, int], None] = nothing
    before: Callable[[Scene], None] = lambda scene: None
    window: float = 300
    prober: Exception | None = None
    runner: Runner | None = None


CASES = {
    "well": Case(PASS, "0 errors in"),
    "prober dead": Case(INCONCLUSIVE, "probes were answered never", prober=RuntimeError("can't start new thread")),
    "probes find no way in": Case(INCONCLUSIVE, "probes were answered never", prober=BluegreenError("no such edge")),
    "prober falls silent": Case(INCONCLUSIVE, "not in the last", at(200, set_(probing=False))),
    "observer dead": Case(INCONCLUSIVE, "the observer could see", runner=NoFork()),
    "observer falls silent": Case(INCONCLUSIVE, "the observer could see", at(150, set_(looking=False))),
    "log rolled": Case(FAIL, "0.50 % were allowed", eight_percent, rolled_before),
    "log cut off": Case(INCONCLUSIVE, "was cut off", at(100, cut_off)),
    "clock back": Case(FAIL, "were errors", clock_back),
    "clock back, log silent": Case(INCONCLUSIVE, "SOURCE_DOWN", clock_back_unlogged),
    "clock back alone": Case(PASS, "0 errors in", at(20, lambda scene: setattr(scene.clock, "set_by", -3600))),
    "clock forward alone": Case(PASS, "0 errors in", at(20, lambda scene: setattr(scene.clock, "set_by", 3600))),
    "both ill half of the window": Case(FAIL, "both colours failed", by_turns, window=900),
    "both ill half of a short window": Case(INCONCLUSIVE, "both colours failed", by_turns),
    "both ill a tenth of the window": Case(INCONCLUSIVE, "both colours failed", ill_a_tenth),
    "both ill before the flip already": Case(INCONCLUSIVE, "both colours", by_turns, ill_already, window=900),
    "incident never ends": Case(INCONCLUSIVE, "at the end", ill_to_the_end),
    "log gone": Case(INCONCLUSIVE, "SOURCE_DOWN", at(60, no_log)),
    "log not written any more": Case(INCONCLUSIVE, "SOURCE_DOWN", at(60, set_(logging=False))),
    "log a pipe": Case(INCONCLUSIVE, "SOURCE_DOWN", at(60, replaced(os.mkfifo))),
    "log a directory": Case(INCONCLUSIVE, "SOURCE_DOWN", at(60, replaced(os.mkdir))),
    "log a link": Case(INCONCLUSIVE, "SOURCE_DOWN", at(60, replaced(linked))),
    "log a pipe from the beginning": Case(INCONCLUSIVE, "SOURCE_DOWN", before=replaced(os.mkfifo)),
    "way back ill": Case(INCONCLUSIVE, "would not help", at(30, set_(probes={"login": [True, False]}))),
    "another site ill": Case(PASS, "0 errors in", before=set_(elsewhere=True)),
    "another site ill since": Case(INCONCLUSIVE, "came from no colour", at(20, set_(elsewhere=True))),
    "edge 502 at once": Case(FAIL, "were errors", at(1, set_(answers=((502, False),) * 10))),
}


class Hung(BaseException):
    """The watcher did not come back."""


@pytest.fixture(autouse=True)
def bounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The record's fsync is not what is tested; a watcher that hangs in an open must not hang the tests."""

    def hung(_signal: int, _frame: object) -> None:
        raise Hung

    monkeypatch.setattr(os, "fsync", lambda _fd: None)
    before = [(number, signal.getsignal(number)) for number in (signal.SIGALRM, signal.SIGTERM)]
    signal.signal(signal.SIGALRM, hung)
    signal.alarm(60)
    yield
    signal.alarm(0)
    for number, handler in before:
        signal.signal(number, handler)


@pytest.mark.parametrize("name", CASES)
def test_no_silence_passes_and_no_good_release_is_taken_back(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    scene = Scene(tmp_path, case.second)
    scene.history()
    case.before(scene)
    told, record = watch(scene, case.window, case.prober, case.runner)
    assert told.verdict == case.verdict, told.reasons
    assert any(case.word in reason for reason in told.reasons), told.reasons
    # The record alone comes to the same end.
    again = judge(record)
    assert (again.verdict, again.reasons) == (told.verdict, told.reasons)
