# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which method is in force, what a flip costs with it now, and whether the edge follows the switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.finding import to_adopt
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.switch_install import cost
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config import one_colour_form, query
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import root_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.traffic.traffic import Traffic


@dataclass(frozen=True)
class MethodStatus:
    """``config`` is the running one, of an adopted edge."""

    traffic: Traffic
    config: Any

    @property
    def form(self) -> str:
        return query.form(self.config, root_of(self.traffic.edge))

    @property
    def name(self) -> str:
        """As it is written down; by the running configuration where that says otherwise."""
        if self.form == "switch":
            return "switch"
        return self.traffic.method if self.traffic.method != "switch" else "not known"

    def cost(self) -> str:
        if self.form == "switch":
            return "a flip loads nothing and loses nothing; each request asks for a file"
        return "a flip loads the configuration anew; %s" % cost(self.traffic.edge, self.traffic.admin, self.config)

    def problems(self, live: str) -> list[str]:
        asked = self.traffic.edge.options.method
        if (self.form == "switch") != (self.traffic.method == "switch"):
            return [to_adopt("the edge does not run the method that is written down (%s)" % self.traffic.method)]
        if self.traffic.method != asked:
            return [to_adopt("edge.method says %s, %s is in force" % (asked, self.traffic.method))]
        if self.form == "switch" or not live:
            return []
        said = one_colour_form.colours(self.config)
        if said != {live}:
            return [to_adopt("the switch says %s, the edge runs %s" % (live, " and ".join(sorted(said))))]
        try:
            behind = self.traffic.followup.steps(live)
        except BluegreenError as exc:
            return [str(exc)]
        if behind:
            where = self.traffic.edge.options.caddyfile
            return [to_adopt("a restart of the edge would not come up with %s, which %s does not name" % (live, where))]
        return []
