# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch itself, for who hands over (asked again before each step), removes or starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.edge import place_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context, nothing
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Runner
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch


def _located(params: Mapping[str, Any], runner: Runner) -> Callable[[], str]:
    """Its directory: ``switch_dir``, or at the running edge of the project; looked for once, when it is first asked."""
    found: list[str] = [params["switch_dir"]] if params["switch_dir"] else []

    def directory() -> str:
        if not found:
            found.append(place_of(runner, params["project"], params["edge"]).directory)
        return found[0]

    return directory


def finder(params: Mapping[str, Any], runner: Runner) -> Callable[[], Switch | None]:
    """The switch; None where there is none, or nothing says where."""
    directory, told = _located(params, runner), params["switch_dir"] or params["edge"]

    def switch() -> Switch | None:
        found = Switch(directory()) if told else None
        return found if found and found.exists() else None

    return switch


def withdrawn(switch: Callable[[], Switch | None], colours: Iterable[str]) -> list[str]:
    """Which of ``colours`` the switch takes for being removed. Where no edge runs nobody can be asked: none."""
    try:
        found = switch()
    except BluegreenError:
        return []
    return [colour for colour in colours if found and found.rollback_blocked(colour)]


def unfenced(context: Context) -> Callable[[], None]:
    """Raises Fenced where a run that is newer than ours (or than now, where we have no token) has begun. Where no edge
    runs, nothing is asked."""
    try:
        switch = context.switch()
    except BluegreenError:
        return nothing
    if switch is None:
        return nothing
    return partial(switch.require, context.token or switch.read().token)


def reader(params: Mapping[str, Any], runner: Runner) -> Callable[[], str]:
    """Who is live."""
    directory = _located(params, runner)
    return lambda: live_of(directory())


def live_of(directory: str) -> str:
    switch = Switch(directory)
    if not switch.exists():
        raise BluegreenError("no switch at %s" % directory, fix="run the adopt stage")
    live = switch.read().live
    if not live:
        raise BluegreenError("the switch at %s names nobody" % directory, fix="run the adopt stage, it repairs it")
    return live
