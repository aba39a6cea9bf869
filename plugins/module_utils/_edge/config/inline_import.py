# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports that hand a coloured service to a snippet or a file, as an argument or in a block, are written out.

What the snippet dials differs from import to import, so the rewrite needs its text where it is imported. The same holds
for a snippet that one site imports twice, as our matchers would be defined twice there, and for an import in the block
of a coloured proxy that brings another proxy or what depends on the dialled name.

What Caddy does with tokens is done here with text, so that comments, quotes and indentation stay as they were.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from .imports import Tree
from .lexer import CaddyfileError, Edits, Lexer, Statement, Token, parse
from .proxies import Proxies, indent, ours
from .upstream_host import names_upstream

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
    margin = whole[begin : used.start]
    lines = [line.rstrip() for line in text.strip("\r\n").rstrip().split("\n")]
    rows = list(Lexer(text, used.root.where).lines())
    if any("\n" in token.value for row in rows for token in row) or margin.strip():
        return "\n".join(lines).strip()
    own = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(margin + line[own:] if line.strip() else "" for line in lines).strip()


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


# What the rewrite asks for in the block of a proxy.
SEEN = ("lb_policy", "transport", "health_uri", "health_path", "health_port", "health_upstream", "health_headers")


def write_out_handed(tree: Tree, proxies: Proxies) -> dict[str, Edits]:
    """The changes to each file, none where nothing is handed on. Another round may find more."""
    edits = {path: Edits(root.text) for path, root in tree.roots.items()}
    twice = {id(one) for one in (*_twice(tree, proxies), *_within(tree, proxies))}
    taken: set[int] = set()
    for statement in [*tree.walk()]:
        if statement.parent is not None and id(statement.parent) in taken:
            taken.add(id(statement))
        elif _handed(tree, proxies, statement) or id(statement) in twice:
            (target,) = tree.targets(statement)
            taken.add(id(statement))
            said = " ".join(token.value for token in statement.tokens if "\n" not in token.value)
            text = "# %s: written out by olympus.bluegreen\n%s%s"
            new = text % (said, indent(statement), written_out(statement, target))
            edits[tree.path(statement)].add(statement.start, statement.end, new)
    return edits


def _handed(tree: Tree, proxies: Proxies, used: Statement) -> bool:
    targets = tree.targets(used)
    if used.name != "import" or ours(used) or len(targets) != 1:
        return False
    given = [*used.args[1:], *(token for child in used.block or [] for one in child.walk() for token in one.tokens)]
    if not any(proxies.names(token) for token in given) and not any(map(proxies.waits, targets[0].walk())):
        return False
    return _dialling(proxies, brought(used, targets[0])) > _dialling(proxies, targets[0])


def brought(used: Statement, target: Statement) -> Statement:
    """What an import brings, as statements."""
    return parse(written_out(used, target), used.root.where, fragment=True)


def _dialling(proxies: Proxies, part: Statement) -> int:
    return sum(
        proxies.dials(one)
        or (one.name == "import" and (_waited_for(proxies, one) or any(proxies.names(token) for token in one.args[1:])))
        for one in part.walk()
    )


def _waited_for(proxies: Proxies, used: Statement) -> bool:
    """Whether an import says what a proxy waits for."""
    waiting = (one for target in proxies.tree.targets(used) for one in target.walk())
    return not proxies.waits(used) and any(map(proxies.waits, waiting))


def _within(tree: Tree, proxies: Proxies) -> Iterator[Statement]:
    for proxy in tree.walk():
        for used in proxy.walk() if proxies.dials(proxy) else ():
            targets = tree.targets(used)
            if (
                used.name == "import"
                and len(targets) == 1
                and any(_counts(proxies, one) for one in tree.reached(targets[0]))
            ):
                yield used


def _counts(proxies: Proxies, one: Statement) -> bool:
    """Whether a line of a coloured proxy's block is one that the rewrite has to see."""
    return proxies.dials(one) or one.name in SEEN or any(names_upstream(token.value) for token in one.tokens)


def _twice(tree: Tree, proxies: Proxies) -> Iterator[Statement]:
    for root in tree.roots.values():
        for site in root.block or []:
            if root.fragment or site.name == "import" or site.name.startswith("("):
                continue
            uses = [one for one in tree.reached(site) if one.name == "import" and len(tree.targets(one)) == 1]
            holding = [use for use in uses if any(proxies.dials(one) for one in tree.targets(use)[0].walk())]
            often = Counter(id(tree.targets(use)[0]) for use in holding)
            yield from (use for use in holding if often[id(tree.targets(use)[0])] > 1)
