# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the module's options to its answer."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from .._core.plan import Plan
from . import facts
from .containers import lifecycle
from .deployment import store
from .deployment.job import Context, Job, carry_out
from .release import kept_releases, origin, prepare, rebuild
from .singletons import handover
from .stack import adopt, remove, start, undo

NO_ORIGIN = origin.Origin("")


def _rendered(context: Context, kept: str = "") -> Job:
    """A kept release needs no source. Files of another source are there as long as it takes to copy them."""
    rebuild.refuse_lost(context)
    with nullcontext(NO_ORIGIN) if kept else origin.opened(context.podman.runner, context.wanted) as files:
        return carry_out(prepare.prepare(context, kept, files), context.check_mode)


def _started(context: Context, kept: str) -> Job:
    """Rendered, then started. In check mode, a start after a render that is only planned has no details."""
    context.refuse_live()
    try:
        return _rendered_and_started(context, kept)
    except lifecycle.AddressHeld:
        moved = carry_out(start.rename_network(context), context.check_mode)
    done = _rendered_and_started(context, kept)
    return replace(done, plan=replace(done.plan, steps=moved.plan.steps + done.plan.steps))


def _rendered_and_started(context: Context, kept: str) -> Job:
    first = _rendered(context, kept)
    if context.check_mode and first.plan.changed:
        second = Job(start.planned(context))
    else:
        second = carry_out(start.start(context), context.check_mode)
    before = {"stack": first.plan.before, "containers": second.plan.before}
    after = {"stack": first.plan.after, "containers": second.plan.after}
    plan = Plan(before, after, first.plan.steps + second.plan.steps)
    return Job(plan, warnings=first.warnings + second.warnings, notes=first.notes)


def _adopted(context: Context) -> Job:
    """What was lost of the record first. In check mode what follows is not known without it."""
    first = carry_out(rebuild.rebuild(context), context.check_mode)
    if context.check_mode and first.plan.changed:
        return first
    job = adopt.adopt(replace(context, wanted=rebuild.in_order(context.wanted)))
    second = carry_out(job, context.check_mode)
    plan = replace(second.plan, steps=first.plan.steps + second.plan.steps)
    return replace(second, plan=plan, notes={**second.notes, **first.notes})


def _done(context: Context, state: str, kept: str) -> Job:
    if state == "adopted":
        return _adopted(context)
    if state == "rendered":
        return _rendered(context, kept)
    if state == "started":
        return _started(context, kept)
    if state == "handed_over":
        return handover.hand_over(context, context.live, context.check_mode)
    make = {"undone": undo.undo, "absent": remove.absent, "pruned": kept_releases.prune}.get(state)
    return carry_out(make(context), context.check_mode) if make else Job(Plan())


def answer(context: Context, state: str, check_mode: bool, kept: str = "") -> dict[str, Any]:
    """Carry out a state and say what is: the module's return values, ``diff`` included."""
    context = replace(context, check_mode=check_mode)
    wanted, acts = context.wanted, state != "read" and not check_mode
    if acts:
        facts.settle(context.podman, wanted)
    job = _done(context, state, kept)
    world, nets = facts.look(context.podman, wanted, acts)
    colour = wanted.colour or "blue"
    known = store.release(wanted, str(store.stack(wanted, colour).get("release", "")))
    notes: dict[str, Any] = dict(job.notes)
    recorded = {"id": known.get("id", ""), "images": known.get("images", {}), "source": known.get("source", {})}
    made = {"changed": {}, "same_schema": [], "lines": [], **recorded, **notes.get("release", {})}
    return {
        **job.plan.result(),
        **facts.whole(world, nets),
        "releases": kept_releases.listed(wanted),
        "diff": job.plan.diff(),
        "colour": colour,
        "release": {**made, "version": wanted.version or known.get("version", "")},
        "services": facts.services(world, colour),
        "moved": notes.get("moved", []),
        "removed": notes.get("removed", []),
        "messages": [*job.warnings, *notes.get("messages", ())],
    }
