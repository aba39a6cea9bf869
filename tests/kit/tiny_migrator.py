# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migrator with Ory's manners: one transaction a migration, or none where its SQL can't be in one.

``python tiny_migrator.py up|status FILE``; FILE is a JSON list of {version, sql, alone}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import psycopg2

TABLE = "CREATE TABLE IF NOT EXISTS schema_version (version text PRIMARY KEY)"


def pending(cursor: Any, path: str) -> list[dict[str, Any]]:
    cursor.execute("SELECT to_regclass('schema_version')")
    done = set()
    if cursor.fetchone()[0] is not None:
        cursor.execute("SELECT version FROM schema_version")
        done = {row[0] for row in cursor.fetchall()}
    return [one for one in json.loads(Path(path).read_text()) if one["version"] not in done]


def up(connection: Any, path: str) -> None:
    cursor = connection.cursor()
    cursor.execute(TABLE)
    for one in pending(cursor, path):
        if not one.get("alone"):
            cursor.execute("BEGIN")
        cursor.execute(one["sql"])
        cursor.execute("INSERT INTO schema_version VALUES (%s)", [one["version"]])
        if not one.get("alone"):
            cursor.execute("COMMIT")
        print("applied %s" % one["version"], flush=True)


def main() -> int:
    connection = psycopg2.connect(os.environ["DSN"])
    connection.autocommit = True
    try:
        if sys.argv[1] == "status":
            for one in pending(connection.cursor(), sys.argv[2]):
                print(one["version"])
        else:
            up(connection, sys.argv[2])
    except psycopg2.Error as exc:
        print("error: %s (SQLSTATE %s)" % (str(exc).strip(), exc.pgcode), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
