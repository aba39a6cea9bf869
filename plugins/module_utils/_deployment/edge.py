# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``edge`` of a description may have: a Caddy, or Cloudflare. Only the modules of an edge need it."""

from __future__ import annotations

from .fields import Field
from .tree import CADDY_KINDS, COLOURS, EDGE_STATE, METHODS, SOURCES

CADDY = (
    Field(
        "kind",
        "str",
        (
            "V(container) is a Caddy that podman-compose started.",
            "V(native) is a process of this host. It is found by its admin endpoint. It reaches the colours by"
            " published"
            " ports, so O(publish) must say V(loopback) or an address.",
        ),
        "container",
        choices=CADDY_KINDS,
        learned=True,
    ),
    Field(
        "source",
        "str",
        "The format of Caddy's configuration file. A Caddy that starts with C(--resume) has no such file and is"
        " refused.",
        "caddyfile",
        choices=SOURCES,
        learned=True,
    ),
    Field(
        "method",
        "str",
        (
            "How a flip reaches the public. A changed method takes effect at the next C(adopt), which reloads Caddy"
            " once.",
            "V(switch) is one file that each request looks at. A flip renames it and loses nothing.",
            "V(reload) is for an edge that can't look at a file. It edits the configuration file, lets the edge's own"
            " Caddy validate it and reloads it. A rollback is one write to the admin API, and the file after it. Each"
            " flip costs a reload and keeps no open form on its colour.",
        ),
        "switch",
        choices=METHODS,
    ),
    Field(
        "service",
        "text",
        "Compose service that runs Caddy. Without O(project) it is the name of a container.",
        "caddy",
        learned=True,
    ),
    Field("caddyfile", "path", "Caddy's configuration file on this host, a Caddyfile or JSON.", "", learned=True),
    Field("config_path", "str", "The same file as the container sees it.", "/etc/caddy/Caddyfile", learned=True),
    Field(
        "mount",
        "text",
        (
            "Where a writable volume is mounted in the container; the switch goes there.",
            "With O(edge.method=reload) it may be empty. Then the switch lies below O(edge.switch_dir), and the"
            " collection writes no access log.",
        ),
        "/config",
        learned=True,
    ),
    Field(
        "switch_dir",
        "path",
        (
            "With O(edge.kind=native), the directory on this host below which the switch is made. Caddy's user must be"
            " able to pass every directory above it, and its service manager must show it that directory.",
            "Also that of a container without O(edge.mount).",
        ),
        EDGE_STATE,
    ),
    Field(
        "upstreams",
        "dict",
        "With O(edge.kind=native), what the configuration dials (as V(localhost:3100)) to the coloured service and port"
        " that it means (as V(ciam-hera:3000)), where the ports that the running containers publish don't say so.",
        {},
    ),
    Field("address", "str", "Address at which the public names are asked.", "127.0.0.1", learned=True),
    Field("port", "port", "Port at which the public names are asked.", 443, learned=True),
    Field("scheme", "str", "How the public names are asked.", "https", choices=("https", "http"), learned=True),
    Field(
        "ca", "text", "PEM file to check the public names' certificates against; empty: the system's.", "", learned=True
    ),
    Field(
        "admin",
        "str",
        "Caddy's admin endpoint as Caddy writes it, C(host:port) or C(unix//path), where the edge runs.",
        "localhost:2019",
        learned=True,
    ),
    Field("admin_origin", "text", "One of its admin endpoint's C(origins), where these don't list itself.", ""),
)

# For a Caddy alone: what the switch is about, where no compose project says it.
UPSTREAMS = Field(
    "upstreams",
    "list",
    (
        "What the configuration dials, and each colour's address instead. It needs no compose project: O(project),"
        " O(services), O(network_range), O(publish) and O(port_base) are not looked at then.",
        "The addresses are taken as they are. Each colour may be a process, a container or another host.",
    ),
    [],
    keys=(
        Field("dial", "str", "As the configuration has it, V(localhost:9001) or V(web:80).", required=True),
        Field("blue", "str", "Address and port of blue, as the edge dials it.", required=True),
        Field("green", "str", "Address and port of green, as the edge dials it.", required=True),
        Field("ui", "bool", "Whether it answers pages, so that the edge pins their forms to a colour.", False),
    ),
)

BEHIND_CLOUDFLARE = (
    Field("service", "text", "Compose service of a Caddy behind Cloudflare, if there is one."),
    Field("account_id", "str", "The account that has the pools.", learned=True),
    Field("zone_id", "str", "The zone of the public names that give none of their own.", learned=True),
    Field(
        "api",
        "str",
        "Base address of the API. Plain http only on the loopback interface.",
        "https://api.cloudflare.com/client/v4",
    ),
    Field(
        "api_token_file",
        "path",
        "A file of this host that holds the token. Only its owner may have access to it, else it is refused.",
        required=True,
    ),
    Field("switch_dir", "path", "The directory on this host below which the switch lies.", EDGE_STATE),
    Field("access_log", "str", "The access log of a Caddy behind Cloudflare, if there is one."),
    Field(
        "pools",
        "dict",
        "The pool of each colour.",
        keys=tuple(Field(colour, "dict", "The pool of %s." % colour, strict=None) for colour in COLOURS),
        learned=True,
    ),
    Field("observe", "dict", "How the public names are asked."),
    Field(
        "failover",
        "bool",
        "Keep the other colour's pool listed behind the live one, so that Cloudflare fails over to it. With V(false) it"
        " is taken off the list.",
        True,
    ),
    Field(
        "require_monitor",
        "bool",
        "Before a cutover, refuse a target pool that has no monitor or is not known to be healthy.",
        True,
    ),
    Field("confirm_timeout", "number", "How long the public names may take to say the new colour, in seconds.", 60.0),
    Field("health_timeout", "number", "How long the health of the target pool may take to be good, in seconds.", 120.0),
    Field("patience", "number", "How long to wait in all where Cloudflare says 429, in seconds.", 60.0),
    Field(
        "budget",
        "int",
        (
            "How many calls one run may send. Cloudflare blocks a token for five minutes after 1200 in five minutes.",
            "What cannot be finished within it, or within what Cloudflare says is left, is not begun.",
        ),
        1200,
    ),
)
