# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL that an operator wrote, read as far as to see its statements and what must not be in them. Pure.

PostgreSQL parses it; this only finds words outside of quotes, comments and function bodies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
  | (?P<block>/\*)
  | (?P<quoted>[eE]'(?:[^'\\]|\\.|'')*' | (?:[uU]&|[bBxXnN])?'(?:[^']|'')*' | (?:[uU]&)?"(?:[^"]|"")*")
  | (?P<dollar>\$(?:[^\W\d][\w]*)?\$)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>\$?\d[\w.]*)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
COMMENT = re.compile(r"/\*|\*/")
ROUTINE = re.compile(r"CREATE (OR REPLACE )?(FUNCTION|PROCEDURE)\b")
CONTROL = ("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE TRANSACTION")


class SqlError(ValueError):
    """What is wrong with a text, and on which line."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__("line %d: %s" % (line, what))


@dataclass
class Statement:
    """``words`` are those outside of quotes, in capitals; ``line`` is where it begins."""

    line: int
    words: list[str] = field(default_factory=list)
    depth: int = 0
    parens: int = 0

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def add(self, word: str) -> None:
        """A body of BEGIN ATOMIC ... END has semicolons of its own, and its CASE has an END too."""
        if ROUTINE.match(self.text) and (word == "BEGIN" or (word == "CASE" and self.depth)):
            self.depth += 1
        elif word == "END" and self.depth:
            self.depth -= 1
        self.words.append(word)


def statements(text: str) -> Iterator[Statement]:
    """Those that are not empty. Raises SqlError for a quote without an end and for a backslash outside of quotes."""
    line, now, filled = 1, Statement(1), False
    for kind, token in tokens(text):
        if kind in ("space", "block"):
            pass
        elif token == ";" and not now.depth and now.parens <= 0:
            if filled:
                yield now
            now, filled = Statement(line), False
        else:
            now, filled = (now if filled else Statement(line)), True
            _take(now, kind, token, line)
        line += token.count("\n")
    if filled:
        yield now


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """(a name of TOKEN's groups, its whole text). Raises SqlError for a comment or a dollar quote without an end."""
    place, line = 0, 1
    while place < len(text):
        found = TOKEN.match(text, place)
        if found is None:
            raise AssertionError("the last alternative of TOKEN matches anything")
        kind = str(found.lastgroup)
        end = _end(text, found.end(), kind, found.group(), line)
        yield kind, text[place:end]
        line += text.count("\n", place, end)
        place = end


def _end(text: str, place: int, kind: str, token: str, line: int) -> int:
    """Where the token really ends: a comment may hold comments, a dollar quote anything but its own mark."""
    if kind == "dollar":
        close = text.find(token, place)
        if close < 0:
            raise SqlError(line, "%s is never closed" % token)
        return close + len(token)
    depth = 1 if kind == "block" else 0
    while depth:
        mark = COMMENT.search(text, place)
        if mark is None:
            raise SqlError(line, "a comment is never closed")
        depth, place = depth + (1 if mark.group() == "/*" else -1), mark.end()
    return place


def _take(statement: Statement, kind: str, token: str, line: int) -> None:
    if kind == "word":
        statement.add(token.upper())
    elif token == "\\":
        raise SqlError(line, "a backslash outside of quotes, as in a command of psql")
    elif token in ("'", '"'):
        raise SqlError(line, "%s is never closed" % token)
    elif token in ("(", ")"):
        statement.parens += 1 if token == "(" else -1


def refuse_unfit(text: str) -> None:
    """Raises SqlError for what can't run inside of one transaction of ours, and for a text without a statement."""
    found = list(statements(text))
    if not found:
        raise SqlError(1, "there is no statement")
    for statement in found:
        if any((statement.text + " ").startswith(word + " ") for word in CONTROL):
            raise SqlError(statement.line, "%s controls the transaction" % statement.words[0])
        if "CONCURRENTLY" in statement.words:
            raise SqlError(statement.line, "CONCURRENTLY runs in no transaction")
