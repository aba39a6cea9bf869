# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch in a configuration that is JSON: pure, JSON to JSON, everything that is not ours as it was.

A ``reverse_proxy`` handler that dials a coloured service becomes one ``subroute`` in its place. The routes inside are
those of a Caddyfile: the edge's own adapter makes them of ``forms`` (``template``), so that there is one form only, and
the operator's handler is then put into each. They share a ``group``, of which Caddy takes one at most: a handler that
goes on to the next one (an auth request) must not reach the other colour.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._core.errors import Refused
from . import json_rewrite, one_colour_form, upstream_host
from .imports import RUNTIME
from .snippets import COLOUR_HEADER
from .upstream import Upstream

GROUP = "bluegreen-"
# Strings there are sent or compared, not dialled.
SAYS_ONLY = ("headers", "request", "response", "body", "match", "logging")
# Handlers that dial nothing: what they say of a coloured service is said to a client, a log or another handler.
SAYING = ("log_append", "rewrite", "vars", "map", "headers", "static_response", "error", "templates", "push", "tracing")
Handler = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """What a proxy dials."""

    upstream: Upstream
    port: str


@dataclass(frozen=True)
class Switched:
    """``made``: the group of each of our subroutes -> the operator's handler that it stands for."""

    config: Any
    made: Mapping[str, Handler]


def ours(handler: Any) -> str:
    """The group of a subroute of ours, '' for any other value."""
    if not isinstance(handler, dict) or handler.get("handler") != "subroute":
        return ""
    groups = [str(route.get("group", "")) for route in handler.get("routes") or []]
    return next((group for group in groups if group.startswith(GROUP)), "")


def places(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in ``value`` with its path, outermost first; what is inside of a subroute of ours is left out."""
    yield path, value
    if ours(value):
        return
    if isinstance(value, dict):
        children = list(value.items())
    else:
        children = [(str(at), child) for at, child in enumerate(value)] if isinstance(value, list) else []
    for name, child in children:
        yield from places(child, "%s/%s" % (path, name))


def targets(config: Any, upstreams: Sequence[Upstream]) -> list[Target]:
    """What the proxies that are still to be rewritten dial, each once. Raises Refused with the place."""
    found: dict[tuple[Upstream, str], Target] = {}
    saying: list[str] = []
    for path, value in places(config):
        if isinstance(value, dict) and value.get("handler") in SAYING:
            saying.append(path + "/")
        target = _target(path, value, upstreams)
        if target:
            found[target.upstream, target.port] = target
        elif not path.startswith(tuple(saying)):
            _refuse_unknown(path, value, upstreams)
    return list(found.values())


def _target(path: str, value: Any, upstreams: Sequence[Upstream]) -> Target | None:
    """The coloured service that a ``reverse_proxy`` handler dials; None for every other value."""
    if not isinstance(value, dict) or value.get("handler") != "reverse_proxy":
        return None
    dialled = [str(one.get("dial", "")) for one in value.get("upstreams") or []]
    known = [(one, one.port(dial)) for dial in dialled for one in upstreams if one.port(dial)]
    if not known:
        return None
    if len(dialled) > 1 or value.get("dynamic_upstreams"):
        raise Refused(
            "%s: a coloured service among several upstreams" % path, fix="give it a reverse_proxy handler of its own"
        )
    if "require" in value.get("headers", {}).get("response", {}):
        raise Refused(
            "%s/headers/response: our header would depend on its `require`" % path,
            fix="put the conditional part into a headers handler before the proxy",
        )
    for inside, inner in places(value.get("handle_response")):
        if _target("", inner, upstreams):
            raise Refused(
                "%s/handle_response%s: a coloured service inside of handle_response of another one" % (path, inside),
                fix="give the inner one a server of its own, and dial its address here",
            )
    upstream, port = known[0]
    return Target(upstream, port or "")


def _refuse_unknown(path: str, value: Any, upstreams: Sequence[Upstream]) -> None:
    """A coloured service in a place that nothing here rewrites would go on meaning blue, and so would an upstream that
    only a request or a name server knows."""
    names = path.split("/")
    if names[-1] == "dynamic_upstreams":
        source = value.get("source") if isinstance(value, dict) else value
        raise Refused(
            "%s: `%s` is asked at each request who is dialled, and that may be a coloured service" % (path, source),
            fix="name its upstreams, or move this proxy to a Caddy of its own",
        )
    if not isinstance(value, str) or any(name in SAYS_ONLY for name in names):
        return
    rest = value.split("://")[-1].rpartition("/")[2]
    if names[-3:-2] == ["upstreams"] and names[-1] == "dial":
        _refuse_dial(path, value, any(one.port(rest) for one in upstreams))
    elif ":" in rest and any(one.port(rest) for one in upstreams):
        raise Refused("%s: %s in a form that can't be rewritten" % (path, value), fix="dial it as an upstream")


def _refuse_dial(path: str, value: str, coloured: bool) -> None:
    """What an upstream dials that is no target: a placeholder, or a coloured service in other words."""
    if "{" in RUNTIME.sub("", value):
        reason = "is known only when a request comes, and may be a coloured service"
        fix = "give each value a handler of its own, with a matcher"
    elif coloured and "/" in value:
        reason, fix = "is a coloured service in a form that can't be rewritten", "write host:port"
    else:
        return
    raise Refused("%s: %s %s" % (path, value, reason), fix=fix)


def template(wanted: Sequence[Target]) -> str:
    """A Caddyfile with a site for each target. With the switch in it and adapted it is what ``switched`` takes."""
    proxies = ["reverse_proxy " + one.upstream.said(one.port) for one in wanted]
    sites = ["http://%s {\n\troute {\n\t\t%s\n\t}\n}\n" % (_host(at), one) for at, one in enumerate(proxies, 1)]
    return "".join(sites)


def _host(number: int) -> str:
    return "bluegreen%d.invalid" % number


def switched(
    config: Any, upstreams: Sequence[Upstream], wanted: Sequence[Target], adapted: Any, sets_host: bool = False
) -> Switched:
    """``config`` with the switch; ``adapted`` is what the edge's adapter made of the template of ``wanted``.

    ``sets_host`` says whether this Caddy tells an upstream with TLS the dialled address as Host."""
    routes = {(one.upstream, one.port): _routes(adapted, _host(at)) for at, one in enumerate(wanted, 1)}
    groups = [ours(value) for _path, value in places(config) if ours(value)]
    made: dict[str, Handler] = {}

    def change(value: Any) -> Any:
        if ours(value):
            return value
        if isinstance(value, list):
            return [change(child) for child in value]
        if not isinstance(value, dict):
            return value
        target = _target("", value, upstreams)
        if target is None:
            return {name: change(child) for name, child in value.items()}
        group = _group(value, groups)
        groups.append(group)
        made[group] = value
        return _subroute(value, target, routes[target.upstream, target.port], group, sets_host)

    done = change(config)
    return Switched(done, made)


def restored(config: Any, made: Mapping[str, Handler]) -> Any:
    """``config`` without our subroutes: the operator's handlers in their places. Raises Refused for an unknown one."""
    group = ours(config)
    if group:
        if group not in made:
            raise Refused("the journal does not know the operator's handler of %s" % group, fix="put it back by hand")
        return made[group]
    if isinstance(config, list):
        return [restored(child, made) for child in config]
    return {name: restored(child, made) for name, child in config.items()} if isinstance(config, dict) else config


def _group(handler: Handler, taken: Sequence[str]) -> str:
    """By its content, so that a second adoption gives the same names; a copy of one gets the next number."""
    digest = hashlib.sha256(json.dumps(handler, sort_keys=True).encode()).hexdigest()[:12]
    number = 1
    while "%s%s-%d" % (GROUP, digest, number) in taken:
        number += 1
    return "%s%s-%d" % (GROUP, digest, number)


def _routes(adapted: Any, host: str) -> list[dict[str, Any]]:
    """The routes that the adapter made of one site of the template."""
    for server in adapted["apps"]["http"]["servers"].values():
        for route in server["routes"]:
            if route["match"] == [{"host": [host]}]:
                inner = route["handle"][0]["routes"][0]["handle"][0]
                found: list[dict[str, Any]] = inner["routes"]
                return found
    raise KeyError(host)


def _subroute(
    handler: Handler, target: Target, routes: Sequence[dict[str, Any]], group: str, sets_host: bool
) -> Handler:
    said = target.upstream.said(target.port)
    plain = {name: value for name, value in handler.items() if name != "@id"}
    own = upstream_host.pin_upstream_names(upstream_host.written(plain, said), said, sets_host)
    made = []
    for route in routes:
        proxies = any(one.get("upstreams") for one in route["handle"])
        grouped = {"group": group} if proxies else {}
        made.append({**grouped, **_filled(copy.deepcopy(route), own)})
    # A program that addresses the operator's handler by its id finds ours in its place.
    ident = {"@id": handler["@id"]} if "@id" in handler else {}
    return {**ident, "handler": "subroute", "routes": made}


def _filled(value: Any, own: Handler) -> Any:
    """The template with the operator's handler in each proxy that dials an upstream."""
    if isinstance(value, list):
        return [_filled(child, own) for child in value]
    if not isinstance(value, dict):
        return value
    value = {name: _filled(child, own) for name, child in value.items()}
    if not one_colour_form.says(value):
        return value
    filled = copy.deepcopy(own)
    filled["upstreams"] = [{**filled["upstreams"][0], "dial": value["upstreams"][0]["dial"]}]
    response = filled.setdefault("headers", {}).setdefault("response", {})
    colour = value["headers"]["response"]["set"][COLOUR_HEADER]
    response["set"] = {**response.get("set", {}), COLOUR_HEADER: colour}
    if "stream_close_delay" in value:
        filled.setdefault("stream_close_delay", value["stream_close_delay"])
    responses = [*filled.get("handle_response", []), *value.get("handle_response", [])]
    return {**filled, "handle_response": responses} if responses else filled


NAME = "bluegreen"
ACCESS = "http.log.access"


def with_log(config: Any, adapted: Any, root: str) -> tuple[Any, tuple[str, ...]]:
    """``config`` with our log for every server that has the switch, and warnings. ``adapted``: the template's."""
    wanted = copy.deepcopy(config)
    include: set[str] = set()
    warnings = []
    for name, server in _servers(wanted).items():
        if not any(json_rewrite.ours(value) for _path, value in json_rewrite.places(server)):
            continue
        logs = server.setdefault("logs", {"default_logger_name": NAME})
        include.update(_entries(logs))
        if logs.get("skip_hosts"):
            warnings.append("server %s does not log %s: no watch sees them" % (name, ", ".join(logs["skip_hosts"])))
    if not include:
        return config, ()
    logging = wanted.setdefault("logging", {}).setdefault("logs", {})
    logging[NAME] = {**_log(adapted, root), "include": sorted(include)}
    if "%s.%s" % (ACCESS, NAME) in include:
        excluded = logging.setdefault("default", {}).setdefault("exclude", [])
        if "%s.%s" % (ACCESS, NAME) not in excluded:
            excluded.append("%s.%s" % (ACCESS, NAME))
    return wanted, tuple(warnings)


def _servers(config: Any) -> dict[str, Any]:
    found: dict[str, Any] = (config.get("apps") or {}).get("http", {}).get("servers") or {}
    return found


def _entries(logs: dict[str, Any]) -> set[str]:
    """The loggers that a server's access log entries come by."""
    names = [logs["default_logger_name"]] if logs.get("default_logger_name") else [""]
    for given in (logs.get("logger_names") or {}).values():
        names += [given] if isinstance(given, str) else given
    return {"%s.%s" % (ACCESS, name) if name else ACCESS for name in names}


def _log(adapted: Any, root: str) -> dict[str, Any]:
    """Writer and encoder of ours, as the edge's adapter says them."""
    file = root.rpartition("/")[0] + "/log/access.log"
    for log in adapted["logging"]["logs"].values():
        if log.get("writer", {}).get("filename") == file:
            return {"writer": log["writer"], "encoder": log["encoder"]}
    raise KeyError(file)
