# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a colour was last seen to fail, since when, and when its checks last passed: ``<state_dir>/health.json``.

::

    {colour: {"release", "at", "well": when all that was asked passed, "fails": {"check service": {"since", "detail"}}}}
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from .._core.errors import BluegreenError
from .._core.files import locked, read_mapping, write_json
from .._state.directory import StateDir
from .._state.redact import redact
from .model import CheckResult

NAME = "health.json"
# Who passes these can do what a person does; what a comparison blamed it for is over then.
LOGINS = ("login", "code_flow")


@dataclass(frozen=True)
class ColourResults:
    """Results that speak of one colour alone: its own checks, or what a comparison found that it can't do."""

    colour: str
    results: Sequence[CheckResult]
    own: bool = True


def by_colour(
    colour: str, against: str, results: Sequence[CheckResult], two_sided: Sequence[bool]
) -> list[ColourResults]:
    """What a gate shows of either colour. That the two do not fit each other is a failure of neither."""
    pairs = list(zip(results, two_sided))
    own = [one for one, both in pairs if not both and one.name not in ("secrets", "settings")]
    blamed = [
        replace(one, ok=not one.other, untested="", detail=one.other) for one, both in pairs if both and one.asked
    ]
    return [ColourResults(colour, own), *([ColourResults(against, blamed, False)] if against else [])]


def merged(before: Mapping[str, Any], release: str, seen: ColourResults, now: float) -> dict[str, Any]:
    """One colour's entry after these results; those of another release are no word on this one. Pure."""
    known = before if before.get("release") == release else {}
    fails = dict(known.get("fails") or {})
    proven = [one for one in seen.results if one.asked and not one.busy and not one.untested]
    for one in proven:
        key = "%s %s" % (one.name, one.service)
        if one.ok:
            fails.pop(key, None)
        else:
            since = (fails.get(key) or {}).get("since", now)
            fails[key] = {"since": since, "check": one.name, "service": one.service, "detail": redact(one.detail)}
    passed = {one.name for one in proven if one.ok}
    if seen.own and passed.issuperset(LOGINS) and all(one.ok for one in proven):
        fails = {}
    well = now if proven and seen.own and not fails else known.get("well", 0)
    return {"release": release, "at": now if proven else known.get("at", 0), "well": well, "fails": fails}


def read(state_dir: str) -> dict[str, Any]:
    """Every colour's entry, as it was left; {} where there is none. A torn file says nothing."""
    with suppress(BluegreenError, OSError, ValueError):
        return read_mapping(os.path.join(state_dir, NAME))
    return {}


def note(state_dir: str, seen: Sequence[ColourResults], now: float) -> dict[str, Any]:
    """Write down what was seen; all entries as they are then. It explains: a full disk is no reason to fail."""
    if not os.path.isdir(state_dir):
        return {}
    state, path = StateDir(state_dir), os.path.join(state_dir, NAME)
    with suppress(BluegreenError, OSError), locked(path + ".lock", seconds=5.0):
        found = read(state_dir)
        for one in seen:
            release = str(read_mapping(state.stack(one.colour, "services.json")).get("release") or "")
            found[one.colour] = merged(found.get(one.colour) or {}, release, one, now)
        write_json(path, found)
        return found
    return read(state_dir)


def since(entry: Mapping[str, Any], check: str, service: str, now: float) -> float:
    """Since when a colour fails this."""
    return float(((entry.get("fails") or {}).get("%s %s" % (check, service)) or {}).get("since", now))
