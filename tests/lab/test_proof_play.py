# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""migrate as an operator meets a verdict: refused before production is touched, let through by name, on record."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from olympus_lab import release, stack

pytestmark = [pytest.mark.lab, pytest.mark.slow]

HOP = "kratos v1.0.0 -> v1.3.1"
ACCEPTED = {"target": "iam_kratos", "hop": HOP, "reason": "edited by hand", "expires": "2999-12-31"}


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    """Blue adopted and live; in one database is a migration that no image brings."""
    stack.up(fresh=True)
    release.must("proof-adopt", "adopt", {"version": "v1.4.2"}, quiet=True)
    stack.psql("INSERT INTO schema_migration (version, version_self) VALUES ('20200101000000000001', 0)", "iam_kratos")
    yield
    stack.down()


def applied(database: str) -> int:
    return int(stack.psql("SELECT count(*) FROM schema_migration", database)[0][0])


def test_a_state_that_no_image_makes_is_refused_before_anything_is_migrated() -> None:
    done = release.play("proof-refused", "migrate", {"version": "v1.5.0"}, quiet=True)
    told = " ".join(done.out.split())
    assert done.rc != 0 and "iam_kratos: NOT_JUDGED (%s)" % HOP in told, done.out[-4000:]
    assert "Nothing was changed in production" in told and "bluegreen_accept" in told
    assert (applied("ciam_kratos"), applied("iam_kratos")) == (295, 296)


def test_an_expired_entry_is_refused_by_name() -> None:
    entry = {**ACCEPTED, "expires": "2020-01-01"}
    done = release.play("proof-expired", "migrate", {"version": "v1.5.0", "bluegreen_accept": [entry]}, quiet=True)
    assert done.rc != 0 and "ended with 2020-01-01 (edited by hand)" in " ".join(done.out.split()), done.out[-4000:]
    assert applied("ciam_kratos") == 295


def test_it_is_let_through_by_name_and_on_record() -> None:
    release.must("proof-accepted", "migrate", {"version": "v1.5.0", "bluegreen_accept": [ACCEPTED]}, quiet=True)
    assert (applied("ciam_kratos"), applied("iam_kratos")) == (315, 316)
    lines = (release.state_dir() / "ledger.jsonl").read_text().splitlines()
    (event,) = [one for one in map(json.loads, lines) if one.get("event") == "schema_accepted"]
    assert (event["target"], event["hop"], event["reason"]) == ("iam_kratos", HOP, "edited by hand") and event["by"]
    screen = " ".join(release.must("proof-status", "status", quiet=True).out.split())
    assert "let through by %s: edited by hand" % event["by"] in screen and "ciam_kratos 20 applied, safe" in screen
