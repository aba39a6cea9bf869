# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""migrate as an operator meets a verdict: refused before production is touched, let through by name, on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from olympus_lab import release, stack

pytestmark = [pytest.mark.lab, pytest.mark.slow]

HOP = "kratos v1.0.0 -> v1.3.1"
ACCEPTED = {"target": "iam_kratos", "hop": HOP, "reason": "edited by hand", "expires": "2999-12-31"}
STRICT = {"SAFE_IF_EXERCISED": "ask"}
BOTH = [ACCEPTED, {**ACCEPTED, "target": "ciam_kratos"}]


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    """Blue adopted and live; one database has a migration that no image brings, and a column of the operator."""
    stack.up(fresh=True)
    release.must("proof-adopt", "adopt", {"version": "v1.4.2"}, quiet=True)
    stack.psql("INSERT INTO schema_migration (version, version_self) VALUES ('20200101000000000001', 0)", "iam_kratos")
    stack.psql("ALTER TABLE networks ADD COLUMN edited_by_hand int", "iam_kratos")
    yield
    stack.down()


def applied(database: str) -> int:
    return int(stack.psql("SELECT count(*) FROM schema_migration", database)[0][0])


def test_what_the_policy_holds_back_is_refused_before_anything_is_migrated() -> None:
    """A state that no image makes is judged as it is."""
    done = release.play(
        "proof-refused", "migrate", {"version": "v1.5.0", "bluegreen_schema_policy": STRICT}, quiet=True
    )
    told = " ".join(done.out.split())
    assert done.rc != 0 and "iam_kratos: SAFE_IF_EXERCISED (%s)" % HOP in told, done.out[-4000:]
    assert "Nothing was changed in production" in told and "bluegreen_accept" in told
    assert (applied("ciam_kratos"), applied("iam_kratos")) == (295, 296)


def test_an_expired_entry_is_refused_by_name() -> None:
    given: dict[str, Any] = {"version": "v1.5.0", "bluegreen_schema_policy": STRICT}
    given["bluegreen_accept"] = [{**ACCEPTED, "expires": "2020-01-01"}, BOTH[1]]
    done = release.play("proof-expired", "migrate", given, quiet=True)
    assert done.rc != 0 and "ended with 2020-01-01 (edited by hand)" in " ".join(done.out.split()), done.out[-4000:]
    assert applied("ciam_kratos") == 295


def test_it_is_let_through_by_name_and_on_record() -> None:
    given = {"version": "v1.5.0", "bluegreen_schema_policy": STRICT, "bluegreen_accept": BOTH}
    release.must("proof-accepted", "migrate", given, quiet=True)
    assert (applied("ciam_kratos"), applied("iam_kratos")) == (315, 316)
    lines = (release.state_dir() / "ledger.jsonl").read_text().splitlines()
    told = [one for one in map(json.loads, lines) if one.get("event") == "schema_accepted"]
    event = next(one for one in told if one["target"] == "iam_kratos")
    assert len(told) == 2 and (event["hop"], event["reason"]) == (HOP, "edited by hand") and event["by"]
    screen = " ".join(release.must("proof-status", "status", quiet=True).out.split())
    assert (
        "let through by %s: edited by hand" % event["by"] in screen
        and "ciam_kratos 20 applied, safe as far as it was tried" in screen
    )
