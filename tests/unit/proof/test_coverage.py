# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From statements as programs send them to what they touched; what is not sure is not touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.coverage import touched

TABLES = {
    "public.users": ["id", "email", "state", "date"],
    "public.sessions": ["id", "user_id", "token", "active"],
    'public."Order"': ["id", '"userId"', "total"],
    "audit.users": ["id", "seen"],
}
# Statement -> read, written; "users.id" is of public.
CASES = [
    ("SELECT id, email FROM users", "users.id users.email", ""),
    ("SELECT * FROM users WHERE state = $1", "users.* users.state", ""),
    ("select U.Email from Users as U where U.ID = $1", "users.email users.id", ""),
    (
        "SELECT u.*, s.token FROM users u JOIN sessions s ON s.user_id = u.id",
        "users.* users.id sessions.token sessions.user_id",
        "",
    ),
    ('SELECT "users"."email" FROM "public"."users" AS "users" LIMIT 1', "users.email", ""),
    ("SELECT public.users.email FROM public.users", "users.email", ""),
    ('SELECT "userId", o.total FROM "Order" o', '"Order"."userId" "Order".total', ""),
    ("SELECT total FROM order_items, users WHERE email = 'id; token'", "users.email", ""),
    # Both have it.
    ("SELECT id, email FROM users, sessions", "users.email", ""),
    ("SELECT count(*) FROM users", "", ""),
    ("SELECT a.seen FROM audit.users a", "audit.users.seen", ""),
    ("INSERT INTO users (id, email) VALUES ($1, $2)", "", "users.id users.email"),
    ("INSERT INTO users VALUES ($1, $2, $3)", "", "users.*"),
    (
        "INSERT INTO users (id) SELECT u.id FROM audit.users u RETURNING *",
        "users.* audit.users.id",
        "users.id",
    ),
    ("INSERT INTO users SELECT * FROM audit.users", "audit.users.*", "users.*"),
    ("INSERT INTO users (id) VALUES ($1) RETURNING state", "users.state", "users.id"),
    (
        "INSERT INTO users AS u (id, email) VALUES ($1, $2)"
        " ON CONFLICT (id) DO UPDATE SET email = excluded.email, state = u.state",
        "users.id users.state",
        "users.id users.email users.state",
    ),
    (
        "UPDATE users SET email = $1, state = upper(state) WHERE id = $2",
        "users.state users.id",
        "users.email users.state",
    ),
    (
        'UPDATE "sessions" AS s SET ("token", active) = ($1, $2) FROM users WHERE s.user_id = users.id',
        "sessions.user_id users.id",
        "sessions.token sessions.active",
    ),
    ("DELETE FROM sessions WHERE user_id IN (SELECT id FROM audit.users)", "sessions.user_id", "sessions"),
    ("DELETE FROM sessions WHERE id = $1 RETURNING *", "sessions.id sessions.*", "sessions"),
    ("DELETE FROM sessions s USING users u WHERE u.id = s.user_id", "users.id sessions.user_id", "sessions"),
    ("WITH gone AS (DELETE FROM sessions RETURNING token) SELECT token FROM gone", "sessions.token", "sessions"),
    ("WITH users AS (SELECT 1 AS id) SELECT id, email FROM users", "", ""),
    ("SELECT (SELECT token FROM sessions LIMIT 1), email FROM users", "sessions.token users.email", ""),
    ("SELECT x.email FROM (SELECT email FROM users) x", "users.email", ""),
    ("SELECT * FROM (SELECT email FROM users) x", "users.email", ""),
    ("SELECT * FROM users UNION SELECT id FROM audit.users", "", ""),
    ("SELECT 1 FROM users WHERE email IS DISTINCT FROM state", "users.email users.state", ""),
    ("SELECT EXTRACT(year FROM date) FROM users WHERE date > date '2000-01-01'", "users.date", ""),
    ("SELECT id FROM users ORDER BY email DESC NULLS FIRST FOR NO KEY UPDATE", "users.id users.email", ""),
    ("SELECT lower(email) AS state FROM users GROUP BY state", "users.email", ""),
    ("SELECT token FROM sessions; UPDATE users SET state = $1", "sessions.token", "users.state"),
    ("SELECT /* sessions */ email -- sessions\nFROM users", "users.email", ""),
    ("SELECT email FROM users WHERE state = 'never closed", "", ""),
    ("SELECT pg_sleep(1)", "", ""),
    ("TRUNCATE users", "", ""),
    ("BEGIN", "", ""),
]


def flat(found: object) -> set[str]:
    assert isinstance(found, dict)
    names = set()
    for table, columns in found.items():
        short = table.replace("public.", "")
        names |= {"%s.%s" % (short, one) for one in columns} or {short}
    return names


@pytest.mark.parametrize(("sql", "read", "written"), CASES)
def test_what_a_statement_touches(sql: str, read: str, written: str) -> None:
    seen = touched([sql], TABLES)
    assert (flat(seen.read), flat(seen.written)) == (set(read.split()), set(written.split()))


def test_all_statements_together() -> None:
    seen = touched(
        ["INSERT INTO users (id) VALUES (next_id($1))", "SELECT email::mood, app.rank(id) FROM users"], TABLES
    )
    assert seen.statements == 2 and sorted(seen.inserted) == ["public.users"]
    assert seen.named >= {"next_id", "mood", "app.rank", "rank"}
    assert "users" not in seen.named
    assert flat(seen.read) == {"users.email", "users.id"} and flat(seen.written) == {"users.id"}


WORDS = "SELECT FROM users u , ( ) * . id WITH AS INSERT INTO UPDATE SET = ; 'x' \"q\" ON"


@given(st.lists(st.sampled_from(WORDS.split())))
def test_no_text_stops_it(words: list[str]) -> None:
    assert touched([" ".join(words)], TABLES).statements == 1
