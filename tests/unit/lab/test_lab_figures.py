# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The load's figures, computed a second time from a recorded run, by the words of tests/lab/load/README.md."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

FIXTURE = Path(__file__).parent / "fixtures" / "load"
TOOL = Path(__file__).parents[2] / "lab" / "load"
Row = dict[str, Any]
MS = 1_000_000
FOREVER = 2**63 - 1


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


ROWS = read(FIXTURE / "requests.jsonl")
MARKS = sorted(read(FIXTURE / "marks.jsonl"), key=lambda mark: int(mark["at"]))
SEEN = read(FIXTURE / "seen.jsonl")


def colour(row: Row) -> str:
    return str(row.get("edge") or row.get("app") or "")


def end(row: Row) -> int:
    return int(row["at"]) + round(float(row["ms"]) * MS)


def latency(row: Row) -> float:
    return max(0.0, float(row["ms"] + row.get("dial_ms", 0) - row.get("asked_ms", 0)))


def windows() -> list[tuple[int, int]]:
    found = []
    for mark in MARKS:
        if mark["mark"].endswith("-begin"):
            wanted = mark["mark"].removesuffix("-begin") + "-end"
            ends = [m["at"] for m in MARKS if m["mark"] == wanted and m["at"] >= mark["at"]]
            found.append((mark["at"], min(ends, default=FOREVER)))
    return found


def announced(begin: int, until: int) -> bool:
    return any(begin <= w_end and until >= w_begin for w_begin, w_end in windows())


def lost(kind: bool) -> list[Row]:
    return [
        r
        for r in ROWS
        if r["outcome"] == "lost" and announced(r["at"] - round(r.get("dial_ms", 0) * MS), end(r)) == kind
    ]


def must_be(row: Row) -> str:
    """The colour that alone may answer this request by the marks, or nothing."""
    turns = [m for m in MARKS if m["mark"].split(":")[0] in ("live", "flip")]
    for mark, following in zip(turns, [*turns[1:], {"at": FOREVER}]):
        kind, name = mark["mark"].split(":")
        until = following["at"] - round(following.get("before_ms", 0) * MS)
        if kind != "live" or row["at"] < mark["at"] + round(mark.get("tolerance_ms", 250) * MS):
            continue
        if end(row) < until or row["at"] < until - 1000 * MS:
            return str(name)
    return ""


def strangers() -> Counter[str]:
    found: Counter[str] = Counter()
    for row in ROWS:
        live = must_be(row)
        if not live or not colour(row) or colour(row) == live:
            continue
        if row.get("pin") == colour(row):
            found["pinned_away"] += 1
        elif row["path"].startswith("/_next/static/"):
            found["asset_fallback"] += 1
        else:
            found["wrong_colour"] += 1
    return found


def kept(kind: str) -> tuple[int, int]:
    subjects: dict[str, list[Row]] = {}
    for row in ROWS:
        if row["kind"] == kind and row.get("subject"):
            subjects.setdefault(row["subject"], []).append(row)
    good = [
        rows
        for rows in subjects.values()
        if any(r["outcome"] == "ok" for r in rows) and not any("refused" in r.get("reason", "") for r in rows)
    ]
    return len(subjects), len(good)


def percentile(share: float) -> float:
    values = sorted(latency(r) for r in ROWS if r["status"])
    return values[math.ceil(share * len(values)) - 1]


def retired(name: str, at: int) -> bool:
    """Whether the last that was said of a colour before ``at`` is that it goes."""
    said = [m["mark"] for m in MARKS if m["at"] <= at and m["mark"] in ("retire:" + name, "live:" + name)]
    return bool(said) and said[-1].startswith("retire")


def sockets() -> Counter[str]:
    found: Counter[str] = Counter()
    for row in ROWS:
        if "ws" not in row:
            continue
        found["ws_open"] += 1
        if row["ws"]["closed_by"] == "edge":
            at = row["at"] + round((row["ms"] + row["ws"]["life_ms"]) * MS)
            found["ws_closed_announced" if announced(at, at) or retired(colour(row), at) else "ws_closed"] += 1
    return found


def flips() -> list[Row]:
    marks = [m for m in MARKS if m["mark"].startswith("flip:")]
    found = []
    for mark, until in zip(marks, [m["at"] for m in marks[1:]] + [FOREVER]):
        to = mark["mark"].split(":")[1]
        rows = [
            r
            for r in ROWS
            if colour(r)
            and mark["at"] <= end(r) < until
            and not r.get("asked_ms")
            and not r.get("pin")
            and not r["path"].startswith("/_next/static/")
        ]
        new = [end(r) - mark["at"] for r in rows if colour(r) == to]
        old = [end(r) - mark["at"] for r in rows if colour(r) != to]
        sent = [r["at"] - mark["at"] for r in rows if colour(r) != to]
        found.append(
            {
                "to": to,
                "at": mark["at"],
                "first_new_ms": min(new) / MS if new else None,
                "last_old_ms": max(old) / MS if old else None,
                "last_old_sent_ms": max(sent) / MS if sent else None,
            }
        )
    return found


def by_kind() -> dict[str, Row]:
    here = Counter(r["kind"] for r in lost(False))
    errors = Counter(r["kind"] for r in ROWS if r["outcome"] == "release_error")
    limited = Counter(r["kind"] for r in ROWS if r["outcome"] == "rate_limited")
    return {
        kind: {"requests": n, "lost": here[kind], "release_errors": errors[kind], "rate_limited": limited[kind]}
        for kind, n in Counter(r["kind"] for r in ROWS).items()
    }


def posts() -> list[Row]:
    return [r for r in ROWS if r["method"] == "POST" and r.get("app") and r["outcome"] == "ok"]


def recomputed() -> Row:
    outcomes = Counter(r["outcome"] for r in ROWS)
    times: Counter[str] = Counter()
    for line in SEEN:
        times[line["id"]] += line["n"]
    seconds = (max(end(r) for r in ROWS) - min(r["at"] for r in ROWS)) / 1e9
    sessions, tokens = kept("session"), kept("introspect")
    return {
        "requests": len(ROWS),
        "lost": len(lost(False)),
        "lost_by_reason": Counter(r["reason"] for r in lost(False)),
        "announced_lost": len(lost(True)),
        "announced_by_reason": Counter(r["reason"] for r in lost(True)),
        "duplicated": sum(n > 1 for n in times.values()),
        "posts": len(posts()),
        "unseen": sum(not times[r["id"]] for r in posts()),
        "release_errors": outcomes["release_error"],
        "rate_limited": outcomes["rate_limited"],
        "idle_closed": sum(r.get("idle_closed", False) for r in ROWS),
        "stray": sum(r.get("stray", False) for r in ROWS),
        "slow": sum(latency(r) > 1000 for r in ROWS),
        "pinned": sum("pin" in r for r in ROWS),
        **{name: strangers()[name] for name in ("wrong_colour", "pinned_away", "asset_fallback")},
        "sessions": sessions[0],
        "sessions_kept": sessions[1],
        "tokens": tokens[0],
        "tokens_kept": tokens[1],
        "refreshes": sum(r["kind"] == "refresh" and r["outcome"] == "ok" for r in ROWS),
        **{name: sockets()[name] for name in ("ws_open", "ws_closed", "ws_closed_announced")},
        "seconds": seconds,
        "rate": len(ROWS) / seconds,
        "p50_ms": percentile(0.5),
        "p99_ms": percentile(0.99),
        "max_ms": percentile(1),
        "by_kind": by_kind(),
        "by_colour": Counter(colour(r) for r in ROWS if colour(r)),
        "by_version": Counter(r["version"] for r in ROWS if r.get("version")),
        "by_proto": Counter(r["proto"] for r in ROWS),
        "flips": flips(),
    }


EXPECTED = recomputed()


def agree(printed: Row) -> None:
    assert set(printed) == set(EXPECTED)
    for name, wanted in EXPECTED.items():
        if name == "flips":
            assert [pytest.approx(flip) for flip in wanted] == printed[name]
        elif isinstance(wanted, float):
            assert printed[name] == pytest.approx(wanted, rel=1e-9), name
        else:
            assert printed[name] == wanted, name


def test_recorded_figures_are_what_the_log_says() -> None:
    agree(json.loads((FIXTURE / "figures.json").read_text()))


def test_the_tool_prints_what_the_log_says(tmp_path: Path) -> None:
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        pytest.skip("no Go here to build the load with")
    run = tmp_path / "run"
    shutil.copytree(FIXTURE, run)
    command = [go, "run", ".", "figures", "--json", str(run)]
    done = subprocess.run(command, cwd=TOOL, capture_output=True, text=True, check=True, timeout=600)
    agree(json.loads(done.stdout))


@pytest.mark.parametrize(
    "name",
    [
        "lost",
        "announced_lost",
        "duplicated",
        "unseen",
        "release_errors",
        "idle_closed",
        "slow",
        "wrong_colour",
        "pinned",
        "ws_closed",
        "ws_closed_announced",
        "refreshes",
    ],
)
def test_the_recorded_run_has_something_of_each(name: str) -> None:
    """A figure that is nought in the fixture would agree however it is computed."""
    assert EXPECTED[name] > 0
