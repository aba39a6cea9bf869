# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Caddyfile as tokens and blocks that know where they stand, so that a rewrite leaves every other byte alone.

The rules are those of Caddy's own lexer: quotes, backquotes, heredocs, ``\\`` before a newline, comments that begin a
token. Offsets count characters of the text.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

# Absolute: pylint does not know the base of a class by an import that leaves the room.
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

BOM = "\ufeff"
HEREDOC = re.compile(r"<<([A-Za-z0-9_-]+)\r?\n")
PLAIN = re.compile(r"(?:(?!\\\r?\n)\S)+")
BLANKS = re.compile(r"[^\S\n]+")


class CaddyfileError(BluegreenError):
    """A Caddyfile that we can't read or rewrite. The message names the file, the line and the reason. ``also`` are
    (file, line, words) of others that are refused for the same reason."""

    def __init__(
        self, where: str, line: int, reason: str, fix: str = "", also: Sequence[tuple[str, int, str]] = ()
    ) -> None:
        others = ["%s in %s:%d" % (words, posixpath.basename(other), number) for other, number, words in also]
        more = " (and %s)" % ", ".join(others) if others else ""
        super().__init__("%s:%d: %s%s" % (where, line, reason, more), fix=fix)
        self.where, self.line, self.reason, self.to_fix, self.also = where, line, reason, fix, also

    def led_back(self, to: Callable[[str, int], int]) -> CaddyfileError:
        """With the lines that ``to`` gives for a file and a line."""
        also = [(where, to(where, line), words) for where, line, words in self.also]
        return CaddyfileError(self.where, to(self.where, self.line), self.reason, self.to_fix, also)

    def on(self, where: str) -> CaddyfileError:
        return CaddyfileError(where, self.line, self.reason, self.to_fix, self.also)


@dataclass(frozen=True)
class Token:
    value: str
    line: int
    start: int
    end: int
    quoted: bool = False


@dataclass
class Statement:
    """One directive: the tokens of its first line without the brace, and the statements of its block if it has one.

    ``start`` and ``end`` span all of it; ``inner`` spans what is between its braces. A ``bare`` one is a site that
    has no braces and goes to the end of its file. ``text``, ``where`` and ``fragment`` are those of the file (see
    ``parse``), and only a root has them.
    """

    tokens: list[Token]
    start: int
    end: int
    line: int
    block: list[Statement] | None = None
    inner: tuple[int, int] = (0, 0)
    parent: Statement | None = field(default=None, repr=False)
    bare: bool = False
    text: str = field(default="", repr=False)
    where: str = ""
    fragment: bool = False

    @property
    def root(self) -> Statement:
        return self if self.parent is None else self.parent.root

    @property
    def name(self) -> str:
        return self.tokens[0].value if self.tokens else ""

    @property
    def args(self) -> list[Token]:
        return self.tokens[1:]

    def walk(self) -> Iterator[Statement]:
        yield self
        for child in self.block or []:
            yield from child.walk()


class Lexer:
    """``lines()`` gives the tokens of each logical line."""

    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self.where = where
        self.at = 1 if text.startswith(BOM) else 0
        self.line = 1

    def lines(self) -> Iterator[list[Token]]:
        row: list[Token] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\n":
                self._advance(1)
                if row:
                    yield row
                row = []
            elif blanks := BLANKS.match(self.text, self.at):
                self.at = blanks.end()
            elif char == "#":
                end = self.text.find("\n", self.at)
                self._advance((len(self.text) if end < 0 else end) - self.at)
            elif self.text.startswith(("\\\n", "\\\r\n"), self.at):
                self._advance(self.text.index("\n", self.at) + 1 - self.at)
            else:
                row.append(self._token())
        if row:
            yield row

    def _advance(self, count: int) -> str:
        taken = self.text[self.at : self.at + count]
        self.line += taken.count("\n")
        self.at += count
        return taken

    def _token(self) -> Token:
        start, line = self.at, self.line
        heredoc = HEREDOC.match(self.text, self.at)
        if heredoc:
            value = self._heredoc(heredoc)
        elif self.text[self.at] in '"`':
            value = self._quoted(self.text[self.at])
        else:
            return Token(self._plain(), line, start, self.at)
        return Token(value, line, start, self.at, True)

    def _plain(self) -> str:
        found = PLAIN.match(self.text, self.at)
        value = found.group(0) if found else ""
        self.at += len(value)
        return value

    def _quoted(self, quote: str) -> str:
        line, value = self.line, ""
        self._advance(1)
        while self.at < len(self.text):
            if quote == '"' and self.text.startswith("\\", self.at):
                # Only a quote is escaped; a backslash before anything else is itself, and so is what it stands before.
                pair = self._advance(2)
                value += pair[1:] if pair == '\\"' else pair
            elif self.text[self.at] == quote:
                self._advance(1)
                return value
            else:
                value += self._advance(1)
        raise CaddyfileError(self.where, line, "a quote that is never closed", fix="close it")

    def _heredoc(self, opening: re.Match[str]) -> str:
        line = self.line
        end = re.compile(r"^[ \t]*%s" % re.escape(opening.group(1)), re.MULTILINE)
        closing = end.search(self.text, opening.end())
        if closing is None:
            raise CaddyfileError(
                self.where,
                line,
                "a heredoc that is never closed: <<%s" % opening.group(1),
                fix="end it with its marker on a line of its own",
            )
        self._advance(closing.end() - self.at)
        return self.text[opening.end() : closing.start()]


def _is(token: Token, value: str) -> bool:
    return token.value == value and not token.quoted


def parse(text: str, where: str = "Caddyfile", fragment: bool = False) -> Statement:
    """The whole file as one statement without tokens. Raises CaddyfileError for unbalanced braces.

    A ``fragment`` is a file that is imported inside a block: it holds directives and no sites.
    """
    root = Statement([], 0, len(text), 1, [], (0, len(text)), text=text, where=where, fragment=fragment)
    current = root
    for row in Lexer(text, where).lines():
        if _is(row[0], "}"):
            current = _closed(current, row, where)
            continue
        opens = _is(row[-1], "{")
        if len(row) == 1 and opens and (current is not root or fragment):
            raise CaddyfileError(
                where, row[0].line, "an opening brace on a line of its own", fix="put it behind its directive"
            )
        tokens = row[:-1] if opens else row
        statement = Statement(tokens, row[0].start, row[-1].end, row[0].line, parent=current)
        if current.block is not None:
            statement = _joined(current, statement)
            current.block.append(statement)
        if opens:
            statement.block, statement.inner = [], (row[-1].end, row[-1].end)
            current = statement
    if current is not root:
        raise CaddyfileError(
            where, current.line, "a block that is never closed", fix="close it with a brace on a line of its own"
        )
    if not fragment:
        _gather_bare_site(root)
    return root


def _closed(current: Statement, row: list[Token], where: str) -> Statement:
    """What goes on after a closing brace."""
    if len(row) > 1:
        raise CaddyfileError(
            where, row[0].line, "something follows a closing brace on its line", fix="put it on a line of its own"
        )
    current.end = row[0].end
    current.inner = (current.inner[0], row[0].start)
    if current.parent is None:
        raise CaddyfileError(
            where, row[0].line, "a closing brace without an opening one", fix="remove it, or open its block"
        )
    return current.parent


def _gather_bare_site(root: Statement) -> None:
    """A last site may leave out its braces: then what follows its addresses belongs to it."""
    rows = root.block or []
    for index, site in enumerate(rows):
        if site.block is None and site.name != "import":
            site.bare, site.block, site.inner = True, rows[index + 1 :], (site.end, len(root.text))
            site.end = len(root.text)
            for child in site.block:
                child.parent = site
            root.block = rows[: index + 1]
            return


def _joined(parent: Statement, statement: Statement) -> Statement:
    """A site's addresses may go on after a comma on the next line, and its brace may stand there alone: then the two
    rows are one statement."""
    if parent.parent is None and not parent.fragment and parent.block and parent.block[-1].block is None:
        last = parent.block[-1]
        if last.tokens and (last.tokens[-1].value.endswith(",") or (not statement.tokens and last.name != "import")):
            parent.block.pop()
            statement.tokens = last.tokens + statement.tokens
            statement.start, statement.line = last.start, last.line
    return statement


@dataclass(frozen=True)
class Edit:
    start: int
    end: int
    text: str


@dataclass
class Edits:
    """What is put in ends its lines as the text does."""

    text: str
    edits: list[Edit] = field(default_factory=list)

    def add(self, start: int, end: int, new: str) -> None:
        if self.text.count("\r\n") * 2 > self.text.count("\n"):
            new = new.replace("\r\n", "\n").replace("\n", "\r\n")
        self.edits.append(Edit(start, end, new))

    def _sorted(self) -> list[Edit]:
        # Stable: of two edits at one place the one that was found first comes first.
        return sorted(self.edits, key=lambda edit: edit.start)

    def applied(self) -> str:
        parts, at = [], 0
        for edit in self._sorted():
            parts += [self.text[at : edit.start], edit.text]
            at = edit.end
        return "".join(parts) + self.text[at:]

    def origin(self, line: int) -> int:
        """The line of the text that a line of the changed text comes from."""
        grown = 0
        for edit in self._sorted():
            first = self.text.count("\n", 0, edit.start) + 1 + grown
            more = edit.text.count("\n")
            if line < first:
                break
            if line <= first + more:
                return first - grown
            grown += more - self.text.count("\n", edit.start, edit.end)
        return line - grown
