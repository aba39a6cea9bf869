# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Back to where the last cutover said: fenced first, and then everything is tried that can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.errors import BluegreenError, Fenced, Refused
from .._core.names import OTHER
from .._core.plan import Plan, Step
from .._edge.traffic import rollback_checks
from .._switch.switch import SwitchState
from . import pools, steering
from .balancers import Goal, Seen
from .context import Context, Goals, Result, changed, halfway, ids_of, table
from .fence import Fence
from .poolset import Found


class Return:
    """state=returned. Asks Cloudflare only about the target, and not even that with ``force``."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.notes: list[str] = []

    def run(self) -> Result:
        context, keep = self.context, self.context.params["keep_sticky"]
        rollback_checks.require_adopted(context.switch)
        state = context.switch.read()
        target = self._target(state)
        with context.switch.stopping(context.check_mode):
            if not context.params["force"]:
                rollback_checks.check_same_release(context.switch, target, context.params["state_dir"])
            found = self._asked(target)
        if context.check_mode:
            return self._would(state, target, found or context.pools.look())
        moved = self._moved(state, keep)
        at, fence = context.clock.now(), Fence(context)
        fence.token = moved.token
        fresh = found is None or state.live == target
        found = found or context.pools.look()
        ids = ids_of(found.ids)
        try:
            plan, after = self._followed(state, target, found, fence, fresh)
        except BluegreenError as exc:
            raise self._stopped(exc, target, ids, fence) from exc
        observed = context.public.confirm_return(target, at, context.params["confirm_timeout"])
        return self._result(plan, after, ids, observed)

    def _moved(self, state: SwitchState, keep: bool) -> SwitchState:
        """The switch, back to the colour that was asked for: a cutover that came since then has another way back."""
        flip = self.context.flip or (state.return_to.flip if state.return_to else "")
        # A watcher has no say about the run that came after its cutover.
        with self.context.switch.stopping(bool(self.context.flip)):
            moved = self.context.switch.rollback(keep, flip, force=bool(self.context.params["force"]))
        self.notes += [self.context.switch.passed] if self.context.switch.passed else []
        return moved

    def _followed(self, state: SwitchState, target: str, found: Found, fence: Fence, fresh: bool) -> tuple[Plan, Seen]:
        """Everything at Cloudflare, as the switch says by now. ``fresh``: the pools were looked at since."""
        context, ids = self.context, ids_of(found.ids)
        seen = context.balancers.look()
        plan = self._plan(state, target, found, seen)
        context.api.require(len(seen) + 5, "a rollback of %d hostnames" % len(seen))
        goals: Goals = {host: Goal(target) for host in seen}
        asleep: BluegreenError | None = None
        try:
            # A drain may have shut it after the look that came before the move.
            found = fence.awake(target, lambda: fence.still(target), found if fresh else None)
        except Fenced:
            raise
        except BluegreenError as exc:
            asleep = exc
        after = context.balancers.converge(seen, ids, goals, lambda: fence.still(target), best=True)
        if asleep:
            raise asleep
        self._bar(target, found, seen, fence)
        return plan, after

    def _stopped(self, exc: BluegreenError, target: str, ids: steering.Pools, fence: Fence) -> BluegreenError:
        """The error to raise. Where the switch was moved meanwhile, what was written follows it."""
        if self.context.switch.read().live != target:
            return fence.stopped(exc, ids) or halfway(self.context, exc, target, ids)
        return exc if isinstance(exc, Fenced) else halfway(self.context, exc, target, ids)

    def _target(self, state: SwitchState) -> str:
        if state.return_to is None and not (state.claimed and state.live):
            raise Refused("nothing to roll back: no cutover yet", fix="see the status stage")
        return state.return_to.colour if state.return_to else state.live

    def _asked(self, target: str) -> Found | None:
        """The pools, after a look at the target's health; None where Cloudflare does not answer: no reason to wait."""
        try:
            found = self.context.pools.look()
            pool = found.pools.get(target)
            if pool is None:
                raise Refused("there is no pool of %s any more" % target, fix="run the adopt stage")
            if not self.context.params["force"]:
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
            good, why = self.context.pools.health(pool)
        if why and good is False:
            raise Refused(
                "%s is not alive: pool %s, %s" % (target, pool.get("name"), why),
                fix="bring it back with the deploy stage, or override with -e bluegreen_force_rollback=true",
            )

    def _barring(self, target: str, found: Found, seen: Seen) -> dict[str, Any]:
        """Who is pinned to the colour left behind stays on it while it is healthy: for a bad colour that must end."""
        left = OTHER[target]
        if (
            self.context.params["keep_sticky"]
            or left not in found.pools
            or not any(steering.sticky(lb) for lb in seen.values())
        ):
            return {}
        if found.ours[left]:
            return pools.barred(found.pools[left])
        note = "sessions stay pinned to %s: its pool is not ours, so it was not disabled" % left
        self.notes = [*(one for one in self.notes if one != note), note]
        return {}

    def _plan(self, state: SwitchState, target: str, found: Found, seen: Seen) -> Plan:
        todo = self.context.balancers.plan(seen, ids_of(found.ids), {host: Goal(target) for host in seen})
        waking = found.ours[target] and pools.woken(found.pools[target])
        steps = [Step("enable", "pool", str(found.pools[target]["name"]))] if waking else []
        if state.live != target or state.claimed or state.damage:
            steps.append(Step("return", self.context.switch.path, "to " + target))
        shut = self._barring(target, found, seen)
        last = [Step("disable", "pool", "of the colour left behind, which ends its sessions")] if shut else []
        return changed(state.live, target, seen, todo, steps, last)

    def _bar(self, target: str, found: Found, seen: Seen, fence: Fence) -> None:
        left, shut = OTHER[target], self._barring(target, found, seen)
        if shut:
            # A newer run may be about to cut over to it.
            fence.change(left, found.pools[left], shut, lambda: fence.left(left))

    def _would(self, state: SwitchState, target: str, found: Found) -> Result:
        seen = self.context.balancers.look()
        return self._result(self._plan(state, target, found, seen), seen, ids_of(found.ids), {})

    def _result(self, plan: Plan, seen: Seen, ids: steering.Pools, observed: Mapping[str, object]) -> Result:
        return self.context.result(plan, hosts=table(seen, ids), notes=self.notes, **observed)
