# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment files as podman-compose reads them: python-dotenv's rules, without needing python-dotenv here."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "v": "\v", "f": "\f", "b": "\b", "a": "\a"}
_SPACE = re.compile(r"[^\S\r\n]*")
_ANY_SPACE = re.compile(r"\s*")
_EXPORT = re.compile(r"export[^\S\r\n]+")
_KEY = re.compile(r"'([^']+)'|([^=#\s']+[^=#\s]*)")
_DOUBLE = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_SINGLE = re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL)
_LINE = re.compile(r"[^\r\n]*")
_END = re.compile(r"[^\S\r\n]*(?:#[^\r\n]*)?(?:\r\n|\n|\r|\Z)")
_REFERENCE = re.compile(r"\$\{([^}:]*)(?::-([^}]*))?\}")


class _Unreadable(Exception):
    """This line is not a binding; python-dotenv skips such a line."""


def parse(text: str, outside: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """Names to values; a name without ``=`` has None. ``outside`` is what ``${NAME}`` may refer to besides the file."""
    values: dict[str, str | None] = {}
    reader = _Reader(text[1:] if text.startswith("\ufeff") else text)
    while not reader.done():
        try:
            name, raw = reader.binding()
        except _Unreadable:
            reader.take(_LINE)
            continue
        if name:
            known = {**(outside or {}), **{key: value or "" for key, value in values.items()}}
            values[name] = None if raw is None else _expand(raw, known)
    return values


def _expand(raw: str, known: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda match: known.get(match.group(1), match.group(2) or ""), raw)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def done(self) -> bool:
        return self.at >= len(self.text)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise _Unreadable
        self.at = match.end()
        return match

    def binding(self) -> tuple[str, str | None]:
        """One name and its raw value; an empty name for a comment or the end."""
        self.take(_ANY_SPACE)
        if self.done():
            return "", None
        if _EXPORT.match(self.text, self.at):
            self.take(_EXPORT)
        name, value = "", None
        if self.peek() != "#":
            key = self.take(_KEY)
            name = key.group(1) or key.group(2)
        self.take(_SPACE)
        if self.peek() == "=":
            self.at += 1
            gap = self.take(_SPACE).group(0)
            value = "" if gap and self.peek() == "#" else self.value()
        self.take(_END)
        return name, value

    def value(self) -> str:
        if self.peek() == "'":
            return re.sub(r"\\([\\'])", r"\1", self.take(_SINGLE).group(1))
        if self.peek() == '"':
            return re.sub(r"\\([\\'\"abfnrtv])", _unescape, self.take(_DOUBLE).group(1))
        return re.sub(r"\s+#.*", "", self.take(_LINE).group(0)).rstrip()


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match.group(1), match.group(1))
