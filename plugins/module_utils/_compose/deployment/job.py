# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How every state is carried out: a plan of steps, one way to do a step, and a look at what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..._core.clock import Clock
from ..._core.errors import BluegreenError, Refused
from ..._core.plan import Plan, Step
from ..._core.podman import Podman
from ..._switch.switch import Switch
from .model import Deployment


@dataclass(frozen=True)
class Context:
    wanted: Deployment
    podman: Podman
    clock: Clock
    # Who is live, asked of the switch itself.
    live: Callable[[], str] = lambda: ""
    switch: Callable[[], Switch | None] = lambda: None
    check_mode: bool = False
    # The fencing token of the run; 0: it has none.
    token: int = 0

    def reachable_switch(self) -> Switch | None:
        """The switch; None also where no edge runs that could be asked for it."""
        try:
            return self.switch()
        except BluegreenError:
            return None

    def refuse_live(self) -> None:
        wanted = self.wanted
        if wanted.colour == wanted.live_colour:
            raise Refused(
                "%s is live: its containers and files are never touched" % wanted.colour,
                option="live_colour",
                value=wanted.live_colour,
                fix="work on the other colour, or cut over or roll back first",
            )


def nothing() -> None:
    """No read back needed: a state that only looks."""


@dataclass(frozen=True)
class Job:
    """``do`` carries out one step, again after a crash too; ``verify`` raises when the world is not as wanted."""

    plan: Plan
    do: Callable[[Step], None] = lambda step: None
    verify: Callable[[], None] = nothing
    warnings: tuple[str, ...] = ()
    notes: dict[str, object] = field(default_factory=dict)


def carry_out(job: Job, check_mode: bool) -> Job:
    """Returns the job, carried out but in check mode. An error carries the steps that were done before it."""
    if check_mode:
        return job
    done: list[str] = []
    for step in job.plan.steps:
        try:
            job.do(step)
        except BluegreenError as exc:
            exc.partial = {**exc.partial, "done": list(done), "failed": str(step)}
            raise
        done.append(str(step))
    if job.plan.changed:
        job.verify()
    return job
