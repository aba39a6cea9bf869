# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""state: absent. A colour's containers go, dependents first; files, images, volumes and networks stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..._core.errors import BluegreenError, Refused
from ..._core.plan import Plan, Step
from ..._core.podman import SINGLETON
from ..containers import dependents, lifecycle
from ..containers.observe import BEFORE, Container, Containers
from ..deployment import singletons, store
from ..deployment.job import Context, Job
from ..deployment.model import Deployment
from ..deployment.singletons import COURIER
from ..release import compose_config, rebuild
from ..singletons import courier_trial, holders, stop
from . import fence, relay


def absent(context: Context) -> Job:
    """Whatever refuses does so here, before the first step: cleanup asks in check mode before it drains."""
    guard = fence.of(context)
    with guard.beginning():
        rebuild.refuse_lost(context)
        return _absent(context, guard)


def _absent(context: Context, guard: fence.Fence) -> Job:
    wanted, podman = context.wanted, context.podman
    context.refuse_live()
    world = Containers.look(podman, wanted)
    roots = roots_of(world, wanted)
    again, olds = dependents.steps(context, world, roots)
    gone = order(world, wanted, roots, olds)
    tried = _prove_courier(context, world)
    wants_names = store.is_adopted(wanted, wanted.colour) or relay.due(wanted)
    names, before, notices = relay.plan(context, world) if wants_names else (None, [], [])
    steps = _steps(context, gone, [*before, *again])
    messages: list[str] = [*tried, *notices]
    end = _ender(context, guard, {_name_then(c, steps): c for c in gone}, messages)

    def do(step: Step) -> None:
        if step.action == "forget-adopted":
            # What podman-compose makes of the same name later is unmanaged.
            store.forget_adopted(wanted, wanted.colour)
            return
        if step.action not in ("block-rollback", "remove"):
            with guard.beginning():
                guard.newest()
                if not relay.do(context, names, step):
                    dependents.do(context, step.target, roots)
            return
        with guard.removal():
            if step.action == "remove":
                end(step.target)
            else:
                guard.hold()

    def verify() -> None:
        left = roots_of(Containers.look(podman, wanted), wanted)
        if left:
            raise BluegreenError("still there: %s" % ", ".join(c.name for c in left), fix="run again")
        dependents.forget(context)

    plan = Plan({c.name: "%s %s" % (c.service, c.state) for c in gone}, {}, tuple(steps))
    return Job(plan, do, verify, notes={"removed": [c.name for c in gone if c not in olds], "messages": messages})


def _ender(
    context: Context, guard: fence.Fence, gone: Mapping[str, Container], messages: list[str]
) -> Callable[[str], None]:
    """Ends a container by the name that it has then, and means its id: another may bear the name by then."""
    graces = _graces(context, list(gone.values()))

    def end(name: str) -> None:
        # A courier inside a server of the adopted project is ended between two mails, too.
        grace = graces.get(gone[name].name, 0)
        ended = stop.end(context, name, grace=grace, ident=gone[name].id, still=guard.hold)
        messages.extend([ended["warning"]] if ended.get("warning") else [])

    return end


def _steps(context: Context, gone: Sequence[Container], first: Sequence[Step]) -> list[Step]:
    wanted = context.wanted
    # Until then the colour is whole, and a rollback may go there.
    begun = [Step("block-rollback", wanted.colour)] if gone and context.switch() else []
    found = [*first, *begun, *(Step("remove", _name_then(c, first), c.state) for c in gone)]
    if store.is_adopted(wanted, wanted.colour):
        found.append(Step("forget-adopted", wanted.colour))
    return found


def _name_then(c: Container, steps: Sequence[Step]) -> str:
    """An old container that stood aside goes by the name that it has then."""
    return c.name + BEFORE if Step(dependents.RECREATE, c.name) in [replace(s, detail="") for s in steps] else c.name


def _prove_courier(context: Context, world: Containers) -> list[str]:
    """The live colour's couriers, where they are not at work yet. What to tell."""
    live = context.wanted.live_colour
    idle = [
        seen.singleton.name
        for seen in holders.look(world)
        if seen.singleton.kind == COURIER and live in seen.files and singletons.home(seen, live) == singletons.PROJECT
    ]
    return courier_trial.prove(context, lifecycle.stack_of(context, live), idle) if idle else []


def _graces(context: Context, gone: Sequence[Container]) -> Mapping[str, int]:
    """How long the operator's own containers may take to end: podman-compose does not hand it to podman.

    Where the compose files can't be read any more, podman's own time is all that a service gets; a singleton's job is
    not cut off so.
    """
    wanted = context.wanted
    own = {c.name: c.service for c in gone if c.service in wanted.imaged and not c.ours(wanted)}
    if not own:
        return {}
    try:
        services = compose_config.config(context.podman.runner, wanted, wanted.source)["services"]
        return {name: lifecycle.seconds(services[service].get("stop_grace_period")) for name, service in own.items()}
    except BluegreenError:
        if set(own.values()) - set(wanted.names):
            raise
        return {}


def roots_of(world: Containers, wanted: Deployment) -> list[Container]:
    """What belongs to the colour: managed by label; for the adopted blue the project's coloured services by theirs."""
    found = world.rendered(wanted.colour, ("service", SINGLETON))
    found += [c for c in world.rendered(wanted.colour, ("migrate",)) if c.one_shot()]
    if store.is_adopted(wanted, wanted.colour):
        own = [world.of_project(name) for name in wanted.imaged]
        found += [c for c in own if c is not None and not c.ours(wanted)]
    return found


def order(
    world: Containers, wanted: Deployment, roots: Sequence[Container], again: Sequence[Container] = ()
) -> list[Container]:
    """Roots and what podman wants removed before them; ``again``: those of it that are made again before.

    Refuses when that would take something else that still matters.
    """
    chosen = world.dependents(roots)
    known = {c.id for c in (*roots, *again)}
    protected = {*wanted.shared, wanted.edge_service}
    bad = [c for c in chosen if c.id not in known and (not c.one_shot() or c.service in protected)]
    if bad:
        names = ", ".join("%s (%s)" % (c.name, c.state) for c in bad)
        raise Refused(
            "podman would have to remove %s as well, because it was started with a dependency on this colour" % names,
            option="colour",
            value=wanted.colour,
            fix="recreate it without depends_on on a coloured service, then run again",
        )
    return chosen
