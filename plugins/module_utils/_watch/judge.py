# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events in, verdict out: no clock, no network, so that a recorded watch can be judged again to the same end.

Events that it weighs (others are passed over; all have ``event`` and ``at``, seconds since the epoch):

    armed   {parameters, baseline, trusted: [checks that the old colour has passed], untested: [what no probe tries]}
    sample  {new: {n, bad}, old: {n, bad}, source: ok|down|none}    answers seen since the last sample
    pair    {checks: {name: [new ok, old ok]}}                 the same probes, sent to both colours at the same time
    rule    {rule, bad, detail}                                a hard rule was looked at
    public  {agrees, detail}                                   what the public name answered, against the switch
    ended   {why: window|promoted|aborted|superseded|stopped|..., detail}
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import stats
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.parameters import (
    Baseline,
    Judgement,
    Parameters,
)

PASS, SYNTHETIC, FAIL, INCONCLUSIVE = "PASS", "PASS_SYNTHETIC_ONLY", "FAIL", "INCONCLUSIVE"
# An environment incident is over when no pair confirmed it for so long (seconds).
INCIDENT_SECONDS = 5.0
# Ends that leave the rules to decide: the window was over, or somebody said that enough was seen.
ENDS = ("window", "promoted")


class Judge:
    """Fold of the events. ``judgement()`` may be asked after each one."""

    def __init__(
        self,
        parameters: Parameters,
        baseline: Baseline,
        trusted: frozenset[str] = frozenset(),
        untested: tuple[str, ...] = (),
    ) -> None:
        self.parameters = parameters
        self.untested = untested
        self.baseline = baseline
        self.allowed = baseline.allowed(parameters)
        self.organic = {"n": 0, "bad": 0}
        self.aside = {"n": 0, "bad": 0}
        self.synthetic = {"n": 0, "bad": 0}
        self.pairs = {"ok": 0, "new_bad": 0, "old_bad": 0, "both_bad": 0}
        self.rules: dict[str, tuple[int, str]] = {}
        self.ended: Mapping[str, Any] | None = None
        self._slots: set[int] = set()
        self._seen: set[str] = set()
        self._trusted = set(trusted)
        self._incident = -math.inf
        self._source_down = self._disagreed = 0
        self._handlers = {
            "sample": self._sample,
            "pair": self._pair,
            "rule": self._rule,
            "public": self._public,
            "ended": self._end,
        }

    def add(self, event: Mapping[str, Any]) -> None:
        handler = self._handlers.get(str(event.get("event")))
        if handler:
            handler(event)

    def _sample(self, event: Mapping[str, Any]) -> None:
        self._source_down += event.get("source") == "down"
        new = event["new"]
        # While both colours fail their probes the cause is elsewhere: shown, not judged.
        counted = self.aside if self.incident(event["at"]) else self.organic
        counted["n"] += new["n"]
        counted["bad"] += new["bad"]
        if new["bad"] and counted is self.organic:
            self._slots.add(int(event["at"] // self.parameters.slot))

    def _pair(self, event: Mapping[str, Any]) -> None:
        checks: Mapping[str, list[bool]] = event["checks"]
        self._seen.update(checks)
        self._trusted.update(name for name, (_new, old) in checks.items() if old)
        usable = [checks[name] for name in sorted(checks) if name in self._trusted]
        if not usable:
            return
        new_bad = sum(old and not new for new, old in usable)
        old_bad = sum(new and not old for new, old in usable)
        both_bad = sum(not new and not old for new, old in usable)
        if 2 * both_bad >= len(usable):
            self.pairs["both_bad"] += 1
            self._incident = event["at"]
            return
        self._incident = -math.inf
        # Checks of one second share their causes, so a second is one pair however many checks it ran.
        outcome = "new_bad" if new_bad > old_bad else "old_bad" if old_bad > new_bad else "ok"
        self.pairs[outcome] += 1
        self.synthetic["n"] += 1
        self.synthetic["bad"] += outcome == "new_bad"

    def _rule(self, event: Mapping[str, Any]) -> None:
        count = self.rules.get(event["rule"], (0, ""))[0]
        self.rules[event["rule"]] = (count + 1, str(event.get("detail", ""))) if event["bad"] else (0, "")

    def _public(self, event: Mapping[str, Any]) -> None:
        self._disagreed = 0 if event["agrees"] else self._disagreed + 1

    def _end(self, event: Mapping[str, Any]) -> None:
        self.ended = event

    def incident(self, at: float) -> bool:
        """Whether both colours were failing their probes just before ``at``."""
        return at - self._incident <= INCIDENT_SECONDS

    def error_evidence(self) -> float:
        """log E of the error share; k and n are thinned by the old colour's burstiness."""
        spread = max(1.0, self.baseline.dispersion)
        return stats.error_evidence(self.organic["bad"] / spread, self.organic["n"] / spread, self.allowed)

    def pair_evidence(self) -> float:
        return stats.paired_evidence(self.pairs["new_bad"], self.pairs["old_bad"])

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
                % (self.organic["bad"], self.organic["n"], 100 * self.allowed)
            )
        if self.pairs["new_bad"] and self.pair_evidence() >= math.log(self.parameters.pair_limit):
            found.append(
                "probes failed on the new colour and not on the old one in %d seconds, the other way round in %d"
                % (self.pairs["new_bad"], self.pairs["old_bad"])
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
        if self.incident(end["at"]):
            found.append("both colours were failing their probes at the end: an incident of the environment")
        never = sorted(self._seen - self._trusted)
        if never:
            found.append("never passed on the old colour, so not judged: %s" % ", ".join(never))
        return found + self._samples_missing()

    def _samples_missing(self) -> list[str]:
        limit = self.baseline.passing(self.parameters)
        total = self.organic["n"] + self.synthetic["n"]
        if total < self.parameters.min_events:
            return ["only %d events of the %d that a PASS needs" % (total, self.parameters.min_events)]
        groups = [("answers and seconds of probes", self.organic["bad"] + self.synthetic["bad"], total)]
        if self.organic["n"] >= self.parameters.min_organic:
            groups.append(("answers", self.organic["bad"], self.organic["n"]))
        return [
            "%d bad of %d %s: up to %.2f %% can't be excluded, a PASS needs %.2f %%"
            % (bad, n, what, 100 * bound, 100 * limit)
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
        if self.organic["n"] < self.parameters.min_organic:
            reason = "only %d answers to the public were seen; the probes alone say that it is well" % self.organic["n"]
            return Judgement(SYNTHETIC, (reason, *self.untested), self.evidence())
        reason = "%d bad of %d answers, %d bad of %d seconds of probes" % (
            self.organic["bad"],
            self.organic["n"],
            self.synthetic["bad"],
            self.synthetic["n"],
        )
        return Judgement(PASS, (reason, *self.untested), self.evidence())

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
            "organic": dict(self.organic),
            "set_aside": dict(self.aside),
            "synthetic": dict(self.synthetic),
            "pairs": dict(self.pairs),
            "error_log_e": round(self.error_evidence(), 3),
            "error_log_limit": round(math.log(self.parameters.error_limit), 3),
            "pair_log_e": round(self.pair_evidence(), 3),
            "pair_log_limit": round(math.log(self.parameters.pair_limit), 3),
            "bad_slots": len(self._slots),
            "rules": {name: {"in_a_row": count, "detail": detail} for name, (count, detail) in self.rules.items()},
            "source_down_samples": self._source_down,
            "untested": list(self.untested),
        }


def of_armed(event: Mapping[str, Any]) -> Judge:
    """The judge that a recorded ``armed`` event describes."""
    return Judge(
        Parameters.of(event.get("parameters", {})),
        Baseline.of(event.get("baseline", {})),
        frozenset(event.get("trusted", ())),
        tuple(str(one) for one in event.get("untested", ())),
    )


def judge(events: Iterable[Mapping[str, Any]]) -> Judgement:
    """Judge a recorded watch: the first event that decides is the last one looked at."""
    found = Judge(Parameters(), Baseline())
    for event in events:
        if event.get("event") == "armed":
            found = of_armed(event)
        found.add(event)
        told = found.judgement()
        if told.verdict:
            return told
    return found.judgement()
