# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What PostgreSQL's own log says of a failed journey: the SQLSTATE and the object that is missing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# The server writes it so: seconds since the epoch, database, SQLSTATE.
PREFIX = "%n|%d|%e|"
LINE = re.compile(r"^(\d+\.\d+)\|([^|]*)\|([0-9A-Z]{5})\|(ERROR|STATEMENT):\s+(.*)$")
# What a client repeats by itself, and what a taken name says: no schema is at fault.
ORDINARY = ("40001", "40P01", "23505", "55P03", "57014", "57P01")
OBJECTS = (
    re.compile(r'column "(?P<column>[^"]+)" of relation "(?P<table>[^"]+)"'),
    re.compile(r'(table|relation) "(?P<table>[^"]+)".* constraint "(?P<column>[^"]+)"'),
    re.compile(r'constraint "(?P<column>[^"]+)".* (table|relation) "(?P<table>[^"]+)"'),
    re.compile(r'(relation|table) "(?P<table>[^"]+)"'),
    re.compile(r"column \"?(?P<column>[A-Za-z_][\w.]*)\"? (of|does)"),
    re.compile(r'(type|function|constraint) "?(?P<column>[A-Za-z_][\w.]*)'),
)
TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+"?([A-Za-z_][\w.]*)"?', re.IGNORECASE)
# What a Go program says that read more columns than it knows, without an error of the server.
UNREAD = re.compile(r"missing destination name (\w+)")


@dataclass(frozen=True)
class SqlError:
    """``at``: seconds since the epoch. ``object`` is ``table.column``, a table, or '' where nothing names one."""

    at: float
    database: str
    state: str
    message: str
    object: str = ""

    def __str__(self) -> str:
        return "SQLSTATE %s%s" % (self.state, ", %s" % self.object if self.object else "")


def errors(log: Iterable[str]) -> list[SqlError]:
    """Every error of the log, with the statement that follows it."""
    found: list[SqlError] = []
    for line in log:
        seen = LINE.match(line)
        if not seen:
            continue
        at, database, state, kind, text = seen.groups()
        if kind == "ERROR":
            found.append(SqlError(float(at), database, state, text, named(text)))
        elif found and found[-1].database == database and "." not in found[-1].object:
            found[-1] = _completed(found[-1], text)
    return found


def named(message: str) -> str:
    """The object that a message names."""
    for pattern in OBJECTS:
        seen = pattern.search(message)
        if seen:
            parts = seen.groupdict()
            return ".".join(part for part in (parts.get("table"), parts.get("column")) if part)
    return ""


def _completed(error: SqlError, statement: str) -> SqlError:
    """With the statement's first table, where the message names none."""
    table = TABLE.search(statement)
    if not table or error.object.startswith(table.group(1)):
        return error
    name = "%s.%s" % (table.group(1), error.object) if error.object else table.group(1)
    return SqlError(error.at, error.database, error.state, error.message, name)


def cause(found: Iterable[SqlError], database: str, begun: float, ended: float) -> SqlError | None:
    """The first error of a database in that time that says something of its schema."""
    there = [one for one in found if one.database == database and begun <= one.at <= ended]
    return next((one for one in there if one.state not in ORDINARY), None)
