# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What surrounds a migration, on a real PostgreSQL: its bounds, its indexes, the schema it must find and leave."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit import majors
from kit.apply_bench import ADD, INDEX, PASSWORD, Bench
from kit.majors import Server
from kit.pooler import Pooler

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import drift, oneshot, progress

NUMBERS = itertools.count()


@pytest.fixture
def shop(server: Server, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(server, "shop_%d" % next(NUMBERS), tmp_path)
    try:
        yield made
    finally:
        made.podman.close()


BOUNDS = "SELECT name, setting FROM pg_settings WHERE name LIKE '%timeout' OR name = 'application_name'"
SEEN = {"version": "001", "sql": "CREATE TABLE seen AS " + BOUNDS}
WAITS = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%s INDEX%%' AND wait_event_type = 'Lock'"


def test_the_bounds_are_in_the_migrators_sessions_and_in_no_other(shop: Bench) -> None:
    shop.run([SEEN], lock_timeout=0.7, timeout=100.0)
    found = dict(shop.sql("SELECT name, setting FROM seen"))
    assert found["lock_timeout"] == "700" and found["application_name"] == "olympus-bluegreen-migrate-shop"
    assert found["transaction_timeout"] == found["idle_in_transaction_session_timeout"] == "100000"
    assert shop.sql("SHOW lock_timeout") == [("0",)]
    shop.run([SEEN, {**SEEN, "version": "002", "sql": SEEN["sql"].replace("seen", "again")}], transaction_timeout=7.0)
    assert dict(shop.sql("SELECT name, setting FROM again"))["transaction_timeout"] == "7000"
    assert PASSWORD not in repr(shop.podman.seen)


def test_a_transaction_that_holds_its_locks_for_too_long_is_ended(shop: Bench) -> None:
    slow = {"version": "001", "sql": ADD["sql"] + "; SELECT pg_sleep(20)"}
    begun = time.monotonic()
    with pytest.raises(BluegreenError, match="the migration ended") as caught:
        shop.run([slow], transaction_timeout=0.3)
    assert "raise transaction_timeout" in caught.value.fix
    assert time.monotonic() - begun < 15 and shop.versions() == []


def test_blocked_by_a_long_reader_it_gives_up_and_others_read_on(shop: Bench) -> None:
    """A waiting ALTER holds up every later reader: for lock_timeout at most."""
    reader, other = shop.server.connection(shop.name), shop.server.connection(shop.name)
    reader.cursor().execute("BEGIN; SELECT * FROM people")
    stalls, over = [], threading.Event()

    def reads() -> None:
        while not over.is_set():
            begun = time.monotonic()
            other.cursor().execute("SELECT count(*) FROM people")
            stalls.append(time.monotonic() - begun)

    thread = threading.Thread(target=reads)
    thread.start()
    try:
        with pytest.raises(BluegreenError, match=r"PostgreSQL gave no lock within 0\.4 s, in 2 attempts"):
            shop.run([ADD], lock_timeout=0.4, attempts=2)
    finally:
        over.set()
        thread.join()
        reader.close()
        other.close()
    assert 0.2 < max(stalls) < 0.9, max(stalls)
    assert shop.versions() == []
    assert shop.run([ADD])[0]["attempts"] == 1 and not shop.run([ADD])[0]["changed"]


def waits(shop: Bench, verb: str, over: threading.Event) -> bool:
    """Until such a statement waits for a lock."""
    there = shop.server.db(shop.name)
    while not over.wait(0.02):
        if there.query(WAITS % verb):
            there.close()
            return True
    return False


def killing(shop: Bench, times: int) -> None:
    """CREATE INDEX CONCURRENTLY is cut short while it waits for a writer: by a kill of its client, or by its bound."""
    shop.run([ADD])
    for number in range(times):
        writer, over = shop.server.connection(shop.name), threading.Event()
        writer.cursor().execute("BEGIN; INSERT INTO people VALUES (%d, 'x')" % (1000 + number))

        def hands(number: int = number, writer: Any = writer, over: threading.Event = over) -> None:
            if number % 2 == 0 and waits(shop, "CREATE", over):
                shop.podman.there["olympus-migrate-shop"].process.kill()
            if waits(shop, "DROP", over):
                writer.close()

        thread = threading.Thread(target=hands)
        thread.start()
        try:
            with pytest.raises(BluegreenError, match=r"\(0 of 1 applied\)"):
                shop.run([ADD, INDEX], lock_timeout=0.3 if number % 2 else 5.0, attempts=1)
        finally:
            over.set()
            thread.join()
            writer.close()
        assert shop.invalid() == [] and shop.versions() == ["001"], number


def test_an_index_that_is_cut_short_is_not_left_and_not_recorded(shop: Bench) -> None:
    killing(shop, 2)
    assert shop.run([ADD, INDEX])[0]["after"]["count"] == 2
    assert shop.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'people_name'::regclass") == [(True,)]


@pytest.mark.slow
def test_twenty_times(shop: Bench) -> None:
    killing(shop, 20)
    assert shop.run([ADD, INDEX])[0]["after"]["count"] == 2 and shop.invalid() == []


@pytest.mark.slow
@pytest.mark.parametrize("major", [14, 15, 16, 17])
def test_every_major_has_the_bounds_that_it_knows(major: int, tmp_path: Path) -> None:
    with majors.server(major) as server:
        shop = Bench(server, "shop", tmp_path)
        shop.run([SEEN], timeout=100.0, backup={"policy": "warn"})
        found = dict(shop.sql("SELECT name, setting FROM seen"))
        assert (found["lock_timeout"], found["idle_in_transaction_session_timeout"]) == ("200", "100000")
        assert found["transaction_timeout" if major >= 17 else "statement_timeout"] == "100000"
        other = Bench(server, "other", tmp_path)
        killing(other, 2)
        assert other.run([ADD, INDEX])[0]["after"]["count"] == 2


BROKEN = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '%s'::regclass"


def test_one_that_the_migrator_takes_for_made_is_built_again(shop: Bench) -> None:
    shop.sql("CREATE INDEX known ON people (id, name)")
    shop.sql(BROKEN % "known")
    shop.run([ADD, INDEX, {"version": "003", "sql": BROKEN % "people_name"}])
    # What was invalid before is not the migration's.
    assert shop.invalid() == ["known"]


def prepared(shop: Bench) -> None:
    shop.sql("BEGIN; INSERT INTO people VALUES (1, 'x'); PREPARE TRANSACTION 'two_phase'")


def test_a_prepared_transaction_is_one_that_is_open(shop: Bench) -> None:
    prepared(shop)
    try:
        with pytest.raises(BluegreenError, match="prepared transaction two_phase, "):
            shop.run([ADD], max_transaction_age=0.01)
    finally:
        shop.sql("ROLLBACK PREPARED 'two_phase'")
    assert shop.versions() == []


@pytest.mark.parametrize("refuses", [False, True])
def test_behind_a_pooler_nothing_runs_without_a_bound(shop: Bench, refuses: bool) -> None:
    with Pooler(shop.server.port, refuses) as pooler:
        shop.port = pooler.port
        status = {"status_command": None}
        with pytest.raises(Refused, match="the migrator would have no lock_timeout: ") as caught:
            shop.run([ADD], target=status)
        assert "migrator_dsn_env" in caught.value.fix and PASSWORD not in str(caught.value)
        assert shop.versions() == [] and progress.read_all(str(shop.home / "state")) == []


@pytest.mark.parametrize("refuses", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_role_of_its_own_brings_the_bound_and_gives_back_what_it_makes(shop: Bench, refuses: bool) -> None:
    number = next(NUMBERS)
    owner, own = "owner_%d" % number, "migrator_%d" % number
    shop.sql("CREATE ROLE %s LOGIN; CREATE ROLE %s LOGIN IN ROLE %s" % (owner, own, owner))
    shop.sql("ALTER TABLE people OWNER TO %s; GRANT CREATE ON SCHEMA public TO %s" % (owner, owner))
    shop.user = owner
    make = {"version": "002", "sql": "CREATE TABLE made AS SELECT current_setting('lock_timeout') AS bound"}
    with Pooler(shop.server.port, refuses) as pooler:
        shop.port = pooler.port
        target = {"migrator_dsn_env": "OWN", "status_command": None}
        given: dict[str, Any] = {"target": target, "environment": {"OWN": shop.dsn.replace(owner, own)}}
        with pytest.raises(Refused, match="the migrator's own role has no lock_timeout"):
            shop.run([ADD, make], **given)
        shop.sql("ALTER ROLE %s SET lock_timeout = '200ms'" % own)
        if refuses:
            # Then nothing is left to give back.
            shop.sql("ALTER ROLE %s SET role = %s" % (own, owner))
        assert shop.run([ADD, make], **given)[0]["changed"]
    assert shop.sql("SELECT bound FROM made") == [("200ms",)]
    assert set(shop.sql("SELECT tableowner FROM pg_tables WHERE schemaname = 'public'")) == {(owner,)}


def rehearsed(shop: Bench, image: str = "0123456789ab") -> dict[str, Any]:
    """A proof of release r1: the same schema in another database, before and after the migration."""
    other = Bench(shop.server, shop.name + "_shadow", shop.home / "shadow")
    other.home.mkdir()
    looks = []
    for migrations in ([], [ADD]):
        if migrations:
            other.run(migrations)
        db = shop.server.db(other.name)
        looks.append(drift.look(db))
        db.close()
    drift.write(str(shop.home / "state"), "r1", "shop", drift.Rehearsal(*looks))
    told = {"new": image, "before": {"count": 0}, "started": looks[0].digest, "rehearsed": looks[1].digest}
    (shop.home / "state/releases/r1/schema/proof.json").write_text(json.dumps({"v": 1, "targets": {"shop": told}}))
    return told


def test_the_schema_is_the_rehearsed_one_before_and_after(shop: Bench) -> None:
    rehearsed(shop)
    shop.sql("ALTER TABLE people ADD COLUMN by_hand text")
    with pytest.raises(Refused, match=r"the schema has changed since the rehearsal: .*by_hand is new") as caught:
        shop.run([ADD], release="r1")
    assert "run the stage again" in caught.value.fix and shop.versions() == []
    shop.sql("ALTER TABLE people DROP COLUMN by_hand")
    done, _plan, warned = shop.run([ADD], release="r1")
    assert done["changed"] and done["drift"] == [] and done["not_compared"] == "" and warned == []


def test_another_schema_than_the_rehearsed_one_fails_until_it_is_put_right(shop: Bench) -> None:
    rehearsed(shop)
    more = {"version": "001", "sql": ADD["sql"] + "; CREATE INDEX extra ON people (name)"}
    for _time in range(2):
        with pytest.raises(BluegreenError, match=r"not the one that was rehearsed: index public\.extra is new"):
            shop.run([more], release="r1")
    assert shop.versions() == ["001"]
    assert not shop.run([more], check_mode=True)[0]["pending"]
    shop.sql("DROP INDEX extra")
    done, plan, _warned = shop.run([more], release="r1")
    assert plan.changed and not done["changed"] and not shop.run([more], release="r1")[1].changed


def test_by_policy_another_schema_is_a_warning(shop: Bench) -> None:
    rehearsed(shop)
    shop.sql("CREATE TABLE by_hand (id int)")
    done, _plan, warned = shop.run([ADD], release="r1", drift="warn")
    assert done["changed"] and len(warned) == 2 and "by_hand" in done["drift"][0]


FAILS = 'level=error error=map[message:ERROR: null value in column "nick" of relation "people" (SQLSTATE 23502)]\n'


def test_what_the_live_colour_says_stops_the_stage(shop: Bench) -> None:
    shop.podman.logs = {"blue-shop": "all is well\n"}
    watch = {"containers": ["blue-shop"], "seconds": 0.3}

    def breaks(argv: list[str]) -> None:
        if argv[1] == "wait" and "olympus-migrate-shop" in argv:
            shop.podman.logs["blue-shop"] += FAILS + "DETAIL: Failing row contains (5ecret).\n"

    shop.podman.before = breaks
    with pytest.raises(BluegreenError, match=r"blue-shop logged SQLSTATE 23502 \(people\.nick\), 1 times") as caught:
        shop.run([ADD], watch=watch)
    assert "5ecret" not in str(caught.value) and "no traffic moved" in caught.value.fix
    # It stays a failure until the live colour is well.
    with pytest.raises(BluegreenError, match="SQLSTATE 23502"):
        shop.run([ADD], watch=watch)
    shop.podman.logs["blue-shop"] = ""
    assert not shop.run([ADD], watch=watch)[0]["changed"]
    assert not shop.run([ADD], watch=watch)[1].changed


def test_how_far_it_is_can_be_read_meanwhile(shop: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oneshot, "EVERY", 0.02)
    seen: set[str] = set()
    over, state = threading.Event(), str(shop.home / "state")

    def look() -> None:
        while not over.is_set():
            seen.update(one["text"] for one in progress.read_all(state))

    thread = threading.Thread(target=look)
    thread.start()
    slow = {"version": "002", "sql": "SELECT pg_sleep(0.3)"}
    try:
        shop.run([ADD, slow])
    finally:
        over.set()
        thread.join()
    assert {"shop: 0 of 2, next 001", "shop: 1 of 2, next 002"} <= seen
    assert progress.read_all(state) == []


class Killed(BaseException):
    pass


@pytest.mark.parametrize(
    "verb", ["run", "wait", *(pytest.param(one, marks=pytest.mark.slow) for one in ("logs", "rm"))]
)
def test_killed_at_any_step_the_next_run_goes_on(shop: Bench, verb: str) -> None:
    def dies(argv: list[str]) -> None:
        if argv[1] == verb and any("migrate" in word for word in argv):
            shop.podman.before = lambda argv: None
            raise Killed

    shop.podman.before = dies
    with pytest.raises(Killed):
        shop.run([ADD, INDEX])
    done = shop.run([ADD, INDEX])[0]
    assert done["after"]["count"] == 2 and shop.invalid() == [] and shop.podman.there == {}
    assert not shop.run([ADD, INDEX])[1].changed and progress.read_all(str(shop.home / "state")) == []


def test_a_restore_point_where_the_server_makes_one(shop: Bench) -> None:
    made = shop.run([ADD], backup={"policy": "warn"}, release="r1")
    assert made[0]["restore_point"]["name"] == "olympus_bluegreen_r1" and "/" in made[0]["restore_point"]["lsn"]
    assert made[2] == [
        "Before this migration: nothing says when this database was backed up. Fix: set backup.path or backup.command"
    ]


def test_a_role_without_the_right_is_told_what_it_lacks(shop: Bench) -> None:
    role = "plain_%d" % next(NUMBERS)
    shop.sql("CREATE ROLE %s LOGIN; ALTER TABLE people OWNER TO %s" % (role, role))
    shop.sql("GRANT CREATE ON SCHEMA public TO %s" % role)
    shop.user = role
    fresh = shop.home / "base.backup"
    fresh.write_text("")
    backup = {"path": str(fresh), "policy": "refuse"}
    with pytest.raises(Refused, match="no restore point can be made") as caught:
        shop.run([ADD], backup=backup)
    assert "GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO " + role in caught.value.fix
    done = shop.run([ADD], backup={**backup, "policy": "warn"})
    assert "may not make one" in done[0]["restore_point"]["why"] and done[2] == []
