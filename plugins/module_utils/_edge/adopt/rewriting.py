# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the switch, or with the method ``reload`` a colour, gets into an edge's configuration file."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..._core.errors import BluegreenError, Refused
from ..config import json_rewrite, one_colour_form, query
from ..config.caddyfile_rewrite import rewrite
from ..config.imports import Tree, resolved
from ..config.lexer import CaddyfileError
from ..config.our_routes import marker_names
from ..config.proxies import DIALLING
from ..config.query import unswitched
from ..config.snippets import BEGIN
from ..config.upstream import Upstream
from ..running.base import Edge, adapt, environment, has_named_logs, root_of
from ..running.reaches import Reached, Reaches, aliases
from .formats import CaddyfileSyntax, JsonSyntax, Syntax, dumped, text_of
from .proof import Proof


@dataclass(frozen=True)
class Rewritten:
    """``config`` is what Caddy runs of ``content``, ``before`` the whole text that it was made of and ``original`` what
    Caddy runs of that. ``whole`` is it with its imported files, of which ``others`` change (by path as the edge sees
    them). ``found`` are the other names by which it dials coloured services."""

    content: bytes
    config: Any
    before: str
    original: Any
    warnings: tuple[str, ...] = ()
    whole: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, Reached] = field(default_factory=dict)


class Rewriting(Syntax):
    """``colour`` is the one that the rewritten file names, '' for the switch."""

    def __init__(self, edge: Edge, upstreams: Sequence[Upstream], colour: str, reaches: Reaches) -> None:
        super().__init__(edge, upstreams)
        self._colour = colour
        self._reaches = reaches

    @abstractmethod
    def rewritten(self, base: bytes) -> Rewritten:
        """With the switch. Raises where that is impossible or would mean something else."""

    @abstractmethod
    def adopted(self, content: bytes) -> bool:
        """Whether there is something of ours in it."""


class CaddyfileRewriting(Rewriting, CaddyfileSyntax):
    def rewritten(self, base: bytes) -> Rewritten:
        options = self._edge.options
        try:
            tree = self._tree(base, self.imported().read)
            original = adapt(self._edge, tree.text())
            found = self._found(original, tree)
            upstreams = (*self._upstreams, *aliases(self._upstreams, found))
            rewrite_of = partial(
                rewrite,
                tree,
                upstreams,
                options.mount,
                named_log=has_named_logs(self._edge),
                sets_host=sets_host(self._edge),
                colour=self._colour,
            )
            done = rewrite_of()
            proof = Proof(self._edge, self._colour, upstreams, None if self.adopted(base) else original, tree.environ)
            config, wrong = proof.tried(done.after)
            if wrong and config is None:
                raise proof.blamed(done.lines, rewrite_of, wrong)
            require_switch(self._edge, config, upstreams, self._reaches, self._colour)
            if wrong:
                raise proof.blamed(done.lines, rewrite_of, wrong)
        except CaddyfileError as exc:
            raise exc.on(options.caddyfile if exc.where == options.config_path else exc.where) from exc
        return Rewritten(
            done.text.encode(), config, done.before, original, done.warnings, done.after, done.files, found
        )

    def _found(self, original: Any, tree: Tree) -> dict[str, Reached]:
        """What it dials, as its tokens say it, and reaches a coloured service by another name than the service's."""
        environ = tree.environ
        dials = [resolved(dial, environ) for dial in query.dials(unswitched(original, root_of(self._edge)))]
        others = [dial for dial in dials if not any(one.port(dial) for one in self._upstreams)]
        found = self._reaches.asked(self._edge, others)
        for dial in found:
            try:
                aliases(self._upstreams, {dial: found[dial]})
            except Refused as exc:
                raise CaddyfileError(*_line_of(tree, dial), exc.msg, exc.fix) from exc
        return found

    def adopted(self, content: bytes) -> bool:
        return BEGIN.encode() in content


class JsonRewriting(Rewriting, JsonSyntax):
    def rewritten(self, base: bytes) -> Rewritten:
        config = self._turned(self.config(base), self._colour)
        found = self._found(config)
        upstreams = (*self._upstreams, *aliases(self._upstreams, found))
        wanted = json_rewrite.targets(config, upstreams)
        adapted = self._template(wanted, upstreams)
        done = json_rewrite.switched(config, upstreams, wanted, adapted, sets_host(self._edge))
        if json_rewrite.restored(done.config, {**done.made, **_kept(config)}) != config:
            raise BluegreenError("the rewritten configuration can't be taken back", fix="report this form")
        if self._edge.options.mount:
            final, more = json_rewrite.with_log(done.config, adapted, root_of(self._edge))
        else:
            final, more = done.config, (one_colour_form.NO_LOG,)
        require_switch(self._edge, final, upstreams, self._reaches, self._colour)
        content = base if final == self.config(base) else dumped(final, base)
        return Rewritten(content, final, text_of(base), config, more, text_of(content), {}, found)

    def _found(self, config: Any) -> dict[str, Reached]:
        """What it dials, as it is written, and reaches a coloured service by another name than the service's."""
        environ = environment(self._edge.place().pid)
        said = query.dials(unswitched(config, root_of(self._edge)))
        dials = {one: resolved(one, environ) for one in said if not any(known.port(one) for known in self._upstreams)}
        reached = self._reaches.asked(self._edge, dials.values())
        for one, dial in dials.items():
            if dial in reached and "{" in one:
                raise Refused("%s is a coloured service (%s)" % (one, dial), fix="write its name out: service:port")
        return {one: reached[dial] for one, dial in dials.items() if dial in reached}

    def _template(self, wanted: Sequence[json_rewrite.Target], upstreams: Sequence[Upstream]) -> Any:
        """The switch for each of them, as the edge's adapter says it. At least one: the log is needed in any case."""
        some = wanted or [json_rewrite.Target(upstreams[0], "80")]
        named_log = has_named_logs(self._edge)
        text, mount = json_rewrite.template(some), self._edge.options.mount
        done = rewrite(text, upstreams, mount, named_log=named_log, colour=self._colour)
        return adapt(self._edge, done.text)

    def adopted(self, content: bytes) -> bool:
        return any(json_rewrite.ours(value) for _path, value in json_rewrite.places(self.config(content)))


def sets_host(edge: Edge) -> bool:
    """Whether this Caddy tells an upstream with TLS the dialled address as Host (since 2.11). A build that does not say
    its version is taken for a new one."""
    found = re.search(r"\bv?(\d+)\.(\d+)\.\d+", edge.caddy("version").out)
    return found is None or (int(found.group(1)), int(found.group(2))) >= (2, 11)


def rewriting_of(edge: Edge, upstreams: Sequence[Upstream], colour: str, reaches: Reaches) -> Rewriting:
    kind = CaddyfileRewriting if edge.options.source == "caddyfile" else JsonRewriting
    return kind(edge, upstreams, colour, reaches)


def require_switch(edge: Edge, config: Any, upstreams: Sequence[Upstream], reaches: Reaches, colour: str = "") -> None:
    """Raises where a rewritten configuration would still reach a coloured service past the switch, or has none; where
    it names a ``colour``, past its proxies of that colour."""
    past = reaches.past(edge, config, upstreams)
    if past:
        raise Refused(
            "after the rewrite the edge would still dial %s past the switch" % ", ".join(past),
            fix="write that upstream into a reverse_proxy of the Caddyfile itself, as service:port",
        )
    found = query.form(config, root_of(edge))
    if not found:
        raise Refused(
            "no coloured service is an upstream in %s" % (edge.options.caddyfile or "the configuration"),
            fix="name what it dials in bluegreen_services, or in edge.upstreams where that is a published port",
        )
    root, ours = root_of(edge), [value for _path, value in json_rewrite.places(config) if json_rewrite.ours(value)]
    if colour:
        whole = found == "fixed" and one_colour_form.colours(config) == {colour}
    else:
        whole = found == "switch" and all(marker_names(one, root) for one in ours)
    if not whole:
        raise Refused(
            "the configuration was edited since it was adopted with another method",
            option="edge.method",
            value=edge.options.method,
            fix="keep a copy, undo with -e bluegreen_undo=true -e bluegreen_force_undo=true, edit again and adopt",
        )


def _line_of(tree: Tree, dial: str) -> tuple[str, int]:
    """The file and the line that say an upstream; the head of the file where an import or a variable makes it."""
    host = dial.rpartition(":")[0]
    for statement in tree.walk():
        if statement.name in DIALLING or (statement.parent and statement.parent.name in DIALLING):
            for token in statement.tokens:
                if host in resolved(token.value, tree.environ):
                    return statement.root.where, token.line
    return tree.where, 1


def _kept(config: Any) -> dict[str, Any]:
    """The subroutes of ours that were there before: to themselves."""
    return {json_rewrite.ours(value): value for _path, value in json_rewrite.places(config) if json_rewrite.ours(value)}
