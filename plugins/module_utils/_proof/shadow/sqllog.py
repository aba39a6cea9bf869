# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What PostgreSQL's own log says: each statement with its time, and of a failed one the SQLSTATE and the object. Pure.

The log holds the programs' values; what is read here from a statement does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from ..._schema import sql_text

# Seconds since the epoch, database, SQLSTATE, process, virtual and real transaction, client's address, application.
PREFIX = "%n|%d|%e|%p|%v|%x|%h|%a|"
# What the server must be told so that its log can be read here. No parameter and no DETAIL: those are values. The end
# of a transaction has no entry of its own where the client says no COMMIT.
SETTINGS = {
    "track_commit_timestamp": "on",
    "log_line_prefix": PREFIX,
    "log_min_duration_statement": "0",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
LINE = re.compile(
    r"^(?P<at>\d+\.\d+)\|(?P<database>[^|]*)\|(?P<state>[0-9A-Z]{5})\|(?P<pid>\d+)\|(?P<virtual>[^|]*)"
    r"\|(?P<transaction>\d+)\|(?P<host>[^|]*)\|(?P<application>.*?)\|(?P<kind>[A-Z]+\d?):  (?P<text>.*)$"
)
# A statement by itself, or the last step of the protocol that parses and binds first.
RAN = re.compile(r"duration: (\d+\.\d+) ms  (?:statement|execute [^:]*): (.*)", re.DOTALL)
# Sessions of ours say so; what they do is no program's.
OURS = "olympus-bluegreen"
# What begins with these words is a structure: the numbers in it are lengths and defaults, until rows are named.
STRUCTURE, DATA = ("ALTER", "CREATE", "COMMENT", "DROP"), ("SELECT", "VALUES", "WHERE")
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


@dataclass(frozen=True)
class Entry:
    """One entry of the log, continued lines joined. ``transaction`` is 0 where none was written in, ``virtual`` ends
    in /0 outside of any; ``kind`` is LOG, ERROR, STATEMENT, ..."""

    at: float
    database: str
    state: str
    pid: int
    virtual: str
    transaction: int
    host: str
    application: str
    kind: str
    text: str


@dataclass(frozen=True)
class Statement:
    """``at`` is its begin, ``host`` the client's address. ``transaction`` is 0 where it ended with the statement, or
    where nothing was written before. ``sql`` is without values."""

    at: float
    seconds: float
    pid: int
    transaction: int
    virtual: str
    host: str
    application: str
    sql: str

    @property
    def ended(self) -> float:
        return self.at + self.seconds


def entries(log: Iterable[str]) -> Iterator[Entry]:
    """Those of sessions and servers; what other programs of the container say is passed over."""
    head: re.Match[str] | None = None
    more: list[str] = []
    for line in log:
        if line.startswith("\t"):
            more.append(line[1:])
            continue
        if head is not None:
            yield _entry(head, more)
        head, more = LINE.match(line), []
    if head is not None:
        yield _entry(head, more)


def _entry(head: re.Match[str], more: list[str]) -> Entry:
    part = head.groupdict()
    return Entry(
        at=float(part["at"]),
        database=part["database"],
        state=part["state"],
        pid=int(part["pid"]),
        virtual=part["virtual"],
        transaction=int(part["transaction"]),
        host=part["host"],
        application=part["application"],
        kind=part["kind"],
        text="\n".join([part["text"], *more]),
    )


def statements(log: Iterable[str], database: str, begun: float, ended: float) -> list[Statement]:
    """What programs ran to its end in a database, begun in that time, in the order of their ends."""
    return [
        one
        for entry in entries(log)
        if entry.database == database and not entry.application.startswith(OURS)
        for one in _statement(entry)
        if begun <= one.at <= ended
    ]


def _statement(entry: Entry) -> Iterator[Statement]:
    seen = RAN.fullmatch(entry.text) if entry.kind == "LOG" else None
    if seen:
        seconds = float(seen.group(1)) / 1000
        at, sql = entry.at - seconds, without_values(seen.group(2))
        yield Statement(at, seconds, entry.pid, entry.transaction, entry.virtual, entry.host, entry.application, sql)


@lru_cache(maxsize=4096)
def without_values(sql: str) -> str:
    """The statement on one line with '...' for each text and $1 for each number, and without its comments.

    A text that can't be read as SQL is cut to its first word.
    """
    found: list[str] = []
    first, structure = True, False
    try:
        for kind, token in sql_text.tokens(sql):
            if kind == "word":
                word = token.upper()
                structure = word in STRUCTURE if first else structure and word not in DATA
                first = False
            first = first or token == ";"
            found.append(_without_value(kind, token, structure))
    except sql_text.SqlError:
        return " ".join([*sql.split(None, 1)[:1], "..."])
    return " ".join("".join(found).split()).rstrip("; ")


def _without_value(kind: str, token: str, structure: bool) -> str:
    if kind in ("space", "block"):
        return " "
    if kind == "dollar" or (kind == "quoted" and not token.endswith('"')):
        return "'...'"
    if token in ("'", '"'):
        raise sql_text.SqlError(0, "%s is never closed" % token)
    return "$1" if kind == "number" and not structure and not token.startswith("$") else token


def errors(log: Iterable[str]) -> list[SqlError]:
    """Every error of the log, with the statement that follows it."""
    found: list[SqlError] = []
    last = 0
    for one in entries(log):
        if one.kind == "ERROR":
            found.append(SqlError(one.at, one.database, one.state, one.text, named(one.text)))
            last = one.pid
        elif one.kind == "STATEMENT" and found and last == one.pid and "." not in found[-1].object:
            found[-1] = _completed(found[-1], one.text)
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
