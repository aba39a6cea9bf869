# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The right to stop and remove a colour's containers: asked of the switch right before and right after each removal.

A removal takes as long as a service needs to end, and meanwhile the world goes on: a rollback, a newer run, a boot. So
the switch's lock is held for the question alone. Where the answer is no, what was stopped is started again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from ..._core.errors import BluegreenError, Fenced, Refused
from ..._switch.switch import Switch
from ..containers.observe import Containers
from ..deployment import store
from ..deployment.job import Context
from . import repair


@dataclass(frozen=True)
class Fence:
    """``switch`` is None where there is none; then nothing is asked."""

    context: Context
    colour: str
    switch: Switch | None
    token: int

    def hold(self) -> None:
        """Refused where the colour is live by now, Fenced where a newer run has begun. No rollback goes there then."""
        if self.switch:
            self.switch.block_rollback(self.colour, self.token)

    def newest(self) -> None:
        """Fenced where a newer run has begun; no rollback is blocked."""
        if self.switch:
            self.switch.require(self.token)

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """Around what may refuse before the first removal: the colour is as whole as it was, so it is undrained."""
        try:
            yield
        except BluegreenError:
            if self.switch and not self.context.check_mode:
                self.switch.undrain(self.colour, self.token)
            raise

    def allow_rollback(self) -> None:
        """The colour is whole again: a rollback may go there."""
        if self.switch:
            self.switch.allow_rollback(self.colour, self.token)

    @contextmanager
    def removal(self) -> Iterator[None]:
        """Around an act that asks ``hold``: a no brings back what the colour lacks, where a user may come to it."""
        try:
            yield
        except (Fenced, Refused) as no:
            self._bring_back(no)
            raise

    def _bring_back(self, no: BluegreenError) -> None:
        """Adds to ``no`` what was done. While rollbacks to it are blocked, a newer run makes the colour whole."""
        switch, context = self.switch, self.context
        live = switch is not None and switch.read().live == self.colour
        if switch is None or not (live or not switch.rollback_blocked(self.colour)):
            return
        world = Containers.look(context.podman, context.wanted)
        blue = world.adopted() if store.is_adopted(context.wanted, "blue") else None
        fixing = repair.plan(context, world, (self.colour,), blue)
        done = []
        for step in fixing.steps:
            with suppress(BluegreenError):
                repair.do(context, fixing, step)
                done.append(str(step))
        short = repair.shortfall(Containers.look(context.podman, context.wanted), fixing)
        if live and not short:
            switch.allow_rollback(self.colour)
        no.msg += "; brought back: %s" % ", ".join(done) if done else ""
        no.msg += "; %s still lacks: %s" % (self.colour, "; ".join(short)) if short else ""
        no.fix = "run adopt, which brings back what is missing, then see the status stage" if short else no.fix
        no.args = (str(no),)


def of(context: Context) -> Fence:
    """For the colour that is worked on. Without a run's token it is the switch's of now: what comes later is newer."""
    switch = context.switch()
    token = switch.token_for(context.token or None) if switch else context.token
    return Fence(context, context.wanted.colour, switch, token)
