# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an edge's configuration file is written in: what Caddy makes of it, and how it names another colour."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from ..._core.errors import BluegreenError, CommandError
from ..config import one_colour_form, query
from ..config.imports import Read, Tree
from ..config.upstream import Upstream
from ..running.base import Edge, adapt, environment, root_of
from .imported_files import Imported


class Syntax(ABC):
    """How the file is written. ``flags`` are those of ``caddy reload`` and ``caddy validate``."""

    flags: tuple[str, ...] = ()

    def __init__(self, edge: Edge, upstreams: Sequence[Upstream]) -> None:
        self._edge = edge
        self._upstreams = upstreams

    @abstractmethod
    def loaded(self, whole: str) -> Any:
        """What Caddy runs of a text with its imported files. Raises CommandError where it loads nothing of it."""

    @abstractmethod
    def flat(self, content: bytes, read: Read) -> str:
        """One text with the imported files, as Caddy may be asked about it."""

    @abstractmethod
    def with_live_colour(self, content: bytes, colour: str) -> bytes:
        """With another colour live, where it names one."""

    def config(self, content: bytes) -> Any:
        """What Caddy runs of it."""
        return self.loaded(self.whole(content))

    def whole(self, content: bytes) -> str:
        """With the imported files as undo leaves them."""
        return self.flat(content, self.imported(back=True).read)

    def present(self, content: bytes) -> str:
        """With the imported files as they are now."""
        return self.flat(content, self.imported().present)

    def made(self, content: bytes) -> str:
        """With the imported files as adopt made them."""
        return self.flat(content, self.imported().made)

    def imported(self, back: bool = False) -> Imported:
        """The files that it imports; with ``back`` as undo leaves them."""
        return Imported(self._edge.place().pid, self._edge.options.state_dir, back)


class CaddyfileSyntax(Syntax):
    """A Caddyfile."""

    flags = ("--adapter", "caddyfile")

    def with_live_colour(self, content: bytes, colour: str) -> bytes:
        return one_colour_form.with_live_colour(text_of(content), colour).encode()

    def loaded(self, whole: str) -> Any:
        return adapt(self._edge, whole)

    def flat(self, content: bytes, read: Read) -> str:
        return self._tree(content, read).text()

    def _tree(self, content: bytes, read: Read) -> Tree:
        pid = self._edge.place().pid
        return Tree.of(text_of(content), self._edge.options.config_path, read, environment(pid))


class JsonSyntax(Syntax):
    """Caddy's own JSON."""

    def _turned(self, config: Any, colour: str) -> Any:
        names_one = query.form(config, root_of(self._edge)) == "fixed" and colour
        return one_colour_form.config_with_live_colour(config, self._upstreams, colour) if names_one else config

    def with_live_colour(self, content: bytes, colour: str) -> bytes:
        config = self.config(content)
        wanted = self._turned(config, colour)
        return content if wanted == config else dumped(wanted, content)

    def loaded(self, whole: str) -> Any:
        try:
            return json.loads(whole, object_pairs_hook=_unique)
        except ValueError as exc:
            raise CommandError(
                "not Caddy's JSON: %s" % exc,
                option="edge.caddyfile",
                value=self._edge.options.caddyfile,
                fix="for a Caddyfile set edge.source: caddyfile; Caddy's JSON has no comments",
            ) from exc

    def flat(self, content: bytes, read: Read) -> str:
        return text_of(content)


def syntax_of(edge: Edge, upstreams: Sequence[Upstream]) -> Syntax:
    return (CaddyfileSyntax if edge.options.source == "caddyfile" else JsonSyntax)(edge, upstreams)


def dumped(config: Any, like: bytes = b"") -> bytes:
    """As text, indented as ``like`` is, so that a diff shows what changed."""
    found = re.search(rb"\n([ \t]+)\S", like)
    indent = found.group(1).decode() if found else "  "
    return (json.dumps(config, indent=indent, ensure_ascii=False) + "\n").encode()


def text_of(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        raise BluegreenError("the edge's configuration is not UTF-8: %s" % exc, fix="save it as UTF-8") from exc


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        raise ValueError("%s is there twice" % next(name for name in names if names.count(name) > 1))
    return found
