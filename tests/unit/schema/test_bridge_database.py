# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges on a real PostgreSQL 18: what they made is known, all or nothing, killed anywhere, gone afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from kit.bridge_bench import Bench

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import postgres
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import bridge, bridge_record

FUNCTION = "CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;\n"
TRIGGER = "CREATE TRIGGER %s BEFORE INSERT ON session_devices FOR EACH ROW EXECUTE FUNCTION %s();\n"
TABLE, NO_TABLE = "CREATE TABLE extra (id int PRIMARY KEY);", "DROP TABLE IF EXISTS extra;"


def both(name: str) -> str:
    return FUNCTION % name + TRIGGER % (name, name)


def test_what_a_bridge_made_is_recorded_and_removed(bench: Bench) -> None:
    bench.files(a=both("one"), b=FUNCTION % '"Two ""x"' + TRIGGER % ('"Two ""x"', '"Two ""x"'))
    result = bench.run()
    assert result["changed"] and result["steps"] == ["install a ciam_kratos", "install b ciam_kratos"]
    assert [one["objects"] for one in result["bridges"]] == [
        ["function public.one()", "trigger one on public.session_devices"],
        ['function public."Two ""x"()', 'trigger "Two ""x" on public.session_devices'],
    ]
    before = bench.record.read_text()
    again = bench.run()
    assert (again["changed"], again["bridges"]) == (False, result["bridges"]) and bench.record.read_text() == before
    bench.files()
    assert bench.run(state="absent")["changed"] and bench.objects() == [] and not bench.record.exists()
    assert not bench.run(state="absent")["changed"]


def test_without_bridges_nothing_is_asked(bench: Bench) -> None:
    bench.compose.unlink()
    assert not bench.run()["changed"] and not bench.run(state="absent")["changed"] and not bench.record.exists()


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (TABLE, "makes index public.extra_pkey, makes table public.extra"),
        (both("one") + "ALTER TABLE sessions ADD x int;", "makes table column public.sessions.x"),
        (both("one") + "ALTER TABLE sessions ALTER identity_id DROP NOT NULL;", "changes table column"),
        ("CREATE INDEX i ON sessions (identity_id);", "makes index public.i"),
        ("CREATE TYPE mood AS ENUM ('a');", "makes type public.mood"),
        ("ALTER TABLE sessions ADD CHECK (id IS NOT NULL) NOT VALID;", "makes table constraint"),
        ("ALTER TABLE audit ALTER line SET DEFAULT 'x';", "makes default value"),
        ("CREATE SCHEMA other;", "makes schema other"),
        ("CREATE VIEW v AS SELECT 1;", "makes view public.v"),
        ("DROP TABLE audit;", "drops table public.audit"),
        ("ALTER TABLE audit DROP line;", "changes table column public.audit.line"),
        ("CREATE RULE r AS ON INSERT TO audit DO NOTHING;", "makes rule r on public.audit"),
        ("GRANT SELECT ON audit TO PUBLIC;", "changes table public.audit"),
        ("SELECT 1;", "makes nothing"),
    ],
)  # fmt: skip
def test_whatever_cannot_be_dropped_by_name_needs_a_removal(bench: Bench, sql: str, told: str) -> None:
    bench.files(a=sql)
    with pytest.raises(Refused, match=re.escape(told)) as caught:
        bench.run()
    assert "makes nothing" in told or "add a.down.sql" in caught.value.fix
    assert bench.objects() == [] and not bench.record.exists()
    assert bench.query("SELECT count(*) FROM pg_class WHERE relname IN ('audit', 'v', 'i')") == [(1,)]


def test_a_function_that_was_there_is_not_taken_for_the_bridges_own(bench: Bench) -> None:
    bench.query(FUNCTION % "one")
    bench.files(a=(FUNCTION % "one").replace("CREATE", "CREATE OR REPLACE").replace("RETURN new", "RETURN old"))
    with pytest.raises(Refused, match=r"changes function public\.one\(\)"):
        bench.run()


def test_what_comes_with_a_trigger_is_no_object_of_its_own(bench: Bench) -> None:
    bench.query(
        "CREATE TABLE parts (id int) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parts DEFAULT;"
        + FUNCTION % "f"
    )
    given = TRIGGER.replace("session_devices", "parts") % ("t", "f")
    late = "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON sessions DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f();"
    bench.files(a=given + late + "CREATE TEMP TABLE scratch (id serial PRIMARY KEY);")
    found = bench.run()["bridges"][0]["objects"]
    assert found == ["trigger late on public.sessions", "trigger t on public.parts"]
    bench.run(state="absent")
    assert bench.objects() == ["f", "part"]


def test_with_a_removal_anything_goes_and_its_text_outlives_the_release(bench: Bench) -> None:
    bench.files(a=TABLE, a_down=NO_TABLE, b=both("one"))
    assert "table public.extra" in bench.run()["bridges"][0]["objects"]
    bench.files()
    assert bench.run(state="absent")["steps"] == ["remove a ciam_kratos", "remove b ciam_kratos"]
    assert bench.objects() == []


def test_one_that_fails_leaves_nothing_of_the_others(bench: Bench) -> None:
    bench.files(a=both("one"), b=TRIGGER % ("two", "missing"))
    with pytest.raises(BluegreenError, match=r"refuses bridge b: .*missing\(\) does not exist \(SQLSTATE 42883\)"):
        bench.run()
    assert bench.objects() == []


def test_an_edited_one_is_replaced_and_those_of_before_stay(bench: Bench) -> None:
    bench.files(a=both("one"), b=both("two"))
    bench.run()
    bench.files("v3-0123456789", a=both("three"))
    result = bench.run(release="v3-0123456789")
    assert result["steps"] == ["replace a ciam_kratos"]
    assert [(one["name"], one["release"]) for one in result["bridges"]] == [
        ("b", bench.release),
        ("a", "v3-0123456789"),
    ]
    assert bench.objects() == ["three", "three", "two", "two"]
    bench.files("v3-0123456789", a=both("three"), a_down="DROP FUNCTION IF EXISTS three CASCADE;")
    assert bench.run(release="v3-0123456789")["steps"] == ["record ciam_kratos"]
    assert "CASCADE" in bench.record.read_text()


@pytest.mark.parametrize(
    "lost", ["DROP TRIGGER one ON session_devices", "DROP TRIGGER one ON session_devices; DROP FUNCTION one()"]
)
def test_what_was_dropped_by_hand_comes_back(bench: Bench, lost: str) -> None:
    bench.files(a=both("one"))
    bench.run()
    bench.query(lost)
    assert bench.run()["changed"] and bench.objects() == ["one", "one"]
    bench.query("DROP TABLE session_devices; DROP FUNCTION one()")
    assert bench.run(state="absent")["changed"] and not bench.record.exists()


def test_a_removal_without_if_exists_stops_no_cleanup(bench: Bench) -> None:
    bench.files(a=TABLE, a_down="DROP TABLE extra;")
    bench.run()
    bench.query("DROP TABLE extra")
    assert bench.run(state="absent")["changed"] and not bench.record.exists()


def test_a_removal_that_leaves_something_is_told(bench: Bench) -> None:
    bench.files(a=TABLE, a_down="SELECT 1;")
    bench.run()
    with pytest.raises(BluegreenError, match=r"index public\.extra_pkey, table public\.extra, .* is still there"):
        bench.run(state="absent")
    assert bench.record.exists() and bench.objects() == ["extra"]


def test_check_mode_writes_nothing(bench: Bench) -> None:
    bench.files(a=both("one"))
    result = bench.run(check_mode=True)
    assert result["changed"] and result["steps"] == ["install a ciam_kratos"] and "a " in result["diff"]["after"]
    assert bench.objects() == [] and not bench.record.parent.exists()
    bench.run()
    before = bench.record.read_text()
    assert bench.run(check_mode=True, state="absent")["steps"] == ["remove a ciam_kratos"]
    assert bench.objects() == ["one", "one"] and bench.record.read_text() == before
    assert bench.run(check_mode=True, release="")["steps"] == ["will be checked: the release is not rendered yet"]


def test_a_writer_delays_it_for_the_lock_timeout_and_no_longer(bench: Bench) -> None:
    bench.files(a=both("one"))
    writer = bench.server.connection(bench.name)
    writer.autocommit = False
    writer.cursor().execute("LOCK TABLE session_devices IN ROW EXCLUSIVE MODE")
    began = time.monotonic()
    with pytest.raises(BluegreenError, match=r"lock timeout \(SQLSTATE 55P03\)"):
        bench.run()
    assert time.monotonic() - began < 3 and bench.objects() == [] and not bench.record.exists()
    writer.rollback()
    assert bench.run()["changed"]
    writer.close()


def test_a_reader_delays_the_removal_and_another_try_does_it(bench: Bench) -> None:
    bench.files(a=both("one"))
    bench.run()
    reader = bench.server.connection(bench.name)
    reader.autocommit = False
    reader.cursor().execute("SELECT count(*) FROM session_devices")
    with pytest.raises(BluegreenError, match="SQLSTATE 55P03") as caught:
        bench.run(state="absent")
    assert "long transaction" in caught.value.fix and bench.objects() == ["one", "one"] and bench.record.exists()
    tries = []

    def connect(keywords: dict[str, Any], enter: Any) -> postgres.Db:
        return Watched(postgres.connect(keywords, enter), end)

    def end(sql: str) -> None:
        tries.extend([1] if sql.startswith("DROP TRIGGER") else [])
        if len(tries) == 2:
            reader.rollback()

    assert bench.run(state="absent", attempts=3, connect=connect)["changed"] and len(tries) == 2
    reader.close()


def test_the_services_own_role_needs_no_more_than_its_tables(bench: Bench) -> None:
    bench.query("CREATE ROLE kratos_%s LOGIN; ALTER DATABASE %s OWNER TO kratos_%s" % ((bench.name,) * 3))
    for table in ("sessions", "session_devices"):
        bench.query("ALTER TABLE %s OWNER TO kratos_%s" % (table, bench.name))
    bench.compose.write_text(bench.compose.read_text().replace("lab@", "kratos_%s@" % bench.name))
    bench.files(a=both("one"))
    assert bench.run()["changed"] and not bench.run()["changed"]
    bench.files(a=both("one"), b=both("two").replace("session_devices", "audit"))
    with pytest.raises(BluegreenError, match=r"must be owner of|permission denied for table audit.*SQLSTATE 42501"):
        bench.run()
    assert bench.run(state="absent")["changed"] and bench.objects() == []


def test_another_database_than_the_recorded_one_is_refused(bench: Bench) -> None:
    bench.files(a=both("one"))
    bench.run()
    record = bridge_record.read(str(bench.state), "ciam_kratos")
    bridge_record.write(str(bench.state), "ciam_kratos", bridge_record.Record("elsewhere", record.bridges))
    with pytest.raises(Refused, match="in database elsewhere"):
        bench.run(state="absent")


def test_a_text_that_ends_the_transaction_is_found_out(bench: Bench) -> None:
    given = bridge.Bridge("a", "COMMIT; BEGIN; " + both("one"), "0" * 64)
    db = bench.server.db(bench.name)
    with pytest.raises(BluegreenError):
        bridge.install(db, [given])
    db.close()


class Watched:
    """A session that calls ``before`` with each statement, and ``after`` it."""

    def __init__(self, db: postgres.Db, before: Callable[[str], None], after: Callable[[str], None] = len) -> None:  # type: ignore[assignment]
        self.db, self.before, self.after = db, before, after

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        self.before(sql)
        found = self.db.query(sql, values)
        self.after(sql)
        return found

    def close(self) -> None:
        self.db.close()


def killed(act: Callable[[Callable[[str], None]], object], at: int) -> bool:
    """Run it in a process that is killed at its step number ``at``; whether it came so far."""
    child = os.fork()
    if child == 0:
        count = [0]

        def step(_what: str = "") -> None:
            count[0] += 1
            if count[0] == at:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            act(step)
            os._exit(0)
        finally:
            os._exit(1)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0, "it failed by itself"
    return os.WIFSIGNALED(status)


def stepping(bench: Bench, monkeypatch: pytest.MonkeyPatch, **given: Any) -> Callable[[Callable[[str], None]], object]:
    def act(step: Callable[[str], None]) -> object:
        write = bridge_record.write

        def noisy(state_dir: str, target: str, record: bridge_record.Record) -> None:
            step("")
            write(state_dir, target, record)
            step("")

        monkeypatch.setattr(bridge_record, "write", noisy)
        return bench.run(
            connect=lambda keywords, enter: Watched(postgres.connect(keywords, enter), step, step), **given
        )

    return act


def quiet(bench: Bench) -> None:
    """PostgreSQL notices a client that was killed when it next looks."""
    end = time.monotonic() + 20
    while bench.query(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )[0][0]:
        assert time.monotonic() < end
        time.sleep(0.01)


EDITED = FUNCTION.replace("RETURN new", "RETURN NULL") % "one" + TRIGGER % ("one", "one")


@pytest.mark.parametrize("edited", [False, True], ids=["first", "replacing"])
def test_killed_between_any_two_steps_the_next_run_installs_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, edited: bool
) -> None:
    at, went_on = 0, True
    while went_on:
        at += 1
        bench.files()
        bench.run(state="absent")
        bench.files(a=both("one"), b=TABLE, b_down=NO_TABLE)
        if edited:
            bench.run()
            bench.files(a=EDITED, b=TABLE + "--", b_down=NO_TABLE)
        went_on = killed(stepping(bench, monkeypatch), at)
        quiet(bench)
        bench.run()
        assert bench.objects() == ["extra", "one", "one"], at
        assert bench.query("SELECT prosrc LIKE '%NULL%' FROM pg_proc WHERE proname = 'one'") == [(edited,)], at
        assert not json.loads(bench.record.read_text())["pending"] and not bench.run()["changed"], at
    assert at > 20


def test_killed_between_any_two_steps_the_next_run_removes_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    at, went_on = 0, True
    while went_on:
        at += 1
        bench.files(a=both("one"), b=TABLE, b_down=NO_TABLE)
        bench.run()
        went_on = killed(stepping(bench, monkeypatch, state="absent"), at)
        quiet(bench)
        bench.run(state="absent")
        assert bench.objects() == [] and not bench.record.exists(), at
    assert at > 15


@pytest.mark.slow
def test_killed_while_it_changed_what_has_no_name(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing tells then whether it was committed: its removal and it again, both of which run twice."""
    asked = "SELECT attnotnull FROM pg_attribute WHERE attrelid = 'sessions'::regclass AND attname = 'identity_id'"
    at, went_on = 0, True
    change = "ALTER TABLE sessions ALTER identity_id %s NOT NULL;"
    while went_on:
        at += 1
        bench.files(a=change % "DROP", a_down=change % "SET")
        went_on = killed(stepping(bench, monkeypatch), at)
        quiet(bench)
        bench.run()
        assert bench.query(asked) == [(False,)] and not bench.run()["changed"], at
        bench.run(state="absent")
        assert bench.query(asked) in ([(True,)], [(False,)]), at
        bench.query(change % "SET")
