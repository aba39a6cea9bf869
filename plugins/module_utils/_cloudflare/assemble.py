# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to the world that every state works with. Standard library only: a watcher does it as well."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.api import Api
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.balancers import Balancers
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.edge import switch_path
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.poolset import PoolSet
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.public import Public
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.world import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http

# What a header may hold; http.client would quote the value in its complaint.
TOKEN = re.compile(r"[\x21-\x7e]{8,}")
NAME = re.compile(r"[A-Za-z0-9_-]+")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def world_of(params: Mapping[str, Any], http: Http, public_http: Http, clock: Clock, check_mode: bool) -> World:
    """``http`` speaks to the API, ``public_http`` to the public names. Refused where an option makes no sense."""
    _checked(params)
    base = params["api"].rstrip("/")
    token = _token(params)
    api = Api(http, clock, base, token, budget=params["budget"], patience=params["patience"])
    zones = {one["host"]: one["zone_id"] or params["zone_id"] for one in params["public"]}
    switch = Switch(switch_path(params["switch_dir"]))
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
    path = params["api_token_file"]
    text = params["api_token"] or (_read_private(path) if path else "")
    if not text.strip():
        raise Refused(
            "there is no API token",
            option="api_token_file",
            value=path,
            mend="give it by api_token, api_token_file or the environment variable CLOUDFLARE_API_TOKEN",
        )
    if not TOKEN.fullmatch(text.strip()):
        raise Refused("the API token holds something that no token has", mend="write the token alone, in one line")
    return str(text.strip())


def _read_private(path: str) -> str:
    """The text of a file that nobody but its owner may read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            mode = os.fstat(handle.fileno()).st_mode
            if mode & OTHERS:
                raise Refused(
                    "others than its owner have access to it (mode %04o)" % stat.S_IMODE(mode),
                    option="api_token_file",
                    value=path,
                    mend="chmod 600 %s, and roll the token if others have been on this host" % path,
                )
            return handle.read()
    except OSError as exc:
        raise Refused(
            "it cannot be read: %s" % exc.strerror,
            option="api_token_file",
            value=path,
            mend="put the API token there, owned by root with mode 0600",
        ) from exc
