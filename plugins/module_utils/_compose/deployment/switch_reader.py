# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch as the states read it: where it is, which colour is live, which ones are being removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from ..._cloudflare.edge import place_of
from ..._core.errors import BluegreenError
from ..._core.runner import Runner
from ..._switch.switch import Switch
from .job import Context, nothing


def _located(params: Mapping[str, Any], runner: Runner) -> Callable[[], str]:
    """Its directory: ``switch_dir``, or at the running edge of the project; looked for once, when it is first asked."""
    found: list[str] = [params["switch_dir"]] if params["switch_dir"] else []

    def directory() -> str:
        if not found:
            found.append(place_of(runner, params["project"], params["edge"]).directory)
        return found[0]

    return directory


def finder(params: Mapping[str, Any], runner: Runner) -> Callable[[], Switch | None]:
    """The switch; None where there is none, or where neither option says where."""
    directory, known = _located(params, runner), params["switch_dir"] or params["edge"]

    def switch() -> Switch | None:
        found = Switch(directory()) if known else None
        return found if found and found.exists() else None

    return switch


def rollback_blocked(context: Context, colours: Iterable[str]) -> list[str]:
    """Which of ``colours`` the switch says are being removed. Where no edge runs nothing can be asked: none."""
    found = context.reachable_switch()
    return [colour for colour in colours if found and found.rollback_blocked(colour)]


def unfenced(context: Context) -> Callable[[], None]:
    """Raises Fenced where a run that is newer than ours (or than now, where we have no token) has begun. Where no edge
    runs, nothing is asked."""
    switch = context.reachable_switch()
    return partial(switch.require, context.token or switch.read().token) if switch else nothing


def reader(params: Mapping[str, Any], runner: Runner) -> Callable[[], str]:
    """Reads the live colour."""
    directory = _located(params, runner)
    return lambda: live_of(directory())


def live_of(directory: str) -> str:
    switch = Switch(directory)
    if not switch.exists():
        raise BluegreenError("there is no switch at %s" % directory, fix="run the adopt stage")
    live = switch.read().live
    if not live:
        raise BluegreenError(
            "the switch at %s records no live colour" % directory, fix="run the adopt stage, which repairs it"
        )
    return live
