# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which method is in force, what a flip costs with it now, and whether the edge follows the switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy import fixed, meaning
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.edge import Edge, root_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.follow import Follower
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.install import cost
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

ADOPT = ": run adopt"


@dataclass(frozen=True)
class InForce:
    """``config`` is the running one, of an adopted edge."""

    edge: Edge
    admin: Admin
    follower: Follower
    config: Any

    @property
    def form(self) -> str:
        return meaning.form(self.config, root_of(self.edge))

    @property
    def name(self) -> str:
        """As it is written down; by the running configuration where that says otherwise."""
        if self.form == "switch":
            return "switch"
        return self.follower.method if self.follower.method != "switch" else "not known"

    def cost(self) -> str:
        if self.form == "switch":
            return "a flip loads nothing and loses nothing; each request asks for a file"
        return "a flip loads the configuration anew; %s" % cost(self.edge, self.admin, self.config)

    def problems(self, live: str) -> list[str]:
        asked = self.edge.options.method
        if (self.form == "switch") != (self.follower.method == "switch"):
            return ["the edge does not run the method that is written down (%s)%s" % (self.follower.method, ADOPT)]
        if self.follower.method != asked:
            return ["edge.method says %s, %s is in force%s" % (asked, self.follower.method, ADOPT)]
        if self.form == "switch" or not live:
            return []
        said = fixed.colours(self.config)
        if said != {live}:
            return ["the switch says %s, the edge runs %s%s" % (live, " and ".join(sorted(said)), ADOPT)]
        try:
            behind = self.follower.steps(live)
        except BluegreenError as exc:
            return [str(exc)]
        if behind:
            where = self.edge.options.caddyfile
            return ["a restart of the edge would not come up with %s, which %s does not name%s" % (live, where, ADOPT)]
        return []
