# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The form of the configuration that names one colour, for the method ``reload``.

Every proxy stays one proxy. In a Caddyfile it says both addresses, and one snippet at the head of the file which of
them is dialled, so that a flip edits three words. In JSON the addresses themselves are exchanged. Either way a proxy
says its colour in a header, and by that header it is found again.

The other colour's address stays known to Caddy, in the answer to a status that does not exist: otherwise no
one could tell what is still in flight to the colour that was left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from ..._core.argspec import COLOURS
from ..._core.names import OTHER
from .snippets import COLOUR_HEADER
from .upstream import Upstream

SNIPPET = "bluegreen_live"
# How long WebSockets outlive the reload of a flip, where Caddy can do that (since 2.7).
STREAMS, STREAMS_NS = "10m", 600 * 10**9
IDLE_STATUS = 999
NO_LOG = "no mount for an access log, so the watch counts no visitors"
_LIVE = re.compile(
    r"(\(%s\) \{\s+to \{args[.\[])\d(\]?\}\s+header_down %s )\w+(.*?reverse_proxy \{args[.\[])\d"
    % (SNIPPET, COLOUR_HEADER),
    re.DOTALL,
)


def with_live_colour(caddyfile: str, colour: str) -> str:
    """A Caddyfile of this form with ``colour`` live; any other text as it is."""
    live, idle = COLOURS.index(colour), idle_argument(colour)
    return _LIVE.sub(lambda found: "%s%d%s%s%s%d" % (found[1], live, found[2], colour, found[3], idle), caddyfile)


def idle_argument(colour: str) -> int:
    """The place of the idle colour's address among the arguments of the snippet."""
    return COLOURS.index(OTHER[colour])


def says(handler: Any) -> str:
    """The colour that a proxy of ours says, '' for any other value."""
    if not isinstance(handler, dict) or handler.get("handler") != "reverse_proxy":
        return ""
    said = ((handler.get("headers") or {}).get("response") or {}).get("set", {}).get(COLOUR_HEADER) or [""]
    return str(said[0])


def colours(config: Any) -> set[str]:
    """The colours that the proxies of ``config`` say: one in this form, both with the switch, none before adopt."""
    return {says(one) for one in _proxies(config)} - {""}


def keeps_streams(config: Any) -> bool:
    """Whether every proxy of this form in ``config`` keeps its streams through a reload."""
    said = [one for one in _proxies(config) if says(one)]
    return bool(said) and all(one.get("stream_close_delay") == STREAMS_NS for one in said)


def _proxies(value: Any) -> Iterator[dict[str, Any]]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _proxies(child)
    if isinstance(value, dict) and value.get("handler") == "reverse_proxy":
        yield value


def config_with_live_colour(config: Any, upstreams: Sequence[Upstream], colour: str) -> Any:
    """A configuration of this form with ``colour`` live; nothing else in it is changed."""
    if isinstance(config, list):
        return [config_with_live_colour(child, upstreams, colour) for child in config]
    if not isinstance(config, dict):
        return config
    made = {name: config_with_live_colour(child, upstreams, colour) for name, child in config.items()}
    if says(config) != OTHER[colour]:
        return made
    made["headers"]["response"]["set"][COLOUR_HEADER] = [colour]
    for one in made.get("upstreams") or []:
        one["dial"] = _other(str(one.get("dial", "")), upstreams)
    for proxy in _proxies([one for one in made.get("handle_response") or [] if keeps_idle(one)]):
        for one in proxy["upstreams"]:
            one["dial"] = _other(str(one["dial"]), upstreams)
    return made


def keeps_idle(response: Any) -> bool:
    """Whether an answer is the one in which the idle colour's address is kept."""
    return isinstance(response, dict) and response.get("match") == {"status_code": [IDLE_STATUS]}


def _other(dial: str, upstreams: Sequence[Upstream]) -> str:
    """What the other colour is dialled by in its place; what has no colour stays."""
    found = (one.dial(OTHER[c], dial.rpartition(":")[2]) for one in upstreams for c in COLOURS if one.dialled(dial, c))
    return next(found, dial)


def smallest(before: Any, after: Any) -> tuple[str, Any]:
    """(path, value) of the one write that makes ``after`` of ``before``: the smallest value around every difference."""
    path = ""
    while True:
        inner = list(_different(before, after))
        if len(inner) != 1:
            return path, after
        name, before, after = inner[0]
        path += "/" + quote(name, safe="")


def _different(before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """The differing children, as long as each has its counterpart and a name that a path can say; else none."""
    if isinstance(before, dict) and isinstance(after, dict) and set(before) == set(after):
        pairs = [(name, before[name], after[name]) for name in before]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = [(str(at), *both) for at, both in enumerate(zip(before, after))]
    else:
        return
    found = [one for one in pairs if one[1] != one[2]]
    if all(name and "/" not in name for name, _before, _after in found):
        yield from found
