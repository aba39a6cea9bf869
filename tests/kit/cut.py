# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kill between any two changes of adopt or undo."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.file import Adopter


class Cut(BaseException):
    """Stands for a kill: nothing may catch it and tidy up."""


def cut(number: int, act: Callable[[Callable[[str], None]], object]) -> bool:
    """Act until just before its change ``number``; False when it had fewer. ``act`` is given the hook."""
    seen = 0

    def step(_name: str) -> None:
        nonlocal seen
        if seen == number:
            raise Cut
        seen += 1

    try:
        act(step)
    except Cut:
        return True
    return False


def cut_off(make: Callable[[Callable[[str], None]], Adopter], number: int, undo: bool) -> bool:
    """Adopt or undo until just before its change ``number``; False when it had fewer. ``make`` is given the hook."""

    def act(step: Callable[[str], None]) -> None:
        adopter = make(step)
        adopter.apply(adopter.undone() if undo else adopter.adopted())

    return cut(number, act)
