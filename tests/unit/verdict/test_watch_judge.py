# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judge: what each kind of record leads to, how often it errs, how soon it sees a failure."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._report import words
from ansible_collections.olympus.bluegreen.plugins.module_utils._verdict import stats
from ansible_collections.olympus.bluegreen.plugins.module_utils._verdict.judge import Judge, judge
from ansible_collections.olympus.bluegreen.plugins.module_utils._verdict.parameters import Baseline, Parameters

Event = dict[str, Any]
START = 1_000_000.0
HEALTHY = {"n": 3600, "bad": 18, "dispersion": 1.0, "seconds": 1800.0}


def armed(baseline: Event | None = None, **parameters: Any) -> Event:
    return {"event": "armed", "at": START, "parameters": parameters, "baseline": baseline or HEALTHY, "trusted": []}


def sample(second: float, n: int, bad: int, source: str = "ok") -> Event:
    return {"event": "sample", "at": START + second, "new": {"n": n, "bad": bad}, "old": {}, "source": source}


def pair(second: float, **checks: list[bool]) -> Event:
    return {"event": "pair", "at": START + second, "checks": checks}


def rule(second: float, bad: bool) -> Event:
    return {"event": "rule", "at": START + second, "rule": "not ready", "bad": bad, "detail": "ciam-hera: no answer"}


def ended(second: float = 300, why: str = "window", detail: str = "") -> Event:
    return {"event": "ended", "at": START + second, "why": why, "detail": detail}


WELL, NEW_BAD, OLD_BAD, BOTH_BAD = [True, True], [False, True], [True, False], [False, False]


def seconds(count: int, n: int = 2, bad: int = 0, login: list[bool] | None = None) -> list[Event]:
    """A quiet watch: ``n`` answers a second, ``bad`` of them errors, one pair a second."""
    return [
        event for s in range(count) for event in (pair(s, login=WELL if login is None else login), sample(s, n, bad))
    ]


@pytest.mark.parametrize(
    ("events", "verdict", "word"),
    [
        ([*seconds(300), ended()], "PASS", "0 errors in 600"),
        ([*seconds(300, n=0), ended()], "PASS_SYNTHETIC_ONLY", "only 0 answers"),
        ([*seconds(20), ended()], "INCONCLUSIVE", "Not enough data: 60 samples"),
        ([*seconds(300), *seconds(20, bad=2)], "FAIL", "were errors"),
        ([*seconds(3), *[pair(s, login=NEW_BAD) for s in range(4, 20)]], "FAIL", "probes failed"),
        ([*seconds(300, login=BOTH_BAD), ended(299)], "INCONCLUSIVE", "never passed on the old colour"),
        ([*seconds(300), pair(299, login=BOTH_BAD), ended(300)], "INCONCLUSIVE", "incident"),
        ([*seconds(300, login=OLD_BAD), ended()], "INCONCLUSIVE", "never passed"),
        ([*seconds(300), rule(1, True), rule(2, True), rule(3, True)], "FAIL", "3 times in a row"),
        ([*seconds(300), rule(1, True), rule(2, True), rule(3, False), rule(4, True), ended()], "PASS", ""),
        ([*seconds(300), *[sample(s, 0, 0, "down") for s in range(3)], ended()], "INCONCLUSIVE", "SOURCE_DOWN"),
        (
            [*[one for s in range(300) for one in (pair(s, login=WELL), sample(s, 0, 0, "none"))], ended()],
            "PASS_SYNTHETIC_ONLY",
            "the probes alone",
        ),
        ([*seconds(300), ended(why="superseded", detail="somebody else")], "INCONCLUSIVE", "somebody else"),
        ([*seconds(300), ended(why="stopped")], "INCONCLUSIVE", "stopped"),
        ([*seconds(300), sample(300, 0, 9), ended()], "INCONCLUSIVE", "true error rate could still be"),
        ([], "", ""),
        (seconds(300), "", ""),
    ],
)
def test_verdicts(events: list[Event], verdict: str, word: str) -> None:
    told = judge([armed(), *events])
    assert told.verdict == verdict, told
    assert any(word in reason for reason in told.reasons) or not word


def test_public_name_against_the_switch_never_passes() -> None:
    against = [{"event": "public", "at": START + s, "agrees": False, "detail": "blue"} for s in range(3)]
    assert judge([armed(), *seconds(300), *against, ended()]).verdict == "INCONCLUSIVE"


def test_a_burst_in_two_slots_is_not_enough() -> None:
    """However many errors: they must be spread over three slots of five seconds."""
    burst = [sample(s, 50, 50) for s in (0, 1, 5, 6)]
    assert judge([armed(), *burst]).verdict == ""
    assert judge([armed(), *burst, sample(10, 50, 50)]).verdict == "FAIL"


def test_an_incident_of_both_colours_is_excluded() -> None:
    """The database is gone: everything fails everywhere, and going back would help nobody."""
    down = [event for s in range(5, 60) for event in (pair(s, login=BOTH_BAD), sample(s, 20, 20))]
    told = judge(
        [armed(), *seconds(5), *down, *[e for s in range(60, 360) for e in (pair(s, login=WELL), sample(s, 2, 0))]]
    )
    assert told.verdict == ""
    held = Judge(Parameters(), Baseline.of(HEALTHY))
    for event in (*seconds(5), *down):
        held.add(event)
    assert held.excluded == {"n": 1100, "bad": 1100}
    assert held.judgement().verdict == ""


def observed(second: float, **changes: Any) -> Event:
    return {"event": "looked", "at": START + second, "ok": True, **changes}


def both_down(share: int, count: int = 1800) -> list[Event]:
    """A5: in one of ``share`` tens of seconds both colours and all answers fail."""
    return [
        event
        for s in range(count)
        for ill in [s // 10 % share == 0 and s >= 10]
        for event in (pair(s, login=BOTH_BAD if ill else WELL), sample(s, 10, 10 if ill else 0))
    ]


BEFORE = {"before": {"n": 5, "bad": 0}}


@pytest.mark.parametrize(
    ("share", "more", "verdict"),
    [
        (2, BEFORE, "FAIL"),
        (2, {"before": {"n": 5, "bad": 1}}, "INCONCLUSIVE"),
        (2, {"before": {"n": 0, "bad": 0}}, "INCONCLUSIVE"),
        # As the old colour had it in the log, the new one may have it too.
        (2, {**BEFORE, "baseline": {**HEALTHY, "bad": 1500}}, "INCONCLUSIVE"),
        (4, BEFORE, "INCONCLUSIVE"),
        (20, BEFORE, "INCONCLUSIVE"),
        (1000, BEFORE, "PASS"),
    ],
)
def test_what_makes_both_ill_has_a_bound(share: int, more: Event, verdict: str) -> None:
    """A5: the colours share PostgreSQL. One that takes both down since the flip is bad, and none of it is a PASS."""
    told = judge([{**armed(), **more}, *both_down(share), ended(1800)])
    assert told.verdict == verdict, told.reasons


def test_a_short_incident_is_said_beside_the_pass() -> None:
    ill = [event for s in range(10, 13) for event in (pair(s, login=BOTH_BAD), sample(s, 2, 2))]
    told = judge([armed(), *seconds(10), *ill, *[e for e in seconds(600) if e["at"] > START + 12], ended(600)])
    assert told.verdict == "PASS" and "in 3 seconds" in told.reasons[1]


def test_without_a_probe_there_is_no_pass() -> None:
    """B1: 36 000 good answers say nothing of a login page that answers 200 and 'Invalid'."""
    answers = [sample(s, 20, 0) for s in range(1800)]
    assert judge([armed(), *answers, ended(1800)]).verdict == "INCONCLUSIVE"
    assert judge([armed(metrics=1), *answers, ended(1800)]).verdict == "PASS"
    half = [pair(s, login=WELL) for s in range(900)]
    late = sorted([*answers, *half], key=lambda event: float(event["at"]))
    assert "not in the last" in judge([armed(), *late, ended(1800)]).reasons[0]


def test_a_source_that_is_heard_between_two_looks_is_not_silent() -> None:
    """A look a minute: the probes of that minute were heard before it."""
    looks = [event for s in range(0, 1800, 60) for event in (pair(s, login=WELL), sample(s, 1200, 0))]
    told = judge([{**armed(), "interval": 60.0}, *looks, ended(1800)])
    assert told.verdict == "PASS", told.reasons
    assert judge([{**armed(), "interval": 60.0}, *looks[:20], *looks[21::2], ended(1800)]).verdict == "INCONCLUSIVE"


def test_without_an_observer_there_is_no_pass() -> None:
    """B1: a container that stopped was not seen, the public name was not asked."""
    watched = {**armed(), "observed": True}
    assert judge([watched, *seconds(300), ended()]).verdict == "INCONCLUSIVE"
    looks = sorted([*seconds(300), *[observed(s) for s in range(0, 300, 3)]], key=lambda event: float(event["at"]))
    assert judge([watched, *looks, ended()]).verdict == "PASS"
    blind = [
        {**event, "ok": False} if event["event"] == "looked" and event["at"] > START + 200 else event for event in looks
    ]
    assert judge([watched, *blind, ended()]).verdict == "INCONCLUSIVE"


def test_a_check_that_never_got_an_answer_is_said() -> None:
    """A login that is rate-limited all the time is no verdict, so it is in no pair."""
    told = judge([{**armed(), "asks": ["login", "code_flow ciam"]}, *seconds(300), ended()])
    assert told.verdict == "INCONCLUSIVE" and "code_flow ciam" in told.reasons[0]


@pytest.mark.parametrize("bad", [range(0, 300, 5), range(297, 300)])
def test_a_way_back_that_is_sick_is_no_pass(bad: range) -> None:
    """C7: a rollback would not help, and who reads PASS believes that it would."""
    old = [pair(s, login=OLD_BAD if s in bad else WELL, ready=WELL) for s in range(300)]
    told = judge([armed(), pair(0, login=WELL), *old, *[sample(s, 2, 0) for s in range(300)], ended()])
    assert told.verdict == "INCONCLUSIVE" and any("rollback" in reason for reason in told.reasons), told.reasons


def test_a_clock_that_is_set_back_makes_no_endless_incident() -> None:
    """An incident an hour ahead of us is not on."""
    found = Judge(Parameters(), Baseline.of(HEALTHY))
    found.add(pair(0, login=WELL))
    found.add(pair(3600, login=BOTH_BAD))
    assert not found.incident(START) and found.incident(START + 3601)


@pytest.mark.parametrize("phase", [0.0, 1.0, 2.5, 4.9])
@pytest.mark.parametrize("baseline", [HEALTHY, {"n": 200, "bad": 0}, {"n": 0, "bad": 0}])
def test_total_failure_is_seen_within_fifteen_seconds(phase: float, baseline: Event) -> None:
    """At 2 answers a second, all of them errors, without any help from probes."""
    found = Judge(Parameters(), Baseline.of(baseline))
    for second in range(60):
        found.add(sample(second + phase, 2, 2))
        if found.judgement().verdict == "FAIL":
            break
    assert second + 1 <= 15


def test_a_dead_journey_is_seen_by_probes_alone() -> None:
    """One metric: nine pairs, as the formula says; two metrics share the budget: eleven."""
    for metrics, needed in ((1, 9), (2, 11)):
        found = Judge(Parameters(metrics=metrics), Baseline())
        found.add(pair(0, login=WELL))
        count = 0
        while found.judgement().verdict != "FAIL":
            count += 1
            found.add(pair(count, login=NEW_BAD))
        assert count == needed


def simulate(rng: random.Random, share: float, burst: int, new_share: float, length: int = 1800) -> float | None:
    """Second of a rollback in a watch at 2 answers a second, or None. Errors come ``burst`` at a time."""

    def second(wanted: float) -> int:
        return burst if rng.random() < 2 * wanted / burst else 0

    before = [second(share) for _run in range(1800)]
    slots = [sum(before[i : i + 5]) for i in range(0, 1800, 5)]
    # A burst adds its own answers, so that bad never exceeds n.
    baseline = Baseline(3600 + sum(before), sum(before), stats.dispersion(slots))
    found = Judge(Parameters(), baseline)
    for at in range(length):
        bad = second(new_share)
        found.add(sample(at, 2 + bad, bad))
        if bad and found.judgement().verdict == "FAIL":
            return float(at)
    return None


@pytest.mark.parametrize(("share", "burst"), [(0.005, 1), (0.005, 5), (0.02, 1), (0.02, 5), (0.002, 10)])
def test_false_rollbacks_stay_within_alpha(share: float, burst: int) -> None:
    """No regression at all: at most alpha of the watches may roll back (plus what 400 runs can't tell apart)."""
    rng = random.Random(20260423)
    runs = 400
    wrong = sum(simulate(rng, share, burst, share) is not None for _run in range(runs))
    assert stats.lower_bound(wrong, runs, 0.01) <= 0.01, "%d of %d" % (wrong, runs)


@pytest.mark.parametrize(("new_share", "within", "power"), [(0.05, 600, 0.99), (0.2, 60, 1.0), (1.0, 15, 1.0)])
def test_real_regressions_are_found(new_share: float, within: int, power: float) -> None:
    rng = random.Random(7)
    runs = 100
    seen = [simulate(rng, 0.005, 1, new_share, within) for _run in range(runs)]
    assert sum(at is not None for at in seen) >= power * runs


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.floats(0, 1), st.sampled_from([WELL, NEW_BAD, OLD_BAD, BOTH_BAD, None])),
        max_size=60,
    ),
    st.booleans(),
)
@settings(max_examples=150)
def test_replay_is_the_same_and_a_fail_has_a_reason(drawn: list[tuple[int, float, Any]], end: bool) -> None:
    events: list[Event] = [armed()]
    for second, (n, share, outcome) in enumerate(drawn):
        if outcome is not None:
            events.append(pair(second, login=outcome))
        events.append(sample(second, n, round(n * share)))
    if end:
        events.append(ended(len(drawn)))
    first, second_time = judge(events), judge(events)
    assert first == second_time
    assert (first.verdict == "") <= (not first.reasons)
    assert bool(first.verdict) <= bool(first.reasons)
    assert end <= (first.verdict != "")
    bad = sum(e["new"]["bad"] for e in events if e["event"] == "sample")
    if not bad and all(outcome in (WELL, OLD_BAD, BOTH_BAD, None) for _n, _share, outcome in drawn):
        assert first.verdict != "FAIL"


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_good_answer_never_adds_evidence(bad: int, good: int) -> None:
    """Why it is enough to look after a bad answer."""
    allowed = 0.01
    before = stats.error_evidence(bad, bad + good, allowed)
    assert stats.error_evidence(bad, bad + good + 1, allowed) <= before + 1e-9
    assert stats.error_evidence(bad + 1, bad + good + 1, allowed) >= before - 1e-9


def test_the_bounds_are_clopper_pearson() -> None:
    """Known values: no bad in n leaves 1 - error^(1/n); the bound covers exactly."""
    for n in (59, 299, 598):
        assert stats.upper_bound(0, n, 0.05) == pytest.approx(1 - 0.05 ** (1 / n), rel=1e-9)
    assert stats.upper_bound(5, 100, 0.025) == pytest.approx(0.11283, abs=1e-5)
    assert stats.lower_bound(5, 100, 0.025) == pytest.approx(0.01643, abs=1e-5)
    assert stats.upper_bound(0, 0, 0.05) == 1.0
    assert stats.upper_bound(7, 7, 0.05) == 1.0


def test_paired_evidence_is_the_formula() -> None:
    for n in range(1, 40):
        assert stats.paired_evidence(n, 0) == pytest.approx(
            math.log(2 * 2**n * (1 - 2 ** -(n + 1)) / (n + 1)), rel=1e-9
        )
    assert math.exp(stats.paired_evidence(9, 0)) >= 100 > math.exp(stats.paired_evidence(8, 0))


def test_paired_evidence_is_fair_under_the_null() -> None:
    """The expected value of the next E is at most the present one when both colours fail equally often."""
    for bad in range(12):
        for other in range(12):
            now = math.exp(stats.paired_evidence(bad, other))
            after = math.exp(stats.paired_evidence(bad + 1, other)) + math.exp(stats.paired_evidence(bad, other + 1))
            assert after / 2 <= now * (1 + 1e-9)


def test_error_evidence_is_fair_up_to_the_allowed_share() -> None:
    for allowed in (0.005, 0.05, 0.3):
        for true in (allowed, allowed / 3):
            for bad, n in ((0, 10), (1, 30), (4, 20)):
                now = math.exp(stats.error_evidence(bad, n, allowed))
                after = true * math.exp(stats.error_evidence(bad + 1, n + 1, allowed))
                after += (1 - true) * math.exp(stats.error_evidence(bad, n + 1, allowed))
                assert after <= now * (1 + 1e-9)


SAID = "no login was tried: bluegreen_probes names no probe"


@pytest.mark.parametrize(("n", "verdict"), [(2, "PASS"), (0, "PASS_SYNTHETIC_ONLY")])
def test_that_no_login_was_tried_stands_in_the_verdict(n: int, verdict: str) -> None:
    """R21: visitors may still prove a release; that nobody tried to log in is said beside it, and in the report."""
    told = judge([{**armed(), "untested": [SAID]}, *seconds(300, n=n), ended()])
    assert told.verdict == verdict and told.reasons[1:] == (SAID,) and told.evidence["untested"] == [SAID]
    line = words.headline({"verdict": verdict, "version": "v2", "colour": "green", "evidence": told.evidence})
    assert SAID in line and SAID in words.sentence({**armed(), "colour": "green", "window": 300, "untested": [SAID]})


def test_what_was_tried_in_whole_says_nothing_more() -> None:
    told = judge([armed(), *seconds(300), ended()])
    assert len(told.reasons) == 1 and told.evidence["untested"] == []
    assert words.headline({"verdict": "PASS", "version": "v2", "colour": "green"}) == "v2 is healthy on green."
