# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The public names behind the switch, read from the running configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config import one_colour_form
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.our_routes import goes_to_green
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.query import has_switch


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
