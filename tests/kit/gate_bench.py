# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a gate of five services, and Podman's answers about their edge."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import gate

SERVICES: dict[str, Any] = {
    "ciam-kratos": {"kind": "kratos", "port": 4433, "admin_port": 4434, "domain": "ciam"},
    "ciam-hydra": {"kind": "hydra", "port": 4444, "admin_port": 4445, "domain": "ciam"},
    "ciam-hera": {"kind": "hera", "port": 3000, "ready": "/health", "ui": True, "domain": "ciam"},
    "site": {"kind": "site", "port": 3000, "ui": True},
    "worker": {"kind": "other", "port": 9, "edge": False},
}
PROBES = {
    "ciam": {
        "kratos": "ciam-kratos",
        "hydra": "ciam-hydra",
        "hera": "ciam-hera",
        "login_host": "login.test",
        "oauth_host": "oauth.test",
        "identifier": "probe@test",
        "client_id": "probe",
        "redirect_uri": "https://test/callback",
    }
}
PARAMS: dict[str, Any] = {
    **{name: spec.get("default") for name, spec in gate.GATE.options.items()},
    "deployment": "olympus",
    "state_dir": "/nowhere",
    "colour": "green",
    "against": "blue",
    "services": SERVICES,
    "network_range": "10.231.148.0/22",
    "project": "prod",
    "probes": PROBES,
    "probe_secrets": {"ciam": {"password": "s3cret-a", "client_secret": "s3cret-b"}},
}


class Edge:
    """Podman's answers about one edge container."""

    def __init__(self, pid: int = 4711, *networks: str) -> None:
        members = {n: {"IPAddress": n, "IPPrefixLen": 24} for n in networks}
        self.answer = json.dumps([
            {"Id": "e", "Name": "prod_caddy_1", "State": {"Pid": pid}, "NetworkSettings": {"Networks": members},
             "Config": {"Labels": {"olympus.bluegreen.service": "ciam-kratos"}}}
        ])  # fmt: skip

    def run(self, argv: Any, **given: Any) -> Result:
        return Result(0, "e\n" if "ps" in argv else self.answer, "")
