# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rewrite puts into a Caddyfile: text, no parsing.

A ``route`` looks once where a request goes and remembers it. One ``reverse_proxy`` becomes several, whose named
matchers ask only what was remembered, in this order: pinned POSTs, ``green``, sentinel, none.
Not ``handle``: Caddy sorts that before a site's own ``respond @private 404`` and would expose what it hides. The last
one has no upstream at all, which is Caddy's own 503, at the place in the order where the operator's proxy stood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..._core.argspec import COLOURS
from ..._core.names import OTHER
from . import upstream_host
from .one_colour_form import IDLE_STATUS, SNIPPET, STREAMS, idle_argument
from .snippets import BEGIN, COLOUR_HEADER, END, REASON_HEADER, access_log, asset
from .upstream import Upstream

# Where a body has a proxy of its own: its number among those of the body.
INNER = "\1%d\1"
_INNER = re.compile(INNER.replace("%d", r"(\d+)"))
# What the matchers of ours consist of: Caddy merges two of a kind in one set into one.
OUR_MATCHERS = {"reverse_proxy": frozenset(("file", "method", "vars")), "forward_auth": frozenset(("file", "vars"))}


@dataclass(frozen=True)
class Target:
    """One upstream of one proxy: ``scheme`` as written ('' or 'http://', ...)."""

    upstream: Upstream
    scheme: str
    port: str

    def dial(self, colour: str) -> str:
        return self.scheme + self.upstream.dial(colour, self.port)

    def said(self) -> str:
        return self.upstream.said(self.port)


@dataclass(frozen=True)
class Plain:
    """An upstream that has no colour, as written."""

    raw: str

    def dial(self, _colour: str) -> str:
        return self.raw

    def said(self) -> str:
        return self.raw


@dataclass(frozen=True)
class Other:
    """A proxy without colour in the block of one that has one: its text, with INNER for those inside of it."""

    text: str
    inner: tuple[Proxy | Other, ...] = ()


@dataclass(frozen=True)
class Proxy:
    """One operator's ``directive``.

    ``number`` makes matcher names unique, ``matcher`` are the lines that its own matcher consists of (``asked`` is it
    as written), ``guarded`` says that these use a matcher of ours (ours then hides in a double negation, as Caddy would
    merge the two), ``body`` is the text of its own block without ``to``, ``indent`` its indentation. ``decides``: the
    first in its place, so it looks where the request goes; ``pins``: the first there that looks for forms. ``inner``
    are the proxies in its block (``handle_response``).
    """

    number: int
    targets: tuple[Target | Plain, ...]
    matcher: tuple[str, ...]
    guarded: bool
    body: str
    indent: str
    directive: str = "reverse_proxy"
    decides: bool = True
    pins: bool = True
    asked: str = ""
    inner: tuple[Proxy | Other, ...] = ()

    def text(self) -> str:
        """The replacement, without the indentation of its first line and without a newline at its end."""
        parts = self._authorizing() if self.directive == "forward_auth" else self._proxying()
        return self._indented("\n".join(parts))

    def _proxying(self) -> list[str]:
        pinned = ["pinned_" + colour for colour in COLOURS] if self.ui() else []
        return [
            *(self._matcher(name) for name in (*pinned, "green", "ready", "none")),
            self._deciding(),
            *(self._proxy("pinned_" + colour, colour) for colour in COLOURS if pinned),
            self._proxy("green", "green"),
            self._proxy("ready", "blue"),
            "reverse_proxy " + self._name("none"),
        ]

    def _deciding(self) -> str:
        steps = ["import bluegreen_decide"] if self.decides else []
        steps += ["import bluegreen_form"] if self.pins and self.ui() else []
        steps.append('header %s %s "no switch"' % (self._name("none"), REASON_HEADER))
        return "route {\n%s\n}" % "\n".join("\t" + step for step in steps)

    def _authorizing(self) -> list[str]:
        """A request that is let through goes on to the next directive, so exactly one of these must be asked. The
        marker is looked at once and remembered, and the one without upstream comes first."""
        variable = "bluegreen%d" % self.number
        is_green = "vars {http.vars.%s} green" % variable
        not_green = "not {\n\t\t%s\n\t}" % is_green
        positive = "not {\n\t\tnot {\n\t\t\t%s\n\t\t}\n\t}" % is_green if self.guarded else is_green
        return [
            "%s {\n\timport bluegreen_marked\n}" % self._name("marked"),
            "vars %s %s green" % (self._name("marked"), variable),
            self._set("none", not_green, "not {\n\t\timport bluegreen_sentinel\n\t}"),
            self._set("green", positive),
            self._set("blue", not_green),
            "forward_auth %s {\n\turi /\n}" % self._name("none"),
            *(
                "forward_auth %s %s {%s\n}" % (self._name(colour), self._dialled(colour), self._own(colour))
                for colour in reversed(COLOURS)
            ),
        ]

    def _name(self, what: str) -> str:
        return "@bluegreen%d_%s" % (self.number, what)

    def ui(self) -> bool:
        return any(isinstance(target, Target) and target.upstream.ui for target in self.targets)

    def _dialled(self, colour: str) -> str:
        return " ".join(target.dial(colour) for target in self.targets)

    def own(self, inside: Callable[[Proxy], str]) -> str:
        """The body, in which a placeholder for the dialled address is written out, with \\0 for its line ends.
        ``inside`` makes the text of a proxy in it."""
        body = upstream_host.named(self.body, self.targets[0].said())
        return _filled(body, self.inner, inside).replace("\n", "\0")

    def _own(self, colour: str) -> str:
        return self.own(lambda one: one.alone(colour))

    def alone(self, colour: str, bare: bool = False) -> str:
        """Of one colour, for the block of another proxy: that one has decided already. A ``bare`` one only dials it."""
        head = " ".join([self.directive, *([self.asked] if self.asked else []), self._dialled(colour)])
        extra = self._extra(colour) if self.directive == "reverse_proxy" and not bare else ""
        own = self.own(lambda one: one.alone(colour, bare))
        return self._indented("%s {%s\n%s}" % (head, own, extra))

    def _indented(self, text: str) -> str:
        return text.replace("\n", "\n" + self.indent).replace("\0", "\n")

    def _set(self, what: str, *ours: str) -> str:
        lines = [*(line.replace("\n", "\0") for line in self.matcher), *ours]
        return "%s {\n%s\n}" % (self._name(what), "\n".join("\t" + line for line in lines))

    def _matcher(self, what: str) -> str:
        ours = "import bluegreen_" + what
        return self._set(what, "not {\n\t\tnot {\n\t\t\t%s\n\t\t}\n\t}" % ours if self.guarded else ours)

    def _proxy(self, what: str, colour: str) -> str:
        inside = self._own(colour), self._extra(colour)
        return "reverse_proxy %s %s {%s\n%s}" % (self._name(what), self._dialled(colour), *inside)

    def _extra(self, colour: str) -> str:
        extra = "\timport bluegreen_from_%s\n" % colour
        if self.ui():
            extra += "%s\timport bluegreen_page_%s\n" % (self._fallback(colour), colour)
        return extra

    def _fallback(self, colour: str) -> str:
        """Once for all proxies without a block of their own and with one upstream; else with what is theirs in it."""
        dialled = self._dialled(OTHER[colour])
        # It has one of these itself, and Caddy knows the matchers of a block in the blocks inside of it too.
        own = self.own(lambda one: one.alone(OTHER[colour], bare=True))
        if own or " " in dialled:
            return asset(colour, dialled, own)
        return "\timport bluegreen_fallback_%s %s\n" % (colour, dialled)


def _filled(text: str, inner: Sequence[Proxy | Other], inside: Callable[[Proxy], str]) -> str:
    def made(found: re.Match[str]) -> str:
        one = inner[int(found.group(1))]
        return _filled(one.text, one.inner, inside) if isinstance(one, Other) else inside(one)

    return _INNER.sub(made, text)


def one_colour_head(mount: str, named_log: bool, colour: str) -> str:
    """The snippets, once a file; ``mount`` is the edge's writable volume as it sees it, '' where it has none."""
    first, live, idle = (
        ("{args[%d]}" if named_log else "{args.%d}") % at for at in (0, COLOURS.index(colour), idle_argument(colour))
    )
    lines = ["to " + live, "header_down %s %s" % (COLOUR_HEADER, colour)]
    lines += ["stream_close_delay " + STREAMS] if named_log else []
    lines += ["@bluegreen_%s status %d" % (first, IDLE_STATUS), "handle_response @bluegreen_%s {" % first]
    lines += ["\treverse_proxy " + idle, "}"]
    snippet = "(%s) {\n%s}\n" % (SNIPPET, "".join("\t%s\n" % line for line in lines))
    return "".join([BEGIN, "\n", snippet, access_log(mount, named_log) if mount else "", END, "\n"])


def one_colour_text(proxy: Proxy) -> str:
    """The replacement of one operator's proxy, without the indentation of its first line and the newline at its end."""
    dialled = [
        "to " + one.raw if isinstance(one, Plain) else "import %s %s" % (SNIPPET, " ".join(map(one.dial, COLOURS)))
        for one in proxy.targets
    ]
    inner = "".join("\n%s\t%s" % (proxy.indent, line) for line in dialled)
    own = proxy.own(one_colour_text).replace("\0", "\n")
    # First, so that what the operator says himself comes later and counts.
    head = " ".join([proxy.directive, *([proxy.asked] if proxy.asked else [])])
    return "%s {%s%s\n%s}" % (head, inner, own, proxy.indent)
