# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who follows tells every event up to the verdict before he leaves, whenever he looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.action import release_watch

ARMED = {"event": "not_kept", "at": 1.0, "to": "green", "why": "first"}
ROLLED = {"event": "rolled_back", "at": 2.0, "to": "blue", "ms": 1.0, "seen_ms": 2.0}
VERDICT = {"event": "verdict", "at": 3.0, "verdict": "FAIL", "reasons": ["errors"]}
Look = dict[str, Any]


def look(events: Sequence[dict[str, Any]], after: int, verdict: str = "", alive: bool = True) -> Look:
    reasons = ["errors"] if verdict else []
    return {
        "events": list(events),
        "next": after + len(events),
        "verdict": verdict,
        "reasons": reasons,
        "watcher": {"alive": alive},
    }


class Screen:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def display(self, line: str, stderr: bool = False) -> None:
        assert stderr
        self.lines.append(line)


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[Look]], tuple[list[str], dict[str, Any], int]]:
    """Follow a watch that looks so, one look after the other; the lines, the result, and how often it looked."""

    def run(looks: Sequence[Look]) -> tuple[list[str], dict[str, Any], int]:
        screen, asked, now = Screen(), [0], [0.0]

        def module(_name: str, module_args: dict[str, Any], **_rest: Any) -> Look:
            if module_args["state"] != "read":
                return {"changed": False, "watcher": {"pid": 1} if looks else {}, "next": 0, "verdict": ""}
            asked[0] += 1
            return looks[min(asked[0], len(looks)) - 1]

        def sleep(seconds: float) -> None:
            now[0] += seconds

        plugin = object.__new__(release_watch.ActionModule)
        monkeypatch.setattr(plugin, "_execute_module", module, raising=False)
        monkeypatch.setattr(release_watch, "Display", lambda: screen)
        monkeypatch.setattr("%s.time.sleep" % release_watch.__name__, sleep)
        monkeypatch.setattr("%s.time.monotonic" % release_watch.__name__, lambda: now[0])
        found = plugin._follow({"state": "followed"}, {})
        return screen.lines, found, asked[0]

    return run


def test_a_verdict_is_not_left_before_its_last_event_was_told(follow: Any) -> None:
    """The verdict is published first; its report and its event come some time later (R26)."""
    early = look([ROLLED], 1, "FAIL")
    looks = [look([ARMED], 0), early, look([], 2, "FAIL"), look([VERDICT], 2, "FAIL")]
    lines, found, asked = follow(looks)
    assert found["verdict"] == "FAIL" and asked == 4
    assert "ROLLED BACK to blue" in lines[-2] and "verdict FAIL: errors" in lines[-1]


def test_it_looks_once_where_all_is_there(follow: Any) -> None:
    lines, _found, asked = follow([look([ARMED, ROLLED, VERDICT], 0, "FAIL", alive=False)])
    assert asked == 1 and "verdict FAIL" in lines[-1]


@pytest.mark.parametrize("alive", [True, False])
def test_an_event_that_never_comes_is_not_waited_for_and_the_verdict_is_told(follow: Any, alive: bool) -> None:
    lines, found, asked = follow([look([ARMED, ROLLED], 0, "FAIL", alive), look([], 2, "FAIL", alive)])
    assert found["verdict"] == "FAIL" and 1 < asked < 60
    assert [line for line in lines if "verdict FAIL: errors" in line] == lines[-1:]


def test_where_nothing_was_ever_cut_over_it_is_said_at_once(follow: Any) -> None:
    lines, found, asked = follow([])
    assert (
        found["failed"]
        and found["msg"].startswith("nothing to watch: no cutover yet. Fix: ")
        and "-e version=" in found["msg"]
    )
    assert not asked and not lines
