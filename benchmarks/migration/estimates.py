# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""How long a lock is held: the rehearsal's estimate from a schema without rows, and the same at production's size."""

from __future__ import annotations

import time

import psycopg2
from kit import majors
from kit.corpus.ours import Clone
from kit.majors import Server

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.rehearsal import rehearse
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import sqllog

ROWS = 600_000
# The judge counts on this factor.
BAND = 3.0
SHAPE = """
CREATE TABLE owners (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE things (id bigint PRIMARY KEY, owner bigint, name varchar(60), note text, made timestamptz DEFAULT now(),
  body jsonb);
CREATE INDEX things_owner ON things (owner);
"""
FILL = """
INSERT INTO owners SELECT n, md5(n::text) FROM generate_series(1, {owners}) n;
INSERT INTO things (id, owner, name, note, body)
  SELECT n, 1 + n % {owners}, md5(n::text), md5((n + 1)::text), '{{"a": 1}}' FROM generate_series(1, {rows}) n;
ANALYZE;
"""
CASES = {
    "set_not_null": "ALTER TABLE things ALTER COLUMN name SET NOT NULL",
    "add_check": "ALTER TABLE things ADD CONSTRAINT short CHECK (length(name) < 60)",
    "create_index": "CREATE INDEX things_name ON things (name)",
    "add_foreign_key": "ALTER TABLE things ADD CONSTRAINT of_owner FOREIGN KEY (owner) REFERENCES owners",
    "rewrite": "ALTER TABLE things ADD COLUMN token uuid DEFAULT gen_random_uuid()",
    "backfill": "ALTER TABLE things ADD COLUMN title text; UPDATE things SET title = name;"
    " ALTER TABLE things ALTER COLUMN title SET NOT NULL",
}


def _seconds(server: Server, name: str, sql: str) -> float:
    """What a client waits for the whole string, one transaction; the rows were read before, as in production."""
    server.query(name, "SELECT count(*) FROM things")
    begun = time.monotonic()
    server.query(name, sql)
    return time.monotonic() - begun


def _estimate(server: Server, name: str, sql: str, sizes: dict[str, float]) -> float:
    server.query("postgres", "CREATE DATABASE %s TEMPLATE shape" % name)

    def migrate(where: str) -> str:
        try:
            server.query(where, sql)
        except psycopg2.Error as exc:
            return str(exc).splitlines()[0]
        return ""

    found = rehearse.rehearse(Clone(server, name, "shape"), migrate, sizes)
    held = [
        one.seconds if one.estimate is None else one.estimate for one in found.locks if one.table == "public.things"
    ]
    return max(held)


def run() -> dict[str, object]:
    found: dict[str, object] = {}
    ratios = []
    with majors.server(18, **sqllog.SETTINGS) as server:
        for name in ("shape", "production"):
            server.query("postgres", "CREATE DATABASE " + name)
            server.query(name, SHAPE)
        server.query("production", FILL.format(rows=ROWS, owners=ROWS // 10))
        sizes = {"public.things": float(ROWS), "public.owners": ROWS / 10}
        for case, sql in CASES.items():
            estimate = _estimate(server, "shadow_" + case, sql, sizes)
            server.query("postgres", "CREATE DATABASE real_size TEMPLATE production")
            real = _seconds(server, "real_size", sql)
            server.query("postgres", "DROP DATABASE real_size WITH (FORCE)")
            ratios.append(estimate / real)
            found[case] = {"estimate_s": estimate, "real_s": real, "ratio": estimate / real}
    return {
        **found,
        "rows": ROWS,
        "lowest_ratio": min(ratios),
        "highest_ratio": max(ratios),
        "within_band": len([one for one in ratios if 1 / BAND <= one <= BAND]),
        "cases": len(CASES),
    }
