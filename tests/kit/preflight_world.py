# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment where all is well, as preflight sees it."""

from __future__ import annotations

from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.model import Observed, PreflightInputs

GIB = 1 << 30
DAY = 86400.0
NOW = 1_800_000_000.0
DISK = {"path": "/", "free": 50 * GIB, "inodes": 900_000}
CERT = {"since": NOW - 10 * DAY, "until": NOW + 80 * DAY}
LIMIT = {
    "zone": "login", "events": 5, "window": 10.0, "key": "{http.request.remote.host}",
    "methods": ["POST"], "paths": ["/login*"],
}  # fmt: skip
HOST: dict[str, Any] = {
    "now": NOW,
    "cpus": 4,
    "mem_available": 8 * GIB,
    "python": "3.11.2",
    "modules": {"dotenv": True, "psycopg2": True, "yaml": True},
    "systemd": True,
    "restart_unit": {"enabled": True, "policies": ["always"]},
    "boot_unit": False,
    "auto_update_timer": True,
    "state": {"exists": True, "directory": True, "mode": 0o750, "writable": True, "read_only": False, "parent": "/var"},
    "disks": {"state": DISK, "images": DISK, "edge": DISK, "database": DISK},
    "routes": [{"dst": "10.231.16.0/24", "dev": "podman1"}, {"dst": "192.168.1.0/24", "dev": "eth0"}],
    "ports_taken": [],
    "unpublished": [],
    "publish_local": True,
}
PODMAN: dict[str, Any] = {
    "version": "4.3.1",
    "compose": "1.6.0",
    "rootless": False,
    "selinux": "disabled",
    "network_backend": "netavark",
    "networks": [
        {"name": "podman", "subnet": "10.88.0.0/16", "deployment": ""},
        {"name": "olympus-edge-blue", "subnet": "10.231.16.0/24", "deployment": "olympus"},
    ],
}
CONTAINERS: dict[str, Any] = {
    "live": {name: {"pss": GIB // 10, "image_size": GIB // 2} for name in ("kratos", "hydra", "hera")},
    "dependents": {"prod_pgadmin_1": ["hydra"]},
    "restart": {"prod_kratos_1": "always", "prod_caddy_1": "always"},
    "auto_update": [],
    "max_conns": {"kratos": 10, "hydra": None},
    "empty_secrets": [],
    "hydra": {"hydra": {"tls": False, "ranges": ["10.231.0.0/16", "127.0.0.1/32"]}},
}
EDGE: dict[str, Any] = {
    "version": "2.11.3",
    "dials": ["10.231.16.16:4433", "pgadmin:80"],
    "hosts": ["login.ciam.test", "*.apps.test"],
    "limits": [LIMIT],
    "trusted_proxies": False,
    "local": True,
    "certificates": {"login.ciam.test": CERT, "www.apps.test": {**CERT, "until": NOW + 60 * DAY}},
    "skew": 0.0,
    "networks": ["10.89.0.0/24", "10.231.16.0/24"],
    "resolved": ["pgadmin"],
    "unresolved": [],
}
DATABASE: dict[str, Any] = {
    "version": "15.4", "max_connections": 100, "reserved": 3, "in_use": 12, "in_use_live": 9, "skew": 0.01,
    "sizes": {"kratos": 10_000_000}, "host": "postgres", "user": "kratos", "sslmode": "verify-full",
}  # fmt: skip
RELEASE: dict[str, Any] = {
    "schema": {"ciam_kratos": {"verdict": "SAFE", "hop": "kratos v1 -> v2"}},
    "services": ["hera", "hydra", "kratos", "postgres"],
    "secrets": 6,
    "empty_secrets": [],
    "images": {
        "kratos": {"reference": "oryd/kratos:v26.2.0", "state": "here"},
        "hydra": {"reference": "", "state": "unfetched"},
        "hera": {"reference": "ghcr.io/olympusoss/hera:v1.5.0", "state": "resolvable"},
    },
}
SERVICE: dict[str, Any] = {"running": True, "asked": {"port": 4433, "admin_port": 4434}, "closed": {}}
PROBES: dict[str, Any] = {"ciam": {"ok": True, "busy": False, "detail": "login, code, token (blue, by its addresses)"}}
ANSIBLE: dict[str, Any] = {"ansible": "2.19.0", "settings": []}
TOLD = {"notify": "", "textfile": ""}
GOOD = Observed(
    {**HOST, "told": TOLD}, PODMAN, CONTAINERS, EDGE, DATABASE, {"kratos": SERVICE}, RELEASE, PROBES, ANSIBLE
)  # fmt: skip
WANTED = PreflightInputs(
    state_dir="/var/lib/olympus-bluegreen",
    project="prod",
    source="/opt/prod",
    publish="network",
    services={"kratos": {"kind": "kratos"}, "hydra": {"kind": "hydra"}, "hera": {"kind": "hera"}},
    version="v1.5.0",
    edge={"address": "127.0.0.1", "port": 443},
    public=({"host": "www.apps.test", "path": "/health"},),
    probes={"ciam": {"login_host": "login.ciam.test", "hera": "hera"}},
    probe_secrets={"ciam": {"password": "p", "client_secret": "s"}},
    schema_targets=({"name": "k", "service": "kratos", "database": "kratos"},),
    live="blue",
)
