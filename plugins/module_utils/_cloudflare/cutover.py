# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""To the other colour: the switch first, then every load balancer, and no half way without a name.

The switch on the state host says what is wanted before the first request, so a run that is killed anywhere is
finished by the next one, and ``returned`` goes back from everywhere. A cutover that fails takes back what it has
written; where it cannot, ``partial`` says what stands where.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from .._core.errors import BluegreenError, Fenced, Refused
from .._core.plan import Plan, Step
from .._edge.traffic.traffic import release_of
from .._switch.switch import ReturnTo, SwitchState
from . import pools, steering, token_scopes
from .balancers import Goal, Seen, shares, unfit
from .context import Context, Goals, Result, changed, halfway, table
from .fence import Fence
from .poolset import Found, require_shape


class Cutover:
    """state=live."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.colour: str = context.params["colour"]
        self.weight: int = context.params["weight"]
        self.fence = Fence(context)

    def run(self) -> Result:
        context = self.context
        context.require_switch()
        self._release()
        rights = token_scopes.ask(context.api, context.params["account_id"])
        found = context.pools.complete()
        seen: Seen = context.balancers.look()
        ids, state = found.ids, context.switch.read()
        if not state.live:
            raise Refused("the switch is damaged (%s)" % state.damage, fix="run the adopt stage")
        self._fit(seen, ids)
        goals = {host: Goal(self.colour, self.weight) for host in seen}
        wake = pools.woken(found.pools[self.colour]) if found.ours[self.colour] else {}
        plan = self._plan(state, seen, found, goals, wake)
        rights.require([token_scopes.WRITE_BALANCERS] + ([token_scopes.WRITE_POOLS] if wake else []))
        if context.check_mode:
            return self._result(plan, seen, ids, {})
        at = context.clock.now()
        if plan.changed:
            if context.balancers.plan(seen, ids, goals) or wake:
                self._ready(found, wake, len(seen))
                # The ground of what is written, as fresh as can be.
                seen = context.balancers.look()
                self._fit(seen, ids)
            seen, at = self._cut(state, seen, ids, goals)
        observed: Mapping[str, object] = {"observed": context.public.look()}
        if self.weight == 100:
            observed = context.public.confirm(self.colour, at, context.params["confirm_timeout"])
        return self._result(plan, seen, ids, observed)

    def _release(self) -> None:
        there, wanted = release_of(self.context.params["state_dir"], self.colour), self.context.params["release"]
        if wanted and there and wanted != there:
            raise Refused(
                "%s holds release %s" % (self.colour, there), option="release", value=wanted, fix="deploy first"
            )

    def _fit(self, seen: Seen, ids: steering.Pools) -> None:
        wrong = unfit(seen, ids, self.weight)
        if wrong:
            mine = self.weight < 100 and "weight counts" in wrong[0][1]
            raise Refused(
                "the load balancer of %s cannot be flipped: %s" % wrong[0],
                option="weight" if mine else "public",
                value=self.weight if mine else wrong[0][0],
                fix="set its steering policy, or leave weight out"
                if mine
                else steering.cure(seen[wrong[0][0]]) or "change it in Cloudflare, then run adopt",
            )

    @property
    def _mark(self) -> str:
        """What the switch is to say: a share is not a flip."""
        return self.colour if self.weight == 100 else self.context.switch.read().live

    def _plan(self, state: SwitchState, seen: Seen, found: Found, goals: Goals, wake: Mapping[str, Any]) -> Plan:
        todo = self.context.balancers.plan(seen, found.ids, goals)
        steps = [Step("enable", "pool", str(found.pools[self.colour]["name"]))] if wake else []
        if state.live != self._mark or state.damage:
            steps.append(Step("flip", self.context.switch.path, "to " + self._mark))
        return changed(state.live, self._mark, seen, todo, steps)

    def _ready(self, found: Found, wake: Mapping[str, Any], hosts: int) -> None:
        """Nothing is flipped to a pool that is not well, and nothing is begun that the budget does not let end."""
        context, pool = self.context, found.pools[self.colour]
        # As the switch would say it later, but before anything is asked or enabled.
        self.fence.mine()
        reads = 4 * context.balancers.zones + 8
        context.api.require(2 * hosts + reads, "a cutover of %d hostnames and its way back" % hosts)
        if context.params["require_monitor"]:
            why = context.pools.monitored(pool)
            if why:
                raise Refused(
                    why, option="require_monitor", value=True, fix="give it a monitor, or set require_monitor to false"
                )
        if wake:
            self.fence.change(self.colour, pool, dict(wake), self.fence.mine)
            pool = {**pool, **wake}
        require_shape(pool)
        if context.params["require_monitor"]:
            context.pools.require_healthy(pool, context.params["health_timeout"])

    def _cut(self, state: SwitchState, seen: Seen, ids: steering.Pools, goals: Goals) -> tuple[Seen, float]:
        context, token, mark = self.context, self.fence.token, self._mark
        old = state.live
        resumed = old == self.colour
        if not resumed:
            release = release_of(context.params["state_dir"], old)
            context.switch.prepare(ReturnTo(old, release, secrets.token_hex(8), context.clock.now()), token)
        before = {host: Goal(old, share or 100) for host, share in shares(seen, ids, old).items()}
        try:
            context.switch.flip(mark, token)
            at = context.clock.now()
            after = context.balancers.converge(seen, ids, goals, lambda: context.switch.flip(mark, token))
            # A drain or a rollback that is late may have shut it since it was looked at.
            self.fence.awake(self.colour, lambda: context.switch.flip(mark, token))
            return after, at
        except BluegreenError as exc:
            raise self._stopped(exc, old, mark, ids, before, resumed) from exc

    def _stopped(
        self, exc: BluegreenError, old: str, mark: str, ids: steering.Pools, before: Goals, resumed: bool
    ) -> BluegreenError:
        """The error to raise, after what was written has been taken back as far as it can be.

        A run that went on with another one's cutover leaves it half way: to go on or back is not its decision.
        """
        context, token = self.context, self.fence.token
        written = list(dict.fromkeys(context.balancers.written))
        if isinstance(exc, Fenced):
            # Who fenced us decides.
            return self.fence.stopped(exc, ids) or halfway(context, exc, self.colour, ids)
        if resumed:
            return halfway(context, exc, self.colour, ids)
        goals = {host: before[host] for host in written}
        try:
            if written:
                context.balancers.converge(
                    context.balancers.look(), ids, goals, lambda: context.switch.flip(mark, token), best=True
                )
            context.switch.flip(old, token)
            self.fence.awake(old, lambda: context.switch.flip(old, token))
        except Fenced as fenced:
            return self.fence.stopped(fenced, ids) or halfway(context, exc, self.colour, ids)
        except BluegreenError:
            return halfway(context, exc, self.colour, ids)
        partial: dict[str, object] = {"state": "restored", "written": written, "live": old}
        return BluegreenError("%s; every hostname is on %s as before" % (exc.msg, old), fix=exc.fix, partial=partial)

    def _result(self, plan: Plan, seen: Seen, ids: steering.Pools, observed: Mapping[str, object]) -> Result:
        notes = [] if self.context.public.tells else ["no header to observe: propagation was not seen"]
        return self.context.result(plan, hosts=table(seen, ids), notes=notes, **observed)
