# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The threads of a watch: whatever fails, they say so and go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from kit.fakewatch import NoEntry, NoFork

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp, Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._report import words
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import main, source
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.observer import Observer, Public
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.prober import PairedProber
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.source import Event, Source

NAMES = ({"host": "login.test"},)


def config(**changes: Any) -> Config:
    return Config("d", "/nowhere", "v2-0123456789", "green", "/nowhere/switch", publish="loopback", **changes)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PAUSE", 0.01)


def heard(found: Source, enough: Callable[[list[Event]], bool]) -> list[Event]:
    """Its events until there are enough; 10 s at most."""
    told: list[Event] = []
    found.start()
    wait = threading.Event()
    for _look in range(1000):
        told += found.events()
        if enough(told):
            break
        wait.wait(0.01)
    found.stop()
    return told


class Answering:
    """A public name that green answers."""

    def request(self, *_given: Any, **_more: Any) -> Response:
        return Response(200, {"x-bluegreen-colour": "green"})


def test_an_observer_that_cannot_fork_goes_on_and_asks_the_public_name() -> None:
    """B1: EAGAIN of a fork is just what a leaking release causes."""
    public = Public(Answering(), NAMES, None)
    observer = Observer(config(public=NAMES), Podman(NoFork()), public, SystemClock())
    observer.live = "green"
    told = heard(observer, lambda found: sum(event["event"] == "public" for event in found) >= 3)
    assert sum(event["event"] == "public" and event["agrees"] for event in told) >= 3 and observer.answered
    looks = [event for event in told if event["event"] == "looked"]
    assert looks and not any(event["ok"] for event in looks) and "Resource" in words.sentence(looks[0])


def test_an_observer_that_sees_says_so() -> None:
    class Empty(SubprocessRunner):
        def run(self, *_argv: Any, **_given: Any) -> Any:
            return Result(0, "[]", "")

    observer = Observer(config(), Podman(Empty()), Public(Answering(), (), None), SystemClock())
    told = heard(observer, lambda found: any(event["event"] == "looked" for event in found))
    assert next(event["ok"] for event in told if event["event"] == "looked") is True


@pytest.mark.parametrize("why", [RuntimeError("can't start new thread"), OSError(11, "again"), KeyError("State")])
def test_a_prober_that_finds_no_way_tries_again(why: Exception) -> None:
    """It says so once, and not at each try."""
    way = NoEntry(why)
    told = heard(PairedProber(config(), DirectHttp(), SystemClock(), way), lambda _found: way.tries >= 3)
    assert way.tries >= 3 and [event["ok"] for event in told] == [False] and told[0]["detail"]
    assert words.sentence(told[0])


def test_a_thread_that_cannot_be_had_is_tried_for_at_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    class One(Source):
        name = "one"

        def work(self) -> None:
            self._put({"event": "done"})
            self._stopping.wait()

        def failed(self, detail: str) -> Event:
            return {"event": "failed", "detail": detail}

    def never(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    one = One(SystemClock())
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", never)
        one.start()
        one.start()
    assert [event["event"] for event in one.events()] == ["failed"]
    one.start()
    one.start()
    told = heard(one, bool)
    assert [event["event"] for event in told] == ["done"]


@pytest.mark.parametrize(
    ("edge", "verified"),
    [
        ({"address": "127.0.0.1", "port": 443}, False),
        ({"address": "127.0.0.1", "ca": "ca.pem"}, True),
        ({}, True),
        ({"ca": "ca.pem"}, True),
    ],
)
def test_a_name_that_is_looked_up_must_show_its_certificate(
    monkeypatch: pytest.MonkeyPatch, edge: dict[str, Any], verified: bool
) -> None:
    """C8: behind Cloudflare the public name is asked over the Internet, where anybody may answer."""
    made: list[bool] = []

    class Asked(DirectHttp):
        def __init__(self, ca: str | None = None, source: str = "", verify: bool = True) -> None:
            super().__init__(None, source, verify)
            made.append(verify)

    monkeypatch.setattr(main, "DirectHttp", Asked)
    main.inputs_of(config(edge=edge, probe=False), NoEntry(OSError()), SystemClock(), Podman(SubprocessRunner()))
    assert made == [verified]
