# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the edge runs is the reference: a reload makes a file live, so the file has to say what runs already.

A file that was edited and not loaded, a Caddy that was started with another environment or another file: each would be
put on another configuration by our reload, without a word. Here the two are compared, and what differs is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config import one_colour_form, query
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.proxy_form import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import Edge, arguments, root_of

SHOWN = 6
ACCEPT = "-e bluegreen_accept_pending=true"


def differences(running: Any, said: Any, path: str = "") -> Iterator[str]:
    """The JSON paths at which two configurations differ, the innermost of each; never a value."""
    if isinstance(running, dict) and isinstance(said, dict):
        for key in sorted({*running, *said}):
            inner = "%s/%s" % (path, key)
            if key not in running or key not in said:
                yield inner
            else:
                yield from differences(running[key], said[key], inner)
    elif isinstance(running, list) and isinstance(said, list):
        yield from _of_lists(running, said, path)
    elif running != said:
        yield path or "/"


def _of_lists(running: list[Any], said: list[Any], path: str) -> Iterator[str]:
    """An element that one of them has more moves the others: it alone is a difference."""
    here, there = ([json.dumps(one, sort_keys=True) for one in side] for side in (running, said))
    for kind, begin, end, other, other_end in SequenceMatcher(None, here, there, autojunk=False).get_opcodes():
        pairs = zip(range(begin, end), range(other, other_end))
        if kind == "replace" and end - begin == other_end - other:
            for at, its in pairs:
                yield from differences(running[at], said[its], "%s/%d" % (path, at))
        elif kind != "equal":
            yield "%s/%d" % (path, begin)


def sites(running: Any, said: Any) -> list[str]:
    """The host names of the routes that only one of the two has, or has otherwise."""
    here, there = _by_host(running), _by_host(said)
    return sorted(host for host in {*here, *there} if here.get(host) != there.get(host))


def _by_host(config: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for server in ((((config or {}).get("apps") or {}).get("http") or {}).get("servers") or {}).values():
        for route in server.get("routes") or []:
            hosts = [host for match in route.get("match") or [] for host in match.get("host") or []]
            for host in hosts or ["(any name)"]:
                found.setdefault(str(host), []).append(json.dumps(route, sort_keys=True))
    return found


@dataclass(frozen=True)
class Reference:
    """``running`` is what the ``edge`` runs."""

    edge: Edge
    upstreams: Sequence[Upstream]
    running: Any

    def runs(self, config: Any) -> bool:
        """Whether it is what runs. Which colour one of the method ``reload`` names is no difference: the switch says
        that."""
        return bool(self._plain(self.running) == self._plain(config))

    def require(self, said: Iterable[Any]) -> None:
        """Refused unless the edge runs one of ``said``."""
        others: list[Any] = []
        for one in said:
            if self.runs(one):
                return
            others.append(one)
        nearest: Any = min(others, key=lambda one: sum(1 for _path in differences(self.running, one)), default={})
        file = self.edge.options.caddyfile
        raise Refused(self._differs(nearest), option="edge.caddyfile", value=file, fix=self._fix(nearest))

    def _plain(self, config: Any) -> Any:
        one = query.form(config, root_of(self.edge)) == "fixed"
        return one_colour_form.config_with_live_colour(config, self.upstreams, "blue") if one else config

    def _differs(self, said: Any) -> str:
        paths, named = list(differences(self.running, said)), sites(self.running, said)
        where = "%s of %s" % (_some(paths), _some(named)) if named else _some(paths)
        return "the edge does not run what its file says: %s" % where

    def _fix(self, said: Any) -> str:
        cause = self._cause()
        if cause:
            return "%s, and restart the edge; or accept the file's values with %s" % (cause, ACCEPT)
        root = root_of(self.edge)
        if query.form(self.running, root) and not query.form(said, root):
            return "do not reload it, as the switch is not in it; let adopt make it live with %s" % ACCEPT
        return "reload the edge yourself where its file is right, or let adopt make the edit live with %s" % ACCEPT

    def _cause(self) -> str:
        """What a Caddy was started with that a reload does not know."""
        words = arguments(self.edge.place().pid)
        if any(word.split("=")[0] == "--envfile" for word in words):
            return "give it the values of its --envfile as environment"
        names = self.edge.exported()
        if names:
            return "give the container itself the values that its entrypoint exports (%s)" % _some(names)
        return ""


def _some(names: Sequence[str]) -> str:
    more = " and %d more" % (len(names) - SHOWN) if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
