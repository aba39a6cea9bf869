# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is to go back to before a schema is changed: the age of the last backup, and a restore point."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from typing import Any

from .._core import postgres
from .._core.errors import BluegreenError, Refused
from .._core.runner import Runner

IGNORE, WARN, REFUSE = "ignore", "warn", "refuse"
POLICIES = (IGNORE, WARN, REFUSE)
COMMAND_SECONDS = 60.0
# PostgreSQL cuts a longer name.
NAME = 63
# Why the server makes none, by SQLSTATE.
WHY = {
    "42501": "the service's role may not make one. Fix: GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO %s",
    "55000": "the server's wal_level is minimal, or it is a standby",
}


@dataclass(frozen=True)
class Backup:
    """``path``: glob of files, the newest counts; ``command``: argv that prints a time. Neither: nothing tells."""

    path: str = ""
    command: tuple[str, ...] = ()
    max_age: float = 86400.0
    policy: str = WARN


def backup_of(given: Mapping[str, Any]) -> Backup:
    said = {one.name: given[one.name] for one in fields(Backup) if given.get(one.name) is not None}
    return Backup(**{**said, "command": tuple(map(str, said.get("command") or ()))})


def newest(wanted: Backup, runner: Runner) -> float | None:
    """When the last backup was made (seconds since the epoch), None where none is found."""
    if wanted.command:
        return _printed(wanted.command, runner)
    times = []
    for one in glob.glob(wanted.path, recursive=True) if wanted.path else ():
        if os.path.isfile(one):
            times.append(os.path.getmtime(one))
    return max(times, default=None)


def _printed(command: tuple[str, ...], runner: Runner) -> float | None:
    ended = runner.run(list(command), timeout=COMMAND_SECONDS)
    lines = ended.out.split("\n", 1)[0].strip()
    if ended.rc != 0 or not lines:
        return None
    return moment(lines)


def moment(text: str) -> float:
    """Seconds since the epoch from such a number, or from a moment in ISO 8601; one without a zone is in UTC."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
    except ValueError:
        raise BluegreenError(
            "its first line is no time",
            option="backup.command",
            fix="let it print the moment of the last backup, as 2026-11-30T02:00:00Z or in seconds since the epoch",
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()


def complaint(wanted: Backup, at: float | None, now: float) -> str:
    """Pure. What is wrong with the last backup, '' where nothing is."""
    if at is None:
        if not wanted.path and not wanted.command:
            return "nothing says when this database was backed up. Fix: set bluegreen_backup, or its policy to ignore"
        where = wanted.path or "the backup command"
        return "no backup is known (%s). Fix: make one, or correct the setting" % where
    age = now - at
    if age <= wanted.max_age:
        return ""
    return "the last backup is %s old, which is more than %s. Fix: make one now" % (_age(age), _age(wanted.max_age))


def _age(seconds: float) -> str:
    return "%.1f hours" % (seconds / 3600) if seconds >= 5400 else "%d minutes" % (seconds / 60)


def check(wanted: Backup, runner: Runner, now: float) -> tuple[dict[str, Any], list[str]]:
    """What is known of it, and warnings. Raises Refused where the policy says so."""
    if wanted.policy == IGNORE:
        return {"at": 0.0, "age": 0.0}, []
    at = newest(wanted, runner)
    wrong = complaint(wanted, at, now)
    if wrong and wanted.policy == REFUSE:
        what, _sign, fix = wrong.partition(". Fix: ")
        raise Refused(what, option="backup.policy", value=wanted.policy, fix=fix)
    known = {"at": round(at or 0.0, 3), "age": round(now - at, 1) if at else 0.0}
    return known, ["Before this migration: " + wrong] if wrong else []


def restore_point(db: postgres.Db, release: str, wanted: Backup, role: str) -> dict[str, str]:
    """A named place in the server's WAL, to which a backup can be played forward. Raises Refused by policy."""
    name = ("olympus_bluegreen_%s" % (release or "migration"))[:NAME]
    if wanted.policy == IGNORE:
        return {"name": "", "lsn": "", "why": "backup.policy is ignore"}
    try:
        lsn = str(db.query("SELECT pg_create_restore_point(%s)::text", [name])[0][0])
    except postgres.QueryError as exc:
        why = WHY.get(exc.sqlstate, exc.answer)
        why = why % role if "%s" in why else why
        if wanted.policy == REFUSE:
            what, _sign, fix = why.partition(". Fix: ")
            raise Refused(
                "no restore point can be made: %s" % what, option="backup.policy", value=wanted.policy, fix=fix
            ) from None
        return {"name": "", "lsn": "", "why": why}
    return {"name": name, "lsn": lsn, "why": ""}
