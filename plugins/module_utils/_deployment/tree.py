# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one description of a deployment: every key with its type, default and sentence.

Settings, module options, their documentation, the argument specs of the roles and docs/settings.md are made from it.
"""

from __future__ import annotations

from typing import Any

from .._core.names import STATE_DIR
from .fields import Field

NAME = "olympus"
NETWORK_RANGE = "10.231.16.0/20"
EDGE_STATE = "/var/lib/olympus-bluegreen-edge"
COLOURS = ("blue", "green")
SERVICE_KINDS = ("kratos", "hydra", "hera", "athena", "site", "other")
CADDY_KINDS, CLOUDFLARE = ("container", "native"), "cloudflare"
SOURCES, METHODS = ("caddyfile", "json"), ("switch", "reload")
CHECKS = (
    "secrets", "ready", "version", "warm", "jwks", "tokens", "sessions", "admin", "login", "code_flow", "silent",
    "settings",
)  # fmt: skip

SERVICE = (
    Field("kind", "str", "What the service is.", choices=SERVICE_KINDS, learned=True),
    Field("port", "port", "Port that it listens on.", learned=True),
    Field("admin_port", "port", "Port of its admin API.", learned=True),
    Field("domain", "str", "The domain that it belongs to, as C(ciam).", learned=True),
    Field("ready", "str", "Path that answers when the service is ready.", learned=True),
    Field("ui", "flag", "Whether it answers pages, so that the edge pins their forms to a colour.", learned=True),
    Field("edge", "flag", "With V(false) the edge does not reach the service, and it can't be asked.", True),
    Field("alike", "any", "Further environment variables that both colours must share."),
    Field("host", "host", "Host header of questions about readiness and version; else the address."),
)

PUBLIC = (
    Field("host", "host", "Host name.", required=True),
    Field("path", "url path", "A path whose answer comes from a coloured service.", "/"),
)

SCHEMA_TARGET = (
    Field("name", "str", "Name of this schema target.", required=True),
    Field(
        "product",
        "str",
        "The product of Ory that migrates it. Any other migrator has a C(command) in its place.",
        choices=("kratos", "hydra"),
    ),
    Field("service", "str", "The service whose image migrates it, with its environment.", required=True),
    Field("database", "str", "The database's name; it has to be the one of the DSN. Only a C(product) needs it."),
    Field("image", "str", "Image of the migrator, where it is not that of C(service)."),
    Field("command", "list", "What the image runs to migrate. It must do nothing where nothing is pending."),
    Field("status_command", "list", "What the image runs to print what is pending, one migration a line."),
    Field("status_pattern", "text", "Regular expression for those lines. Empty means that the exit code says it."),
    Field("applied_query", "str", "SQL whose first column lists the applied versions."),
    Field("dsn_env", "str", "Environment variable of C(service) that leads to the database.", usual="DSN"),
    Field("migrator_dsn_env", "str", "That of a role for migrations alone, where a pooler drops what a DSN sets."),
)

PROBE = (
    Field("identifier", "text", "Login name of the probe identity."),
    Field("client_id", "text", "OAuth client of the probe."),
    Field("redirect_uri", "text", "Its redirect address, exactly as C(redirect_uris) of the client has it."),
    Field("scope", "text", "The scope that it asks for.", usual="openid offline"),
    Field("kratos", "text", "Service that is the domain's Kratos.", learned=True),
    Field("hydra", "text", "Service that is the domain's Hydra.", learned=True),
    Field(
        "hera", "text", "Service that is the domain's login pages. Without it no person's login is tried.", learned=True
    ),
    Field("login_host", "text", "Public name of the login pages.", learned=True),
    Field("oauth_host", "text", "Public name of Hydra.", learned=True),
)

GIT = (
    Field("repo", "str", "Address or path of the repository, without credentials.", required=True),
    Field("ref", "str", "Branch, tag or commit; C({version}) is replaced.", "{version}"),
    Field("path", "str", "Directory of the repository that holds the compose files.", "."),
    Field(
        "overlay",
        "list",
        "Files and directories that git does not hold, relative to O(source), laid over the checkout.",
        [".env"],
    ),
)

WATCH = (
    Field("window", "digits", "Seconds that the watch lasts.", 1800),
    Field("interval", "seconds", "Seconds between two questions of the watch to a public name.", 1),
    Field("min_events", "digits", "Events without which there is no PASS.", 300),
)

# What is told: the end of a stage that changed something, of a watch, and of a stage that failed.
TOLD = ("migrate", "deploy", "cutover", "verdict", "rollback", "cleanup", "failed")
NOTIFY = (
    Field(
        "kind",
        "str",
        "V(webhook) sends C(text) and the same facts as fields. V(slack) sends C(text) alone, as Slack, Mattermost and"
        " others take it.",
        "webhook",
        choices=("webhook", "slack"),
    ),
    Field(
        "url_file",
        "path",
        "A file of this host that holds the address, where C(bluegreen_notify_url) does not say it. Only its owner may"
        " have access to it. A watcher that a reboot starts again knows no other.",
        "",
    ),
    Field("events", "list", "The ends to send a message for. An empty list means all.", [], choices=TOLD),
)

DEPLOYMENT = (
    Field("name", "str", "Name of the deployment, of which networks and labels are made.", NAME, plain=True),
    Field("state_dir", "directory", "Directory of the collection's state on this host.", STATE_DIR),
    Field("project", "str", "Name of the compose project that was adopted.", "", learned=True, plain=True),
    Field(
        "source",
        "source",
        "The operator's project directory. A dictionary takes the files of a new release from a git ref.",
        "",
        keys=(Field("directory", "str", "The operator's project directory.", learned=True), *GIT),
        strict=False,
        learned=True,
    ),
    Field(
        "git",
        "dict",
        (
            "Take the files of a new release from a git ref. Each release fetches it on this host.",
            "git finds its credentials where it always does there (SSH keys, credential helpers, C(.netrc)).",
        ),
        {},
        keys=GIT,
        strict=None,
    ),
    Field(
        "compose_files", "files", "Compose files, relative to O(source), in podman-compose's order.", [], learned=True
    ),
    Field("podman_compose", "str", "Path of podman-compose.", "podman-compose", learned=True),
    Field(
        "network_range",
        "str",
        "IPv4 range (a /22 or larger) of the collection's networks.",
        NETWORK_RANGE,
        learned=True,
    ),
    Field(
        "publish",
        "str",
        (
            "How the edge reaches a colour. V(network) is by the internal edge networks alone.",
            "V(loopback), or an IPv4 address of this host, publishes C(port) and C(admin_port) of each coloured service"
            " there as well, at O(port_base) of the colour plus two for each number before its own. A port that is"
            " taken"
            " is an error before anything starts.",
            "V(0.0.0.0) is refused, because the admin ports of Kratos and Hydra ask for no password.",
        ),
        "network",
    ),
    Field(
        "port_base",
        "dict",
        "First port of each colour, at least 352 apart. Used where O(publish) is not V(network).",
        {},
        keys=tuple(
            Field(colour, "any", "First port of %s." % colour, usual=port)
            for colour, port in zip(COLOURS, ("21000", "22000"))
        ),
    ),
    Field(
        "services",
        "dict",
        "The coloured services, by name. V(false) takes one out that was learned.",
        {},
        keys=SERVICE,
        each=True,
        learned=True,
        plain=True,
    ),
    Field(
        "shared",
        "list",
        "Services of the project that coloured ones talk to. They are never changed.",
        [],
        learned=True,
        plain=True,
    ),
    Field(
        "singletons",
        "dict",
        (
            "What must run once, in the live colour only, besides the mail couriers; name to a dictionary of C(service)"
            " and C(command).",
            "C(service) is a service of the compose files that is neither in O(services) nor in O(shared); or a"
            " coloured"
            " one, and then C(command) is what a container of its own runs.",
        ),
        {},
        plain=True,
    ),
    Field(
        "images",
        "dict",
        (
            "A release takes the images that its own compose files name, with their C(.env). An entry here replaces"
            " that"
            " for one service.",
            "Coloured service to an image reference in which C({version}) is replaced, C(repository@sha256:...), or a"
            " digest alone, of the repository that the compose file names.",
        ),
        {},
    ),
    Field(
        "allow_mutable",
        "bool",
        (
            "Accept images without a tag, or with one that has no digit (C(latest), C(stable), C(main)). Such a tag can"
            " move.",
            "The release keeps the image that it names on this host when the release is made; it is pulled only where"
            " it"
            " is not there, so C(podman pull) comes first.",
        ),
        False,
    ),
    Field("edge", "dict", "The edge of the deployment.", {"service": ""}, learned=True),
    Field(
        "public", "list", "Public names to ask, each with C(host) and C(path).", [], PUBLIC, strict=None, learned=True
    ),
    Field(
        "schema_targets",
        "list",
        "The databases to migrate. An empty list: nothing is migrated.",
        [],
        SCHEMA_TARGET,
        strict=None,
        learned=True,
    ),
    Field("database", "str", "Compose service of PostgreSQL.", "", learned=True),
    Field(
        "probes",
        "dict",
        "Per domain what the journeys need. A key that stands here goes for every domain.",
        {},
        keys=PROBE,
        each=True,
        strict=None,
    ),
    Field(
        "checks",
        "dict",
        "Settings of the gate.",
        {},
        keys=(Field("skip", "list", "Checks that the gate leaves out. Verdict and report name them.", choices=CHECKS),),
        strict=False,
    ),
    Field("watch", "dict", "Settings of the watch.", {}, keys=WATCH, strict=False),
    Field(
        "notify",
        "dict",
        "Send a message at each end. The watcher sends that of its verdict itself, so no controller has to be alive.",
        {},
        keys=NOTIFY,
    ),
    Field(
        "textfile",
        "text",
        "A file for the textfile collector of node_exporter, as"
        " C(/var/lib/node_exporter/olympus_bluegreen.prom). The watcher and the end of each stage"
        " write it. Empty writes none.",
        "",
    ),
    Field("cache_ttl", "number", "Seconds that a setting may be cached.", 60),
    Field(
        "cache_probe",
        "dict",
        "C(write), C(read) and C(field) as M(olympus.bluegreen.health_gate) takes them. If unset, cleanup waits"
        " O(cache_ttl) seconds after the cutover.",
        {},
    ),
)
BY_NAME = {one.name: one for one in DEPLOYMENT}


def defaults() -> dict[str, Any]:
    """Every key of the description as it is where it is neither set nor learned."""
    made = {one.name: one.default for one in DEPLOYMENT}
    return {**made, "watch": {one.name: one.default for one in WATCH}, "dependents": []}
