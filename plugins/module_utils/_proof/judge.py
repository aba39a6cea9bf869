# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what the rehearsal, production's rows and the replay showed to one verdict. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._schema.catalog import changes
from .evidence import (
    BLOCKING_LOCK,
    BREAKS,
    BRIDGE_REQUIRED,
    IN_FLIGHT,
    NOT_JUDGED,
    SAFE,
    SAFE_IF_EXERCISED,
    WAITED,
    Evidence,
    Outcome,
    Seen,
)
from .rating import Rated, rated, worst

PASSES = (SAFE, SAFE_IF_EXERCISED)


@dataclass(frozen=True)
class Programs:
    """``old``, ``new``: what the two are called. ``core``: journeys without which nothing is known of them; none where
    the catalog alone may be judged. ``budget``: seconds that a lock may be held."""

    old: str
    new: str
    core: Sequence[str] = ()
    budget: float = 2.0


@dataclass(frozen=True)
class Verdict:
    """``reasons``, ``untried`` and ``in_flight`` are sentences; ``journeys`` counts what was tried on the migrated
    schema; ``objects``: each changed object, the worst first."""

    verdict: str
    reasons: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    journeys: int = 0
    objects: tuple[Rated, ...] = ()
    in_flight: tuple[str, ...] = ()

    @property
    def exercised(self) -> tuple[int, int]:
        """(objects that the old program used, of those whose use decides)"""
        asked = [one for one in self.objects if one.exercised is not None]
        return len([one for one in asked if one.exercised]), len(asked)


def not_judged(reason: str) -> Verdict:
    return Verdict(NOT_JUDGED, (reason,))


def judge(seen: Evidence, programs: Programs) -> Verdict:
    if seen.rehearsed.failed:
        why = "the migration fails on production's own schema: %s" % seen.rehearsed.failed
        return Verdict(BREAKS, (why,))
    if seen.replayed is None and programs.core:
        return not_judged(seen.why)
    objects = tuple(rated(seen, programs.old, programs.budget))
    tried = _tried(seen.replayed or Seen(), seen, programs)
    if tried.verdict == NOT_JUDGED:
        return tried
    untried = (*tried.untried, *([seen.why] if seen.replayed is None and seen.why else []))
    told = tuple(one.why for one in objects if one.verdict not in PASSES)
    verdict = worst([tried.verdict, SAFE_IF_EXERCISED if untried else SAFE, *(one.verdict for one in objects)])
    return Verdict(verdict, (*tried.reasons, *told), untried, tried.journeys, objects, tried.in_flight)


def _tried(seen: Seen, evidence: Evidence, programs: Programs) -> Verdict:
    """By the journeys alone."""
    old, new = programs.old, programs.new
    untried = [one for one in seen.control.values() if not one.ok]
    blind = [one for one in untried if one.journey in programs.core]
    if blind:
        return not_judged("%s fails in the trial before any migration: %s" % (old, blind[0]))
    known = {name for name, one in seen.control.items() if one.ok}
    early = _broken(seen.bridged, known, "%s fails with the bridge while the schema is the old one" % old)
    if early:
        return Verdict(BREAKS, _sentences(early))
    bridges = _bridges(evidence)
    if seen.failed and not seen.after:
        # No run of it got through.
        why = "the migration fails while %s runs: %s" % (old, seen.failed)
        verdict = BRIDGE_REQUIRED if _named(seen.failed, bridges) else BREAKS
        return Verdict(verdict, (why, *_sentences(_broken(seen.during, known, "meanwhile %s fails" % old))))
    broken = _broken(seen.after, known, "%s fails on the migrated schema" % old)
    meanwhile = _broken(seen.during, known - _failed(seen.after), "%s fails while the migration runs" % old)
    waits = [one for one in meanwhile if one[0].cause == WAITED]
    broken += [one for one in meanwhile if one not in waits]
    broken += _broken(seen.new, known, "%s fails on the migrated schema" % new)
    crossed = [(what, _broken(outcomes, set(outcomes), what)) for what, outcomes in seen.crossed.items()]
    broken += [one for what, lost in crossed if not what.startswith(IN_FLIGHT) for one in lost]
    in_flight = [one for what, lost in crossed if what.startswith(IN_FLIGHT) for one in lost]
    told = [one for part in (seen.after, seen.new, *seen.crossed.values()) for one in part.values()]
    notes = [
        *map(str, untried),
        *(["the migration can fail while %s writes: %s" % (old, seen.failed)] if seen.failed else []),
    ]
    verdict = BLOCKING_LOCK if waits else SAFE_IF_EXERCISED if notes else SAFE
    if broken:
        # A bridge can only be the whole answer where nothing else fails.
        verdict = BRIDGE_REQUIRED if all(_named(one.cause, bridges) for one, _why in broken) else BREAKS
    return Verdict(verdict, _sentences([*broken, *waits]), tuple(notes), len(told), in_flight=_sentences(in_flight))


def _broken(outcomes: Mapping[str, Outcome], known: set[str], what: str) -> list[tuple[Outcome, str]]:
    return [(one, "%s: %s" % (what, one)) for name, one in outcomes.items() if name in known and not one.ok]


def _sentences(broken: Sequence[tuple[Outcome, str]]) -> tuple[str, ...]:
    return tuple(why for _one, why in broken)


def _failed(outcomes: Mapping[str, Outcome]) -> set[str]:
    return {name for name, one in outcomes.items() if not one.ok}


def _bridges(evidence: Evidence) -> list[tuple[str, str]]:
    """(table, column), without a schema's name, of each column that a bridge could fill."""
    found = [one for one in evidence.rehearsed.changes if one.rating == changes.BRIDGE]
    return [(one.table.rpartition(".")[2], column) for one in found for column in one.columns]


def _named(text: str, bridges: Sequence[tuple[str, str]]) -> bool:
    return any(table in text and column in text for table, column in bridges)
