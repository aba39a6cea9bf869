# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repairs what was changed outside this collection or by a reboot: containers are started and joined to networks.

One plan for the adopt stage and for the boot of the host. Nothing that runs is stopped, recreated or removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..._core.argspec import COLOURS
from ..._core.errors import BluegreenError
from ..._core.plan import Step
from ..containers import lifecycle, networks
from ..containers.networks import Member
from ..containers.observe import Container, Containers
from ..deployment import store
from ..deployment.job import Context, nothing

START, UP = "start", "up"


@dataclass(frozen=True)
class RepairPlan:
    """``steps`` in their order, ``members`` that are joined then, ``runs``: names of containers that run then.

    ``gaps``: what only the operator can bring back, one sentence each with its fix.
    """

    steps: tuple[Step, ...] = ()
    members: tuple[Member, ...] = ()
    runs: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    # Name -> id of those that are there: another container may bear the name by the time of a step.
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Part:
    """A group of containers: those that are there, the services of which a container has to be made, their places."""

    here: list[Container] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    wake: bool = True

    def add(self, world: Containers, service: str) -> None:
        """A service of the project that no colour has."""
        c = world.of_project(service)
        self.here += [c] if c else []
        self.members += networks.members_of(world, service)
        self.gaps += [] if c else [_gap(world, service)]

    def steps(self, world: Containers, colour: str = "") -> list[Step]:
        found = [Step(START, c.name) for c in self.here if self.wake and not c.running]
        found += [Step(UP, service, colour) for service, _name in self.missing]
        return found + networks.connect_steps(world, self.members)

    def runs(self) -> list[str]:
        return [c.name for c in self.here] + [name for _service, name in self.missing] if self.wake else []


def plan(
    context: Context, world: Containers, awake: Sequence[str] = (), blue: Sequence[Container] | None = None
) -> RepairPlan:
    """``awake``: colours whose containers have to run, the live one first. ``blue``: the operator's containers that are
    blue, None where blue is not (or no longer) the adopted project."""
    wanted = context.wanted
    order = [*awake, *(colour for colour in COLOURS if colour not in awake)]
    parts = [("", _shared(world))]
    for colour in order[:1] if awake else []:
        parts.append((colour, _colour(world, colour, True, blue)))
    parts += [("", _edge(world)), ("", _relay(world))]
    for colour in order[1:] if awake else order:
        parts.append((colour, _colour(world, colour, colour in awake, blue)))
    steps = networks.create_steps(wanted, networks.existing(context.podman), networks.routes(context.podman))
    steps += [step for colour, part in parts for step in part.steps(world, colour)]
    return RepairPlan(
        tuple(steps),
        tuple(member for _colour, part in parts for member in part.members),
        tuple(name for _colour, part in parts for name in part.runs()),
        tuple(gap for _colour, part in parts for gap in part.gaps),
        {c.name: c.id for _colour, part in parts for c in part.here},
    )


def _shared(world: Containers) -> _Part:
    part = _Part()
    for service in world.wanted.shared:
        part.add(world, service)
    return part


def _edge(world: Containers) -> _Part:
    part = _Part()
    if world.wanted.edge_service:
        part.add(world, world.wanted.edge_service)
    return part


def _relay(world: Containers) -> _Part:
    there = world.relay()
    return _Part([there] if there else [], members=networks.relay_members(world))


def _colour(world: Containers, colour: str, wake: bool, blue: Sequence[Container] | None) -> _Part:
    wanted = world.wanted
    if colour == "blue" and blue is not None:
        part = _Part(list(blue), wake=wake)
        lost = [name for name in wanted.names if name not in {c.service for c in blue}] if wake else []
        part.gaps += [_gap(world, ", ".join(lost))] if lost else []
        named = {c.service: c.name for c in blue if c.running or wake}
    else:
        here = {c.service: c for c in world.rendered(colour)}
        known = store.stack(wanted, colour)
        entries = {} if known.get("adopted") else known.get("services") or {}
        missing = [(name, str(one["container"])) for name, one in entries.items() if wake and name not in here]
        part = _Part(list(here.values()), missing, wake=wake)
        named = {**{c.service: c.name for c in here.values() if c.running or wake}, **dict(missing)}
    part.members += networks.public_members(wanted, colour, named)
    return part


def _gap(world: Containers, services: str) -> str:
    wanted = world.wanted
    return (
        "project %s has no container of %s, and only you can make one. Fix: in %s run podman-compose -p %s up -d "
        "--no-deps %s, then run adopt again"
        % (wanted.project, services, wanted.source, wanted.project, services.replace(",", ""))
    )


def do(context: Context, fixing: RepairPlan, step: Step, still: Callable[[], None] = nothing) -> None:
    """Carry out one step of a plan. ``still`` is asked around a removal, as by ``remove_container``."""
    if step.action == START:
        _start(context, fixing, step.target, still)
    elif step.action == UP:
        lifecycle.up_service(context, step.detail, lifecycle.stack_of(context, step.detail), step.target)
    else:
        networks.do(context.podman, context.wanted, fixing.members, step)


def _start(context: Context, fixing: RepairPlan, name: str, still: Callable[[], None]) -> None:
    """Start what was stopped. One of ours that can't be started (podman died over it) is made again from its file.

    Podman starts nothing that it believes to run, and can only remove it.
    """
    ident = fixing.ids.get(name, name)
    result = context.podman.run("start", ident, timeout=180)
    found = next((c for c in Containers.look(context.podman, context.wanted).all if ident in (c.id, c.name)), None)
    if found is not None and result.rc == 0 and found.state != "dead":
        return
    if found is None or not found.ours(context.wanted):
        why = result.last_words() if result.rc else "podman says that it runs, but its processes are gone"
        again = "podman rm -f %s, then podman-compose up -d --no-deps its service in your project, then adopt" % name
        raise BluegreenError("%s does not start: %s" % (name, why), fix="podman logs %s; %s" % (name, again))
    lifecycle.remove_container(context.podman, found.id, still=still)
    lifecycle.up_service(context, found.colour, lifecycle.stack_of(context, found.colour), found.service)
    for member in fixing.members:
        if member.container == name:
            networks.do(context.podman, context.wanted, fixing.members, Step("connect", name, member.network))


def shortfall(world: Containers, fixing: RepairPlan) -> list[str]:
    """What is not as the plan wants it, as sentences."""
    found = ["%s is off %s" % (s.target, s.detail) for s in networks.connect_steps(world, fixing.members)]
    dead = _dead(world, fixing.runs)
    return [*fixing.gaps, *dead, *dict.fromkeys(found)]


def _dead(world: Containers, names: Iterable[str]) -> list[str]:
    by_name: Callable[[str], Container | None] = world.named
    here = [(name, by_name(name)) for name in names]
    return ["%s is %s" % (name, c.state if c else "absent") for name, c in here if c is None or not c.running]
