# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rewrite puts into a Caddyfile: text, no parsing.

One ``reverse_proxy`` becomes several with named matchers, in this order: pinned POSTs, ``green``, sentinel, nobody.
Not ``handle``: Caddy sorts that before a site's own ``respond @private 404`` and would expose what it hides. The last
one has no upstream at all, which is Caddy's own 503, at the place in the order where the operator's proxy stood.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import OTHER

COOKIE = "bluegreen"
COLOUR_HEADER = "X-Bluegreen-Colour"
REASON_HEADER = "X-Bluegreen-Reason"
STATIC = "/_next/static/*"
DIRECTORY = "olympus-bluegreen"
BEGIN = "# olympus.bluegreen: the switch. Made by the adopt stage; undo with -e bluegreen_undo=true."
END = "# olympus.bluegreen: end of the switch."
UPSTREAM_PLACEHOLDERS = ("{upstream_hostport}", "{http.reverse_proxy.upstream.hostport}")

# Answers may carry one-time codes and session tokens, requests all kinds of secrets: the log keeps none of them.
_LOG = """(bluegreen_log) {
    log%(name)s {
        output file %(directory)s/log/access.log {
            roll_size 20MiB
            roll_keep 4
        }
        format filter {
            wrap json
            fields {
                request>remote_ip delete
                request>remote_port delete
                request>client_ip delete
                request>tls delete
                request>headers>Cookie delete
                request>headers>Authorization delete
                request>headers>Proxy-Authorization delete
                request>headers>X-Session-Token delete
                request>headers>X-Api-Key delete
                request>headers>X-Csrf-Token delete
                request>headers>Referer delete
                request>uri regexp "[?].*" ""
                resp_headers>Set-Cookie delete
                resp_headers>Location delete
                resp_headers>X-Session-Token delete
            }
        }
    }
}
""".replace("    ", "\t")

# Only pages pin: an asset or a background request of an open page must not move its forms to another colour.
_PAGE = """(bluegreen_page_%(colour)s) {
    @bluegreen_page header Content-Type text/html*
    handle_response @bluegreen_page {
        header +Set-Cookie "%(cookie)s=%(colour)s; Path=/; HttpOnly; Secure; SameSite=Lax"
        copy_response
    }
}
""".replace("    ", "\t")


@dataclass(frozen=True)
class Upstream:
    """A coloured service as the edge reaches it: its plain name and its address on each edge network.

    With ``written`` the operator's configuration does not say the name but this very ``host:port`` (a published port
    of one service), and ``blue`` and ``green`` are ``host:port`` too.
    """

    service: str
    blue: str
    green: str
    ui: bool = False
    written: str = ""

    def address(self, colour: str) -> str:
        return self.blue if colour == "blue" else self.green

    def dial(self, colour: str, port: str) -> str:
        return self.address(colour) if self.written else "%s:%s" % (self.address(colour), port)

    def said(self, port: str) -> str:
        """What the operator's configuration says."""
        return self.written or "%s:%s" % (self.service, port)

    def port(self, dial: str) -> str | None:
        """The port of an operator's ``dial`` (80 where it names none) that means this service; None for others."""
        if self.written:
            return dial.rpartition(":")[2] if dial == self.written else None
        host, colon, port = dial.partition(":")
        return (port or "80") if host == self.service and (port.isdigit() or not colon) else None

    def dialled(self, dial: str, colour: str) -> bool:
        """Whether a rewritten configuration's ``dial`` is this service in ``colour``."""
        known = dial if self.written else dial.rpartition(":")[0]
        return known == self.address(colour)


@dataclass(frozen=True)
class Target:
    """One upstream of one proxy: ``scheme`` as written ('' or 'http://' or 'h2c://')."""

    upstream: Upstream
    scheme: str
    port: str

    def dial(self, colour: str) -> str:
        return self.scheme + self.upstream.dial(colour, self.port)


def _file(directory: str, names: str, indent: str = "\t") -> str:
    lines = ("file {", "\troot %s/switch" % directory, "\ttry_files " + names, "}")
    return "".join("%s%s\n" % (indent, line) for line in lines)


def preamble(mount: str, named_log: bool) -> str:
    """The snippets, once a file. ``mount`` is the edge's writable volume as the edge sees it."""
    directory = "%s/%s" % (mount.rstrip("/"), DIRECTORY)
    parts = [BEGIN + "\n"]
    for name, marker in (("green", "green"), ("ready", "ready")):
        parts.append("(bluegreen_%s) {\n%s}\n" % (name, _file(directory, marker)))
    parts.append("(bluegreen_nobody) {\n\tnot {\n%s\t}\n}\n" % _file(directory, "green ready", "\t\t"))
    for colour in COLOURS:
        pinned = "\tmethod POST\n\tvars {http.request.cookie.%s} %s\n" % (COOKIE, colour)
        parts.append("(bluegreen_pinned_%s) {\n%s%s}\n" % (colour, pinned, _file(directory, "warm-" + colour)))
        parts.append("(bluegreen_from_%s) {\n\theader_down %s %s\n}\n" % (colour, COLOUR_HEADER, colour))
        parts.append(_PAGE % {"colour": colour, "cookie": COOKIE})
        asset = "\tpath %s\n" % STATIC
        parts.append("(bluegreen_asset_%s) {\n%s%s}\n" % (colour, asset, _file(directory, "assets-" + colour)))
    parts.append(_LOG % {"directory": directory, "name": " bluegreen" if named_log else ""})
    return "".join(parts) + END + "\n"


@dataclass(frozen=True)
class Proxy:
    """One operator's ``reverse_proxy``.

    ``number`` makes matcher names unique, ``matcher`` are the lines that its own matcher consists of, ``guarded`` says
    that these use a matcher of ours (ours then hides in a double negation, as Caddy would merge the two), ``body`` is
    the text of its own block without ``to``, ``indent`` its indentation.
    """

    number: int
    target: Target
    matcher: tuple[str, ...]
    guarded: bool
    body: str
    indent: str

    def text(self) -> str:
        """The replacement, without the indentation of its first line and without a newline at its end."""
        pinned = ["pinned_" + colour for colour in COLOURS] if self.target.upstream.ui else []
        parts = [self._matcher(name) for name in (*pinned, "green", "ready", "nobody")]
        parts += [self._proxy("pinned_" + colour, colour) for colour in COLOURS if pinned]
        parts += [self._proxy("green", "green"), self._proxy("ready", "blue")]
        parts.append('header %s %s "no switch"' % (self._name("nobody"), REASON_HEADER))
        parts.append("reverse_proxy " + self._name("nobody"))
        lines = "\n".join(parts)
        return lines.replace("\n", "\n" + self.indent).replace("\0", "\n")

    def _name(self, what: str) -> str:
        return "@bluegreen%d_%s" % (self.number, what)

    def _matcher(self, what: str) -> str:
        ours = "import bluegreen_" + what
        lines = ["\tnot {\n\t\tnot {\n\t\t\t%s\n\t\t}\n\t}" % ours] if self.guarded else ["\t" + ours]
        return "%s {\n%s\n}" % (
            self._name(what),
            "\n".join(["\t" + line.replace("\n", "\0") for line in self.matcher] + lines),
        )

    def _proxy(self, what: str, colour: str) -> str:
        own = self.body.replace("\n", "\0")
        for placeholder in UPSTREAM_PLACEHOLDERS:
            own = own.replace(placeholder, self.target.upstream.said(self.target.port))
        extra = "\timport bluegreen_from_%s\n" % colour
        if self.target.upstream.ui:
            extra = "\timport bluegreen_from_%s\n%s\timport bluegreen_page_%s\n" % (
                colour,
                self._asset(colour, own),
                colour,
            )
        return "reverse_proxy %s %s {%s\n%s}" % (self._name(what), self.target.dial(colour), own, extra)

    def _asset(self, colour: str, own: str) -> str:
        other = OTHER[colour]
        lines = (
            "@bluegreen_missing status 404",
            "handle_response @bluegreen_missing {",
            "\t@bluegreen_asset {",
            "\t\timport bluegreen_asset_" + other,
            "\t}",
            "\troute {",
            "\t\treverse_proxy @bluegreen_asset %s {%s" % (self.target.dial(other), own),
            "\t\t\timport bluegreen_from_" + other,
            "\t\t}",
            "\t\tcopy_response",
            "\t}",
            "}",
        )
        return "".join("\t%s\n" % line for line in lines)
