# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events in, verdict out: no clock, no network, so that a recorded watch can be judged again to the same end.

Events that it weighs (others are passed over; all have ``event`` and ``at``, seconds since the epoch):

    armed   {parameters, baseline, trusted: [checks that the old colour has passed], untested: [what no probe tries],
             interval: seconds between two samples, before: {n, bad} seconds of probes before the flip and those in
             which both colours failed, observed: whether an observer looks, asks: [checks that are sent]}
    sample  {new: {n, bad}, old: {n, bad}, source: ok|down|none, elsewhere, unclear: errors that no colour answered,
             cut: some of the log got lost, missed: the watcher did not look then}    answers seen since the last sample
    looked  {ok}                                               the observer's look at containers and public name
    pair    {checks: {name: [new ok, old ok]}}                 the same probes, sent to both colours at the same time
    rule    {rule, bad, detail}                                a hard rule was looked at
    public  {agrees, detail}                                   what the public name answered, against the switch
    ended   {why: window|promoted|aborted|superseded|stopped|..., detail}
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import stats
from .parameters import Baseline, Judgement, Parameters

PASS, SYNTHETIC, FAIL, INCONCLUSIVE = "PASS", "PASS_SYNTHETIC_ONLY", "FAIL", "INCONCLUSIVE"
# An environment incident is over when no pair confirmed it for so long (seconds).
INCIDENT_SECONDS = 5.0
# Ends that leave the rules to decide: the window was over, or an operator said that enough was seen.
ENDS = ("window", "promoted")
# What a second of probes says.
WELL, NEW_BAD, OLD_BAD, BOTH = "ok", "new_bad", "old_bad", "both_bad"
# An incident has one cause however long it lasts: so many of its seconds count as one observation.
ONE_CAUSE = 30.0
# How much more evidence than for errors it takes to say that an incident came with the release.
STRICTER = 10
# After so many rounds of probes each check must have been answered once: the rarest comes in each fifteenth.
ALL_ASKED = 45
# A source that is not heard for so long (seconds) is silent: a restart of the edge, or a round in which every
# question hangs, takes less.
PATIENCE = 30.0
# The part of the watch in which a source may be silent.
MOST = 0.1


class Pulse:
    """Whether a source of evidence was heard all along: silence is no evidence that all is well.

    Counts by the watcher's own looks, so that no clock that is set can hide a silence.
    """

    def __init__(self) -> None:
        self.heard = 0
        self.silent = 0.0
        self._looked = self._quiet = 0.0
        self._fresh = False

    def look(self, seconds: float) -> None:
        """The watcher looked, ``seconds`` after its look before."""
        self._looked += seconds
        self._quiet = 0.0 if self._fresh else self._quiet + seconds
        self._fresh = False
        if self._quiet > PATIENCE:
            self.silent += seconds

    def beat(self) -> None:
        self.heard += 1
        self._fresh = True

    def missing(self) -> str:
        """What is missing, in plain words; '' where enough was heard."""
        if not self.heard:
            return "never"
        if self._quiet > PATIENCE and not self._fresh:
            return "not in the last %d s" % self._quiet
        if self.silent > MOST * self._looked:
            return "not in %d of %d s" % (self.silent, self._looked)
        return ""


@dataclass(frozen=True)
class Expected:
    """What the watch was set up to see: an ``armed`` event's interval, before, observed and asks."""

    interval: float = 1.0
    before: Baseline = field(default_factory=Baseline)
    observed: bool = False
    asks: frozenset[str] = frozenset()


def outcome(checks: Mapping[str, list[bool]], trusted: Collection[str]) -> str:
    """What one pair says; '' where no check in it is worth asking. A second is one pair however many checks it ran,
    as these share their causes."""
    usable = [checks[name] for name in sorted(checks) if name in trusted]
    new_bad = sum(old and not new for new, old in usable)
    old_bad = sum(new and not old for new, old in usable)
    if not usable:
        return ""
    if 2 * sum(not new and not old for new, old in usable) >= len(usable):
        return BOTH
    return NEW_BAD if new_bad > old_bad else OLD_BAD if old_bad > new_bad else WELL


class Judge:
    """Fold of the events. ``judgement()`` may be asked after each one."""

    def __init__(
        self,
        parameters: Parameters,
        baseline: Baseline,
        trusted: frozenset[str] = frozenset(),
        untested: tuple[str, ...] = (),
        expected: Expected | None = None,
    ) -> None:
        self.parameters = parameters
        self.untested = untested
        self.baseline = baseline
        self.allowed = baseline.allowed(parameters)
        self.traffic = {"n": 0, "bad": 0}
        self.excluded = {"n": 0, "bad": 0}
        self.probe = {"n": 0, "bad": 0}
        self.pairs = {WELL: 0, NEW_BAD: 0, OLD_BAD: 0, BOTH: 0}
        self.uncoloured = {"elsewhere": 0, "unclear": 0}
        self.cut = 0
        self._expected = expected or Expected()
        self._probes, self._observer = Pulse(), Pulse()
        # How often in a row a check failed on the old colour alone.
        self._way_back: dict[str, int] = {}
        self.rules: dict[str, tuple[int, str]] = {}
        self.ended: Mapping[str, Any] | None = None
        self._slots: set[int] = set()
        self._seen: set[str] = set()
        self._trusted = set(trusted)
        self._incident = -math.inf
        self._source_down = self._disagreed = 0

    def add(self, event: Mapping[str, Any]) -> None:
        kind = event.get("event")
        if kind == "sample":
            self._sample(event)
        elif kind == "pair":
            self._pair(event)
        elif kind == "rule":
            count = self.rules.get(event["rule"], (0, ""))[0]
            self.rules[event["rule"]] = (count + 1, str(event.get("detail", ""))) if event["bad"] else (0, "")
        elif kind == "looked" and event["ok"]:
            self._observer.beat()
        elif kind == "public":
            self._disagreed = 0 if event["agrees"] else self._disagreed + 1
        elif kind == "ended":
            self.ended = event

    def _sample(self, event: Mapping[str, Any]) -> None:
        self._source_down += event.get("source") == "down"
        self.cut += bool(event.get("cut"))
        if not event.get("missed"):
            for pulse in (self._probes, self._observer):
                pulse.look(self._expected.interval)
        for name in self.uncoloured:
            self.uncoloured[name] += int(event.get(name, 0))
        new = event["new"]
        # While both colours fail their probes the cause is elsewhere: shown, not judged.
        counted = self.excluded if self.incident(event["at"]) else self.traffic
        counted["n"] += new["n"]
        counted["bad"] += new["bad"]
        if new["bad"] and counted is self.traffic:
            self._slots.add(int(event["at"] // self.parameters.slot))

    def _pair(self, event: Mapping[str, Any]) -> None:
        checks: Mapping[str, list[bool]] = event["checks"]
        self._seen.update(checks)
        self._trusted.update(name for name, (_new, old) in checks.items() if old)
        found = outcome(checks, self._trusted)
        if not found:
            return
        self._probes.beat()
        self.pairs[found] += 1
        for name in self._trusted.intersection(checks):
            new, old = checks[name]
            if new or old:
                self._way_back[name] = 0 if old else self._way_back.get(name, 0) + 1
        self._incident = event["at"] if found == BOTH else -math.inf
        if found != BOTH:
            self.probe["n"] += 1
            self.probe["bad"] += found == NEW_BAD

    def incident(self, at: float) -> bool:
        """Whether both colours were failing their probes just before ``at``."""
        return abs(at - self._incident) <= INCIDENT_SECONDS

    def error_evidence(self) -> float:
        """log E of the error share; k and n are thinned by the old colour's burstiness."""
        spread = max(1.0, self.baseline.dispersion)
        return stats.error_evidence(self.traffic["bad"] / spread, self.traffic["n"] / spread, self.allowed)

    def pair_evidence(self) -> float:
        return stats.paired_evidence(self.pairs[NEW_BAD], self.pairs[OLD_BAD])

    def incident_evidence(self) -> float:
        """log E that both colours fail more often than before the flip; 0 where it is not known how it was before, or
        where they failed then already. Colours share their database: a release can take both down."""
        before, seconds = self._expected.before, sum(self.pairs.values())
        if not before.n or before.bad:
            return 0.0
        allowed = max(before.allowed(self.parameters), self.allowed)
        return stats.error_evidence(self.pairs[BOTH] / ONE_CAUSE, seconds / ONE_CAUSE, allowed)

    def failures(self) -> list[str]:
        """Why to roll back now; empty while there is no reason."""
        found = [
            "%s, %d times in a row: %s" % (name, count, detail)
            for name, (count, detail) in sorted(self.rules.items())
            if count >= self.parameters.consecutive
        ]
        spread = len(self._slots) >= self.parameters.min_slots
        if spread and self.error_evidence() >= math.log(self.parameters.error_limit):
            found.append(
                "%d of %d answers of the new colour were errors; %.2f %% were allowed"
                % (self.traffic["bad"], self.traffic["n"], 100 * self.allowed)
            )
        if self.pairs[NEW_BAD] and self.pair_evidence() >= math.log(self.parameters.pair_limit):
            found.append(
                "probes failed on the new colour alone in %d seconds, on the old colour alone in %d"
                % (self.pairs[NEW_BAD], self.pairs[OLD_BAD])
            )
        if self.pairs[BOTH] and self.incident_evidence() >= math.log(STRICTER * self.parameters.error_limit):
            found.append(
                "both colours failed their probes in %d of %d seconds since the flip, and in none of the %d before it"
                % (self.pairs[BOTH], sum(self.pairs.values()), self._expected.before.n)
            )
        return found

    def _doubts(self, end: Mapping[str, Any]) -> list[str]:
        """Why not to pass at the end of the window."""
        found = []
        if end["why"] not in ENDS:
            found.append(str(end.get("detail") or end["why"]))
        if self._source_down >= self.parameters.consecutive:
            found.append("the access log could not be trusted for %d samples (SOURCE_DOWN)" % self._source_down)
        if self._disagreed >= self.parameters.consecutive:
            found.append("the public name was not answered by the colour that the switch names")
        if self.cut:
            found.append("the access log was cut off or removed %d times, so a part of it was never read" % self.cut)
        never = sorted(self._seen - self._trusted)
        if never:
            found.append("never passed on the old colour, so not judged: %s" % ", ".join(never))
        return found + self._incidents(end) + self._unheard() + self._sick_way_back() + self._samples_missing()

    def _incidents(self, end: Mapping[str, Any]) -> list[str]:
        """What is excluded has a bound: the colours share what may have made both ill."""
        found = []
        if self.incident(end["at"]):
            found.append("both colours still failed their probes at the end: an incident of the environment")
        limit, seconds = self.baseline.passing(self.parameters), sum(self.pairs.values())
        answers = self.traffic["n"] + self.excluded["n"]
        if self.pairs[BOTH] > max(min(limit, MOST) * seconds, INCIDENT_SECONDS):
            found.append("both colours failed their probes in %d of %d seconds" % (self.pairs[BOTH], seconds))
        if self.excluded["bad"] > limit * answers:
            reason = "%d of %d answers were errors while both colours failed their probes"
            found.append(reason % (self.excluded["bad"], answers))
        unclear = self.uncoloured["unclear"]
        if unclear >= self.parameters.consecutive and unclear > limit * (answers + unclear):
            found.append("%d errors came from no colour, on routes that no colour ever answered" % unclear)
        return found

    def _unheard(self) -> list[str]:
        """Silence is no evidence: what each source should have reported."""
        found = []
        probes = self._probes.missing() if self.parameters.metrics > 1 else ""
        if probes:
            found.append("probes were answered %s, so they show nothing" % probes)
        blind = self._observer.missing() if self._expected.observed else ""
        if blind:
            found.append("the observer could see the containers and the public name %s" % blind)
        silent = sorted(self._expected.asks - self._seen)
        if silent and not probes and self._probes.heard >= ALL_ASKED:
            found.append("never answered by both colours, so not judged: %s" % ", ".join(silent))
        return found

    def _sick_way_back(self) -> list[str]:
        """A PASS leaves a rollback open for the bake time: it has to lead somewhere."""
        failing = sorted(name for name, count in self._way_back.items() if count >= self.parameters.consecutive)
        seconds = sum(self.pairs.values())
        if failing:
            return ["the old colour fails, so a rollback would not help: %s" % ", ".join(failing)]
        if self.pairs[OLD_BAD] > MOST * seconds:
            reason = "the old colour failed alone in %d of %d seconds of probes, so a rollback may not help"
            return [reason % (self.pairs[OLD_BAD], seconds)]
        return []

    def _samples_missing(self) -> list[str]:
        limit = self.baseline.passing(self.parameters)
        total = self.traffic["n"] + self.probe["n"]
        if total < self.parameters.min_events:
            return ["Not enough data: %d samples, a PASS needs %d" % (total, self.parameters.min_events)]
        groups = [("samples", self.traffic["bad"] + self.probe["bad"], total)]
        if self.traffic["n"] >= self.parameters.min_traffic:
            groups.append(("answers to visitors", self.traffic["bad"], self.traffic["n"]))
        return [
            "Not enough data: %d %s, %s. The true error rate could still be up to %.3g %%; "
            "a PASS needs proof of at most %.3g %%"
            % (n, what, "%d of them errors" % bad if bad else "no error", 100 * bound, 100 * limit)
            for what, bad, n in groups
            if (bound := stats.upper_bound(bad, n, 0.05)) > limit
        ]

    def judgement(self) -> Judgement:
        failures = self.failures()
        if failures:
            return Judgement(FAIL, tuple(failures), self.evidence())
        if self.ended is None:
            return Judgement("", (), {})
        doubts = self._doubts(self.ended)
        if doubts:
            return Judgement(INCONCLUSIVE, (*doubts, *self.untested), self.evidence())
        verdict, reason = PASS, "%(bad)d errors in %(n)d answers to visitors, " % self.traffic
        reason += "%(bad)d failures in %(n)d seconds of probes" % self.probe
        if self.traffic["n"] < self.parameters.min_traffic:
            verdict, reason = SYNTHETIC, "only %d answers to visitors; the probes alone passed" % self.traffic["n"]
        return Judgement(verdict, (reason, *self._left_out(), *self.untested), self.evidence())

    def _left_out(self) -> list[str]:
        """What a PASS does not rest on is said beside it."""
        reason = "both colours failed their probes in %d seconds; their %d answers are not counted"
        return [reason % (self.pairs[BOTH], self.excluded["n"])] if self.pairs[BOTH] else []

    def if_ended(self, end: Mapping[str, Any]) -> Judgement:
        """What the judgement would be if the watch ended so."""
        ended, self.ended = self.ended, end
        try:
            return self.judgement()
        finally:
            self.ended = ended

    def evidence(self) -> dict[str, Any]:
        return {
            "baseline": {"n": self.baseline.n, "bad": self.baseline.bad, "dispersion": self.baseline.dispersion},
            "allowed_share": self.allowed,
            "traffic": dict(self.traffic),
            "excluded": dict(self.excluded),
            "probe": dict(self.probe),
            "pairs": dict(self.pairs),
            "error_log_e": round(self.error_evidence(), 3),
            "error_log_limit": round(math.log(self.parameters.error_limit), 3),
            "pair_log_e": round(self.pair_evidence(), 3),
            "pair_log_limit": round(math.log(self.parameters.pair_limit), 3),
            "incident_log_e": round(self.incident_evidence(), 3),
            "incident_log_limit": round(math.log(STRICTER * self.parameters.error_limit), 3),
            "bad_slots": len(self._slots),
            "rules": {name: {"in_a_row": count, "detail": detail} for name, (count, detail) in self.rules.items()},
            "source_down_samples": self._source_down,
            "log_cut": self.cut,
            "silent_seconds": {"probes": self._probes.silent, "observer": self._observer.silent},
            "no_colour": dict(self.uncoloured),
            "untested": list(self.untested),
        }


def of_armed(event: Mapping[str, Any]) -> Judge:
    """The judge that a recorded ``armed`` event describes."""
    return Judge(
        Parameters.of(event.get("parameters", {})),
        Baseline.of(event.get("baseline", {})),
        frozenset(event.get("trusted", ())),
        tuple(str(one) for one in event.get("untested", ())),
        Expected(
            float(event.get("interval", 1.0)),
            Baseline.of(event.get("before", {})),
            bool(event.get("observed")),
            frozenset(event.get("asks", ())),
        ),
    )


def judge(events: Iterable[Mapping[str, Any]]) -> Judgement:
    """Judge a recorded watch: the first event that decides is the last one looked at."""
    found = Judge(Parameters(), Baseline())
    for event in events:
        if event.get("event") == "armed":
            found = of_armed(event)
        found.add(event)
        judged = found.judgement()
        if judged.verdict:
            return judged
    return found.judgement()
