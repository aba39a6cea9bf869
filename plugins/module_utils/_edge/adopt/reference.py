# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs is the reference: the edge has to run what its file says.

A file that was edited and not loaded, a Caddy that was started with another environment or another file: a reload would
put each on another configuration, without a word. So the two are compared, and the places that differ are named.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..._core.errors import Refused, first_few
from ..config import one_colour_form, query
from ..config.differences import differences
from ..config.upstream import Upstream
from ..running.base import Edge, arguments, root_of

ACCEPT = "-e bluegreen_accept_pending=true"


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
        where = "%s of %s" % (first_few(paths), first_few(named)) if named else first_few(paths)
        return "the edge does not run what its file says: %s" % where

    def _fix(self, said: Any) -> str:
        cause = self._cause()
        if cause:
            return "%s, and restart the edge; or accept the file's values with %s" % (cause, ACCEPT)
        root = root_of(self.edge)
        if query.form(self.running, root) and not query.form(said, root):
            return "do not reload the file, which lacks the switch; let adopt do it with %s" % ACCEPT
        return "if the file is right, reload the edge yourself, or let adopt do it with %s" % ACCEPT

    def _cause(self) -> str:
        """What a Caddy was started with that a reload does not know."""
        words = arguments(self.edge.place().pid)
        if any(word.split("=")[0] == "--envfile" for word in words):
            return "give it the values of its --envfile as environment"
        names = self.edge.exported()
        if names:
            return "give the container itself the values that its entrypoint exports (%s)" % first_few(names)
        return ""
