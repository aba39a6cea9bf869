# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of an edge that follows its switch have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.reload_method import ReloadMethod
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.traffic.traffic import Traffic
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.rollback_followup import configuration
from kit.caddy_kinds import Kind, Running

CASES = [Kind("caddyfile"), Kind("json")]


def switch(edge: Running, step: Callable[[str], None] = lambda name: None) -> Switch:
    return Switch(edge.edge.place().directory, step)


def watcher_back(edge: Running, step: Callable[[str], None] = lambda name: None) -> None:
    """As the watcher does it: it knows the switch and the state directory alone."""
    moved = switch(edge, step)
    notes: list[object] = []
    follow = configuration(SubprocessRunner(), moved, SystemClock(), edge.options.state_dir, step)
    assert follow(moved.rollback(), notes.append) == "" and not notes


def public(edge: Running) -> str:
    """The one colour that every site says."""
    (said,) = {edge.colour(), edge.colour("/", "login.test"), edge.colour("/sessions/x", "login.test")}
    return said


def restart(edge: Running) -> None:
    edge.stop()
    edge.start()


def flip(edge: Running, to: str, **params: Any) -> None:
    assert edge.app(state="live", colour=to, token=switch(edge).read().token, **params)["live"] == to


def settled(edge: Running, colour: str) -> None:
    """Live, after a restart too, and nothing is left to do."""
    assert public(edge) == colour
    assert edge.app(state="read")["problems"] == []
    assert not edge.app(state="adopted")["changed"]


def cutting_over(edge: Running, step: Callable[[str], None]) -> None:
    traffic = Traffic(edge.edge, Admin(edge.edge), edge.upstreams, DirectHttp(), SystemClock())
    traffic.switch = Switch(traffic.switch.path, step)
    if isinstance(traffic.followup, ReloadMethod):
        traffic.followup.step = step
    traffic.make_live("green", "", traffic.switch.read().token)
