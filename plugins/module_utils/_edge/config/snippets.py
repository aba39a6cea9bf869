# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snippets that the rewrite puts at the head of a Caddyfile, once: what decides, what matches, what answers."""

from __future__ import annotations

import re

from ..._core.argspec import COLOURS
from ..._core.names import OTHER

COOKIE = "bluegreen"
COLOUR_HEADER = "X-Bluegreen-Colour"
REASON_HEADER = "X-Bluegreen-Reason"
PREVIEW_HEADER = "X-Bluegreen-Preview"
STATIC = "/_next/static/*"
DIRECTORY = "olympus-bluegreen"
BEGIN = "# olympus.bluegreen: the switch. Made by the adopt stage; undo with -e bluegreen_undo=true."
END = "# olympus.bluegreen: end of the switch."
ARGUMENT = "{args[0]}"

# What names a visitor, proves who he is, or holds an address with a one-time code in it: the log keeps none of these.
# Names, as Caddy's filter knows none that keeps some fields and drops the rest (measured: 2.6.2 and 2.11.3).
_ADDRESSES = (
    "X-Forwarded-For", "Forwarded", "X-Real-Ip", "Cf-Connecting-Ip", "Cf-Connecting-Ipv6", "Cf-Pseudo-Ipv4",
    "True-Client-Ip", "X-Client-Ip", "Client-Ip", "X-Cluster-Client-Ip", "X-Original-Forwarded-For", "X-Forwarded",
    "Forwarded-For", "Fastly-Client-Ip", "Fly-Client-Ip", "X-Azure-Clientip", "X-Appengine-User-Ip", "X-Remote-Ip",
    "X-Remote-Addr", "X-Originating-Ip", "X-Envoy-External-Address", "X-Client-Geo-Location", "Cf-Ipcountry",
)  # fmt: skip
_PERSONS = (
    "Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "X-Remote-User", "X-Forwarded-User", "X-User-Id",
    "X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Forwarded-Groups", "X-Auth-Request-User",
    "X-Auth-Request-Email", "X-Auth-Request-Preferred-Username", "X-Kratos-Authenticated-Identity-Id",
)  # fmt: skip
_SECRETS = (
    "Authorization", "Proxy-Authorization", "X-Authorization", "X-Session-Token", "X-Session-Id", "X-Access-Token",
    "X-Refresh-Token", "X-Id-Token", "X-Auth-Token", "X-Token", "X-Api-Key", "Api-Key", "Apikey", "X-Api-Token",
    "X-Csrf-Token", "X-Csrftoken", "Csrf-Token", "X-Xsrf-Token", "Dpop", "X-Forwarded-Access-Token",
    "X-Auth-Request-Access-Token", "Cf-Access-Jwt-Assertion", "Cf-Access-Client-Id", "Cf-Access-Client-Secret",
    "X-Goog-Iap-Jwt-Assertion", "X-Amz-Security-Token", "X-Jwt-Assertion", "X-Vault-Token", "X-Gitlab-Token",
    "X-Hub-Signature", "X-Hub-Signature-256",
)  # fmt: skip
_ASKED = (
    "Cookie", "Referer", "Sec-Websocket-Protocol", "Sec-Websocket-Key", PREVIEW_HEADER, "X-Original-Url",
    "X-Original-Uri", "X-Forwarded-Uri", "Hx-Current-Url", "Next-Url", "Next-Router-State-Tree",
)  # fmt: skip
_ANSWERED = (
    "Set-Cookie", "Location", "Content-Location", "Refresh", "Hx-Redirect", "X-Action-Redirect", "Authorization",
    "X-Session-Token", "X-Session-Id", "X-Access-Token", "X-Refresh-Token", "X-Id-Token", "X-Auth-Token",
    "X-Csrf-Token", "X-User-Id", "X-Kratos-Authenticated-Identity-Id", "Remote-User", "Remote-Email",
)  # fmt: skip
_HEADERS = {
    "request>headers>": (*_ASKED, *_ADDRESSES, *_PERSONS, *_SECRETS),
    "resp_headers>": _ANSWERED,
}
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
                request>uri regexp "[?].*" ""
%(headers)s            }
        }
    }
}
""".replace("    ", "\t")

# Only pages pin: an asset or a background request of an open page must not move its forms to another colour.
_PAGE = """    @bluegreen_page header Content-Type text/html*
    handle_response @bluegreen_page {
        header +Set-Cookie "%(cookie)s=%(colour)s; Path=/; HttpOnly; Secure; SameSite=Lax"
        copy_response
    }
""".replace("    ", "\t")


# What the look-up has found, and which colour that means. A request remembers it in this variable.
LIVE = "bluegreen"
FOUND = {"green": "/green", "blue": "/ready"}
# Where a pinned POST remembers that its colour is warm, and a preview which colour is idle.
PINNED = "bluegreen_pinned"
IDLE = "bluegreen_idle"

# One look-up a request, in a `route`: Caddy runs that after whatever may take its time (authentication, limits) and
# before what answers, so a request decides when it is about to be sent on. Steps in it pass the request on to the next.
_DECIDE = """    @bluegreen_live {
%(live)s    }
    vars @bluegreen_live %(variable)s {http.matchers.file.relative}
    @bluegreen_asks header %(preview)s *
    route @bluegreen_asks {
        @bluegreen_knows {
            header_regexp %(preview)s ^[0-9a-f]{32}$
%(secret)s        }
        route @bluegreen_knows {
            @bluegreen_green vars {http.vars.%(variable)s} %(green)s
            @bluegreen_blue vars {http.vars.%(variable)s} %(blue)s
            vars @bluegreen_green %(idle)s %(blue)s
            vars @bluegreen_blue %(idle)s %(green)s
            vars %(variable)s {http.vars.%(idle)s}
            header %(preview)s idle
        }
        request_header -%(preview)s
    }
""".replace("    ", "\t")

# The cookie is looked at first, the disk only where it is there: Caddy takes the matchers of one set in any order.
_FORM = """    @bluegreen_form {
        method POST
        vars {http.request.cookie.%(cookie)s} blue green
        not vars {http.vars.%(idle)s} %(green)s %(blue)s
    }
    route @bluegreen_form {
        @bluegreen_warm {
%(warm)s        }
        vars @bluegreen_warm %(pinned)s {http.matchers.file.relative}
    }
""".replace("    ", "\t")


def _file(directory: str, names: str, indent: str = "\t", inside: str = "switch") -> str:
    lines = ("file {", "\troot %s/%s" % (directory, inside), "\ttry_files " + names, "}")
    return "".join("%s%s\n" % (indent, line) for line in lines)


def _matcher(variable: str, *values: str) -> str:
    return "\tvars {http.vars.%s} %s\n" % (variable, " ".join(values))


def _snippets(mount: str) -> dict[str, str]:
    """The lines of each snippet that decides, matches or answers, each line with its newline."""
    directory = "%s/%s" % (mount.rstrip("/"), DIRECTORY)
    words = {
        **FOUND, "variable": LIVE, "pinned": PINNED, "idle": IDLE, "cookie": COOKIE, "preview": PREVIEW_HEADER,
        "live": _file(directory, "green ready", "\t\t"),
        "secret": _file(directory, "{http.request.header.%s}" % PREVIEW_HEADER, "\t\t\t", "preview"),
        "warm": _file(directory, "warm-{http.request.cookie.%s}" % COOKIE, "\t\t\t"),
    }  # fmt: skip
    found = {"decide": _DECIDE % words, "form": _FORM % words, "marked": _file(directory, "green")}
    found["sentinel"] = _file(directory, "ready")
    found["green"], found["ready"] = (_matcher(LIVE, FOUND[colour]) for colour in ("green", "blue"))
    found["none"] = "\tnot {\n\t%s\t}\n" % _matcher(LIVE, *FOUND.values())
    for colour in COLOURS:
        found["pinned_" + colour] = _matcher(PINNED, "/warm-" + colour)
        found["from_" + colour] = "\theader_down %s %s\n" % (COLOUR_HEADER, colour)
        found["page_" + colour] = _PAGE % {"colour": colour, "cookie": COOKIE}
        found["asset_" + colour] = "\tpath %s\n" % STATIC + _file(directory, "assets-" + colour)
    for colour in COLOURS:
        found["fallback_" + colour] = asset(colour, ARGUMENT, "")
    return found


def asset(colour: str, dialled: str, own: str) -> str:
    """What ``colour`` has no static file for is asked there where the other build may lie."""
    lines = (
        "@bluegreen_missing status 404",
        "handle_response @bluegreen_missing {",
        "\t@bluegreen_asset {",
        "\t\timport bluegreen_asset_" + OTHER[colour],
        "\t}",
        "\troute {",
        "\t\treverse_proxy @bluegreen_asset %s {%s" % (dialled, own),
        "\t\t\timport bluegreen_from_" + OTHER[colour],
        "\t\t}",
        "\t\tcopy_response",
        "\t}",
        "}",
    )
    return "".join("\t%s\n" % line for line in lines)


def preamble(mount: str, named_log: bool) -> str:
    """The snippets, once a file. ``mount`` is the edge's writable volume as the edge sees it."""
    # The old way to say an argument, which 2.6 knows alone, makes a new Caddy warn at each load.
    said = ARGUMENT if named_log else "{args.0}"
    bodies = {name: body.replace(ARGUMENT, said) for name, body in _snippets(mount).items()}
    parts = ["(bluegreen_%s) {\n%s}\n" % (name, body) for name, body in bodies.items()]
    return "".join([BEGIN, "\n", *parts, access_log(mount, named_log), END, "\n"])


def access_log(mount: str, named_log: bool) -> str:
    """The snippet that logs a site, under a name of its own where this Caddy knows such."""
    directory = "%s/%s" % (mount.rstrip("/"), DIRECTORY)
    headers = "".join("\t\t\t\t%s%s delete\n" % (where, name) for where in _HEADERS for name in _HEADERS[where])
    return _LOG % {"directory": directory, "name": " bluegreen" if named_log else "", "headers": headers}


def without_imports(text: str, mount: str) -> str:
    """The text of a proxy with our snippets written out: Caddy knows no import inside of a named route."""
    snippets = _snippets(mount)

    def body(found: re.Match[str]) -> str:
        lines = snippets[found.group(2)].replace(ARGUMENT, found.group(3) or "").splitlines()
        return "\n".join(found.group(1) + line[1:] for line in lines)

    ours = re.compile(r"^([ \t]*)import bluegreen_(\w+)(?: (\S+))?$", re.MULTILINE)
    while ours.search(text):
        text = ours.sub(body, text)
    return text
