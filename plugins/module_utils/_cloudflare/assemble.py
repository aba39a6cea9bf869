# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to the world that every state works with. Standard library only: a watcher does it as well."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.access import api_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.balancers import Balancers
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.context import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.edge import switch_path
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.poolset import PoolSet
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.public_names import Public
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.hostname import ascii_host
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch

NAME = re.compile(r"[A-Za-z0-9_-]+")


def world_of(params: Mapping[str, Any], http: Http, public_http: Http, clock: Clock, check_mode: bool) -> World:
    """``http`` speaks to the API, ``public_http`` to the public names. Refused where an option makes no sense."""
    hosts = [{**one, "host": ascii_host(one["host"], "public")} for one in params["public"]]
    params = {**params, "public": hosts}
    _checked(params)
    api = api_of(params, http, clock)
    zones = {one["host"]: one["zone_id"] or params["zone_id"] for one in params["public"]}
    switch = Switch(switch_path(params["switch_dir"]))
    pools = PoolSet(api, clock, params["account_id"], params["deployment"], params["pools"])
    balancers = Balancers(api, clock, zones, params["failover"])
    public = Public(public_http, clock, params["public"], params["observe"])
    return World(params, api, clock, switch, pools, balancers, public, check_mode)


def _checked(params: Mapping[str, Any]) -> None:
    if not 1 <= params["weight"] <= 100:
        raise Refused("not a percentage", option="weight", value=params["weight"], fix="give 1 to 100")
    hosts = [one["host"] for one in params["public"]]
    if not hosts or len(set(hosts)) < len(hosts):
        raise Refused("no name, or one twice", option="public", value=hosts, fix="list each public name once")
    bare = [one["host"] for one in params["public"] if not (one["zone_id"] or params["zone_id"])]
    if bare:
        raise Refused("no zone is given for %s" % ", ".join(bare), option="zone_id", value="", fix="give the zone's id")
    if params["observe"]["scheme"] == "http" and not params["observe"]["address"]:
        # A colour is believed where a certificate, or an address of the operator's own, says who answers.
        raise Refused(
            "over plain http anybody on the way may answer for a public name", option="edge.observe.scheme",
            value="http", fix="leave it out, or give observe.address in your own network",
        )  # fmt: skip
    names = [params["pools"][colour]["name"] for colour in COLOURS]
    for colour, name in zip(COLOURS, names):
        if not NAME.fullmatch(name):
            raise Refused(
                "a pool's name has only letters, digits, - and _", option="pools.%s.name" % colour, value=name,
                fix="choose another name",
            )  # fmt: skip
    if names[0] == names[1]:
        raise Refused("both colours have this pool", option="pools", value=names[0], fix="give each colour its own")
