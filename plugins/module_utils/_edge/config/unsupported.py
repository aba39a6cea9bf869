# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rewrite can't put behind the switch: coloured names in other places, and upstreams that a request names.

Each is refused by its line, as it would go on meaning blue and say nothing. So is an ``order`` that breaks the switch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from . import upstream_host
from .imports import Tree
from .inline_import import brought
from .lexer import CaddyfileError, Statement, Token
from .proxies import DIALLING, EACH_VALUE, OWN_SITE, Proxies, error, ours

# What stands in these, and in their blocks, is said to a client, an upstream or a log, or is compared, and not dialled.
SAYS_ONLY = frozenset((
    "header", "header_up", "header_down", "request_header", "respond", "error", "redir", "rewrite", "uri",
    "try_files", "method", "templates", "push", "request_body", "basic_auth", "basicauth", "tracing", "log_append",
    "log_name", "format", "tls_server_name", "lb_policy", "lb_retry_match", "health_headers", "health_uri",
    "health_body", "health_request_body",
))  # fmt: skip
# Only the line itself says something; there are others in its block.
LINE_SAYS = ("log",)
VARIABLES = ("vars", "map")
FIXES = {
    "dynamic": "name it as an ordinary upstream, name:port: a coloured service has one address a colour",
    "import": "name its upstream in the file itself",
    "health_upstream": "say health_port in its place: each colour is checked at its own address",
    "output": "send this log elsewhere, or to an address that is no coloured service",
}
UNKNOWN_SOURCE = "name its upstreams, name:port, or move this proxy to a Caddy of its own"


@dataclass
class Unknown:
    """``done`` are the statements that are rewritten."""

    proxies: Proxies
    done: Sequence[Statement]
    warnings: list[tuple[str, int, str]] = field(default_factory=list)
    _done: set[int] = field(default_factory=set)
    _variable: bool = False

    def refuse(self) -> None:
        """Raises CaddyfileError for the first one."""
        self._done = {id(one) for one in self.done}
        self._variable = any(self.proxies.asks(one) for one in self.proxies.tree.walk())
        for statement in self.proxies.tree.walk():
            if not (id(statement) in self._done or self._rewritten(statement)):
                self._one(statement, statement)
            self._said_outside(statement)

    def _rewritten(self, statement: Statement) -> bool:
        return statement.name == "to" and id(statement.parent) in self._done

    def _one(self, statement: Statement, at: Statement) -> None:
        # What waits for an import has been written out where it is imported.
        if ours(statement) or self._is_site(statement) or self.proxies.waits(statement):
            return
        if statement.name == "import" and statement.args[1:] and len(self.proxies.tree.targets(statement)) == 1:
            self._import(statement, at)
            return
        if statement.name == "dynamic" and statement.parent and statement.parent.name in DIALLING:
            self._dynamic(statement, at)
        self._name(statement, at)
        self.proxies.refuse_asked(statement, at)

    def _import(self, statement: Statement, at: Statement) -> None:
        """Where arguments are handed on: what they mean there."""
        brings = list(brought(statement, self.proxies.tree.targets(statement)[0]).walk())
        dialling = {id(one) for one in brings if self.proxies.dials(one)}
        for inner in brings:
            if inner.name != "import" and id(inner) not in dialling and id(inner.parent) not in dialling:
                self._one(inner, at)

    def _dynamic(self, statement: Statement, at: Statement) -> None:
        """An upstream that a name server is asked for at each request."""
        for one in statement.walk():
            self._name(one, one if at is statement else at)
        source = " ".join(["dynamic", *(token.value for token in statement.args)])
        reason = "`%s` is asked at each request who is dialled, and that may be a coloured service" % source
        raise error(at, at, reason, UNKNOWN_SOURCE)

    def _name(self, statement: Statement, at: Statement) -> None:
        """A coloured name, with its port where that is needed to tell it from a word."""
        within = list(_line(statement))
        if any(_says(one, one is statement) for one in within):
            return
        names = {one.name for one in within}
        variable, dynamic = bool(names & {*VARIABLES}), "dynamic" in names
        if variable and not self._variable:
            return
        fix = next((FIXES[name] for name in FIXES if name in names), EACH_VALUE if variable else OWN_SITE)
        kind = "dynamic" if dynamic else statement.name
        for token in statement.tokens:
            for found in self._found(token, dynamic):
                if found.group(2) or ":" in found.group(1) or variable or dynamic:
                    reason = "%s in a form that can't be rewritten (%s)" % (found.group(0), kind)
                    raise error(token if at is statement else at, at, reason, fix)

    def _found(self, token: Token, dynamic: bool) -> Iterator[re.Match[str]]:
        value = self.proxies.value(token)
        yield from self.proxies.coloured.finditer(value)
        if dynamic:
            # A record has the name of its service as one label of several.
            yield from self.proxies.coloured.finditer(value.replace(".", " "))

    def _said_outside(self, statement: Statement) -> None:
        """A placeholder for what was dialled, beside a proxy that is rewritten: it says an address from now on."""
        root = statement.root
        if any(one.name in DIALLING for one in _line(statement)):
            return
        beside = [one for one in self.done if one.root is root and _site(one) is _site(statement)]
        for token in statement.tokens if beside else []:
            placeholder = upstream_host.names_upstream(token.value)
            if placeholder:
                said = "outside of the proxy %s says the address of a colour from now on" % placeholder
                self.warnings.append((root.where, token.line, said))

    def _is_site(self, statement: Statement) -> bool:
        """A line of addresses, or a root."""
        parent = statement.parent
        outside = parent is None or (parent.parent is None and not parent.fragment)
        return outside and statement.name != "import"


def _line(statement: Statement) -> Iterator[Statement]:
    """The statement and what it is in."""
    yield statement
    if statement.parent is not None:
        yield from _line(statement.parent)


def _site(statement: Statement) -> Statement:
    """The outermost block that a statement is in."""
    held = [one for one in _line(statement) if one.tokens]
    return held[-1] if held else statement


def _says(statement: Statement, itself: bool) -> bool:
    return statement.name in SAYS_ONLY or statement.name.startswith("@") or (itself and statement.name in LINE_SAYS)


# The order in which Caddy sorts the directives of a block; the global option ``order`` changes it. A ``route`` decides,
# and ``vars`` keeps the decision: both have to come before what goes by it.
CADDYS = (
    "tracing", "map", "vars", "fs", "root", "log_append", "skip_log", "log_skip", "log_name", "header",
    "copy_response_headers", "request_body", "redir", "method", "rewrite", "uri", "try_files", "basicauth",
    "basic_auth", "forward_auth", "request_header", "encode", "push", "intercept", "templates", "invoke", "handle",
    "handle_path", "route", "abort", "error", "copy_response", "respond", "metrics", "reverse_proxy", "php_fastcgi",
    "file_server", "acme_server",
)  # fmt: skip
DECIDES = {"reverse_proxy": "route", "forward_auth": "vars"}


def refuse_order(tree: Tree, done: Sequence[Statement]) -> None:
    """Raises CaddyfileError at the ``order`` that puts a proxy of ``done`` before what decides for it."""
    sorted_ones = {one.name for one in done if one.parent is not None and one.parent.name != "route"}
    order = list(CADDYS)
    for option in _options(tree):
        name, where, *of = (token.value for token in option.args)
        order = _moved(order, name, where, of[0] if of else "")
        for proxy in sorted(sorted_ones):
            if order.index(proxy) < order.index(DECIDES[proxy]):
                raise CaddyfileError(
                    option.root.where,
                    option.line,
                    "`%s` puts %s before %s, and the switch decides in a %s"
                    % (" ".join(token.value for token in option.tokens), proxy, DECIDES[proxy], DECIDES[proxy]),
                    fix="remove that line, or put the proxies into `route { }`",
                )


def _options(tree: Tree) -> Iterator[Statement]:
    """The ``order`` options, in their order: the global block is one without a name."""
    for block in tree.roots[tree.where].block or []:
        if not block.tokens:
            yield from (one for one in tree.reached(block) if one.name == "order" and len(one.args) > 1)


def _moved(order: Sequence[str], name: str, where: str, of: str) -> list[str]:
    moved = [one for one in order if one != name]
    if where in ("before", "after") and of not in moved:
        # Caddy refuses that itself, unless it is a plugin's whose place is not known here.
        return [*order]
    at = {"first": 0, "last": len(moved)}.get(where)
    if at is None:
        at = moved.index(of) + (where == "after")
    return [*moved[:at], name, *moved[at:]]
