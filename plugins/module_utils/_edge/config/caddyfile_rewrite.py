# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the switch into an operator's Caddyfile and the files that it imports: pure, text to text, everything that is
not ours byte for byte."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..._core.errors import BluegreenError
from . import one_colour_form
from .imports import Read, Tree, no_files
from .inline_import import write_out_handed
from .lexer import BOM, CaddyfileError, Edits, Statement
from .proxies import DIALLING, Proxies, checked_by_address, error, indent
from .proxy_form import INNER, Other, Plain, Proxy, Target, one_colour_head, one_colour_text
from .snippets import BEGIN, preamble, without_imports
from .unsupported import Unknown, refuse_order
from .upstream import Upstream

# How many snippets may hand a coloured name on to one another.
ROUNDS = 9
# Blocks whose directives Caddy runs as written; elsewhere it sorts them.
LITERAL_ORDER = ("route",)
# Empty where a line ends without one.
ENDING_COMMENT = re.compile(r"[ \t]+#[^\r\n]*|")
OURS = re.compile(r"@bluegreen(\d+)_")


@dataclass(frozen=True)
class Rewritten:
    """``proxies`` counts what was rewritten (0: the text is unchanged), ``warnings`` are for the operator.

    ``text`` is the main file, ``files`` are those imported ones that change, by path as the edge sees them. ``before``
    and ``after`` are all of it as one text each, for Caddy's adapter. ``lines`` are (file, line) of each proxy.
    """

    text: str
    proxies: int = 0
    warnings: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    after: str = ""
    lines: tuple[tuple[str, int], ...] = ()


def unified(before: str, after: str, name: str) -> str:
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), "a/" + name, "b/" + name)
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def rewrite(
    text: str | Tree,
    upstreams: Sequence[Upstream],
    mount: str,
    where: str = "Caddyfile",
    named_log: bool = True,
    sets_host: bool = False,
    read: Read = no_files,
    environ: Mapping[str, str] | None = None,
    colour: str = "",
    only: int = 0,
) -> Rewritten:
    """The text with the switch in it, or with a ``colour`` in the form that names one. A rewritten text comes back as
    it is, but for the colour that it names. Raises CaddyfileError.

    ``named_log`` and ``sets_host`` say what this Caddy does: whether a site may have a second log under its own name
    (since 2.7), and whether an upstream with TLS hears its own address as Host (since 2.11). ``where`` is the file's
    path as the edge sees it, ``read`` gives the files of an absolute pattern there, ``environ`` is the environment of
    the running edge; a parsed tree has all three. ``only`` one proxy is rewritten, by its place in ``lines`` from 1 on
    (0: all): so the one is found whose form the rewrite does not know.
    """
    tree = text if isinstance(text, Tree) else Tree.of(text, where, read, environ)
    texts = {path: root.text for path, root in tree.roots.items()}
    rounds: list[dict[str, Edits]] = []
    try:
        again = _all_written_out(tree, upstreams, sets_host, rounds)
        rewriter = _Rewriter(again, Proxies(again, upstreams, sets_host), mount, named_log, colour, only)
        done = rewriter.run()
    except CaddyfileError as exc:
        raise exc.led_back(lambda where, line: _origin(rounds, where, line)) from exc
    changed = {path: new for path, new in done.items() if new != texts[path] and path != tree.where}
    led_back = [(path, _origin(rounds, path, line), said) for path, line, said in rewriter.warnings]
    warnings = tuple("%s:%d: %s" % one if one[1] else one[2] for one in led_back)
    whole = _whole(again, done)
    lines = tuple((path, _origin(rounds, path, line)) for path, line in rewriter.lines)
    return Rewritten(done[tree.where], len(lines), warnings, changed, tree.text(), whole, lines)


def _all_written_out(
    tree: Tree, upstreams: Sequence[Upstream], sets_host: bool, rounds: list[dict[str, Edits]]
) -> Tree:
    """Without imports that hand on what the rewrite has to see. Each round of edits is added to ``rounds``."""
    for _round in range(ROUNDS):
        edits = write_out_handed(tree, Proxies(tree, upstreams, sets_host))
        if not any(one.edits for one in edits.values()):
            break
        rounds.append(edits)
        tree = _edited(tree, edits)
    return tree


def _whole(tree: Tree, done: Mapping[str, str]) -> str:
    try:
        return tree.flat(done)
    except CaddyfileError as exc:
        # Its line is one of a text that the operator has never seen.
        raise BluegreenError("%s can't be rewritten: %s" % (exc.where, exc.reason), fix="report this form") from exc


def _origin(rounds: Sequence[Mapping[str, Edits]], where: str, line: int) -> int:
    """The line of the operator's file that one of the last round comes from."""
    for edits in reversed(rounds):
        line = edits[where].origin(line) if where in edits else line
    return line


def _in_named_route(statement: Statement) -> bool:
    return statement.name.startswith("&(") or (statement.parent is not None and _in_named_route(statement.parent))


def _edited(tree: Tree, edits: Mapping[str, Edits]) -> Tree:
    if not any(one.edits for one in edits.values()):
        return tree
    given = {path: one.applied() for path, one in edits.items()}
    return Tree.of(given[tree.where], tree.where, _known(tree, given), tree.environ)


def _known(tree: Tree, texts: Mapping[str, str]) -> Read:
    return lambda pattern: {path: texts[path] for path in tree.found(pattern)}


@dataclass
class _Rewriter:
    tree: Tree
    proxies: Proxies
    mount: str
    named_log: bool
    colour: str = ""
    only: int = 0
    # (file, line, words); 0 where it is of no line.
    warnings: list[tuple[str, int, str]] = field(default_factory=list)
    lines: list[tuple[str, int]] = field(default_factory=list)

    def run(self) -> dict[str, str]:
        """The new text of every file of the tree."""
        roots = self.tree.roots
        self.edits = {path: Edits(root.text) for path, root in roots.items()}
        number = max((int(found) for root in roots.values() for found in OURS.findall(root.text)), default=0)
        self.done = [statement for statement in self.tree.walk() if self.proxies.dials(statement)]
        self.lines = [(self.tree.path(one), one.line) for one in self.done]
        if self.only:
            self.done = [self.done[self.only - 1]]
        read = self._read(number + 1)
        if not self.only:
            self._refuse()
        for statement in self.done:
            if not self._within(statement):
                self._place(statement, self._deciding(statement, read))
        if self.done:
            if self.mount:
                self._log()
            else:
                self.warnings.append((self.tree.where, 0, one_colour_form.NO_LOG))
            main = roots[self.tree.where]
            if BEGIN not in main.text:
                at = len(BOM) if main.text.startswith(BOM) else 0
                self.edits[self.tree.where].add(at, at, self._head())
        made = {path: one.applied() for path, one in self.edits.items()}
        return {
            path: one_colour_form.with_live_colour(one, self.colour) if self.colour else one
            for path, one in made.items()
        }

    def _read(self, number: int) -> dict[int, Proxy]:
        """Those in the block of another one come first, so that they are known to it."""
        read: dict[int, Proxy] = {}
        for at, one in reversed([*enumerate(self.done, number)]):
            read[id(one)] = self.proxies.read(one, at, self._inner(one, read))
            if self.colour:
                self._refuse_twice(one, read[id(one)].targets)
            if checked_by_address(one, read[id(one)].targets):
                said = (
                    "its health checks say an address as Host from now on; write one in health_headers if that counts"
                )
                self.warnings.append((self.tree.path(one), one.line, said))
        return read

    def _refuse(self) -> None:
        Unknown(self.proxies, self.done, self.warnings).refuse()
        if not self.colour:
            refuse_order(self.tree, self.done)

    @staticmethod
    def _refuse_twice(statement: Statement, targets: Sequence[Target | Plain]) -> None:
        for at, one in enumerate(targets):
            if isinstance(one, Target) and one in targets[:at]:
                raise error(statement, statement, "%s twice in one proxy" % one.said(), "name it once")

    def _inner(self, statement: Statement, read: Mapping[int, Proxy]) -> list[tuple[Statement, Proxy | Other]]:
        """The outermost proxies in its block, as ``Proxy.inner`` has them."""
        found: list[tuple[Statement, Proxy | Other]] = []
        for one in statement.walk():
            if one is not statement and one.name in DIALLING and not (found and one.start < found[-1][0].end):
                found.append((one, read.get(id(one)) or self._other(one, self._inner(one, read))))
        return found

    @staticmethod
    def _other(statement: Statement, inner: Sequence[tuple[Statement, Proxy | Other]]) -> Other:
        text, at, said = statement.root.text, statement.start, ""
        for number, (one, _made) in enumerate(inner):
            said, at = said + text[at : one.start] + INNER % number, one.end
        return Other(said + text[at : statement.end], tuple(made for _one, made in inner))

    def _within(self, statement: Statement) -> bool:
        """Whether it stands in the block of another one that is rewritten."""
        parent, done = statement.parent, {id(one) for one in self.done}
        while parent is not None and id(parent) not in done:
            parent = parent.parent
        return parent is not None

    def _head(self) -> str:
        if self.colour:
            return one_colour_head(self.mount, self.named_log, self.colour)
        return preamble(self.mount, self.named_log)

    def _edit(self, statement: Statement, start: int, end: int, text: str) -> None:
        self.edits[self.tree.path(statement)].add(start, end, text)

    def _deciding(self, statement: Statement, read: Mapping[int, Proxy]) -> Proxy:
        """Where Caddy sorts, those of one block decide together: the one that comes first of them."""
        proxy, parent = read[id(statement)], statement.parent
        if parent is None or parent.name in LITERAL_ORDER:
            return proxy
        beside = [one for one in self.done if one.parent is parent and one.name == "reverse_proxy"]
        beside.sort(key=lambda one: self._behind(one) is not None)
        pinning = [one for one in beside if read[id(one)].ui()]
        return replace(proxy, decides=beside[:1] == [statement], pins=pinning[:1] == [statement])

    def _behind(self, statement: Statement) -> Statement | None:
        """The statement that it moves behind: one without matcher, which Caddy sorts last, has one now."""
        parent = statement.parent
        if parent is None or parent.name in LITERAL_ORDER or not self._takes_all(statement):
            return None
        siblings = [one for one in parent.block or [] if one.name in (statement.name, "import")]
        at = next(at for at, one in enumerate(siblings) if one is statement)
        before = next((one for one in siblings[:at] if self._takes_all(one)), None)
        if statement.name == "reverse_proxy" and before is not None and not self.proxies.dials(before):
            reason = "never asked: another reverse_proxy without a matcher stands before it"
            raise error(statement, statement, reason, "remove one of the two, or give one a matcher")
        later = [one for one in siblings[at + 1 :] if not self._takes_all(one)]
        return later[-1] if later else None

    def _takes_all(self, statement: Statement) -> bool:
        matcher = self.proxies.word(self.proxies.parts(statement)[0])
        return statement.name in DIALLING and matcher in ("", "*")

    def _place(self, statement: Statement, proxy: Proxy) -> None:
        if self.colour:
            self._fix(statement, proxy)
            return
        text = without_imports(proxy.text(), self.mount) if _in_named_route(statement) else proxy.text()
        last = self._behind(statement)
        if last is None:
            self._edit(statement, statement.start, statement.end, text)
            return
        self._edit(statement, statement.start, statement.end, "# moved below by olympus.bluegreen")
        # A comment that ends that line is about it and stays there.
        found = ENDING_COMMENT.match(self.tree.roots[self.tree.path(statement)].text, last.end)
        behind = found.end() if found else last.end
        self._edit(statement, behind, behind, "\n" + proxy.indent + text)

    def _fix(self, statement: Statement, proxy: Proxy) -> None:
        if _in_named_route(statement):
            fix = "set edge.method: switch, or write the proxy where the route is invoked"
            raise error(statement, statement, "a proxy in a named route, where Caddy imports nothing", fix)
        self._edit(statement, statement.start, statement.end, one_colour_text(proxy))

    def _log(self) -> None:
        """Each site gets the access log, whether it holds a proxy of ours or imports a snippet that does."""
        for root in self.tree.roots.values():
            for site in root.block or [] if not root.fragment else []:
                if site.tokens and site.block is not None and not site.name.startswith(("(", "&")):
                    self._site(site)

    def _site(self, site: Statement) -> None:
        inside = list(self.tree.reached(site))
        if not any(one in self.done for one in inside):
            return
        if site.bare:
            end = "}\n" if site.root.text.endswith("\n") else "\n}\n"
            self._edit(site, site.inner[0], site.inner[0], " {")
            self._edit(site, site.inner[1], site.inner[1], end)
        if any(one.name == "import" and one.args and one.args[0].value == "bluegreen_log" for one in inside):
            return
        if not self.named_log and any(one.name == "log" for one in inside):
            lost = "this Caddy allows one log for each site, so the watch counts no visitors of this site"
            self.warnings.append((site.root.where, site.line, lost))
            return
        inner = indent(site.block[0]) if site.block and not site.bare else "\t"
        rest = site.root.text[site.inner[0] :].split("\n", 1)[0].rstrip()
        at = site.inner[0] + (len(rest) if rest.lstrip().startswith("#") else 0)
        self._edit(site, at, at, "\n%simport bluegreen_log" % inner)
