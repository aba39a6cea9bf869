# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A snippet written out where it is imported, with the arguments and the block that the import hands to it.

What Caddy does with tokens is done here with text, so that comments, quotes and indentation stay as they were.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.lexer import (
    CaddyfileError,
    Lexer,
    Statement,
    Token,
)

ARGUMENT = re.compile(r"\{args(?:\.(\d+)|\[(\d+)\])\}")
SLICE = re.compile(r"^\{args\[(\d*):(\d*)\]\}$")
BLOCK = re.compile(r"^\{block(?:s\.(\S+))?\}$")
HANDED = ("{args", "{block")


def written_out(used: Statement, target: Statement) -> str:
    """The text of ``target`` (a snippet or an imported file) as ``used`` (its import) means it."""
    text = target.root.text
    start, end = target.inner if target.tokens else (0, len(text))
    args = used.args[1:]
    parts, at = [], start
    for row in Lexer(text[:end], target.root.where).lines():
        for token in row:
            if token.start >= start and any(mark in token.value for mark in HANDED):
                parts += [text[at : token.start], _token(token, text, used, args)]
                at = token.end
    return _indented("".join([*parts, text[at:end]]), used)


def _indented(text: str, used: Statement) -> str:
    """At the import's indentation; text with lines inside of quotes is left as it is."""
    whole = used.root.text
    begin = whole.rfind("\n", 0, used.start) + 1
    indent = whole[begin : used.start]
    lines = [line.rstrip() for line in text.strip("\r\n").rstrip().split("\n")]
    rows = list(Lexer(text, used.root.where).lines())
    if any("\n" in token.value for row in rows for token in row) or indent.strip():
        return "\n".join(lines).strip()
    own = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(indent + line[own:] if line.strip() else "" for line in lines).strip()


def _token(token: Token, text: str, used: Statement, args: list[Token]) -> str:
    raw = text[token.start : token.end]
    block = BLOCK.match(raw)
    if block:
        return _block(used, block.group(1) or "")
    part = SLICE.match(raw)
    if part:
        chosen = args[int(part.group(1) or 0) : int(part.group(2)) if part.group(2) else None]
        return " ".join(_quoted(one.value, used) for one in chosen)
    values = {str(index): one.value for index, one in enumerate(args)}

    def value(found: re.Match[str]) -> str:
        return values.get(found.group(1) or found.group(2), found.group(0))

    if not token.quoted:
        return _quoted(ARGUMENT.sub(value, token.value), used)
    if raw[0] == '"':
        return ARGUMENT.sub(lambda found: value(found).replace('"', '\\"'), raw)
    if any("`" in one for one in values.values()):
        raise CaddyfileError(
            used.root.where,
            used.line,
            "an argument with a backquote goes between backquotes",
            fix="use another quote in the snippet, or write the import out",
        )
    return ARGUMENT.sub(value, raw)


def _quoted(value: str, used: Statement) -> str:
    """A value as one token."""
    if value and not re.search(r'[\s"`]', value) and value not in "{}" and not value.startswith(("#", "<<")):
        return value
    if "`" not in value:
        return "`%s`" % value
    if value.endswith("\\"):
        raise CaddyfileError(
            used.root.where,
            used.line,
            "an argument that can't be quoted: %s" % value,
            fix="leave the backslash at its end out, or write the import out",
        )
    return '"%s"' % value.replace('"', '\\"')


def _block(used: Statement, name: str) -> str:
    text = used.root.text
    if not name:
        return text[slice(*used.inner)].strip() if used.block is not None else ""
    blocks: Mapping[str, Statement] = {child.name: child for child in used.block or []}
    if name not in blocks:
        return ""
    child = blocks[name]
    if child.block is not None and child.args:
        raise CaddyfileError(
            used.root.where,
            child.line,
            "a named block with arguments can't be written out",
            fix="write that part of the snippet out where it is imported",
        )
    if child.block is not None:
        return text[slice(*child.inner)].strip()
    return text[child.args[0].start : child.args[-1].end] if child.args else ""
