# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a running configuration contains: the switch or not, what it dials, and the public names it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import one_colour_form
from .our_routes import decided_colour, goes_to_green, marker_names, objects
from .upstream import Upstream


def dials(config: Any) -> list[str]:
    """``host:port`` of every upstream, each once, in the order of the configuration."""
    found = [one["dial"] for one in objects(config) if isinstance(one.get("dial"), str)]
    return list(dict.fromkeys(found))


def plain_names(config: Any, upstreams: Sequence[Upstream], root: str) -> list[str]:
    """Upstreams that mean a coloured service and are not behind the switch: the colour is not known.

    A ``written`` one or an ``alias`` may be what a colour is dialled by too: behind the switch that is right.
    """
    anywhere = [one for one in upstreams if not (one.written or one.alias)]
    outside = set(dials(unswitched(config, root))) if len(anywhere) < len(upstreams) else set()
    return [
        dial for dial in dials(config) if any(one.port(dial) for one in (upstreams if dial in outside else anywhere))
    ]


def unswitched(value: Any, root: str) -> Any:
    """``value`` without the routes that ask the switch, and without proxies that say their colour."""
    if isinstance(value, list):
        return [unswitched(one, root) for one in value if not (isinstance(one, dict) and _asks(one, root))]
    if one_colour_form.says(value):
        return {}
    return {key: unswitched(child, root) for key, child in value.items()} if isinstance(value, dict) else value


def _asks(route: dict[str, Any], root: str) -> bool:
    found = route.get("match") or []
    return "handle" in route and (bool(marker_names(found, root)) or any(decided_colour(match) for match in found))


def has_switch(config: Any, root: str) -> bool:
    return {"green", "ready"} <= marker_names(config, root)


def form(config: Any, root: str) -> str:
    """``switch``, ``fixed`` (it names one colour: ``one_colour_form``), or '' where it is not adopted."""
    return "switch" if has_switch(config, root) else "fixed" if one_colour_form.colours(config) else ""


def addresses(config: Any, upstreams: Sequence[Upstream], colour: str) -> list[str]:
    """The upstreams of one colour that the configuration dials."""
    return [dial for dial in dials(config) if any(upstream.dialled(dial, colour) for upstream in upstreams)]


def public_names(config: Any, root: str) -> list[dict[str, str]]:
    """One {host, path} for each host name behind the switch: a path that reaches a coloured service there."""
    return [one[0] for one in ways(config, root)]


def ways(config: Any, root: str) -> list[list[dict[str, str]]]:
    """For each host name behind the switch every {host, path} that reaches a coloured service there, / first."""
    found: dict[str, list[str]] = {}
    switch = has_switch(config, root)

    def answers(route: dict[str, Any]) -> bool:
        if not switch:
            return any(one_colour_form.says(one) for one in route["handle"])
        return goes_to_green(route, root)

    for host, paths in _behind(config, answers, (), ("/",)):
        found.setdefault(host, []).extend(paths)
    return [
        [{"host": host, "path": path} for path in sorted(dict.fromkeys(paths), key=lambda path: path != "/")]
        for host, paths in found.items()
        if "*" not in host and "{" not in host
    ]


def _behind(
    value: Any, answers: Callable[[dict[str, Any]], bool], hosts: tuple[str, ...], paths: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(host, paths) of every route that ``answers`` for a colour; what it does not match, a route around it does."""
    if isinstance(value, list):
        for child in value:
            yield from _behind(child, answers, hosts, paths)
    if not isinstance(value, dict):
        return
    if "handle" in value:
        matches = [match for match in value.get("match") or [] if isinstance(match, dict)]
        hosts = tuple(host for match in matches for host in match.get("host", [])) or hosts
        said = [one for match in matches for one in match.get("path", []) if "{" not in one]
        # Of a pattern its fixed part will do; a route without a path is asked at /.
        paths = tuple(one.split("*")[0] or "/" for one in said) or paths
        if answers(value):
            yield from ((host, paths) for host in hosts)
    for child in value.values():
        yield from _behind(child, answers, hosts, paths)
