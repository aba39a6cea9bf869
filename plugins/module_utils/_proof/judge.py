# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what the binaries could do before and after the migration to a verdict. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .evidence import BREAKS, NOT_JUDGED, SAFE, SAFE_IF_EXERCISED, Outcome, Seen

PASSES = (SAFE, SAFE_IF_EXERCISED)


@dataclass(frozen=True)
class Verdict:
    """``reasons`` and ``untried`` are sentences; ``journeys`` counts what was tried on the migrated schema."""

    verdict: str
    reasons: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    journeys: int = 0


def not_judged(reason: str) -> Verdict:
    return Verdict(NOT_JUDGED, (reason,))


def judge(seen: Seen, core: Sequence[str], old: str, new: str) -> Verdict:
    """``core``: journeys without which nothing is known. ``old``, ``new``: what the two binaries are called."""
    untried = [one for one in seen.control.values() if not one.ok]
    blind = [one for one in untried if one.journey in core]
    if blind:
        return not_judged("%s fails in the trial before any migration: %s" % (old, blind[0]))
    known = {name for name, one in seen.control.items() if one.ok}
    early = _broken(seen.bridged, known, "%s fails with the bridge while the schema is the old one" % old)
    if early:
        return Verdict(BREAKS, tuple(early))
    if seen.failed:
        return Verdict(BREAKS, ("the migration fails while %s runs: %s" % (old, seen.failed),))
    reasons = _broken(seen.after, known, "%s fails on the migrated schema" % old)
    reasons += _broken(seen.new, known, "%s fails on the migrated schema" % new)
    for what, outcomes in seen.crossed.items():
        reasons += _broken(outcomes, set(outcomes), what)
    tried = [one for part in (seen.after, seen.new, *seen.crossed.values()) for one in part.values()]
    verdict = BREAKS if reasons else SAFE_IF_EXERCISED if untried else SAFE
    return Verdict(verdict, tuple(reasons), tuple(str(one) for one in untried), len(tried))


def _broken(outcomes: Mapping[str, Outcome], known: set[str], what: str) -> list[str]:
    return ["%s: %s" % (what, one) for name, one in outcomes.items() if name in known and not one.ok]
