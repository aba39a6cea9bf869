# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQLSTATE and the object of a failed journey, from lines as PostgreSQL 18 writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import sqllog

DATA = Path(__file__).resolve().parents[2] / "kit" / "data"


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (
            'null value in column "identity_id" of relation "session_devices" violates not-null constraint',
            "session_devices.identity_id",
        ),
        ('insert or update on table "sessions" violates foreign key constraint "sessions_fk"', "sessions.sessions_fk"),
        ('new row for relation "identities" violates check constraint "identities_ck"', "identities.identities_ck"),
        ('column "location" of relation "session_devices" does not exist', "session_devices.location"),
        ("column hydra_client.pk does not exist", "hydra_client.pk"),
        ('column "pk" does not exist', "pk"),
        ('relation "hydra_oauth2_obsolete" does not exist', "hydra_oauth2_obsolete"),
        ("function gen_id() does not exist", "gen_id"),
        ("cached plan must not change result type", ""),
        ("permission denied", ""),
    ],
)
def test_what_a_message_names(message: str, named: str) -> None:
    assert sqllog.named(message) == named


def log(*lines: str) -> list[sqllog.SqlError]:
    return sqllog.errors(lines)


def test_a_statement_completes_what_the_message_leaves_out() -> None:
    found = log(
        "1700000000.100|ciam|0A000|7|3/4|0|10.0.0.2|app|ERROR:  cached plan must not change result type",
        '1700000000.100|ciam|0A000|7|3/4|0|10.0.0.2|app|STATEMENT:  SELECT * FROM "hydra_jwk" AS j WHERE sid = $1',
        "1700000000.200|iam|42703|7|3/4|0|10.0.0.2|app|ERROR:  column pk does not exist at character 8",
        "1700000000.200|iam|42703|7|3/4|0|10.0.0.2|app|STATEMENT:  select pk from hydra_client",
    )
    assert [(one.database, str(one)) for one in found] == [
        ("ciam", "SQLSTATE 0A000, hydra_jwk"),
        ("iam", "SQLSTATE 42703, hydra_client.pk"),
    ]


def test_what_the_message_names_stays() -> None:
    found = log(
        '1700000000.1|ciam|23502|7|3/4|0|::1|app|ERROR:  null value in column "b" of relation "a" violates not-null',
        "1700000000.1|ciam|23502|7|3/4|0|10.0.0.2|app|DETAIL:  Failing row contains (secret)",
        '1700000000.1|ciam|23502|7|3/4|0|10.0.0.2|app|STATEMENT:  INSERT INTO "other" VALUES ($1)',
    )
    assert [str(one) for one in found] == ["SQLSTATE 23502, a.b"] and "secret" not in repr(found)


def test_only_the_database_and_the_time_asked_for_and_no_ordinary_refusal() -> None:
    found = log(
        '1700000000.0|ciam|42P01|7|3/4|0|10.0.0.2|app|ERROR:  relation "early" does not exist',
        '1700000005.0|other|42P01|7|3/4|0|10.0.0.2|app|ERROR:  relation "other" does not exist',
        '1700000005.1|ciam|23505|7|3/4|0|10.0.0.2|app|ERROR:  duplicate key value violates unique constraint "k"',
        '1700000005.2|ciam|42P01|7|3/4|0|10.0.0.2|app|ERROR:  relation "meant" does not exist',
    )
    cause = sqllog.cause(found, "ciam", 1700000004.0, 1700000006.0)
    assert cause is not None and cause.object == "meant"
    assert sqllog.cause(found, "ciam", 1700000005.05, 1700000005.15) is None


def test_other_lines_are_passed_over() -> None:
    assert (
        log("initdb: warning", "", "1700000000.1|ciam|00000|7|3/4|0|10.0.0.2|app|LOG:  checkpoint", "x|y|z|ERROR:  no")
        == []
    )


@pytest.mark.parametrize("major", [14, 18])
def test_a_real_log_is_read_as_statements_without_a_value(major: int) -> None:
    """Simple and extended protocol, statements of several lines, a transaction, and two that failed."""
    lines = (DATA / ("postgres%d-log.txt" % major)).read_text().split("\n")
    found = sqllog.statements(lines, "postgres", 0, 9e9)
    assert [one.sql for one in found] == [
        "SELECT $1",
        "CREATE TABLE people (id int PRIMARY KEY, mail text NOT NULL, phone varchar(20) DEFAULT '...')",
        "INSERT INTO people VALUES ($1, '...', '...')",
        "BEGIN",
        "ALTER TABLE people ADD c int",
        "UPDATE people SET mail = '...' WHERE id = $1",
        "COMMIT",
        "SELECT mail FROM people WHERE id = $1 AND mail <> '...'",
        "SELECT mail FROM people WHERE id = $1 AND mail <> '...'",
    ]
    begin, alter, update, commit = found[3:7]
    assert alter.transaction == update.transaction > 0 == commit.transaction == begin.transaction
    assert begin.virtual == update.virtual and commit.virtual.endswith("/0") and begin.pid == commit.pid
    assert found[7].application == "pgbench" and found[7].host == "127.0.0.1" and found[7].seconds < 0.001
    create = found[1]
    assert 0.001 < create.seconds < 1 and create.at < create.ended <= found[2].ended
    assert sqllog.statements(lines, "postgres", create.at, create.ended)[0] == create
    assert sqllog.statements(lines, "other", 0, 9e9) == []
    assert [(one.state, one.object) for one in sqllog.errors(lines)] == [
        ("23505", "people_pkey"),
        ("42P01", "nowhere"),
    ]


def test_statements_of_ours_are_no_programs() -> None:
    line = "1700000000.1|ciam|00000|7|3/4|0|10.0.0.2|%s|LOG:  duration: 1.5 ms  statement: SELECT a"
    found = sqllog.statements([line % "olympus-bluegreen proof", line % "a|b"], "ciam", 0, 9e9)
    assert [one.application for one in found] == ["a|b"]


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("SELECT 'a''b', 1.5, x'ff' FROM \"T\"\"x\" -- secret", "SELECT '...', $1, '...' FROM \"T\"\"x\""),
        ("/* id 7 */ SELECT a  FROM b WHERE c=$1;", "SELECT a FROM b WHERE c=$1"),
        ("ALTER TABLE a ADD b varchar(20) DEFAULT 'secret'", "ALTER TABLE a ADD b varchar(20) DEFAULT '...'"),
        ("-- one\nCREATE ROLE r PASSWORD 'secret' VALID UNTIL 'x'", "CREATE ROLE r PASSWORD '...' VALID UNTIL '...'"),
        ("ALTER TABLE a ADD b char(2); UPDATE a SET b = 7", "ALTER TABLE a ADD b char(2); UPDATE a SET b = $1"),
        ("CREATE TABLE a AS SELECT b FROM c WHERE d = 7", "CREATE TABLE a AS SELECT b FROM c WHERE d = $1"),
        ("DO $x$ BEGIN PERFORM 'secret'; END $x$", "DO '...'"),
        ("INSERT INTO a VALUES (E'it\\'s secret', -12)", "INSERT INTO a VALUES ('...', -$1)"),
        ("SELECT 'never closed secret", "SELECT ..."),
        ("SELECT $a$ never closed secret", "SELECT ..."),
        ("", ""),
    ],
)
def test_no_value_stays_in_a_statement(sql: str, kept: str) -> None:
    assert sqllog.without_values(sql) == kept
