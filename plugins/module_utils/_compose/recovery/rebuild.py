# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lost state directory, made again from what runs: labels, addresses, networks and the operator's own files.

A release's name is the hash of its images and files. Where the project directory gives the same name, it holds the
very files that the colour runs with, and its copy and its compose file are written again. Else the colour is recorded
by its labels alone, the files that its containers still hold open are saved, and what is missing is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.containers import Container, World
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import store
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context, Job
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Image, Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.recovery import numbers_in_use, salvage
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import compose_config, prepare, release
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release.origin import Origin
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import addresses
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step

ADDRESSES, STACK = "rebuild-addresses", "rebuild-stack"
BLUE = "blue"
OTHER_FILES = (
    "%s runs release %s, whose copy was lost, and %s gives other files by now. Fix: restore %s from your backup before "
    "this host boots, or deploy the next release before that"
)


@dataclass(frozen=True)
class _Lost:
    """A colour whose record is gone. ``content`` is None where its files can't be had again."""

    colour: str
    ident: str
    containers: tuple[Container, ...]
    content: release.Content | None = None


def rebuild(context: Context) -> Job:
    """Nothing where nothing is lost, or nothing of ours runs."""
    wanted, podman = context.wanted, context.podman
    world = World.look(podman, wanted)
    known = None if addresses.read(wanted.state_dir) else numbers_in_use.read_off(podman, wanted, world)
    steps = [Step(ADDRESSES, wanted.network_range)] if known else []
    lost = [_lost(context, world, colour) for colour in COLOURS if _is_lost(wanted, world, colour)]
    steps += [Step(STACK, one.colour, one.ident) for one in lost]
    if _blue_was_cleaned_up(context, world, [one.colour for one in lost]):
        steps.append(Step(STACK, BLUE, "cleaned up"))
    said: list[str] = []

    def do(step: Step) -> None:
        if step.action == ADDRESSES and known:
            store.make_dirs(wanted)
            addresses.write(wanted.state_dir, known)
            return
        one = next((one for one in lost if one.colour == step.target), None)
        now = replace(context, wanted=in_order(wanted))
        said.extend(_write(now, one) if one else _forgotten(now))

    return Job(Plan({}, {}, tuple(steps)), do, notes={"said": said})


def refuse_lost(context: Context) -> None:
    """Who would go by the record says so where it was lost: a service would get another address, a courier an end."""
    wanted = context.wanted
    numbers = addresses.read(wanted.state_dir) is not None
    if numbers and all(store.stack(wanted, colour) for colour in COLOURS):
        return
    world = World.look(context.podman, wanted)
    lost = [colour for colour in COLOURS if world.rendered(colour) and not (numbers and store.stack(wanted, colour))]
    if lost:
        raise Refused(
            "the record of %s was lost, and its containers are there" % " and ".join(lost),
            option="state_dir",
            value=wanted.state_dir,
            fix="run adopt, which makes it again from what runs; nothing was changed",
        )


def in_order(wanted: Wanted) -> Wanted:
    """As the recorded numbers order services; every rendered text follows them."""
    known = addresses.read(wanted.state_dir)
    if known is None:
        return wanted
    names = addresses.in_order(wanted.names, known.services)
    shared = tuple(addresses.in_order(wanted.shared, known.shared))
    return replace(wanted, services=tuple(map(wanted.service, names)), shared=shared)


def _is_lost(wanted: Wanted, world: World, colour: str) -> bool:
    return not store.stack(wanted, colour) and bool(world.rendered(colour))


def _blue_was_cleaned_up(context: Context, world: World, lost: list[str]) -> bool:
    """Only containers of ours are left: blue is neither adopted nor to be adopted."""
    wanted = context.wanted
    if store.stack(wanted, BLUE) or BLUE in lost or not any(world.rendered(colour) for colour in COLOURS):
        return False
    whole = {c.service for c in world.of_operator()} >= set(wanted.names)
    return not whole or _withdrawn(context)


def _withdrawn(context: Context) -> bool:
    try:
        switch = context.switch()
    except BluegreenError:
        return False
    return switch is not None and switch.rollback_blocked(BLUE) and switch.read().live != BLUE


def _lost(context: Context, world: World, colour: str) -> _Lost:
    here = world.rendered(colour)
    ((ident, _count),) = Counter(c.release for c in here).most_common(1)
    mine = tuple(c for c in here if c.release == ident)
    images = {c.service: Image(c.reference, c.image, c.digest) for c in mine}
    once = {c.service: c for c in world.singletons() if c.colour == colour and c.release == ident}
    for single in context.wanted.singletons:
        if single.name in once and single.service not in images:
            c = once[single.name]
            images[single.service] = Image(c.reference, c.image, c.digest)
    wanted = replace(context.wanted, colour=colour, version=ident.rpartition("-")[0])
    return _Lost(colour, ident, mine, _content(context, wanted, ident, images))


def _content(context: Context, wanted: Wanted, ident: str, images: Mapping[str, Image]) -> release.Content | None:
    """What the project directory would give as a release of these images, if it is that very release."""
    if set(images) != set(wanted.imaged):
        return None
    try:
        project = compose_config.config(context.podman.runner, wanted, wanted.source)
        names, warnings = compose_config.wanted_files(wanted, project)
        files = release.tree(wanted.source, names)
    except (BluegreenError, OSError):
        return None
    about = Origin(wanted.source, path=wanted.source).record()
    content = release.Content(images, names, files, wanted.source, about, tuple(warnings))
    return content if content.ident(wanted.version) == ident else None


def _write(context: Context, lost: _Lost) -> list[str]:
    """What the operator should know."""
    wanted = replace(context.wanted, colour=lost.colour, version=lost.ident.rpartition("-")[0])
    if lost.content and not store.release(wanted, lost.ident):
        release.record(wanted, lost.content, context.clock.now())
    if store.release(wanted, lost.ident):
        text = prepare.text_of(replace(context, wanted=wanted), lost.ident)
        store.write_stack(wanted, lost.colour, prepare.stack_of(wanted, lost.ident, text), text)
        return []
    entry = partial(store.service_entry, wanted, lost.colour)
    services: dict[str, Any] = {
        c.service: entry(c.service, c.name, c.image, False) for c in lost.containers if c.service in wanted.names
    }
    missing = salvage.save(context.podman, wanted, [c.id for c in lost.containers])
    stack = {"colour": lost.colour, "release": lost.ident, "adopted": False, "services": services}
    store.write_stack(wanted, lost.colour, stack)
    return [OTHER_FILES % (lost.colour, lost.ident, wanted.source, wanted.path("releases", lost.ident)), *missing]


def _forgotten(context: Context) -> list[str]:
    stack = {"colour": BLUE, "release": "", "adopted": False, "services": {}}
    store.write_stack(context.wanted, BLUE, stack)
    return []
