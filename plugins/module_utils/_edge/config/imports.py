# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an ``import`` brings: snippets and files; and a Caddyfile with all its files as one text.

Pure but for ``Read``, which is handed in: it gives the files that an absolute pattern names where the edge runs.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from .lexer import BOM, CaddyfileError, Statement, Token, parse
from .snippets import END

Read = Callable[[str], Mapping[str, str]]

ENVIRONMENT = re.compile(r"\{\$([^}:]+)(?::([^}]*))?\}")
RUNTIME = re.compile(r"\{env\.([^}]+)\}")
MEMBER = "bluegreen_file_%d"


def no_files(_pattern: str) -> Mapping[str, str]:
    return {}


def expanded(value: str, environ: Mapping[str, str]) -> str:
    """``{$NAME}`` and ``{$NAME:default}`` as the edge reads them, before it takes the text apart."""
    return ENVIRONMENT.sub(lambda found: environ.get(found.group(1), found.group(2) or ""), value)


def resolved(value: str, environ: Mapping[str, str]) -> str:
    """``{$NAME}``, ``{$NAME:default}`` and ``{env.NAME}`` as the edge understands them."""
    return RUNTIME.sub(lambda found: environ.get(found.group(1), ""), expanded(value, environ))


@dataclass
class Tree:
    """A Caddyfile and every file that it imports. ``roots`` by path as the edge sees it, the main file first.

    ``order`` holds the same files in the order in which they are met.
    """

    where: str
    environ: Mapping[str, str]
    roots: dict[str, Statement] = field(default_factory=dict)
    _found: dict[str, list[str]] = field(default_factory=dict)
    _uses: dict[int, list[Statement]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, where: str, read: Read = no_files, environ: Mapping[str, str] | None = None) -> Tree:
        tree = cls(where, environ or {})
        tree.roots[where] = parse(text, where)
        waiting = [where]
        while waiting:
            path = waiting.pop(0)
            waiting += tree._collect(path, read)
        for statement in tree.walk():
            for target in tree.targets(statement):
                tree._uses.setdefault(id(target), []).append(statement)
        return tree

    def walk(self) -> Iterator[Statement]:
        for root in self.roots.values():
            yield from root.walk()

    def path(self, statement: Statement) -> str:
        return statement.root.where

    def _word(self, token: Token) -> str:
        return expanded(token.value, self.environ)

    def _pattern(self, statement: Statement) -> str:
        base = posixpath.dirname(self.path(statement))
        return posixpath.normpath(posixpath.join(base, resolved(statement.args[0].value, self.environ)))

    def _collect(self, path: str, read: Read) -> list[str]:
        """Parse what the imports of one file name; the paths that are new."""
        new = []
        for statement in self.roots[path].walk():
            if statement.name != "import" or not statement.args or self.snippet(self._word(statement.args[0])):
                continue
            pattern = self._pattern(statement)
            if pattern not in self._found:
                texts = read(pattern)
                self._found[pattern] = sorted(texts)
                inside = statement.parent is not self.roots[path] or self.roots[path].fragment
                for name in sorted(texts):
                    if name not in self.roots:
                        self.roots[name] = parse(texts[name], name, fragment=inside)
                        new.append(name)
        return new

    def found(self, pattern: str) -> list[str]:
        return self._found.get(pattern, [])

    def snippet(self, name: str, form: str = "(%s)") -> Statement | None:
        for root in self.roots.values():
            for held in root.block or []:
                if held.name == form % name and held.block is not None:
                    return held
        return None

    def targets(self, statement: Statement) -> list[Statement]:
        """The snippet, named route or files that a statement brings in; [] where it brings none."""
        if statement.name not in ("import", "invoke") or not statement.args:
            return []
        if statement.name == "invoke":
            route = self.snippet(self._word(statement.args[-1]), "&(%s)")
            return [route] if route else []
        held = self.snippet(self._word(statement.args[0]))
        if held:
            return [held]
        return [self.roots[name] for name in self._found.get(self._pattern(statement), [])]

    def users(self, target: Statement) -> list[Statement]:
        """The imports of a snippet or of a file."""
        return self._uses.get(id(target), [])

    def reached(self, part: Statement, inside: tuple[int, ...] = ()) -> Iterator[Statement]:
        """Every statement of a part, with those of the snippets, named routes and files that it uses."""
        for statement in part.walk():
            yield statement
            for target in self.targets(statement):
                if id(target) not in inside:
                    yield from self.reached(target, (*inside, id(target)))

    def text(self) -> str:
        """One text that means what the file means with all that it imports."""
        return self.flat({path: root.text for path, root in self.roots.items()})

    def flat(self, texts: Mapping[str, str]) -> str:
        """One text that means what ``texts`` mean together (the main one and files of this tree, by path)."""
        return _Flat(texts, self.environ, {name: list(found) for name, found in self._found.items()}).text(self.where)


@dataclass
class _Flat:
    """Files become snippets where they are imported inside a block or with arguments, else they stand in place."""

    texts: Mapping[str, str]
    environ: Mapping[str, str]
    found: Mapping[str, list[str]]
    members: dict[str, str] = field(default_factory=dict)
    snippets: list[str] = field(default_factory=list)
    # Which files are being read, from the main one down.
    inside: list[str] = field(default_factory=list)

    def text(self, where: str) -> str:
        main = self._inlined(where, fragment=False)
        # Behind our own snippets: old Caddies tell lines apart by numbers, which must grow from snippet to use.
        at = main.index(END) + len(END) + 1 if END in main else 0
        return main[:at] + "".join(self.snippets) + main[at:]

    def _inlined(self, path: str, fragment: bool) -> str:
        if path in self.inside:
            raise CaddyfileError(
                path, 1, "it imports itself: %s" % " -> ".join((*self.inside, path)), fix="remove one import"
            )
        self.inside.append(path)
        try:
            return self._expanded(path, fragment)
        finally:
            self.inside.pop()

    def _expanded(self, path: str, fragment: bool) -> str:
        text = self.texts[path]
        parts, at = [], len(BOM) if text.startswith(BOM) else 0
        root = parse(text, path, fragment)
        for statement in root.walk():
            names = self._names(statement, path)
            if names:
                nested = fragment or statement.parent is not root or len(statement.args) > 1
                parts += [text[at : statement.start], self._brought(statement, names, text, nested)]
                at = statement.args[0].end if nested and len(names) == 1 else statement.end
        return "".join(parts) + text[at:]

    def _names(self, statement: Statement, path: str) -> list[str]:
        if statement.name != "import" or not statement.args:
            return []
        pattern = posixpath.join(posixpath.dirname(path), resolved(statement.args[0].value, self.environ))
        return self.found.get(posixpath.normpath(pattern), [])

    def _brought(self, statement: Statement, names: list[str], text: str, nested: bool) -> str:
        if not nested:
            return "\n".join(self._inlined(name, fragment=False) for name in names)
        rest = text[statement.args[0].end : statement.end]
        lines = ["import " + self._member(name) for name in names]
        return lines[0] if len(lines) == 1 else "\n".join(line + rest for line in lines)

    def _member(self, path: str) -> str:
        if path not in self.members:
            # Those that it uses itself come to stand before it.
            content = self._inlined(path, fragment=True)
            name = MEMBER % (len(self.members) + 1)
            self.members[path] = name
            self.snippets.append("(%s) {\n%s\n}\n" % (name, content))
        return self.members[path]
