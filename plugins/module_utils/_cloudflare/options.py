# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of cloudflare_lb_pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.parameters import env_fallback

from .._core.argspec import COLOURS, DEPLOYMENT, ArgumentSpec
from .._core.errors import Refused
from .._edge.config.snippets import COLOUR_HEADER
from .._edge.running.base import NATIVE_SWITCH

API = "https://api.cloudflare.com/client/v4"
STATES = ["read", "adopted", "undone", "live", "returned", "drained"]

ORIGIN: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "port": {"type": "int"},
    "weight": {"type": "float"},
    "host": {"type": "str"},
}
POOL: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "origins": {"type": "list", "elements": "dict", "default": [], "options": ORIGIN},
    "monitor": {"type": "str"},
    "minimum_origins": {"type": "int"},
    "check_regions": {"type": "list", "elements": "str"},
}
NAMED: dict[str, dict[str, Any]] = {
    "host": {"type": "str", "required": True},
    "path": {"type": "str", "default": "/"},
    "zone_id": {"type": "str", "default": ""},
}
OBSERVE: dict[str, dict[str, Any]] = {
    "header": {"type": "str", "default": COLOUR_HEADER},
    "address": {"type": "str", "default": ""},
    "port": {"type": "int", "default": 443},
    "scheme": {"type": "str", "choices": ["https", "http"], "default": "https"},
    "ca": {"type": "str", "default": ""},
}

SPEC = DEPLOYMENT.merge(
    ArgumentSpec(
        {
            "state": {"type": "str", "choices": STATES, "default": "read"},
            "account_id": {"type": "str", "required": True},
            "zone_id": {"type": "str", "default": ""},
            "api": {"type": "str", "default": API},
            "api_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["CLOUDFLARE_API_TOKEN"])},
            "api_token_file": {"type": "path", "no_log": False},
            "switch_dir": {"type": "path", "default": NATIVE_SWITCH},
            "public": {"type": "list", "elements": "dict", "required": True, "options": NAMED},
            "pools": {
                "type": "dict",
                "required": True,
                "options": {colour: {"type": "dict", "required": True, "options": POOL} for colour in COLOURS},
            },
            "observe": {"type": "dict", "default": {}, "options": OBSERVE, "apply_defaults": True},
            "colour": {"type": "str", "choices": list(COLOURS)},
            "weight": {"type": "int", "default": 100},
            "failover": {"type": "bool", "default": True},
            "release": {"type": "str", "default": ""},
            "token": {"type": "int", "no_log": False},
            "force": {"type": "bool", "default": False},
            "keep_sticky": {"type": "bool", "default": False},
            "require_monitor": {"type": "bool", "default": True},
            "deadline": {"type": "float", "default": 60.0},
            "confirm_timeout": {"type": "float", "default": 60.0},
            "health_timeout": {"type": "float", "default": 120.0},
            "patience": {"type": "float", "default": 60.0},
            "budget": {"type": "int", "default": 1200},
        },
        required_if=(("state", "live", ("colour",)), ("state", "drained", ("colour",))),
    )
)


def of_edge(edge: Mapping[str, Any], **about: Any) -> dict[str, Any]:
    """Every option of the module as ``bluegreen_edge`` and ``about`` give them, without the token: a file holds it."""
    if not edge.get("api_token_file"):
        raise Refused(
            "a watcher that rolls back by itself has no other way to the API token",
            option="edge.api_token_file",
            value="",
            fix="put the token into a file of mode 0600 on the host of the state, and name it",
        )
    known = {name: edge[name] for name in SPEC.options if edge.get(name) is not None and name != "api_token"}
    found, wrong = SPEC.validated({**known, **about})
    if wrong:
        raise Refused("; ".join(wrong), option="edge", fix="docs/cloudflare.md has an example")
    return {**found, "api_token": None}
