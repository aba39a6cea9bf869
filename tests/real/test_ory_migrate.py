# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ory_migrate with the real images and a real PostgreSQL container: what is pending, one lock, every crash."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.migrate_bench import (
    DEPLOYMENT,
    HYDRA,
    KRATOS_NEW,
    KRATOS_OLD,
    PASSWORD,
    SERVER,
    Bench,
    clean_up,
    kill,
    module,
    ours,
    query,
    session,
    start_server,
    until,
)

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import postgres
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused

pytestmark = pytest.mark.lab
slow = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    start_server(tmp_path_factory.mktemp("containers"))
    yield
    clean_up()


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def kratos(tmp_path: Path, state_dir: Path) -> Bench:
    return Bench(tmp_path, state_dir, "kratos", "ciam_kratos")


def at_old(bench: Bench) -> Bench:
    assert bench.run(KRATOS_OLD)[0]["after"]["count"] == 295
    return bench


def test_the_list_is_learnt_from_a_throw_away_database_and_kept(kratos: Bench, tmp_path: Path) -> None:
    fresh: dict[str, Any] = {"state": "read", "state_dir": str(tmp_path)}
    result, plan, _warnings = kratos.run(KRATOS_OLD, **fresh)
    assert (result["learned_by"], len(result["pending"]), result["changed"]) == ("shadow", 295, False)
    assert result["pending"][0]["version"] == "20150100000001000000" and not plan.changed
    assert ours() == [SERVER]
    assert query("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", "ciam_kratos") == [(0,)]
    assert kratos.run(KRATOS_OLD, **fresh)[0]["learned_by"] == "cache"


def test_the_hop(kratos: Bench) -> None:
    first = kratos.run(KRATOS_OLD)[0]
    assert first["changed"] and first["after"] == {"count": 295, "latest": "20230705000000000001"}
    promised, plan, _warnings = kratos.run(KRATOS_NEW, check_mode=True)
    assert "identity_credentials_fix_user_handle_index" in [item["name"] for item in promised["pending"]]
    assert len(promised["pending"]) == 20 and promised["after"]["count"] == 315 and promised["applied"] == []
    assert '"count": 315' in plan.diff()["after"] and len(kratos.versions()) == 295
    done = kratos.run(KRATOS_NEW, release="r1")[0]
    assert done["changed"] and done["attempts"] == 1 and done["verdict"] == "NOT_JUDGED"
    assert done["applied"] == promised["pending"] and len(kratos.versions()) == 315
    kept = json.loads((kratos.state_dir / "releases" / "r1" / "schema" / "ciam_kratos.json").read_text())
    assert kept["after"]["count"] == 315 and PASSWORD not in json.dumps(kept)
    again, plan, _warnings = kratos.run(KRATOS_NEW)
    assert not again["changed"] and not plan.changed and again["pending"] == []
    with pytest.raises(Refused, match="newer than the image's newest"):
        kratos.run(KRATOS_OLD)
    assert ours() == [SERVER]


def test_no_secret_in_a_command_line(kratos: Bench) -> None:
    result, plan, _warnings = kratos.run(KRATOS_OLD)
    assert len(kratos.runner.seen) > 3
    assert PASSWORD not in repr((kratos.runner.seen, result, plan))


def test_hydra_tells_by_status_and_status_writes_nothing(tmp_path: Path, state_dir: Path) -> None:
    hydra = Bench(tmp_path, state_dir, "hydra", "ciam_hydra")
    result = hydra.run(HYDRA, state="read")[0]
    assert (result["learned_by"], len(result["pending"])) == ("status", 212)
    assert query("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", "ciam_hydra") == [(0,)]
    done = hydra.run(HYDRA)[0]
    assert done["after"]["count"] == 212 == len(hydra.versions())
    assert not hydra.run(HYDRA)[0]["changed"]


def test_another_runner_is_named(kratos: Bench) -> None:
    at_old(kratos)
    other = session(kratos.database, application="another runner")
    try:
        assert postgres.try_lock(other)
        with pytest.raises(Refused, match="another runner"):
            kratos.run(KRATOS_NEW, lock_wait=1.0)
    finally:
        other.close()
    assert len(kratos.versions()) == 295
    assert kratos.run(KRATOS_NEW)[0]["after"]["count"] == 315


def test_a_lock_that_is_not_had_is_given_up(kratos: Bench) -> None:
    """The live colour's readers wait for lock_timeout at most, and what was applied stays applied."""
    at_old(kratos)
    reader = session(kratos.database)
    try:
        reader.query("BEGIN")
        reader.query("SELECT count(*) FROM sessions, identities, courier_messages, selfservice_login_flows")
        with pytest.raises(BluegreenError, match=r"PostgreSQL gave no lock within 0\.3 s, in 2 attempts") as caught:
            kratos.run(KRATOS_NEW, lock_timeout=0.3, attempts=2, release="r")
    finally:
        reader.close()
    partial: Any = caught.value.partial
    assert len(partial["applied"]) + len(partial["pending"]) == 20 and partial["pending"]
    # The fence goes by it: the schema may have moved, whatever becomes of this release.
    record = kratos.state_dir / "releases/r/schema" / (kratos.database + ".json")
    assert json.loads(record.read_text())["changed"]
    done = kratos.run(KRATOS_NEW, release="r")[0]
    assert done["applied"] == partial["pending"] and done["after"]["count"] == 315
    assert not kratos.run(KRATOS_NEW, release="r")[0]["changed"] and json.loads(record.read_text())["changed"]


def test_it_is_tried_again_when_the_lock_comes_free(kratos: Bench) -> None:
    at_old(kratos)
    reader = session(kratos.database)
    reader.query("BEGIN")
    reader.query("SELECT count(*) FROM sessions, identities, courier_messages, selfservice_login_flows")
    started: list[str] = []

    def release_at_the_second(argv: list[str]) -> None:
        if argv[1:3] == ["run", "-d"]:
            started.append(argv[4])
            if len(started) == 2:
                reader.close()

    kratos.run(KRATOS_NEW, state="read")
    kratos.runner.before = release_at_the_second
    done = kratos.run(KRATOS_NEW, lock_timeout=0.3)[0]
    assert started == ["bgmig-migrate-ciam_kratos"] * 2
    assert done["attempts"] == 2 and done["after"]["count"] == 315


def test_an_old_transaction_stops_it_before_it_starts(kratos: Bench) -> None:
    at_old(kratos)
    idle = session(kratos.database, application="a forgotten psql")
    try:
        idle.query("BEGIN")
        idle.query("SELECT 1")
        until("an old transaction", lambda: age(kratos) > 1.2)
        with pytest.raises(BluegreenError, match="a forgotten psql"):
            kratos.run(KRATOS_NEW, max_transaction_age=1.0)
    finally:
        idle.close()
    assert len(kratos.versions()) == 295


def age(bench: Bench) -> float:
    sql = "SELECT max(extract(epoch FROM now() - xact_start)) FROM pg_stat_activity WHERE application_name LIKE 'a f%'"
    return float(query(sql, bench.database)[0][0] or 0)


def test_a_running_migration_is_waited_for_and_never_doubled(kratos: Bench) -> None:
    at_old(kratos)
    kratos.run(KRATOS_NEW, state="read")
    reader = session(kratos.database)
    reader.query("BEGIN")
    reader.query("SELECT count(*) FROM sessions, identities, courier_messages, selfservice_login_flows")
    killed = module(kratos, kratos.params(KRATOS_NEW, lock_timeout=30.0))
    name = "%s-migrate-ciam_kratos" % DEPLOYMENT
    until("the migration container", lambda: name in ours())
    kill(killed)
    with pytest.raises(BluegreenError, match="still running"):
        kratos.run(KRATOS_NEW, lock_wait=1.0)
    threading.Timer(1.0, reader.close).start()
    kratos.run(KRATOS_NEW)
    assert len(kratos.versions()) == 315
    assert ours() == [SERVER]


@pytest.mark.parametrize(
    "delay", [pytest.param(0.0, marks=slow), 0.15, pytest.param(0.4, marks=slow), 0.8, pytest.param(1.3, marks=slow)]
)
def test_killed_anywhere_it_converges(kratos: Bench, tmp_path: Path, delay: float) -> None:
    """With an empty cache, so that the throw-away database is among what is killed."""
    at_old(kratos)
    params = kratos.params(KRATOS_NEW, state_dir=str(tmp_path))
    killed = module(kratos, params)
    until("a container of the run", lambda: len(ours()) > 1)
    time.sleep(delay)
    kill(killed)
    done = module(kratos, params)
    out, err = done.communicate(timeout=120)
    answer = json.loads(out)
    assert not answer.get("failed"), out + err
    assert answer["after"]["count"] == 315 == len(kratos.versions())
    assert PASSWORD not in out + err
    assert ours() == [SERVER]


def test_an_invalid_index_is_dropped_and_built_again(kratos: Bench) -> None:
    """What a broken CREATE INDEX CONCURRENTLY leaves is skipped by IF NOT EXISTS and would stay invalid for ever."""
    at_old(kratos)
    query("CREATE INDEX broken_idx ON identities (created_at)", kratos.database)
    query("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken_idx'::regclass", kratos.database)
    read, plan, warned = kratos.run(KRATOS_NEW, check_mode=True)
    assert read["invalid_indexes"] == ["broken_idx"] and "drop_index broken_idx invalid" in read["steps"]
    assert plan.changed and warned == ["index broken_idx is invalid"]
    assert kratos.run(KRATOS_NEW)[0]["invalid_indexes"] == []
    assert query("SELECT to_regclass('broken_idx')", kratos.database) == [(None,)]


def test_the_dsn_of_another_database_is_refused(kratos: Bench) -> None:
    params = kratos.params(KRATOS_OLD)
    params["target"] = {**params["target"], "database": "iam_kratos"}
    process = module(kratos, params)
    out, _errors = process.communicate(timeout=60)
    assert "leads to database ciam_kratos" in json.loads(out)["msg"] and PASSWORD not in out


def test_the_live_colours_log_is_read_from_the_migration_on(kratos: Bench) -> None:
    """What it said before is none of the migration's doing."""
    at_old(kratos)
    live = kratos.talker("bgmig-blue")
    live('{"msg":"ERROR: relation \\"gone\\" does not exist (SQLSTATE 42P01)"}')
    before = 'null value in column "identity_id" of relation "session_devices" violates not-null (SQLSTATE 23502)'

    def breaks(argv: list[str]) -> None:
        if argv[1] == "wait":
            kratos.runner.before = lambda argv: None
            live(before + "\nDETAIL: Failing row contains (%s)" % PASSWORD)

    watch = {"containers": ["bgmig-blue"], "seconds": 1.0}
    kratos.run(KRATOS_NEW, state="read")
    kratos.runner.before = breaks
    with pytest.raises(BluegreenError, match=r"bgmig-blue logged SQLSTATE 23502 \(session_devices") as caught:
        kratos.run(KRATOS_NEW, watch=watch)
    assert "42P01" not in str(caught.value) and PASSWORD not in str(caught.value)
    assert kratos.run(KRATOS_NEW, state="read")[0]["pending"] == []


@pytest.mark.parametrize("absent", [{"compose_file": "/nonexistent"}, {"network": "bgmig-none"}])
def test_in_check_mode_what_comes_later_will_be_checked(kratos: Bench, absent: dict[str, Any]) -> None:
    result, plan, _warnings = kratos.run(KRATOS_OLD, check_mode=True, **absent)
    assert result["steps"][0].startswith("will be checked") and not plan.changed and not result["changed"]
    with pytest.raises(BluegreenError):
        kratos.run(KRATOS_OLD, **absent)
    assert kratos.versions() == frozenset()
