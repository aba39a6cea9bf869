# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every state works with, made once from the module's options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare import steering as steer
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.affinity import pins
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.api import Api
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.balancers import Balancers, Seen
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.poolset import PoolSet
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.public_names import Public
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch, describe

Result = dict[str, Any]
NOTHING: Result = {"live": "", "idle": "", "return_to": None, "token": 0}


@dataclass(frozen=True)
class World:
    """``switch`` is the record on the state host of what is wanted; Cloudflare is made to follow it."""

    params: Mapping[str, Any]
    api: Api
    clock: Clock
    switch: Switch
    pools: PoolSet
    balancers: Balancers
    public: Public
    check_mode: bool = False
    # A way back only while this cutover is the one in force: a watcher's.
    flip: str = ""

    def require_switch(self) -> None:
        if not self.switch.exists():
            raise Refused("no switch at %s" % self.switch.path, fix="run the adopt stage")

    def switch_install(self, live: str) -> None:
        """The directory of the switch, with ``live`` as its colour where it has none."""
        os.makedirs(os.path.dirname(self.switch.path) or "/", exist_ok=True)
        self.switch.install(live, deployment=self.params["deployment"])

    def told(self) -> Result:
        """The part of every result that the switch and the budget say."""
        state = describe(self.switch.read()) if self.switch.exists() else NOTHING
        calls = {"calls": self.api.used, "budget_left": self.api.left}
        return {**state, **calls, "edge": "cloudflare", "directory": self.switch.path, "plain_names": [], "open": {}}


def table(seen: Seen, ids: steer.Pools) -> list[Result]:
    """One row a hostname: who serves, by which fields, and who stays pinned."""
    names = {pool: colour for colour, pool in ids.items()}
    return [
        {
            "host": host,
            "id": lb.get("id"),
            "live": steer.live(lb, ids),
            "share": {colour: steer.share(lb, ids, colour) for colour in ids},
            "steering": steer.steering(lb),
            "pools": [names.get(pool, pool) for pool in lb.get("default_pools") or []],
            "fallback": names.get(str(lb.get("fallback_pool")), lb.get("fallback_pool")),
            "pins": pins(lb),
        }
        for host, lb in seen.items()
    ]


def ids_of(found_ids: Mapping[str, str]) -> dict[str, str]:
    """Both colours; a pool that does not exist has an id that no list has."""
    return {colour: found_ids.get(colour) or "no-%s-pool" % colour for colour in ("blue", "green")}
