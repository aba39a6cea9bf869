# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""state: handed_over. The singletons follow the switch: each is ended and seen ended before it is started elsewhere.

One handover at a time: the second one waits, reads the switch again and finds it done, or turns it round. The
lock is kept until what starts a container has ended, so that not even a kill leaves an unseen start behind.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..._core.clock import unchanged, wait_until
from ..._core.errors import BluegreenError, Refused
from ..._core.plan import Plan, Step
from ..._core.podman import Podman
from ..._core.runner import SubprocessRunner
from ..containers import lifecycle
from ..containers.observe import Containers
from ..deployment import store
from ..deployment.job import Context, Job
from ..deployment.singletons import COURIER, PROJECT, Seen, home, misplaced, missing, problems, unmanaged
from ..release import rebuild
from . import holders, stop

# Another handover may be waiting for a job to end; after so long (seconds) we say so instead.
PATIENCE = 300.0
TURNS = 5
# A courier that can't work ends within so long (seconds).
STEADY = 1.5
KEPT = "%s still runs in the adopted project (%s) until its cleanup; the other colour has no such container yet"
UNMANAGED_HOLDER = (
    "%s does the work of %s and is not managed by this deployment. Fix: stop it, then run the stage again"
)

Live = Callable[[], str]


def hand_over(context: Context, live: Live, check_mode: bool = False) -> Job:
    """``live`` reads the switch. What was done, with ``moved`` and ``unconfirmed`` in the notes."""
    rebuild.refuse_lost(context)
    before = holders.seen(context)
    if check_mode:
        return _describe(before, before, live(), _steps(before, live()), [])
    steps: list[Step] = []
    with _alone(context) as inherited:
        turn = _Turn(context, live, inherited)
        for _again in range(TURNS):
            colour = live()
            every = holders.seen(context)
            todo = _steps(every, colour)
            if not todo:
                return _describe(before, every, colour, steps, turn.moved)
            steps += turn.carry_out(colour, every, todo)
    raise BluegreenError(
        "handover incomplete: %s" % "; ".join(problems(holders.seen(context), live())),
        fix="read podman ps -a and podman logs, then run the stage again",
    )


def _steps(every: list[Seen], live: str) -> list[Step]:
    """One singleton after the other, its end first. Where an unmanaged container does its work, nothing is started."""
    found = []
    for seen in every:
        found += [Step("end", h.container, seen.singleton.name) for h in misplaced(seen, live)]
        if missing(seen, live) and not unmanaged(seen):
            found.append(Step("start", seen.singleton.name, live))
    return found


@dataclass
class _Turn:
    """``inherited``: the lock, for what starts a container. ``moved``: what became of each container."""

    context: Context
    live: Live
    inherited: int
    moved: list[dict[str, Any]] = field(default_factory=list)

    def carry_out(self, colour: str, every: list[Seen], todo: list[Step]) -> list[Step]:
        """Steps while the switch stays where it was. What ended while it moved is started again at the next turn."""
        done: list[Step] = []
        ids = {h.container: h.id for seen in every for h in seen.holders}
        for step in todo:
            if self.live() != colour:
                break
            if step.action == "end":
                self.moved.append(stop.end(self.context, step.target, step.detail, ident=ids.get(step.target, "")))
            else:
                self.start(colour, step.target)
            done.append(step)
        return done

    def start(self, colour: str, name: str) -> None:
        """Only where podman shows no other holder: the fence of one host is that the container is gone."""
        context, podman = self.context, self.context.podman
        world = Containers.look(podman, context.wanted)
        seen = next((one for one in holders.look(world) if one.singleton.name == name), None)
        rivals = [h.container for h in seen.holders if h.active and h.place != colour] if seen else []
        if rivals:
            why = "%s runs already, in %s" % (name, ", ".join(rivals))
            raise Refused(why, option="colour", value=colour, fix="stop it first")
        courier = seen.singleton if seen and seen.singleton.kind == COURIER else None
        if courier:
            self.moved.append(stop.settle(context, world, colour, courier))
        if isinstance(podman.runner, SubprocessRunner):
            podman = Podman(SubprocessRunner((self.inherited,)), podman.executable)
        stack = lifecycle.stack_of(context, colour)
        lifecycle.up_service(Context(context.wanted, podman, context.clock), colour, stack, name)
        if courier:
            _stays(context, context.wanted.container_name(colour, name))
            self.moved.append(stop.settle(context, world, colour, courier, started=True))


def _stays(context: Context, container: str) -> None:
    """What podman has started still runs a moment later, and was not started again meanwhile."""
    if not unchanged(context.clock, lambda: context.podman.pid(container), STEADY):
        fix = "read podman logs %s, then run the stage again" % container
        raise BluegreenError("%s was started and does not stay up" % container, fix=fix)


@contextmanager
def _alone(context: Context) -> Iterator[int]:
    """The flock's descriptor; it is free again when we and what inherited it are gone."""
    path = os.path.join(store.make_dirs(context.wanted), "singletons.flock")
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not wait_until(context.clock, lambda: _taken(fd), bool, PATIENCE):
            raise BluegreenError(
                "another handover has been running for %d s" % PATIENCE, fix="wait for it, then run the stage again"
            )
        yield fd
    finally:
        os.close(fd)


def _taken(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _describe(
    before: list[Seen], every: list[Seen], colour: str, steps: list[Step], moved: list[dict[str, Any]]
) -> Job:
    where = {seen.singleton.name: home(seen, colour) for seen in every}
    warnings = []
    for seen in every:
        name = seen.singleton.name
        if where[name] == PROJECT:
            warnings.append(KEPT % (name, ", ".join(h.container for h in seen.holders if h.place == PROJECT)))
        warnings += [UNMANAGED_HOLDER % (h.container, name) for h in unmanaged(seen)]
    warnings += [str(one["warning"]) for one in moved if one.get("warning")]
    was = {seen.singleton.name: ", ".join(h.place for h in seen.holders if h.active) for seen in before}
    return Job(Plan(was, where, tuple(steps)), warnings=tuple(warnings), notes={"moved": moved})
