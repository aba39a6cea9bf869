# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the module's options to its answer: one entry a state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import (
    adopt,
    couriers,
    prepare,
    remove,
    report,
    start,
    store,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.job import Context, Job, carry_out
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.world import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan


def _one(make: Callable[[Context], Job]) -> Callable[[Context, bool, str], Job]:
    def run(context: Context, check_mode: bool, kept: str) -> Job:
        job = make(context)
        carry_out(job, check_mode)
        return job

    return run


def _rendered(context: Context, check_mode: bool, kept: str) -> Job:
    job = prepare.prepare(context, kept)
    carry_out(job, check_mode)
    return job


def _started(context: Context, check_mode: bool, kept: str) -> Job:
    """Rendered, then started. In check mode a start after a render that is only planned is told without details."""
    start.refuse_live(context)
    first = _rendered(context, check_mode, kept)
    if check_mode and first.plan.changed:
        second = Job(start.planned(context))
    else:
        second = start.start(context)
        carry_out(second, check_mode)
    before = {"stack": first.plan.before, "containers": second.plan.before}
    after = {"stack": first.plan.after, "containers": second.plan.after}
    plan = Plan(before, after, first.plan.steps + second.plan.steps)
    return Job(plan, warnings=first.warnings + second.warnings, notes=first.notes)


def _read(context: Context, check_mode: bool, kept: str) -> Job:
    return Job(Plan())


STATES: dict[str, Callable[[Context, bool, str], Job]] = {
    "read": _read,
    "adopted": _one(adopt.adopt),
    "undone": _one(adopt.undo),
    "rendered": _rendered,
    "started": _started,
    "courier_started": _one(couriers.start),
    "courier_stopped": _one(couriers.stop),
    "absent": _one(remove.absent),
}


def answer(context: Context, state: str, check_mode: bool, kept: str = "") -> dict[str, Any]:
    """Carry out a state and say what is: the module's return values, ``diff`` included."""
    job = STATES[state](context, check_mode, kept)
    wanted = context.wanted
    world = World.look(context.podman, wanted)
    colour = wanted.colour or "blue"
    known = store.release(wanted, str(store.stack(wanted, colour).get("release", "")))
    notes = dict(job.notes)
    shown = {
        "id": notes.get("release", known.get("id", "")),
        "version": wanted.version or known.get("version", ""),
        "images": notes.get("images", known.get("images", {})),
        "changed": notes.get("changed", []),
        "kept": notes.get("kept", []),
        "files": notes.get("files", []),
    }
    return {
        **job.plan.result(),
        **report.whole(context.podman, wanted),
        "diff": job.plan.diff(),
        "colour": colour,
        "release": shown,
        "services": report.services(world, colour),
        "courier": couriers.states(world, colour),
        "removed": notes.get("removed", []),
        "messages": list(job.warnings),
    }
