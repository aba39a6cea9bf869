# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of cloudflare_lb_pool, and what they mean as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.common.parameters import env_fallback

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.edge import NATIVE_SWITCH
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.snippets import COLOUR_HEADER
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.api import Api
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.balancers import Balancers
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.poolset import PoolSet
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.public import Public
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.world import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS, DEPLOYMENT, ArgumentSpec
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_text
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http

API = "https://api.cloudflare.com/client/v4"
STATES = ["read", "adopted", "live", "returned", "drained"]
# What a header may hold; http.client would quote the value in its complaint.
TOKEN = re.compile(r"[\x21-\x7e]{8,}")
NAME = re.compile(r"[A-Za-z0-9_-]+")
LOOPBACK = ("127.0.0.1", "::1", "localhost")

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
            "token": {"type": "int", "default": 0, "no_log": False},
            "force": {"type": "bool", "default": False},
            "keep_pinned": {"type": "bool", "default": False},
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


def world_of(params: Mapping[str, Any], http: Http, public_http: Http, clock: Clock, check_mode: bool) -> World:
    """``http`` speaks to the API, ``public_http`` to the public names. Refused where an option makes no sense."""
    _checked(params)
    base = params["api"].rstrip("/")
    token = _token(params)
    api = Api(http, clock, base, token, budget=params["budget"], patience=params["patience"])
    zones = {one["host"]: one["zone_id"] or params["zone_id"] for one in params["public"]}
    switch = Switch(params["switch_dir"])
    pools = PoolSet(api, clock, params["account_id"], params["deployment"], params["pools"])
    balancers = Balancers(api, clock, zones, params["failover"])
    public = Public(public_http, clock, params["public"], params["observe"])
    return World(params, api, clock, switch, pools, balancers, public, check_mode)


def _checked(params: Mapping[str, Any]) -> None:
    parts = urlsplit(params["api"])
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in LOOPBACK):
        raise Refused("the token goes only over https", option="api", value=params["api"], mend="leave it out")
    if not 1 <= params["weight"] <= 100:
        raise Refused("not a percentage", option="weight", value=params["weight"], mend="give 1 to 100")
    hosts = [one["host"] for one in params["public"]]
    if not hosts or len(set(hosts)) < len(hosts):
        raise Refused("no name, or one twice", option="public", value=hosts, mend="list each public name once")
    bare = [one["host"] for one in params["public"] if not (one["zone_id"] or params["zone_id"])]
    if bare:
        raise Refused(
            "no zone is given for %s" % ", ".join(bare), option="zone_id", value="", mend="give the zone's id"
        )
    names = [params["pools"][colour]["name"] for colour in COLOURS]
    for colour, name in zip(COLOURS, names):
        if not NAME.fullmatch(name):
            raise Refused(
                "a pool's name has only letters, digits, - and _", option="pools.%s.name" % colour, value=name,
                mend="choose another name",
            )  # fmt: skip
    if names[0] == names[1]:
        raise Refused("both colours have this pool", option="pools", value=names[0], mend="give each colour its own")


def _token(params: Mapping[str, Any]) -> str:
    """Never in an error, whatever is wrong with it."""
    mend = "give it by api_token, api_token_file or the environment variable CLOUDFLARE_API_TOKEN"
    path = params["api_token_file"]
    text = params["api_token"] or (read_text(path) if path else "") or ""
    if not text:
        raise Refused("there is no API token", option="api_token_file", value=path, mend=mend)
    if not TOKEN.fullmatch(text.strip()):
        raise Refused("the API token holds something that no token has", mend=mend)
    return text.strip()
