# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the switch into an operator's Caddyfile: pure, text to text, everything that is not ours byte for byte."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.forms import (
    BEGIN,
    Proxy,
    Target,
    Upstream,
    preamble,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.tokens import (
    CaddyfileError,
    Statement,
    Token,
    parse,
)

# A token there is said to somebody, not dialled.
SAYS_ONLY = ("header_up", "header_down", "header", "request_header", "respond", "error", "vars", "redir")
# Blocks whose directives Caddy runs as written; elsewhere it sorts them.
LITERAL_ORDER = ("route",)
OURS = re.compile(r"@bluegreen(\d+)_")
# What the matchers of ours consist of: Caddy merges two of a kind in one set into one.
OUR_MATCHERS = frozenset(("file", "method", "vars"))
SCHEMES = ("http://", "h2c://")


@dataclass(frozen=True)
class Rewritten:
    """``proxies`` counts what was rewritten (0: the text is unchanged), ``warnings`` are for the operator."""

    text: str
    proxies: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edit:
    start: int
    end: int
    text: str


def unified(before: str, after: str, name: str) -> str:
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), "a/" + name, "b/" + name)
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def rewrite(
    text: str, upstreams: Sequence[Upstream], mount: str, where: str = "Caddyfile", named_log: bool = True
) -> Rewritten:
    """The text with the switch in it. A rewritten text comes back as it is. Raises CaddyfileError."""
    return _Rewriter(text, upstreams, mount, where, named_log).run()


@dataclass
class _Rewriter:
    text: str
    upstreams: Sequence[Upstream]
    mount: str
    where: str
    named_log: bool
    edits: list[Edit] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def run(self) -> Rewritten:
        self.root = parse(self.text, self.where)
        self.number = max((int(found) for found in OURS.findall(self.text)), default=0)
        names = "|".join(re.escape(upstream.written or upstream.service) for upstream in self.upstreams)
        self.coloured = re.compile(r"(?<![\w.-])(%s)(:\d+)?(?![\w.-])" % (names or r"(?!)"))
        done = [statement for statement in self.root.walk() if self._proxy(statement)]
        for statement in self.root.walk():
            self._refuse_unknown(statement, done)
        if done:
            self._log(done)
            if BEGIN not in self.text:
                self.edits.append(Edit(0, 0, preamble(self.mount, self.named_log)))
        return Rewritten(self._edited(), len(done), tuple(self.warnings))

    def _edited(self) -> str:
        # Stable: of two edits at one place the one that was found first comes first.
        parts, at = [], 0
        for edit in sorted(self.edits, key=lambda edit: edit.start):
            parts += [self.text[at : edit.start], edit.text]
            at = edit.end
        return "".join(parts) + self.text[at:]

    def _error(self, token: Token | Statement, reason: str, mend: str = "") -> CaddyfileError:
        return CaddyfileError(self.where, token.line, reason, mend)

    def _proxy(self, statement: Statement) -> bool:
        if statement.name != "reverse_proxy" or statement.parent is None:
            return False
        matcher, dialled, to = self._parts(statement)
        named = [token for token in dialled if self.coloured.search(token.value)]
        if not named:
            return False
        if len(dialled) > 1:
            raise self._error(
                named[0], "a coloured service among several upstreams", "give it a reverse_proxy of its own"
            )
        if statement.parent.parent is None:
            raise self._error(statement, "a site without braces", "put braces around it")
        self.number += 1
        proxy = Proxy(
            number=self.number,
            target=self._target(named[0]),
            matcher=tuple(self._definition(statement, matcher)),
            guarded=self._collides(statement, matcher),
            body=self._body(statement, to),
            indent=self._indent(statement),
        )
        self._place(statement, matcher, proxy)
        return True

    @staticmethod
    def _parts(statement: Statement) -> tuple[Token | None, list[Token], list[Statement]]:
        args = list(statement.args)
        first = args[0] if args and not args[0].quoted else None
        matcher = args.pop(0) if first and (first.value[0] in "/@" or first.value == "*") else None
        to = [child for child in statement.block or [] if child.name == "to"]
        return matcher, args + [token for child in to for token in child.args], to

    def _target(self, token: Token) -> Target:
        scheme = next((scheme for scheme in SCHEMES if token.value.startswith(scheme)), "")
        rest = token.value[len(scheme) :]
        for upstream in self.upstreams:
            port = upstream.port(rest)
            if port:
                return Target(upstream, scheme, port)
        raise self._error(
            token, "upstream %s: a coloured service in a form that can't be rewritten" % token.value, "write name:port"
        )

    def _definition(self, statement: Statement, matcher: Token | None) -> Iterator[str]:
        """The lines of the proxy's own matcher, to stand beside ours in one set."""
        if matcher is None or matcher.value == "*":
            return
        if matcher.value.startswith("/"):
            yield "path " + self.text[matcher.start : matcher.end]
            return
        found = self._matcher(statement, matcher)
        if found.args and found.args[0].quoted:
            yield "expression " + self.text[found.args[0].start : found.args[-1].end]
        elif found.args:
            end = found.end if found.block is not None else found.args[-1].end
            yield self.text[found.args[0].start : end]
        for child in found.block or [] if not found.args else []:
            yield self.text[child.start : child.end]

    def _collides(self, statement: Statement, matcher: Token | None) -> bool:
        if matcher is None or not matcher.value.startswith("@"):
            return False
        found = self._matcher(statement, matcher)
        kinds = {found.args[0].value} if found.args else {child.name for child in found.block or []}
        return bool(kinds & OUR_MATCHERS) or "import" in kinds

    def _matcher(self, statement: Statement, matcher: Token) -> Statement:
        """Where a named matcher is defined: in the proxy's block, one around it, or a snippet imported there."""
        scope = statement.parent
        while scope is not None and scope.parent is not None:
            for child in self._with_snippets(scope):
                if child.name == matcher.value:
                    return child
            scope = scope.parent
        raise self._error(
            matcher,
            "matcher %s is not defined where it can be seen from here" % matcher.value,
            "define it in this block",
        )

    def _with_snippets(self, scope: Statement) -> Iterator[Statement]:
        for child in scope.block or []:
            yield child
            for snippet in self.root.block or []:
                # A snippet with arguments means something else at each import: its matchers can't be copied.
                if child.name == "import" and len(child.args) == 1 and snippet.name == "(%s)" % child.args[0].value:
                    yield from self._with_snippets(snippet)

    def _body(self, statement: Statement, to: list[Statement]) -> str:
        """The text of the block, from after its brace to the end of its last line, without the ``to`` lines."""
        if statement.block is None:
            return ""
        start, end = statement.inner
        parts, at = [], start
        for line in to:
            begin = self.text.rfind("\n", at, line.start)
            parts.append(self.text[at : begin if begin >= at else line.start])
            at = line.end
        return "".join([*parts, self.text[at:end]]).rstrip()

    def _indent(self, statement: Statement) -> str:
        begin = self.text.rfind("\n", 0, statement.start) + 1
        return self.text[begin : statement.start]

    def _place(self, statement: Statement, matcher: Token | None, proxy: Proxy) -> None:
        """In its own place; but one without matcher, which Caddy sorts last, has one now: so behind the others."""
        parent = statement.parent
        siblings = (parent.block if parent else None) or []
        rest = siblings[siblings.index(statement) + 1 :]
        later = [other for other in rest if other.name in ("reverse_proxy", "import")]
        catches_all = matcher is None or matcher.value == "*"
        if not catches_all or not later or (parent and parent.name in LITERAL_ORDER):
            self.edits.append(Edit(statement.start, statement.end, proxy.text()))
            return
        self.edits.append(Edit(statement.start, statement.end, "# moved below by olympus.bluegreen"))
        self.edits.append(Edit(later[-1].end, later[-1].end, "\n" + proxy.indent + proxy.text()))

    def _refuse_unknown(self, statement: Statement, done: list[Statement]) -> None:
        """A coloured name with a port that nothing above understood would go on meaning blue."""
        if statement.name in SAYS_ONLY or statement in done:
            return
        if statement.name == "to" and statement.parent in done:
            return
        for token in statement.tokens:
            for found in self.coloured.finditer(token.value):
                if found.group(2) or ":" in found.group(1):
                    raise self._error(
                        token, "%s in a form that can't be rewritten (%s)" % (found.group(0), statement.name)
                    )

    def _log(self, done: list[Statement]) -> None:
        """Each site gets the access log, whether it holds a proxy of ours or imports a snippet that does."""
        for site in self.root.block or []:
            if not site.tokens or site.block is None or site.name.startswith(("(", "&")):
                continue
            inside = list(self._reached(site))
            if not any(one in done for one in inside) or any(
                one.name == "import" and one.args and one.args[0].value == "bluegreen_log" for one in inside
            ):
                continue
            if not self.named_log and any(one.name == "log" for one in inside):
                self.warnings.append(
                    "%s:%d: this Caddy allows one log a site: no log of ours" % (self.where, site.line)
                )
                continue
            indent = self._indent(site.block[0]) if site.block else "\t"
            self.edits.append(Edit(site.inner[0], site.inner[0], "\n%simport bluegreen_log" % indent))

    def _reached(self, part: Statement) -> Iterator[Statement]:
        """Every statement of a site, with those of the snippets and named routes that it uses."""
        for statement in part.walk():
            yield statement
            form = {"import": "(%s)", "invoke": "&(%s)"}.get(statement.name)
            for held in self.root.block or [] if form and statement.args else []:
                if form and held.name == form % statement.args[-1 if statement.name == "invoke" else 0].value:
                    yield from self._reached(held)
