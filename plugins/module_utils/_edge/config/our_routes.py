# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the routes of ours are known in Caddy's JSON: by the markers that they look for, and by what they remember."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .snippets import FOUND, LIVE, PREVIEW_HEADER, REASON_HEADER

# Where a request keeps which colour it goes to, and what is said there of one that goes to green or to blue.
VARIABLE = re.compile(r"(?:http\.vars\.)?bluegreen(?:\d+|_[a-z]+)?$")
COLOUR_OF = {"green": "green", **{said: colour for colour, said in FOUND.items()}}
NONE = "none"


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in ``value``, outermost first."""
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from objects(child)


def marker_names(value: Any, root: str) -> set[str]:
    """The files that matchers in ``value`` look for in the switch directory."""
    files = [one["file"] for one in objects(value) if isinstance(one.get("file"), dict)]
    return {name for file in files if file.get("root") == root for name in file.get("try_files", [])}


def has_preview(config: Any, root: str) -> bool:
    where = root.rpartition("/")[0] + "/preview"
    return any(isinstance(one.get("file"), dict) and one["file"].get("root") == where for one in objects(config))


def goes_to_green(route: dict[str, Any], root: str) -> bool:
    """Whether a route answers from green, by what was remembered of the request or (an auth request) by the marker."""
    found = route.get("match") or []
    known = any(one.get("vars") == {"{http.vars.%s}" % LIVE: [FOUND["green"]]} for one in objects(found))
    only_decides = all(one.get("handler") == "vars" for one in route["handle"])
    return not only_decides and (known or marker_names(found, root) == {"green"})


def variables_read(value: Any) -> set[str]:
    """The variables of ours that a matcher asks for."""
    named = [name.strip("{}") for one in objects(value) if isinstance(one.get("vars"), dict) for name in one["vars"]]
    return {name.rpartition(".")[2] for name in named if VARIABLE.match(name)}


def variables_set(handler: dict[str, Any]) -> set[str] | None:
    """The variables that a handler of ours sets, which does nothing else than to look, remember and mark; None for
    any other handler."""
    kind = handler.get("handler")
    names = set(handler) - {"handler"}
    if kind == "vars":
        return names if names and all(VARIABLE.match(name) for name in names) else None
    if kind == "headers":
        said = {*handler.get("request", {}).get("delete", []), *handler.get("response", {}).get("set", {})}
        return set() if said and said <= {REASON_HEADER, PREVIEW_HEADER} else None
    if kind != "subroute" or names != {"routes"}:
        return None
    made = [variables_set(one) for route in handler["routes"] for one in route.get("handle") or [{}]]
    return None if None in made or not made else set().union(*(one for one in made if one is not None))


def decided_colour(match: dict[str, Any], positive: bool = True) -> str:
    """The colour that a matcher of ours wants to have been decided on (or ``none``), '' where it asks for none."""
    for name, said in match.get("vars", {}).items():
        if VARIABLE.match(name.strip("{}")):
            # Of an auth request only green is remembered.
            return COLOUR_OF.get(said[0], NONE) if positive else "blue" if said == ["green"] else NONE
    return next((found for inner in match.get("not", []) if (found := decided_colour(inner, not positive))), "")
