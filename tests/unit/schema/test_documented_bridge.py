# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of docs/operations.md on a real PostgreSQL 18, through the whole hop with one old session."""

from __future__ import annotations

import re

import psycopg2
import pytest
from kit.bridge_bench import ROOT, Bench

REGISTER = """
INSERT INTO identity_credential_identifiers (identifier, identity_credential_id)
SELECT 'a', id FROM identity_credentials
"""
MIGRATED = """
UPDATE session_devices d SET identity_id = s.identity_id FROM sessions s WHERE s.id = d.session_id;
ALTER TABLE session_devices ALTER identity_id SET NOT NULL;
UPDATE identity_credential_identifiers i SET identity_id = c.identity_id FROM identity_credentials c
  WHERE c.id = i.identity_credential_id;
ALTER TABLE identity_credential_identifiers ALTER identity_id SET NOT NULL;
"""


def documented() -> str:
    """The example of the operators' page is the one that is tested."""
    page = (ROOT / "docs" / "schema.md").read_text()
    found = re.search(r"```sql\n(-- bridges/ciam_kratos/.*?)```", page, re.DOTALL)
    assert found
    return found.group(1)


def test_the_documented_trigger_guards_a_column_that_is_not_there_yet(bench: Bench) -> None:
    bench.files(a=documented())
    bench.query("INSERT INTO identity_credentials VALUES (gen_random_uuid(), gen_random_uuid())")
    assert len(bench.run()["bridges"][0]["objects"]) == 4
    # One session of the old binary through all of it, with its plans and its cached functions.
    old = bench.server.connection(bench.name)

    def writes() -> None:
        session = "INSERT INTO sessions VALUES (gen_random_uuid(), gen_random_uuid()) RETURNING id"
        with old.cursor() as cursor:
            cursor.execute(session)
            cursor.execute("INSERT INTO session_devices (session_id) VALUES (%s)", cursor.fetchone())
            cursor.execute(REGISTER)

    writes()
    for table in ("session_devices", "identity_credential_identifiers"):
        bench.query("ALTER TABLE %s ADD identity_id uuid" % table)
        writes()
    bench.query(MIGRATED)
    writes()
    right = (
        ("session_devices d JOIN sessions o ON o.id = d.session_id", "d"),
        ("identity_credential_identifiers i JOIN identity_credentials o ON o.id = i.identity_credential_id", "i"),
    )
    for rows, name in right:
        assert bench.query("SELECT count(*) FROM %s WHERE o.identity_id = %s.identity_id" % (rows, name)) == [(4,)]
    # The new binary writes it itself, and is not overruled.
    given = "INSERT INTO session_devices (session_id, identity_id) SELECT id, gen_random_uuid() FROM sessions LIMIT 1"
    bench.query(given)
    assert bench.query("SELECT count(*) FROM %s WHERE o.identity_id <> d.identity_id" % right[0][0]) == [(1,)]
    bench.run(state="absent")
    for statement in ("INSERT INTO session_devices (session_id) SELECT id FROM sessions LIMIT 1", REGISTER):
        with pytest.raises(psycopg2.errors.NotNullViolation):
            bench.query(statement)
    old.close()
