# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log through rolls, cuts and hostile hands; whose an error is that no colour answered."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SteadyClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.accesslog import Routes, parse
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.samples import BeforeFlip, Counts, Samples
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.tail import Tail, rolled


def entry(number: int, colour: str = "green", status: int = 200, host: str = "login.test", uri: str = "/login") -> str:
    line = {
        "ts": 100.0 + number,
        "duration": 0.5,
        "status": status,
        "request": {"host": host, "uri": uri, "headers": {}},
        "resp_headers": {"X-Bluegreen-Colour": [colour]} if colour else {},
    }
    return json.dumps(line) + "\n"


class Log:
    """A log as Caddy keeps it: it rolls by a rename, and packs behind it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "access.log"
        self.path.write_text("")
        self.count = self.rolls = 0

    def write(self, lines: int = 1) -> None:
        with self.path.open("a") as handle:
            for _line in range(lines):
                self.count += 1
                handle.write(entry(self.count))

    def roll(self, packed: bool = False) -> Path:
        self.rolls += 1
        to = self.path.with_name("access-2026-11-30T12-00-%02d.000.log" % self.rolls)
        os.rename(self.path, to)
        if packed:
            Path(str(to) + ".gz").write_bytes(gzip.compress(to.read_bytes()))
            to.unlink()
        self.path.write_text("")
        return to


def numbers(tail: Tail) -> list[int]:
    return [int(line.at) - 100 for line in tail.lines()]


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.sampled_from(["write", "roll", "pack", "look"]), max_size=20))
def test_no_roll_loses_a_line(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    """However many files came and went between two looks, packed or not: each line once, in order, and no cut."""
    log = Log(tmp_path_factory.mktemp("log"))
    tail = Tail(str(log.path))
    tail.open(0)
    seen: list[int] = []
    for step in [*steps, "look"]:
        if step == "write":
            log.write(2)
        elif step == "look":
            seen += numbers(tail)
        else:
            # Two files of one size and nothing in them are one to anybody.
            log.write()
            log.roll(packed=step == "pack")
    assert seen == list(range(1, log.count + 1)) and tail.cuts == 0


def test_a_file_that_went_away_is_said(tmp_path: Path) -> None:
    """Rolled twice, and what was rolled first is kept no more: some of it was never read."""
    log = Log(tmp_path)
    tail = Tail(str(log.path))
    tail.open(0)
    log.write()
    first = log.roll()
    log.write()
    log.roll()
    log.write()
    first.unlink()
    numbers(tail)
    assert tail.cuts == 1


@pytest.mark.parametrize("read", [True, False])
def test_a_log_that_was_cut_off_and_grew_again_is_said(tmp_path: Path, read: bool) -> None:
    log = Log(tmp_path)
    tail = Tail(str(log.path))
    if read:
        tail.open(0)
    log.write(3)
    if not read:
        tail.open(0)
    assert numbers(tail) == ([1, 2, 3] if read else [])
    log.path.write_text("")
    log.write(5)
    assert numbers(tail) == [4, 5, 6, 7, 8] and tail.cuts == 1
    log.write()
    assert numbers(tail) == [9] and tail.cuts == 1


@pytest.mark.parametrize("packed", [True, False])
def test_the_half_hour_before_is_read_through_rolls(tmp_path: Path, packed: bool) -> None:
    """C1: Caddy rolled a moment ago; the baseline is in the files before, newest first, as far as ``back`` goes."""
    log = Log(tmp_path)
    for _roll in range(3):
        log.write(10)
        log.roll(packed)
    tail = Tail(str(log.path))
    tail.open(1 << 20)
    assert numbers(tail) == list(range(1, 31))
    tail.open(15 * len(entry(1)))
    assert numbers(tail) == list(range(11, 31))


def test_older_files_than_the_baseline_are_left_alone(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.write(10)
    os.utime(log.roll(), (50, 50))
    log.write(10)
    os.utime(log.roll(), (150, 150))
    tail = Tail(str(log.path))
    tail.open(1 << 20, since=100)
    assert numbers(tail) == list(range(11, 21))


def test_what_was_not_watched_and_not_kept_is_said(tmp_path: Path) -> None:
    """A watcher died at 100; when the next begins, the log reaches back to 105 only."""
    log = Log(tmp_path)
    log.count = 4
    log.write(10)
    trail = Samples(Tail(str(log.path)), Counts("green", "blue"), 1.0)
    assert all(sample["cut"] for sample in trail.missed(100.0, 5.0))
    assert not any("cut" in sample for sample in trail.missed(105.5, 5.0))


def within(seconds: float, do: Any) -> Any:
    """What it gives; a thread that hangs is a failure."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(do()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert found, "it hangs"
    return found[0]


@pytest.mark.parametrize("kind", ["pipe", "directory", "link", "linked directory", "rolled pipe", "rolled link"])
def test_only_a_file_of_its_own_is_a_log(tmp_path: Path, kind: str) -> None:
    """A2: the edge may write there. A pipe would hold the watcher for ever, a link leads anywhere."""
    folder = tmp_path / "log"
    folder.mkdir()
    (tmp_path / "secret").write_text(entry(7))
    path, rolled = folder / "access.log", folder / "access-1.log"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(tmp_path / "secret")
    elif kind == "linked directory":
        (tmp_path / "other").mkdir()
        (tmp_path / "other/access.log").write_text(entry(7))
        folder.rmdir()
        folder.symlink_to(tmp_path / "other")
    elif kind == "rolled pipe":
        os.mkfifo(rolled)
    else:
        rolled.symlink_to(tmp_path / "secret")
    tail = Tail(str(path))

    def look() -> list[int]:
        tail.open(1 << 20)
        return numbers(tail) + numbers(tail)

    assert within(10, look) == []


def test_a_packed_file_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb in place of a rolled log, and a line without an end."""
    monkeypatch.setattr("%s.UNPACKED" % Tail.__module__, 4 << 20)
    (tmp_path / "access-1.log.gz").write_bytes(gzip.compress(b"\0" * (64 << 20) + b"\n" + entry(7).encode()))
    (tmp_path / "access.log").write_bytes(b"x" * (3 << 20) + b"\n" + entry(8).encode())
    (tmp_path / "access-2.log.gz").write_bytes(b"\x1f\x8b no gzip at all, but long enough")
    tail = Tail(str(tmp_path / "access.log"))
    tail.open(16 << 20)
    assert numbers(tail) == [8]


@pytest.mark.parametrize(
    "text",
    [
        '{"request": "x", "ts": 1, "duration": 1, "status": 200}',
        '{"request": {}, "ts": NaN, "duration": 1, "status": 200}',
        '{"request": {}, "ts": 1e999, "duration": 1, "status": 200}',
        '{"request": {}, "ts": 1, "duration": 1, "status": Infinity}',
        '{"request": {}, "ts": %s, "duration": 1, "status": 200}' % ("9" * 400),
        "[" * 100_000,
    ],
)
def test_no_line_ends_the_watch(text: str) -> None:
    assert parse(text) is None


# Whose error is it (B2)

OTHER = "pgadmin.test"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        # The edge's own 502 where blue answered a moment ago: the colour was down at once.
        ([entry(1, "blue")], entry(200, "", 502), (1, 0, 0)),
        # The same of a route that only a colour since the flip has answered.
        ([entry(150, "green")], entry(200, "", 502), (1, 0, 0)),
        # Another path of that host, which was never answered.
        ([entry(1, "blue")], entry(200, "", 500, uri="/new"), (0, 0, 1)),
        # It failed before the flip already, or others answer there: another site's.
        ([entry(1, "", 500, OTHER)], entry(200, "", 500, OTHER), (0, 1, 0)),
        ([entry(150, "", 200, OTHER)], entry(200, "", 500, OTHER, "/browser"), (0, 1, 0)),
        ([entry(1, "blue"), entry(2, "", 200, uri="/grafana")], entry(200, "", 500, uri="/grafana"), (0, 1, 0)),
        # A redirect to https tells nothing, nor is an error since the flip.
        ([entry(1, "", 308)], entry(200, "", 502), (0, 0, 1)),
        ([entry(150, "", 502)], entry(200, "", 502), (0, 0, 2)),
        # A public name of ours, by whatever port, is no other site's though a file answers there too.
        ([entry(1, "", 200, "public.test:443", "/robots")], entry(200, "", 502, "Public.test"), (0, 0, 1)),
    ],
)
def test_whose_an_error_is_that_no_colour_answered(before: list[str], after: str, said: tuple[int, int, int]) -> None:
    counts = Counts("green", "blue", ["public.test"])
    counts.flipped = 220.0
    counts.add(line for text in [*before, after] if (line := parse(text)))
    found = counts.take()
    assert (found["new"]["bad"], found["elsewhere"], found["unclear"]) == said


def test_the_baseline_counts_errors_of_its_own_routes_only() -> None:
    approach = BeforeFlip("blue", 0.0, 300.0, Routes())
    lines = [entry(1, "", 502), entry(2, "blue"), entry(3, "", 500, OTHER), entry(4, "blue", 503)]
    approach.read(line for text in lines if (line := parse(text)))
    found = approach.baseline(200.0, 5.0)
    assert (found.n, found.bad) == (3, 2)


# One clock


class Wall:
    """Both clocks of a machine."""

    def __init__(self) -> None:
        self.wall, self.mono = 1000.0, 5.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.mono

    def sleep(self, seconds: float) -> None:
        self.wall += seconds
        self.mono += seconds


@pytest.mark.parametrize("step", [-3600.0, 3600.0, 0.2])
def test_a_clock_that_is_set_moves_nothing(tmp_path: Path, step: float) -> None:
    """C6: a line of the log, a flip and an event of ours stay in their order."""
    wall = Wall()
    clock = SteadyClock(wall)
    wall.sleep(10)
    wall.wall += step
    wall.sleep(10)
    assert clock.now() == 1020.0 and abs(clock.of_wall(wall.wall) - 1020.0) < 0.5
    path = tmp_path / "access.log"
    path.write_text("")
    tail = Tail(str(path), clock)
    tail.open(0)
    path.write_text(entry(0).replace("100.0", str(wall.wall - 1)))
    line = next(tail.lines())
    assert abs(line.at - 1019.0) < 0.5 and abs(line.at - line.begun - 0.5) < 1e-6
    path.write_text(path.read_text() + entry(0).replace("100.0", "9999.0"))
    assert next(tail.lines()).at == clock.now()


def test_a_copy_of_the_log_beside_it_is_no_roll(tmp_path: Path) -> None:
    """``access.log.1`` and the like: what is not called as Caddy calls it is not read."""
    log = Log(tmp_path)
    log.write()
    shutil.copy(log.path, tmp_path / "access.log.1")
    shutil.copy(log.path, tmp_path / "other-1.log")
    assert rolled(str(log.path)) == []
