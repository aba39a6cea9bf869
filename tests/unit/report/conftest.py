# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A watch of an hour ago as its files would tell it, judged by the real judge."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._verdict.judge import judge
from ansible_collections.olympus.bluegreen.plugins.module_utils._verdict.parameters import Parameters

START = 1_777_000_000.0
RELEASE = "v1.5.2-errors-0123456789"
PARAMETERS = Parameters(min_events=300).as_dict()


def watch_of(share: float, seconds: int) -> list[dict[str, Any]]:
    """Events of a watch: 12 answers a second, the login journey broken for a while in the middle."""
    rng = random.Random(5)
    baseline = {"n": 14000, "bad": 21, "dispersion": 1.2, "seconds": 1200.0}
    events: list[dict[str, Any]] = [
        {"event": "waiting", "at": START - 6, "colour": "green", "release": RELEASE},
        {
            "event": "armed",
            "at": START,
            "flip": "00112233aabbccdd",
            "colour": "green",
            "window": seconds,
            "parameters": PARAMETERS,
            "baseline": baseline,
            "trusted": ["login ciam-kratos", "warm site"],
        },
    ]
    for second in range(1, seconds + 1):
        ill = share > 0 and rng.random() < 0.4
        checks = {"warm site": [True, True], "login ciam-kratos": [not ill, True]}
        why = {"why": {"login ciam-kratos": "POST /self-service/login: status 500"}} if ill else {}
        bad = sum(rng.random() < share for _request in range(12))
        counts = {"new": {"n": 12, "bad": bad, "left": 0}, "old": {"n": 0, "bad": 0, "left": 0}, "edge_bad": 0}
        events.append({"event": "pair", "at": START + second, "checks": checks, **why})
        events.append({"event": "sample", "at": START + second + 0.1, "source": "ok", **counts})
        if judge(events).verdict:
            return events
    return [*events, {"event": "ended", "at": START + seconds + 0.2, "why": "window", "detail": ""}]


def rolled_back(verdict: str, until: float, done: bool) -> dict[str, Any]:
    if verdict != "FAIL":
        return {}
    if not done:
        return {"done": False, "to": "", "why": "blue is not alive (ciam-hera: <gone>)"}
    at = {"at": until + 0.1, "ms": 2.4, "seen_ms": 31.0}
    return {"done": True, "to": "blue", "why": "", "token": 9, "public": [], **at}


def ledger_of() -> list[dict[str, Any]]:
    stages = [("preflight", -95, -90), ("migrate", -90, -62), ("deploy", -62, -12), ("cutover", -8, 1)]
    found: list[dict[str, Any]] = []
    for stage, begin, end in stages:
        about = {"stage": stage, "version": "v1.5.2-errors", "run": "ctl-1-2"}
        found.append({"event": "stage_began", "at": START + begin, "operator": "anna", "token": 8, **about})
        found.append({"event": "stage_ended", "at": START + end, **about})
    return found


def verdict_of(events: list[dict[str, Any]], done: bool) -> dict[str, Any]:
    told, until = judge(events), float(events[-1]["at"])
    routes = [{"route": "login.ciam.olympus.test/login 500", "bad": 41}, {"route": "olympus.test/ 500", "bad": 3}]
    return {
        "v": 1,
        "kind": "watch",
        "verdict": told.verdict,
        "release": RELEASE,
        "version": "v1.5.2-errors",
        "colour": "green",
        "old": {"colour": "blue", "release": "v1.5.0-aaaaaaaaaa", "adopted": False},
        "flip": "00112233aabbccdd",
        "since": START,
        "until": until,
        "images": {},
        "reasons": list(told.reasons),
        "rolled_back": rolled_back(told.verdict, until, done),
        "evidence": {**told.evidence, "routes": routes if told.verdict == "FAIL" else [], "parameters": PARAMETERS},
    }


def data_of(share: float, seconds: int, done: bool = True) -> dict[str, Any]:
    """What `render` takes."""
    events = watch_of(share, seconds)
    names = ("hera", "site")
    images = {name: {"reference": "localhost/%s:v1.5.2" % name, "id": "sha256:" + "ab" * 32} for name in names}
    return {
        "verdict": verdict_of(events, done),
        "release": {"id": RELEASE, "version": "v1.5.2-errors", "created": START - 80, "images": images},
        "watch": events,
        "ledger": ledger_of(),
        "schema": [{"target": "ciam_kratos", "verdict": "NOT_JUDGED", "applied": ["20240101"]}],
        "written": float(events[-1]["at"]) + 1,
    }


@pytest.fixture
def failed() -> dict[str, Any]:
    return data_of(0.2, 300)


@pytest.fixture
def passed() -> dict[str, Any]:
    return data_of(0.0, 300)


@pytest.fixture
def stuck() -> dict[str, Any]:
    return data_of(0.2, 300, done=False)
