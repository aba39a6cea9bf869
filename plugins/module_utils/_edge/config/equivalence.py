# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Caddy configuration means, read from its JSON: what it dials, whether the switch is in it, and whether a
rewritten one still says what the operator's said.

The last is the proof that stands behind the rewrite: Caddy's own adapter turns both files into JSON, our routes are
folded back into the proxy that they replaced, and what remains must be equal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..._core.argspec import COLOURS
from . import one_colour_form, upstream_host
from .differences import differences
from .imports import RUNTIME, resolved
from .our_routes import VARIABLE, decided_colour, marker_names, variables_read, variables_set
from .snippets import COLOUR_HEADER, COOKIE
from .upstream import Upstream


def first_difference(
    before: Any,
    after: Any,
    upstreams: Sequence[Upstream],
    root: str,
    named_log: bool = True,
    environ: Mapping[str, str] | None = None,
    colours: Sequence[str] = COLOURS,
) -> str:
    """Where ``after``, with the routes of either colour folded back, says something else than ``before``; '' where it
    doesn't. ``environ`` is the environment of the running edge, ``colours`` are those whose routes are in ``after``."""
    for colour in colours:
        fold = _Fold(upstreams, root, named_log, colour, environ or {})
        found = next(differences(fold.config(before), fold.config(after)), "")
        if found:
            return found
    return ""


class _Fold:
    """``colour`` is the one whose routes stand for the operator's; those of the other are left out."""

    def __init__(
        self, upstreams: Sequence[Upstream], root: str, named_log: bool, colour: str, environ: Mapping[str, str]
    ) -> None:
        self.root = root
        self.colour = colour
        self.environ = environ
        self.log_file = root.rsplit("/", 1)[0] + "/log/access.log"
        self.named_log = named_log
        self.groups: dict[str, str] = {}
        self.upstreams = upstreams

    def config(self, config: Any) -> Any:
        self.groups.clear()
        config = json.loads(json.dumps(config))
        logging = config.get("logging", {}).get("logs", {})
        ours = {name for name, log in logging.items() if log.get("writer", {}).get("filename") == self.log_file}
        return self._without_logs(self._value(config), ours)

    def _without_logs(self, config: Any, ours: set[str]) -> Any:
        """The access log of ours taken out; where it had to be unnamed it renumbers others: then all logs go."""
        logging = config.pop("logging", {})
        logs = logging.get("logs", {})
        for name in ours:
            logs.pop(name, None)
        default = logs.get("default", {})
        default["exclude"] = [name for name in default.get("exclude", []) if name.split(".")[-1] not in ours]
        if default == {"exclude": []}:
            logs.pop("default", None)
        if self.named_log and logs:
            config["logging"] = logging
        for server in config.get("apps", {}).get("http", {}).get("servers", {}).values():
            hosts = server.pop("logs", {}).get("logger_names", {})
            left = {host: [name for name in _list(names) if name not in ours] for host, names in hosts.items()}
            if self.named_log and any(left.values()):
                server["logs"] = {host: names for host, names in left.items() if names}
        return config

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(child) for child in value]
        if not isinstance(value, dict):
            return value
        if value.get("handler") == "reverse_proxy":
            value = self._proxy(value)
        if "group" in value:
            # Numbered by Caddy over the whole file; only which routes share one means something.
            value = {**value, "group": self.groups.setdefault(value["group"], "group %d" % len(self.groups))}
        if isinstance(value.get("named_routes"), dict):
            value = {**value, "named_routes": {name: _listed(one) for name, one in value["named_routes"].items()}}
        return {key: self._routes(child) if key == "routes" else self._value(child) for key, child in value.items()}

    def _routes(self, routes: list[dict[str, Any]]) -> list[Any]:
        """One route a handler (Caddy joins and splits them as matchers allow), of ours only that of the colour.

        One of ours that asks for what no route before it has looked up is left in, where it is a difference.
        """
        split = [{**route, "handle": [handler]} for route in routes for handler in route.get("handle") or [{}]]
        kept: list[Any] = []
        decided: set[str] = set()
        for route in split:
            made = variables_set(route["handle"][0])
            decided |= made or set()
            names = {name for match in route.get("match", []) for name in variables_read(match)}
            if made is None and (self._counts(route) or not names <= decided):
                kept.append(self._value(self._matched(route) if names <= decided else route))
        return kept

    def _counts(self, route: dict[str, Any]) -> bool:
        markers = marker_names(route.get("match"), self.root)
        wanted = {decided_colour(match) for match in route.get("match", [])} - {""}
        if wanted:
            return not markers and wanted == {self.colour}
        # An auth request asks the disk itself.
        return markers in (set(), {"green" if self.colour == "green" else "ready"})

    def _matched(self, route: dict[str, Any]) -> dict[str, Any]:
        left = [self._match(match) for match in route.get("match", [])]
        rest = {key: value for key, value in route.items() if key != "match"}
        return {**rest, "match": left} if any(left) else rest

    def _match(self, match: dict[str, Any]) -> dict[str, Any]:
        kept = {}
        for kind, value in match.items():
            if kind == "expression" and isinstance(value, dict):
                value = {key: part for key, part in value.items() if key != "name"}
            if kind == "not":
                value = [inner for inner in value if not (marker_names(inner, self.root) or decided_colour(inner))]
            if kind == "vars":
                value = {name: said for name, said in value.items() if not VARIABLE.match(name.strip("{}"))}
            if value and not (kind == "file" and value.get("root") == self.root):
                kept[kind] = value
        return kept

    def _proxy(self, proxy: dict[str, Any]) -> dict[str, Any]:
        """The operator's handler: plain names for our addresses, without our header, cookie and static fallback."""
        proxy = self._dialled_written_out(proxy)
        for upstream in proxy.get("upstreams", []):
            upstream["dial"] = self._plain(str(upstream.get("dial", "")))
        proxy = self._without_pinned_names(proxy)
        responses = [one for one in proxy.pop("handle_response", []) if not self._our_response(one)]
        headers = proxy.pop("headers", {})
        response = headers.get("response", {})
        response.get("set", {}).pop(COLOUR_HEADER, None)
        if proxy.get("stream_close_delay") == one_colour_form.STREAMS_NS:
            proxy.pop("stream_close_delay")
        headers = {key: value for key, value in headers.items() if value not in ({}, {"set": {}})}
        if "set" in response and not response["set"]:
            response.pop("set")
        kept = {"handle_response": responses, "headers": headers}
        return {**proxy, **{key: value for key, value in kept.items() if value}}

    def _without_pinned_names(self, proxy: dict[str, Any]) -> dict[str, Any]:
        """What an upstream hears of the dialled name, or hears in its headers where an address is dialled: the same."""
        said = {str(one.get("dial", "")) for one in proxy.get("upstreams", [])}
        if len(said) != 1:
            return proxy
        (dial,) = said
        for name in [one.said(dial.rpartition(":")[2]) for one in self.upstreams if one.dialled(dial, "blue")]:
            proxy = upstream_host.unpin_upstream_names(proxy, name)
        return proxy

    def _plain(self, dial: str) -> str:
        """One way to say what the operator's configuration and ours say in their own ways."""
        dial = resolved(dial, self.environ) if RUNTIME.search(dial) else dial
        for upstream in self.upstreams:
            if upstream.written and dial in (upstream.written, upstream.address(self.colour)):
                return upstream.blue
            if not upstream.written and (upstream.port(dial) or upstream.dialled(dial, self.colour)):
                return "%s:%s" % (upstream.blue, dial.rpartition(":")[2])
        return dial

    def _dialled_written_out(self, proxy: dict[str, Any]) -> dict[str, Any]:
        """A placeholder for the dialled address is written out by the rewrite; so it is here."""
        dialled = [resolved(str(upstream.get("dial", "")), self.environ) for upstream in proxy.get("upstreams", [])]
        if len(dialled) != 1 or not any(upstream.port(dialled[0]) for upstream in self.upstreams):
            return proxy
        return upstream_host.written(proxy, dialled[0])

    def _our_response(self, response: dict[str, Any]) -> bool:
        if one_colour_form.keeps_idle(response):
            return True
        # One of the operator's may hold a proxy of ours.
        own = _without_proxies(response)
        markers, text = marker_names(own, self.root), json.dumps(own)
        assets = bool(markers) and markers <= {"assets-" + colour for colour in COLOURS}
        return assets or ('"%s=' % COOKIE in text and "copy_response" in text)


def _without_proxies(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_proxies(one) for one in value]
    if not isinstance(value, dict) or value.get("handler") == "reverse_proxy":
        return {} if isinstance(value, dict) else value
    return {name: _without_proxies(one) for name, one in value.items()}


def _listed(route: dict[str, Any]) -> dict[str, Any]:
    """A named route as a list of routes, which Caddy wraps only where there are several."""
    handlers = route.get("handle") or [{}]
    alone = len(handlers) == 1 and handlers[0].get("handler") == "subroute" and not route.get("match")
    return {"routes": handlers[0].get("routes", []) if alone else [route]}


def _list(names: Any) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
