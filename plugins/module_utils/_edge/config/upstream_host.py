# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an upstream hears where an address is dialled in place of its name: the names that it heard before. Pure, JSON.

TLS takes its server name from what is dialled, a new Caddy the Host of an upstream with TLS too, each active health
check its Host, and every placeholder that names the dialled upstream its value. ``said`` is the ``host:port`` that the
operator's handler dials.
"""

from __future__ import annotations

import copy
from typing import Any

Handler = dict[str, Any]
# Of what is dialled; in a Caddyfile a new Caddy knows shorter names too.
_NAMES = (("hostport", "%(said)s"), ("address", "tcp/%(said)s"), ("host", "%(host)s"), ("port", "%(port)s"))
_LONG = "http.reverse_proxy.upstream."
UPSTREAM_PLACEHOLDERS = {
    "{upstream_hostport}": "%(said)s",
    **{"{%s%s}" % (prefix, name): value for prefix in (_LONG, "rp.upstream.") for name, value in _NAMES},
    "{http.reverse_proxy.active.target_upstream}": "%(said)s",
}


def named(text: str, said: str) -> str:
    """``text`` with each placeholder for the dialled upstream written out."""
    host, _colon, port = said.rpartition(":")
    host = host.strip("[]")
    for placeholder, value in UPSTREAM_PLACEHOLDERS.items():
        text = text.replace(placeholder, value % {"said": said, "host": host, "port": port})
    return text


def names_upstream(text: str) -> str:
    """The first placeholder for the dialled upstream in ``text``, '' for none."""
    return next((one for one in UPSTREAM_PLACEHOLDERS if one in text), "")


def written(handler: Handler, said: str) -> Handler:
    """``handler`` with these placeholders written out, but for those of another proxy inside of it."""

    def inner(value: Any) -> Any:
        if isinstance(value, str):
            return named(value, said)
        if isinstance(value, list):
            return [inner(one) for one in value]
        if not isinstance(value, dict) or value.get("handler") == "reverse_proxy":
            return value
        return {named(name, said): inner(one) for name, one in value.items()}

    return {name: inner(one) for name, one in handler.items()}


def pin_upstream_names(handler: Handler, said: str, sets_host: bool) -> Handler:
    """A ``reverse_proxy`` handler with these names written out, where the operator wrote none."""
    done = copy.deepcopy(handler)
    tls = (done.get("transport") or {}).get("tls")
    if tls is not None:
        tls.setdefault("server_name", said.rpartition(":")[0])
        if sets_host:
            asked = done.setdefault("headers", {}).setdefault("request", {})
            if not any(name.lower() == "host" for part in asked.values() if isinstance(part, dict) for name in part):
                asked.setdefault("set", {})["Host"] = [said]
    active = (done.get("health_checks") or {}).get("active")
    if active and not active.get("upstream"):
        headers = active.setdefault("headers", {})
        if not any(name.lower() == "host" for name in headers):
            headers["Host"] = [health_host(said, active.get("port"))]
    return done


def health_host(said: str, port: Any) -> str:
    """The Host of a health check, which may have a port of its own."""
    return "%s:%s" % (said.rpartition(":")[0], port) if port else said


def unpin_upstream_names(handler: Handler, said: str) -> Handler:
    """The handler without the names that are what it would say anyway."""
    done = copy.deepcopy(handler)
    tls = (done.get("transport") or {}).get("tls")
    if tls is not None:
        _drop(tls, "server_name", said.rpartition(":")[0])
        request = (done.get("headers") or {}).get("request", {})
        _drop(request.get("set", {}), "Host", [said])
        _without_empty(done, "headers", "request", "set")
    active = (done.get("health_checks") or {}).get("active", {})
    _drop(active.get("headers", {}), "Host", [health_host(said, active.get("port"))])
    _without_empty(done, "health_checks", "active", "headers")
    return done


def _drop(where: dict[str, Any], name: str, value: Any) -> None:
    if where.get(name) == value:
        where.pop(name)


def _without_empty(value: dict[str, Any], *path: str) -> None:
    """Empty mappings at the end of ``path`` go."""
    if path and isinstance(value.get(path[0]), dict):
        _without_empty(value[path[0]], *path[1:])
        if not value[path[0]]:
            value.pop(path[0])
