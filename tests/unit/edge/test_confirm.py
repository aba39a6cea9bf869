# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeing a flip at the public names has a deadline, whatever one of them does."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.public_names import Public
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.traffic.traffic import Traffic

NAMES = [{"host": host, "path": "/"} for host in ("slow.test", "a.test", "b.test")]


class Clock:
    def __init__(self) -> None:
        self._at, self._lock = 100.0, threading.Lock()

    def now(self) -> float:
        return self._at

    monotonic = now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._at += seconds


class Edge:
    """One name never answers: who asks waits as long as he said."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def request(self, method: str, url: str, *, timeout: float = 10, **given: Any) -> Response:
        if urlsplit(url).hostname == "slow.test":
            self.clock.sleep(timeout)
            return Response(0, error="no whole answer within %g s" % timeout)
        if urlsplit(url).hostname == "ops.test":
            return Response(401)
        return Response(200, {"x-bluegreen-colour": "green"})


def caddy(clock: Clock, tmp_path: Path) -> Traffic:
    options = SimpleNamespace(scheme="http", address="127.0.0.1", port=80, method="switch", state_dir=str(tmp_path))
    edge: Any = SimpleNamespace(
        options=options, network=nullcontext, place=lambda: SimpleNamespace(directory=str(tmp_path))
    )
    anything: Any = None
    return Traffic(edge, anything, (), Edge(clock), clock)


def test_caddys_names(tmp_path: Path) -> None:
    """The deadline was looked at between rounds alone, and a round took 5 s or, dripping, for ever."""
    clock = Clock()
    with pytest.raises(BluegreenError, match=r"slow\.test/ says no colour \(status 0, no whole answer"):
        caddy(clock, tmp_path).confirm("green", NAMES, 0.0, 2.0)
    assert 102.0 <= clock.now() <= 102.5


HOW = {"header": "X-Bluegreen-Colour", "scheme": "https", "address": "", "port": 443}


def test_cloudflares_names() -> None:
    clock = Clock()
    with pytest.raises(BluegreenError, match=r"slow\.test/ says no whole answer"):
        Public(Edge(clock), clock, NAMES, HOW).confirm("green", 0.0, 2.0)
    assert 102.0 <= clock.now() <= 102.5


def test_a_rollback_at_cloudflare_does_not_fail_for_a_name_behind_a_login() -> None:
    def asked(*hosts: str, colour: str = "green") -> dict[str, object]:
        clock = Clock()
        names = [{"host": host, "path": "/"} for host in hosts]
        return Public(Edge(clock), clock, names, HOW).confirm_return(colour, 100.0, 2.0)

    found = asked("ops.test", "a.test")
    assert found["seen_at"] and "ops.test/ says no colour (status 401)" in str(found["warnings"])
    assert asked("ops.test")["seen_at"] is None and asked("a.test")["warnings"] == []
    with pytest.raises(BluegreenError, match=r"a\.test/ says green"):
        asked("ops.test", "a.test", colour="blue")
