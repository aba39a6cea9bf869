# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of the relay: a small Caddy that answers to the compose names of the coloured services. Pure.

Each request asks the switch as the edge does (marker, then sentinel) and goes to the live colour's fixed address. The
relay is transparent: no header is changed, nothing is logged, no certificate is asked for, and there is no admin API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Where the relay sees the switch.
SWITCH = "/bluegreen/switch"
# A client in the project's network may say what it likes, as it could before there was a relay.
EVERYBODY = ["0.0.0.0/0", "::/0"]


@dataclass(frozen=True)
class Target:
    """A port of a coloured service: the names it is dialled by, and each colour's ``address:port``."""

    names: tuple[str, ...]
    port: int
    addresses: Mapping[str, str]


def config(targets: Sequence[Target]) -> dict[str, Any]:
    """For ``caddy run``. Services that share a port are told apart by the host that a request names."""
    servers = {}
    for port in sorted({one.port for one in targets}):
        here = [one for one in targets if one.port == port]
        routes = [_route(one, alone=len(here) == 1) for one in here]
        if len(here) > 1:
            routes.append({"handle": [_answer(421, "no service of this name is here")]})
        servers["port%d" % port] = {
            "listen": [":%d" % port], "routes": routes, "automatic_https": {"disable": True},
        }  # fmt: skip
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        # It keeps nothing; Caddy wants to look there all the same.
        "storage": {"module": "file_system", "root": "/tmp/caddy"},
        "logging": {"logs": {"default": {"level": "ERROR"}}},
        "apps": {"http": {"servers": servers}},
    }


def _route(target: Target, alone: bool) -> dict[str, Any]:
    routes = [
        {"match": [_there(name)], "handle": [_proxy(target.addresses[colour])], "terminal": True}
        for name, colour in (("green", "green"), ("ready", "blue"))
    ]
    answer = {"handler": "subroute", "routes": [*routes, {"handle": [_answer(503, "no colour is live")]}]}
    found: dict[str, Any] = {"handle": [answer], "terminal": True}
    return found if alone else {"match": [{"host": list(target.names)}], **found}


def _there(name: str) -> dict[str, Any]:
    return {"file": {"root": SWITCH, "try_files": [name]}}


def _proxy(address: str) -> dict[str, Any]:
    # A connection that is kept open could be closed by the service just when a request is sent on it.
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": address}],
        "trusted_proxies": EVERYBODY,
        "transport": {"protocol": "http", "keep_alive": {"enabled": False}, "dial_timeout": "5s"},
    }


def _answer(status: int, words: str) -> dict[str, Any]:
    return {"handler": "static_response", "status_code": status, "body": "relay of olympus.bluegreen: %s\n" % words}
