# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""May this run still write at Cloudflare, and what becomes of a write that came too late.

No lock is held over a request, so another run can move the switch while one of ours is on its way. Two halves keep the
live colour's pool awake all the same, whichever of two runs is the slower one: who writes to a pool asks the switch
right before and again right after (``change``), and who moves the switch looks at the pool after that (``awake``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core.clock import wait_until
from .._core.errors import BluegreenError, Fenced
from .._switch.switch import SwitchState
from . import pools, steering
from .api import Guard
from .balancers import ROUNDS, SETTLE, Goal
from .context import Context
from .poolset import Found

AGAIN = "run status, then start again"


class Fence:
    """``token`` is this run's (see app.run)."""

    def __init__(self, context: Context) -> None:
        self._world = context
        self._switch = context.switch
        self.token: int = context.params["token"] or 0

    def mine(self) -> SwitchState | None:
        """The switch under its lock; None where there is none. Fenced where a newer run or a rollback came."""
        if not self._switch.exists():
            return None
        with self._switch.alone():
            state = self._switch.read()
        if state.token > self.token:
            raise Fenced("token %d, but the switch is at %d" % (self.token, state.token), fix=AGAIN)
        return state

    def idle(self, colour: str) -> None:
        """Fenced where ``colour`` is live by now, too."""
        state = self.mine()
        if state and state.live == colour:
            raise Fenced("%s is live now: a rollback or a cutover went there" % colour, fix=AGAIN)

    def left(self, colour: str) -> None:
        """For a rollback that shuts the pool of the colour left behind: Fenced where a newer run may want it."""
        state = self._switch.read()
        if state.live == colour or state.token > self.token:
            raise Fenced(
                "a newer run has begun: sessions that are pinned to %s were not ended" % colour,
                fix="run status; where they must end, run the rollback again",
            )

    def still(self, colour: str) -> None:
        """Fenced where another colour is live. Without lock and token, for a rollback, which waits for no other run."""
        if self._switch.read().live != colour:
            raise Fenced("the switch was moved meanwhile", fix="run status")

    def change(self, colour: str, pool: pools.Pool, body: dict[str, Any], guard: Guard) -> None:
        """PATCH the pool of ``colour``. Where ``guard`` raises Fenced after it, it is first put right."""
        guard()
        try:
            self._world.pools.change(pool, body, guard)
        except BluegreenError:
            # It may have been written all the same.
            self.checked(colour, pool, guard)
            raise
        self.checked(colour, pool, guard)

    def checked(self, colour: str, before: pools.Pool, guard: Guard) -> None:
        """Raises what ``guard`` raises, after the pool is as the switch wants it: awake where its colour is live, else
        no more awake than ``before``."""
        try:
            guard()
        except Fenced as exc:
            try:
                self._put_right(colour, before)
            except BluegreenError as no:
                raise BluegreenError(
                    "%s; what was written to the pool of %s meanwhile could not be put right: %s"
                    % (exc.msg, colour, no.msg),
                    fix="run the rollback or the cutover to the live colour again",
                ) from exc
            raise

    def _put_right(self, colour: str, before: pools.Pool) -> None:
        def body(live: str) -> tuple[pools.Pool, dict[str, Any]]:
            now = self._world.pools.look().pools.get(colour, before)
            return now, pools.woken(now) if live == colour else pools.asleep(now, before)

        def once(live: str) -> None:
            now, todo = body(live)
            if todo:
                self._world.pools.change(now, todo, lambda: self.still(live))

        self._following(once)

    def awake(self, colour: str, guard: Guard, found: Found | None = None) -> Found:
        """The pools, with that of ``colour`` awake if it is ours: for who has just made it live.

        ``found``: the pools, where they were looked at after the switch was moved.
        """
        found = found or self._world.pools.look()
        for _round in range(ROUNDS):
            pool = found.pools.get(colour)
            body = pools.woken(pool) if pool and found.ours[colour] else {}
            if not pool or not body:
                guard()
                return found
            self.change(colour, pool, body, guard)
            # An old answer to the reading back is waited out.
            found = wait_until(
                self._world.clock, self._world.pools.look, lambda now: not pools.woken(now.pools.get(colour, {})),
                SETTLE, 1.0,
            )  # fmt: skip
        raise BluegreenError(
            "another program keeps disabling the pool of %s" % colour, fix="stop what writes there, then run it again"
        )

    def stopped(self, exc: BluegreenError, ids: steering.Pools) -> Fenced | None:
        """The error of a run that was fenced, after what it wrote follows the switch; None where that failed."""
        try:
            self._follow(ids)
        except BluegreenError:
            return None
        written = list(dict.fromkeys(self._world.balancers.written))
        return Fenced(exc.msg, fix=exc.fix, partial={"state": "restored", "written": written})

    def _follow(self, ids: steering.Pools) -> None:
        """Every load balancer, brought to where the switch is, where this run has written to one of them: those that it
        did not come to are half of an act that no other run may end."""
        balancers = self._world.balancers

        def once(live: str) -> None:
            seen = balancers.look()
            balancers.converge(seen, ids, {host: Goal(live) for host in seen}, lambda: self.still(live), best=True)

        if balancers.written:
            self._following(once)

    def _following(self, once: Callable[[str], None]) -> None:
        """``once(live)`` until the switch has not moved meanwhile."""
        for _round in range(ROUNDS):
            live = self._switch.read().live
            try:
                once(live)
                self.still(live)
                return
            except Fenced:
                continue
        raise BluegreenError(
            "other runs keep moving the switch", fix="run status, then start again when no other run is at work"
        )
