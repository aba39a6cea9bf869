# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of caddy_upstream, and what they mean as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.edge import CONFIGS, KINDS, NATIVE_SWITCH
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.forms import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.addresses import in_order
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS, DEPLOYMENT, ArgumentSpec
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import networks

STATES = ["read", "adopted", "undone", "live", "returned", "drained"]

EDGE: dict[str, dict[str, Any]] = {
    "kind": {"type": "str", "choices": list(KINDS), "default": "container"},
    "config": {"type": "str", "choices": list(CONFIGS), "default": "caddyfile"},
    "service": {"type": "str", "default": "caddy"},
    "caddyfile": {"type": "path", "default": ""},
    "config_path": {"type": "str", "default": "/etc/caddy/Caddyfile"},
    "mount": {"type": "str", "default": "/config"},
    "address": {"type": "str", "default": "127.0.0.1"},
    "port": {"type": "int", "default": 443},
    "scheme": {"type": "str", "choices": ["https", "http"], "default": "https"},
    "ca": {"type": "str", "default": ""},
    "admin": {"type": "str", "default": "localhost:2019"},
    "admin_origin": {"type": "str", "default": ""},
    "switch_dir": {"type": "path", "default": NATIVE_SWITCH},
    "upstreams": {"type": "dict", "default": {}},
}

SPEC = DEPLOYMENT.merge(
    ArgumentSpec(
        {
            "state": {"type": "str", "choices": STATES, "default": "read"},
            "project": {"type": "str", "required": True},
            "edge": {"type": "dict", "required": True, "options": EDGE},
            "services": {"type": "dict", "required": True},
            "shared": {"type": "list", "elements": "str", "default": []},
            "network_range": {"type": "str", "default": "10.231.16.0/20"},
            "public": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "host": {"type": "str", "required": True},
                    "path": {"type": "str", "default": "/"},
                },
            },
            "colour": {"type": "str", "choices": list(COLOURS)},
            "lost": {"type": "str", "choices": ["", *COLOURS], "default": ""},
            "release": {"type": "str", "default": ""},
            "token": {"type": "int", "default": 0, "no_log": False},
            "force": {"type": "bool", "default": False},
            "keep_pinned": {"type": "bool", "default": False},
            "deadline": {"type": "float", "default": 60.0},
            "confirm_timeout": {"type": "float", "default": 10.0},
        },
        required_if=(("state", "live", ("colour",)), ("state", "drained", ("colour",))),
    )
)


def upstreams(params: Mapping[str, Any]) -> tuple[Upstream, ...]:
    """The coloured services that the edge reaches, with their addresses on the edge networks."""
    services: Mapping[str, Mapping[str, Any]] = params["services"]
    # A rollback goes by what is recorded, whatever the options say meanwhile.
    nets = networks(
        params["deployment"],
        params["state_dir"],
        params["network_range"],
        services,
        params["shared"],
        strict=params["state"] != "returned",
    )
    return tuple(
        Upstream(
            name,
            nets.service_on_edge("blue", name).ip,
            nets.service_on_edge("green", name).ip,
            bool(services[name].get("ui", False)),
        )
        for name in in_order(services, nets.addresses.services)
        if services[name].get("edge", True)
    )
