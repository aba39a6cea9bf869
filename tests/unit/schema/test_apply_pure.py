# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure parts around a migration: its bounds, the last backup, the live colour's log, how far it is, drift."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from kit.clocks import Clock

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import (
    backup,
    bounds,
    drift,
    live_log,
    options,
    progress,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.bridge import Bridge, Installed
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.bridge_record import Record
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.catalog.objects import Thing
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.live_log import Sign


@pytest.mark.parametrize(
    ("server", "more"),
    [
        (0, set()),
        (140000, {"statement_timeout", "idle_in_transaction_session_timeout"}),
        (170002, {"transaction_timeout", "idle_in_transaction_session_timeout"}),
    ],
)
def test_no_session_of_a_migrator_waits_or_holds_without_an_end(server: int, more: set[str]) -> None:
    found = bounds.settings("n", 0.0, 0.0001, server)
    assert set(found) == {"lock_timeout", "application_name", *more}
    # 0 is PostgreSQL's word for ever.
    assert "0" not in found.values()
    assert len(bounds.application("migrate", "x" * 99)) == bounds.NAME


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1796000000", 1796000000.0),
        ("1796000000.5", 1796000000.5),
        ("2026-11-30T02:00:00Z", 1796004000.0),
        ("2026-11-30 03:00:00+01:00", 1796004000.0),
        ("2026-11-30T02:00:00", 1796004000.0),
    ],
)
def test_the_moment_of_a_backup(text: str, seconds: float) -> None:
    assert backup.moment(text) == seconds


class Says:
    def __init__(self, out: str, rc: int = 0) -> None:
        self.out, self.rc = out, rc

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        return Result(self.rc, self.out, "")


NOW = 1796004000.0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "nothing says when this database was backed up"),
        ({"path": "/nonexistent/*.dump"}, "no backup is known (/nonexistent/*.dump)"),
        ({"command": ["x"]}, "the last backup is 25.0 hours old, which is more than 24.0 hours"),
        ({"command": ["x"], "max_age": 90001.0}, ""),
        ({"command": ["x"], "policy": "ignore"}, ""),
    ],
)
def test_the_last_backup_is_asked_for_and_the_policy_decides(given: dict[str, Any], says: str) -> None:
    runner = Says("%d\nmore\n" % (NOW - 90000))
    _known, warned = backup.check(backup.backup_of(given), runner, NOW)
    assert [one.partition(". Fix: ")[0] for one in warned] == (["Before this migration: " + says] if says else [])
    refusing = backup.backup_of({**given, "policy": given.get("policy", "refuse")})
    if says:
        with pytest.raises(Refused) as caught:
            backup.check(refusing, runner, NOW)
        assert says in caught.value.msg and caught.value.fix
    else:
        assert backup.check(refusing, runner, NOW)[1] == []


def test_the_newest_file_counts_and_words_are_no_time(tmp_path: Path) -> None:
    for name, at in (("a.dump", 100.0), ("b.dump", 200.0), ("c.txt", 300.0)):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (at, at))
    (tmp_path / "d.dump").mkdir()
    wanted = backup.backup_of({"path": str(tmp_path / "*.dump")})
    assert backup.newest(wanted, Says("")) == 200.0
    assert backup.newest(backup.backup_of({"command": ["x"]}), Says("", 1)) is None
    with pytest.raises(BluegreenError, match="its first line is no time"):
        backup.newest(backup.backup_of({"command": ["x"]}), Says("yesterday"))


KRATOS = (
    '{"error":{"message":"ERROR: null value in column \\"identity_id\\" of relation \\"session_devices\\" violates '
    'not-null constraint (SQLSTATE 23502)"},"level":"error"}'
)


@pytest.mark.parametrize(
    ("line", "sign"),
    [
        (KRATOS, Sign("23502", "session_devices.identity_id")),
        ("missing destination name external_id in *identity.Identity", Sign(live_log.UNREAD, "external_id")),
        ("ERROR: cached plan must not change result type (SQLSTATE 0A000)", Sign("0A000")),
        ("error: column sessions.aal does not exist { code: '42703' }", Sign("42703", "sessions.aal")),
        ('pq: relation "flows" does not exist', Sign("42P01", "flows")),
        ("  code: '42P10',", Sign("42P10")),
        ("SQLSTATE[42883]: Undefined function", Sign("42883")),
        ("ERROR: permission denied for table people", Sign("42501", "people")),
        ("DETAIL: Failing row contains (23502, a@b.c).", None),
        ("GET /users/42703 200 23502 ms", None),
        ('duplicate key value violates unique constraint "people_pkey" (SQLSTATE 23505)', None),
        ("the column of the temple does not exist in this log", None),
    ],
)
def test_signs_of_another_schema(line: str, sign: Sign | None) -> None:
    assert live_log.signs("well\n%s\nwell" % line) == (Counter([sign]) if sign else Counter())


BROKEN, PLAN, VALUE = Sign("23502", "t.c"), Sign("0A000"), Sign("22P02")


@pytest.mark.parametrize(
    ("before", "half", "end", "broken", "noticed"),
    [
        ({}, {}, {BROKEN: 1}, 1, 0),
        ({BROKEN: 3}, {}, {BROKEN: 1}, 0, 0),
        # A cached plan heals: once a session and statement.
        ({}, {PLAN: 9}, {PLAN: 9}, 0, 1),
        ({}, {}, {PLAN: 4}, 0, 1),
        ({}, {PLAN: 5}, {PLAN: 9}, 1, 0),
        ({}, {}, {VALUE: 99}, 0, 1),
    ],
)
def test_what_the_live_colour_says_is_judged(
    before: dict[Sign, int], half: dict[Sign, int], end: dict[Sign, int], broken: int, noticed: int
) -> None:
    found = live_log.judge({"c": before}, {"c": half}, {"c": end}, sessions=4)
    assert (len(found.broken), len(found.noticed)) == (broken, noticed)
    assert live_log.judge({"c": {}}, {}, {}, 4) == live_log.Found()


def test_the_log_is_read_until_it_fails_or_the_time_is_over() -> None:
    clock, texts = Clock(), {"good": "well", "bad": "well"}
    clock.at = NOW

    class Logs:
        def run(self, argv: Sequence[str], **_more: Any) -> Result:
            if argv[-1] == "gone":
                return Result(125, "", "no such container")
            if clock.monotonic() - begun >= 3:
                texts["bad"] = KRATOS
            return Result(0, "" if "--until" in argv else texts[argv[-1]], "")

    begun = clock.monotonic()
    log = live_log.LiveLog(Podman(Logs()), clock, ("good", "gone"))
    log.begin()
    assert log.watch(10.0, 4) == live_log.Found() and clock.monotonic() - begun >= 10
    assert log.unread == ["gone"] and log.began == begun
    for since, expected in ((begun - 60, begun - 60), (begun - 7200, clock.now()), (0.0, clock.now())):
        log.begin(since)
        assert log.began == expected
    begun = clock.monotonic()
    log = live_log.LiveLog(Podman(Logs()), clock, ("bad",))
    log.begin()
    assert log.watch(10.0, 4).broken == ("bad logged SQLSTATE 23502 (session_devices.identity_id), 1 times",)
    assert clock.monotonic() - begun < 5


def test_how_far_it_is(tmp_path: Path) -> None:
    state = str(tmp_path)
    assert progress.read_all(state) == [] and progress.read(state, "t") is None
    now = progress.Progress("t", "r", 5.0, 7, 20, "add_x", 1, ("i",))
    progress.write(state, now)
    assert progress.read(state, "t") == now
    assert [one["text"] for one in progress.read_all(state)] == ["t: 7 of 20, next add_x"]
    Path(progress.path(state, "t")).write_text("{")
    # A run has begun, and nothing more is known of it.
    assert progress.read(state, "t") == progress.Progress("t")
    progress.end(state, "t")
    progress.end(state, "t")
    assert progress.read(state, "t") is None


def look(**things: str) -> drift.Look:
    return drift.of_things({"table " + name: text for name, text in things.items()})


def bridged(release: str, *names: str) -> Installed:
    return Installed(Bridge("010", "", ""), tuple(Thing("table", name, 1) for name in names), release)


def test_drift_is_said_and_a_bridge_is_none() -> None:
    first = look(a="{}", b="{}")
    assert drift.complaint(first, look(a="{}", b="{}"), Record(), "r", "it differs") == ("", [])
    said, found = drift.complaint(first, look(a="{}", c="{}"), Record(), "r", "it differs")
    assert said == "it differs: table b is gone; table c is new" and len(found) == 2
    with_bridge = look(a="{}", b="{}", mine="{}", old="{}")
    record = Record("d", (bridged("r", "mine"), bridged("earlier", "old")))
    assert drift.complaint(first, with_bridge, record, "r", "x") == ("", [])
    # The rehearsal may have had them too, or those of earlier releases; by digests alone as well.
    for seen in (with_bridge, look(a="{}", b="{}", old="{}")):
        assert drift.complaint(drift.Look(seen.digest), with_bridge, record, "r", "x") == ("", [])
    assert drift.complaint(drift.Look("other"), first, Record(), "r", "it differs") == ("it differs", [])


def test_a_begun_migration_is_neither_the_first_schema_nor_the_last() -> None:
    told = {"before": {"count": 2}}
    assert not drift.resumes({"1", "2"}, told, False)
    assert drift.resumes({"1", "2", "3"}, told, False) and drift.resumes({"1", "2"}, told, True)
    assert not drift.resumes({"1"}, {}, False)


def test_the_looks_lie_beside_the_proof(tmp_path: Path) -> None:
    seen = drift.Rehearsal(look(a="{}"), look(a="{}", b="{}"))
    drift.write(str(tmp_path), "r", "t", seen)
    told = {"started": seen.started.digest, "rehearsed": seen.rehearsed.digest}
    assert drift.rehearsal(str(tmp_path), "r", "t", told) == seen
    assert drift.rehearsal(str(tmp_path), "r", "t", {}) == drift.Rehearsal()
    Path(drift.path(str(tmp_path), "r", "t")).write_text("{")
    assert drift.rehearsal(str(tmp_path), "r", "t", told).started == drift.Look(seen.started.digest)


def test_the_proof_of_this_very_image_counts() -> None:
    proof = {"targets": {"t": {"new": "a", "verdict": "SAFE"}}}
    assert options.proven(proof, "t", "a") and options.proven(proof, "t", "b") == {}
    assert options.proven({}, "t", "a") == {} == options.proven({"targets": {"t": 1}}, "t", "a")
