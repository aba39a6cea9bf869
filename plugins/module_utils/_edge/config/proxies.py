# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One operator's ``reverse_proxy`` or ``forward_auth``: what it dials, when, and how, as a ``Proxy``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from . import upstream_host
from .imports import Tree, expanded, resolved
from .lexer import CaddyfileError, Statement, Token
from .one_colour_form import SNIPPET
from .proxy_form import INNER, OUR_MATCHERS, Other, Plain, Proxy, Target
from .upstream import Upstream

DIALLING = ("reverse_proxy", "forward_auth")
SCHEMES = ("http://", "https://", "h2c://")
PORTS = {"https://": "443"}
RANGE = re.compile(r"^(.*:)(\d+)-(\d+)$")
# Beside those that are rewritten: what speaks no HTTP to its upstreams.
ALSO_DIALLING = ("php_fastcgi",)
# What an import hands on is looked at where it is handed on.
HANDED_ON = re.compile(r"\{(?:args|blocks?)(?:[.\[][^}]*)?\}")
# No upstream looks like that; a socket does, and one with a scheme or a network.
PATH = re.compile(r"^(?!unix|fd/|tcp|udp|\w+://)[^/]*/|\*")
PLACEHOLDER = re.compile(r"\{[^{}\s]+\}")
EACH_VALUE = "give each value a reverse_proxy of its own, with a matcher"
OWN_SITE = (
    "give the service a reverse_proxy on a site of its own (http://127.0.0.1:9080, say) and write that address here"
)


def error(at: Token | Statement, statement: Statement, reason: str, fix: str = "") -> CaddyfileError:
    return CaddyfileError(statement.root.where, at.line, reason, fix)


@dataclass
class Proxies:
    """Reads the statements of a tree. ``coloured`` finds the name of a coloured service in a value."""

    tree: Tree
    upstreams: Sequence[Upstream]
    sets_host: bool
    coloured: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        names = "|".join(re.escape(upstream.written or upstream.name) for upstream in self.upstreams)
        self.coloured = re.compile(r"(?<![\w.-])(%s)(:\d+)?(?![\w.-])" % (names or r"(?!)"))

    def value(self, token: Token) -> str:
        return resolved(token.value, self.tree.environ)

    def names(self, token: Token) -> bool:
        return self.coloured.search(self.value(token)) is not None

    def word(self, token: Token | None) -> str:
        """A token as the edge reads it, with the environment in it; '' for none."""
        return expanded(token.value, self.tree.environ) if token else ""

    def parts(self, statement: Statement) -> tuple[Token | None, list[Token], list[Statement]]:
        """The matcher of a proxy, the tokens that name upstreams, and its ``to`` lines. What is empty in this
        environment is not there."""
        args = [token for token in statement.args if token.quoted or self.word(token)]
        first = (self.word(args[0]).split() or [""])[0] if args else ""
        matcher = args.pop(0) if first == "*" or first.startswith(("/", "@")) else None
        to = [child for child in statement.block or [] if child.name == "to"]
        return matcher, args + [token for child in to for token in child.args], to

    def waits(self, statement: Statement) -> bool:
        """Whether it proxies to a coloured service, but when is said by what an import hands to it: its first word."""
        if statement.name == "import" and any(HANDED_ON.search(one.value) for one in statement.args[1:]):
            return any(self.waits(one) for target in self.tree.targets(statement) for one in target.walk())
        first = statement.args[0].value if statement.name in DIALLING and len(statement.args) > 1 else ""
        found = HANDED_ON.match(first) and not self.names(statement.args[0])
        return bool(found) and any(self.names(one) for one in statement.args[1:])

    def dials(self, statement: Statement) -> bool:
        """Whether it proxies to a coloured service."""
        if statement.name not in DIALLING or ours(statement) or self.waits(statement):
            return False
        matcher, dialled, _to = self.parts(statement)
        return any(self.names(token) for token in (*dialled, *self._several(matcher)))

    def _several(self, matcher: Token | None) -> list[Token]:
        """The matcher, where a variable puts more than one word there."""
        more = matcher and not matcher.quoted and len(self.word(matcher).split()) > 1
        return [matcher] if matcher and more else []

    def read(self, statement: Statement, number: int, inner: Sequence[tuple[Statement, Proxy | Other]] = ()) -> Proxy:
        """``inner`` are the proxies in its block, as ``Proxy.inner`` has them."""
        matcher, dialled, _to = self.parts(statement)
        if self._several(matcher):
            raise error(statement, statement, "a matcher and an upstream in one variable", "write the path out")
        targets = tuple(target for token in dialled for target in self._targets(token, statement))
        named = [token for token in dialled if self.names(token)]
        if len(targets) > 1:
            self.refuse_asked(statement, statement)
        self._refuse_mixture(statement, named[0], targets)
        return Proxy(
            number=number,
            directive=statement.name,
            targets=targets,
            matcher=tuple(self._definition(statement, matcher)),
            guarded=self._collides(statement, matcher),
            body=self._body(statement, targets, named[0], [one for one, _made in inner]),
            indent=indent(statement),
            asked=statement.root.text[matcher.start : matcher.end] if matcher else "",
            inner=tuple(made for _one, made in inner),
        )

    def asks(self, statement: Statement) -> list[Token]:
        """The upstreams of a proxy that a placeholder of a request names."""
        if statement.name not in (*DIALLING, *ALSO_DIALLING) or ours(statement):
            return []
        upstreams = self.parts(statement)[1]
        return [one for one in upstreams if PLACEHOLDER.search(HANDED_ON.sub("", self.value(one)))]

    def refuse_asked(self, statement: Statement, at: Statement) -> None:
        for token in self.asks(statement):
            reason = "upstream %s is known only when a request comes, and may be a coloured service" % token.value
            also = [
                (one.root.where, other.line, other.value)
                for one in self.tree.walk()
                for other in self.asks(one)
                if one is not statement and not self.dials(one)
            ]
            line = (token if at is statement else at).line
            raise CaddyfileError(at.root.where, line, reason, EACH_VALUE, also)

    def _targets(self, token: Token, statement: Statement) -> Iterator[Target | Plain]:
        value = self.value(token)
        if not self.coloured.search(value):
            text = statement.root.text
            yield Plain(text[token.start : token.end])
            return
        for one in value.split():
            if not self.coloured.search(one):
                yield Plain(one)
                continue
            scheme = next((scheme for scheme in SCHEMES if one.startswith(scheme)), "")
            for rest in _ports(one[len(scheme) :]):
                found = [(upstream, port) for upstream in self.upstreams if (port := upstream.port(rest))]
                if not found:
                    raise error(
                        token,
                        statement,
                        "upstream %s: a coloured service in a form that can't be rewritten" % token.value,
                        "write name:port",
                    )
                port = PORTS.get(scheme, "80") if rest == found[0][0].name else found[0][1]
                yield Target(found[0][0], scheme, port)

    def _refuse_mixture(self, statement: Statement, named: Token, targets: Sequence[Target | Plain]) -> None:
        """Another upstream beside a coloured one is either its fallback or part of a colour that no setting names."""
        others = [target for target in targets if isinstance(target, Plain)]
        policies = [child.args for child in statement.block or [] if child.name == "lb_policy"]
        values = {one.raw: resolved(one.raw.strip('"`'), self.tree.environ) for one in others}
        path = next((raw for raw, value in values.items() if PATH.search(value)), "")
        if path:
            reason = "Caddy takes %s for an upstream, as a path begins with / when the file is read" % path
            raise error(named, statement, reason, "write the path out")
        if others and not any(args and args[0].value == "first" for args in policies):
            raise error(
                named,
                statement,
                "a coloured service shares its requests with %s, which has no colour" % others[0].raw,
                "add it to bluegreen_services, or write `lb_policy first` if it is a fallback, or remove it",
            )
        said = {target.said() for target in targets}
        placeholder = upstream_host.names_upstream(statement.root.text[statement.start : statement.end])
        if len(said) > 1 and placeholder:
            raise error(named, statement, placeholder + " beside several upstreams", "write the name that is meant")

    def _definition(self, statement: Statement, matcher: Token | None) -> Iterator[str]:
        """The lines of the proxy's own matcher, to stand beside ours in one set."""
        if matcher is None or self.word(matcher) == "*":
            return
        if self.word(matcher).startswith("/"):
            yield "path " + statement.root.text[matcher.start : matcher.end]
            return
        found = self._matcher(statement, matcher)
        text = found.root.text
        if found.args and found.args[0].quoted:
            yield "expression " + text[found.args[0].start : found.args[-1].end]
        elif found.args:
            end = found.end if found.block is not None else found.args[-1].end
            yield text[found.args[0].start : end]
        for child in found.block or [] if not found.args else []:
            yield text[child.start : child.end]

    def _collides(self, statement: Statement, matcher: Token | None) -> bool:
        if matcher is None or not self.word(matcher).startswith("@"):
            return False
        found = self._matcher(statement, matcher)
        kinds = {found.args[0].value} if found.args else {child.name for child in found.block or []}
        return bool(kinds & OUR_MATCHERS[statement.name]) or "import" in kinds

    def _matcher(self, statement: Statement, matcher: Token) -> Statement:
        found = self._defined(statement, self.word(matcher))
        if found is None:
            raise error(
                matcher,
                statement,
                "matcher %s is not defined where it can be seen from here" % matcher.value,
                "define it in this block",
            )
        return found

    def _defined(self, statement: Statement, name: str, depth: int = 9) -> Statement | None:
        """Where a named matcher is defined: in the block, one around it, a snippet imported there, or around a use."""
        scope: Statement = statement
        while scope.parent is not None:
            scope = scope.parent
            if scope.parent is not None or scope.fragment:
                for child in self._with_snippets(scope):
                    if child.tokens and self.word(child.tokens[0]) == name:
                        return child
            if not scope.parent or scope.name.startswith(("(", "&(")):
                uses = self.tree.users(scope)[:depth]
                seen = [self._defined(use, name, depth - 1) for use in uses]
                texts = {one.root.text[one.start : one.end] if one else None for one in seen}
                return seen[0] if len(texts) == 1 else None
        return None

    def _with_snippets(self, scope: Statement) -> Iterator[Statement]:
        for child in scope.block or []:
            yield child
            # A snippet with arguments means something else at each import: its matchers can't be copied.
            if child.name == "import" and len(child.args) == 1:
                for target in self.tree.targets(child):
                    yield from self._with_snippets(target)

    def _body(
        self, statement: Statement, targets: Sequence[Target | Plain], named: Token, inside: Sequence[Statement]
    ) -> str:
        """The text of the block, from after its brace to the end of its last line, without the ``to`` lines, and with
        the names that TLS would have taken from the upstream. The proxies ``inside`` are numbers, see INNER."""
        name, host, transport = self._tls(statement, targets, named)
        insert = "\n%s\ttls_server_name %s" % (indent(statement) + "\t", name) if name else ""
        lines = ["\theader_up Host " + host] if host else []
        if name and transport is None:
            lines.append(
                "\ttransport http {\n%s\t\ttls_server_name %s\n%s\t}"
                % ((indent(statement), name) + (indent(statement),))
            )
        checked, cut = self._health(statement, targets)
        lines += checked
        extra = "".join("\n%s%s" % (indent(statement), line) for line in lines)
        if statement.block is None:
            return extra
        text, (start, end) = statement.root.text, statement.inner
        cuts = [(text.rfind("\n", start, line.start), line.end, "") for line in self.parts(statement)[2]]
        cuts += cut + [(one.start, one.end, INNER % at) for at, one in enumerate(inside)]
        if transport is not None and insert:
            at = transport.inner[0] if transport.block is not None else transport.end
            closing = "" if transport.block is not None else "\n%s\t}" % indent(statement)
            cuts.append((at, at, ("" if transport.block is not None else " {") + insert + closing))
        pieces, at = [], start
        for begin, stop, new in sorted(cuts):
            pieces += [text[at : max(begin, at)], new]
            at = stop
        return extra + "".join([*pieces, text[at:end]]).rstrip()

    @staticmethod
    def _health(
        statement: Statement, targets: Sequence[Target | Plain]
    ) -> tuple[list[str], list[tuple[int, int, str]]]:
        """The Host that an active health check takes from the upstream, as a line or as an insertion (see _body)."""
        named, said = _health_of(statement), {target.said() for target in targets}
        if len(said) > 1 or not named:
            return [], []
        port = named["health_port"].args[0].value if "health_port" in named else ""
        host = "Host " + upstream_host.health_host(said.pop(), port)
        headers = named.get("health_headers")
        if headers is None:
            return ["\thealth_headers {\n%s\t\t%s\n%s\t}" % (indent(statement), host, indent(statement))], []
        if headers.block is None or any(child.name.lower() == "host" for child in headers.block):
            return [], []
        at = headers.inner[0]
        return [], [(at, at, "\n%s\t\t%s" % (indent(statement), host))]

    def _tls(
        self, statement: Statement, targets: Sequence[Target | Plain], named: Token
    ) -> tuple[str, str, Statement | None]:
        """Server name and Host to write out ('' for none), and the operator's ``transport http``."""
        block = statement.block or []
        found = [child for child in block if child.name == "transport" and child.args and child.args[0].value == "http"]
        # Of several the last one counts.
        transport = found[-1] if found else None
        settings = {child.name for child in (transport.block or [] if transport else [])}
        if not any(isinstance(target, Target) and target.scheme == "https://" for target in targets) and not any(
            name.startswith("tls") for name in settings
        ):
            return "", "", transport
        said = {target.said() for target in targets}
        wants_name = "tls_server_name" not in settings
        hosts = [child.args[0].value for child in block if child.name == "header_up" and child.args]
        wants_host = self.sets_host and "Host" not in hosts
        if len(said) > 1 and (wants_name or wants_host):
            raise error(
                named,
                statement,
                "several upstreams with TLS, and the rewrite dials addresses",
                "write `tls_server_name` in `transport http` and `header_up Host`",
            )
        one = said.pop()
        return one.rpartition(":")[0] if wants_name else "", one if wants_host else "", transport


def _health_of(statement: Statement) -> dict[str, Statement]:
    """The lines of its block by name, where it has an active health check that takes its Host from the upstream."""
    named = {child.name: child for child in statement.block or []}
    asks = {"health_uri", "health_path", "health_port"} & set(named) and "health_upstream" not in named
    return named if asks else {}


def checked_by_address(statement: Statement, targets: Sequence[Target | Plain]) -> bool:
    """Whether its health checks said several names, of which none can be written out."""
    headers = _health_of(statement).get("health_headers")
    own = headers is not None and any(child.name.lower() == "host" for child in headers.block or [])
    return len({target.said() for target in targets}) > 1 and bool(_health_of(statement)) and not own


def ours(statement: Statement) -> bool:
    """Made by an adoption before: blue may be dialled by the very address that the operator wrote."""
    return bool(statement.args) and statement.args[0].value.startswith(("@bluegreen", SNIPPET))


def indent(statement: Statement) -> str:
    text = statement.root.text
    begin = text.rfind("\n", 0, statement.start) + 1
    before = text[begin : statement.start]
    return before if not before.strip() else before[: len(before) - len(before.lstrip())]


def _ports(address: str) -> list[str]:
    found = RANGE.match(address)
    if not found or not int(found.group(2)) <= int(found.group(3)) < int(found.group(2)) + 100:
        return [address]
    return ["%s%d" % (found.group(1), port) for port in range(int(found.group(2)), int(found.group(3)) + 1)]
