# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What squawk says to the same changes, from their text alone: a second opinion beside ours."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from kit.corpus import Case

PROGRAM = "squawk"
# They ask for timeouts, names or types whatever the statement does.
NOISE = (
    "require-lock-timeout",
    "require-statement-timeout",
    "require-table-schema",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-timestamp-tz",
    "prefer-repack",
    "ban-char-field",
    "identifier-too-long",
)


def version() -> str:
    """'' where it is not installed."""
    if shutil.which(PROGRAM) is None:
        return ""
    return subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]


def flagged(cases: Iterable[Case], major: int, directory: Path) -> dict[str, tuple[str, ...]]:
    """Case -> the rules that it breaks."""
    found = {}
    for case in cases:
        path = directory / (case.name + ".sql")
        path.write_text(";\n".join(case.sql) + ";\n")
        argv = [PROGRAM, "--reporter", "json", "--pg-version", "%d.0" % major]
        argv += ["" if case.alone else "--assume-in-transaction", *("--exclude=" + rule for rule in NOISE), str(path)]
        done = subprocess.run([one for one in argv if one], capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        found[case.name] = tuple(sorted({one["rule_name"] for one in json.loads(done.stdout or "[]")}))
    return found
