# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Back to where the last cutover said: fenced first, and then everything is tried that can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy import way_back
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import SwitchState
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare import pools, steer
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.balancers import Goal, Seen
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.pins import sticky
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.plans import Goals, changed, halfway
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.poolset import Found
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.world import Result, World, ids_of, table
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Fenced, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import OTHER
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step


class Return:
    """state=returned. Asks Cloudflare only about the target, and not even that with ``force``."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.notes: list[str] = []

    def run(self) -> Result:
        world, keep = self.world, self.world.params["keep_pinned"]
        way_back.require_adopted(world.switch)
        state = world.switch.read()
        target = self._target(state)
        with world.switch.stopping(world.check_mode):
            if not world.params["force"]:
                way_back.require_same(world.switch, target, world.params["state_dir"])
            found = self._asked(target)
        if world.check_mode:
            return self._would(state, target, found or world.pools.look())
        world.switch.rollback(keep, world.flip, gone=bool(world.params["force"]))
        self.notes += [world.switch.passed] if world.switch.passed else []
        at = world.clock.now()
        found = found or world.pools.look()
        ids, seen = ids_of(found.ids), {}
        goals: Goals = {}
        try:
            seen = world.balancers.look()
            goals = {host: Goal(target) for host in seen}
            plan = self._plan(state, target, found, seen)
            world.api.require(len(seen) + 4, "a rollback of %d hostnames" % len(seen))
            self._enable(target, found)
            after = world.balancers.converge(seen, ids, goals, lambda: self._ours(target), best=True)
            self._bar(target, found, seen)
        except BluegreenError as exc:
            raise halfway(world, exc, target, ids) from exc
        observed = world.public.confirm(target, at, world.params["confirm_timeout"])
        return self._result(plan, after, ids, observed)

    def _target(self, state: SwitchState) -> str:
        if state.return_to is None and not (state.claimed and state.live):
            raise Refused("nothing to roll back: no cutover yet", mend="see the status stage")
        return state.return_to.colour if state.return_to else state.live

    def _asked(self, target: str) -> Found | None:
        """The pools, after a look at the target's health; None where Cloudflare does not answer: no reason to wait."""
        try:
            found = self.world.pools.look()
            pool = found.pools.get(target)
            if pool is None:
                raise Refused("there is no pool of %s any more" % target, mend="run the adopt stage")
            if not self.world.params["force"]:
                self._sound(target, pool, found.ours[target])
            return found
        except Refused:
            raise
        except BluegreenError as exc:
            self.notes.append("the health of %s was not asked: %s" % (target, exc.msg))
            return None

    def _sound(self, target: str, pool: pools.Pool, ours: bool) -> None:
        good: bool | None
        good, why = False, pools.shape({**pool, **(pools.woken(pool) if ours else {})})
        if not why and pools.shape(pool):
            return  # Of what is about to be enabled again no health is known.
        if not why and (pool.get("monitor") or pool.get("monitor_group")):
            good, why = self.world.pools.health(pool)
        if why and good is False:
            raise Refused(
                "%s is not alive: pool %s, %s" % (target, pool.get("name"), why),
                mend="bring it back with the deploy stage, or override with -e bluegreen_force=true",
            )

    def _barring(self, target: str, found: Found, seen: Seen) -> Mapping[str, Any]:
        """Who is pinned to the colour left behind stays on it while it is healthy: for a bad colour that must end."""
        left = OTHER[target]
        if self.world.params["keep_pinned"] or left not in found.pools or not any(sticky(lb) for lb in seen.values()):
            return {}
        if found.ours[left]:
            return pools.barred(found.pools[left])
        note = "sessions stay pinned to %s: its pool is not ours, so it was not disabled" % left
        self.notes = [*(one for one in self.notes if one != note), note]
        return {}

    def _plan(self, state: SwitchState, target: str, found: Found, seen: Seen) -> Plan:
        todo = self.world.balancers.plan(seen, ids_of(found.ids), {host: Goal(target) for host in seen})
        steps = [Step("enable", "pool", str(found.pools[target]["name"]))] if self._waking(target, found) else []
        if state.live != target or state.claimed or state.damage:
            steps.append(Step("return", self.world.switch.path, "to " + target))
        shut = self._barring(target, found, seen)
        last = [Step("disable", "pool", "of the colour left behind, which ends its sessions")] if shut else []
        return changed(state.live, target, seen, todo, steps, last)

    def _waking(self, target: str, found: Found) -> Mapping[str, Any]:
        return pools.woken(found.pools[target]) if found.ours[target] else {}

    def _enable(self, target: str, found: Found) -> None:
        wake = self._waking(target, found)
        if wake:
            self.world.pools.change(found.pools[target], wake)

    def _bar(self, target: str, found: Found, seen: Seen) -> None:
        shut = self._barring(target, found, seen)
        if shut:
            self.world.pools.change(found.pools[OTHER[target]], shut)

    def _ours(self, target: str) -> None:
        if self.world.switch.read().live != target:
            raise Fenced("the switch was moved meanwhile", mend="run status")

    def _would(self, state: SwitchState, target: str, found: Found) -> Result:
        seen = self.world.balancers.look()
        return self._result(self._plan(state, target, found, seen), seen, ids_of(found.ids), {})

    def _result(self, plan: Plan, seen: Seen, ids: steer.Pools, observed: Mapping[str, object]) -> Result:
        rows = table(seen, ids)
        told = self.world.told()
        return {**told, "hosts": rows, "notes": self.notes, **observed, "diff": plan.diff(), **plan.result()}
