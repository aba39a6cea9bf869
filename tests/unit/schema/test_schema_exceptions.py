# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which entry of bluegreen_accept lets a verdict through, until when, and what is wrong with one."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import exceptions
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.exceptions import Accepted, Expired
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.setting_checks import wrong_settings

HOP = "hydra v2.3.0 -> v25.4.0"
ENTRY: dict[str, Any] = {"target": "ciam_hydra", "hop": HOP, "reason": "known", "expires": "2026-12-31"}
# The first second of 2027.
END = 1798761600.0


@pytest.mark.parametrize(
    ("expires", "until"),
    [
        ("2026-12-31", END),
        (datetime.date(2026, 12, 31), END),
        ("2026-12-31T18:00:00Z", END - 6 * 3600),
        ("2026-12-31 19:00+01:00", END - 6 * 3600),
        (datetime.datetime(2026, 12, 31, 18, tzinfo=datetime.timezone.utc), END - 6 * 3600),
        ("2026-12-31T18:00:00", None),
        (datetime.datetime(2026, 12, 31, 18), None),
        ("2026-02-30", None),
        ("31.12.2026", None),
        ("9999-12-31", None),
        ("", None),
        (None, None),
        (20261231, None),
        (True, None),
    ],
)
def test_when_an_entry_ends(expires: Any, until: float | None) -> None:
    assert exceptions.moment(expires) == until


def test_the_last_second_of_the_day_counts_and_the_next_does_not() -> None:
    found = exceptions.accepted([ENTRY], "ciam_hydra", HOP, END - 1)
    assert found == Accepted("known", "2026-12-31", END)
    assert isinstance(found, Accepted) and found.noted("op") == {"reason": "known", "expires": "2026-12-31", "by": "op"}
    over = exceptions.accepted([ENTRY], "ciam_hydra", HOP, END)
    assert isinstance(over, Expired)
    assert str(over).startswith("bluegreen_accept has an entry for it that ended with 2026-12-31 (known). Fix:")


@pytest.mark.parametrize(
    "other", [{"target": "iam_hydra"}, {"hop": HOP + " "}, {"hop": HOP.lower().replace("v", "")}, {"expires": "soon"}]
)
def test_only_this_target_and_this_hop(other: dict[str, str]) -> None:
    assert exceptions.accepted([{**ENTRY, **other}], "ciam_hydra", HOP, 0) is None


def test_of_several_the_one_that_ends_last_counts() -> None:
    several = [{**ENTRY, "expires": "2026-12-30", "reason": "old"}, ENTRY, {**ENTRY, "expires": "2026-12-29"}]
    assert isinstance(exceptions.accepted(several, "ciam_hydra", HOP, END - 1), Accepted)
    assert exceptions.accepted(several[:1], "ciam_hydra", HOP, END - 1) == Expired("old", "2026-12-30", END - 86400)


@given(st.dates(datetime.date(2000, 1, 1), datetime.date(9998, 1, 1)), st.floats(0, 86399))
def test_every_second_of_its_last_day_is_within(day: datetime.date, second: float) -> None:
    midnight = datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.timezone.utc).timestamp()
    entry = {**ENTRY, "expires": day.isoformat()}
    assert isinstance(exceptions.accepted([entry], "ciam_hydra", HOP, midnight + second), Accepted)
    assert isinstance(exceptions.accepted([entry], "ciam_hydra", HOP, midnight + 86400), Expired)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x", "bluegreen_accept='x': not a list. Fix: "),
        (["x"], "bluegreen_accept[0]='x': not a dictionary. Fix: write its target, hop"),
        ([{**ENTRY, "until": 1}], "bluegreen_accept[0].until=unknown: not a key of an entry. Fix: known are target"),
        (
            [ENTRY, {**ENTRY, "reason": " "}],
            "bluegreen_accept[1].reason=' ': not a text of at most 500 letters. Fix: say",
        ),
        ([{**ENTRY, "reason": None}], "bluegreen_accept[0].reason=missing: not a text"),
        ([{**ENTRY, "hop": 5}], "bluegreen_accept[0].hop=5: not a text of at most 500 letters. Fix: copy the hop"),
        ([{**ENTRY, "target": "x" * 501}], "Fix: name the schema target"),
        (
            [{**ENTRY, "expires": "tomorrow"}],
            "bluegreen_accept[0].expires='tomorrow': not a date. Fix: give a date (2026-",
        ),
        (
            [{**ENTRY, "expires": "2026-12-31T18:00:00"}],
            "not a date. Fix: give a date (2026-12-31) or a moment with its",
        ),
        ([{"target": "t", "hop": "h", "reason": "r"}], "bluegreen_accept[0].expires=missing: not a date"),
    ],
)
def test_what_is_wrong_is_refused_before_a_host_is_asked(value: Any, words: str) -> None:
    rows = wrong_settings({"bluegreen_accept": value})
    assert [row["level"] for row in rows] == ["refuse"]
    assert words in rows[0]["sentence"]


@pytest.mark.parametrize("expires", ["2026-12-31", datetime.date(2026, 12, 31), "2020-01-01"])
def test_a_whole_entry_is_fine_and_an_expired_one_is_refused_only_where_it_is_needed(expires: Any) -> None:
    assert wrong_settings({"bluegreen_accept": [{**ENTRY, "expires": expires}]}) == []
    assert wrong_settings({"bluegreen_accept": []}) == []


def test_the_ledger_is_told_who_and_why() -> None:
    told = {"reason": "known", "expires": "2026-12-31", "by": "op"}
    targets = {"b": {"verdict": "BREAKS", "hop": HOP, "accepted": told}, "a": {"verdict": "SAFE", "accepted": {}}}
    assert exceptions.events("v1-x", targets) == [
        {"event": "schema_accepted", "release": "v1-x", "target": "b", "hop": HOP, "verdict": "BREAKS", **told}
    ]
