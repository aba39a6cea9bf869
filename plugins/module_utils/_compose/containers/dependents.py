# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers of no colour that podman ties to coloured ones (podman-compose makes depends_on a requirement).

Podman removes no container that another one requires. So such a container is made again without that requirement: the
old one is renamed, the new one created, the old one stopped, the new one started, the old one removed. Each of these is
seen from outside, so that a run after a kill goes on where the last one ended.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..._core.clock import unchanged
from ..._core.errors import BluegreenError, CommandError, Refused
from ..._core.files import read_mapping, write_json
from ..._core.plan import Step
from ..._core.podman import handed
from ..._state.redact import scrub
from ..deployment import store
from ..deployment.job import Context
from ..deployment.model import Deployment
from . import create_command, lifecycle, networks
from .observe import BEFORE, Container, Containers

RECREATE, KEEP = "recreate", "keep"
# Up for so long (seconds) after its start, it runs.
STEADY = 1.0
# Making the edge again would cut the public off.
EDGE = "the edge %s depends on %s. No stage recreates the edge, so cleanup refuses as long as it does"
EDGE_FIX = (
    "remove depends_on on coloured services from the edge in your compose file, recreate the edge with podman-compose "
    "in a quiet moment, and run adopt"
)


def found(world: Containers, roots: Sequence[Container]) -> list[Container]:
    """What has to be made again before ``roots`` can go, needed ones first. What ran to its end is not among them."""
    known = {c.id for c in roots}
    protected = {*world.wanted.shared, world.wanted.edge_service}
    late = [c for c in world.dependents(roots) if c.id not in known]
    return [c for c in reversed(late) if not c.one_shot() or c.service in protected or c.name.endswith(BEFORE)]


def _is_edge(wanted: Deployment, c: Container) -> bool:
    return bool(wanted.edge_service) and c.project == wanted.project and c.service == wanted.edge_service


def base(c: Container) -> str:
    return c.name[: -len(BEFORE)] if c.name.endswith(BEFORE) else c.name


def notices(world: Containers, roots: Sequence[Container]) -> list[str]:
    """For the operator, long before the cleanup: what will become of each."""
    sentences = []
    for c in found(world, roots):
        needs = ", ".join(_needs(world, c, roots))
        if _is_edge(world.wanted, c):
            sentences.append("%s. Fix: %s" % (EDGE % (base(c), needs), EDGE_FIX))
        elif world.wanted.dependents == KEEP:
            sentences.append(
                "%s depends on %s, and bluegreen_dependents is keep: cleanup refuses as long as it does. "
                "Fix: recreate %s without that depends_on" % (base(c), needs, base(c))
            )
        else:
            sentences.append(
                "%s depends on %s: cleanup recreates it without that dependency and with its data "
                "(it is away for some seconds)" % (base(c), needs)
            )
    return sentences


def _needs(world: Containers, c: Container, roots: Sequence[Container]) -> list[str]:
    """The coloured services that it depends on, straight or by another one."""
    known = {one.id: one for one in world.all}
    coloured = {one.id for one in roots}
    seen: dict[str, str] = {}
    todo = list(c.needs)
    while todo:
        ident = todo.pop()
        if ident not in seen and ident in known:
            seen[ident] = known[ident].service or known[ident].name
            todo += known[ident].needs
    return sorted(name for ident, name in seen.items() if ident in coloured)


def steps(context: Context, world: Containers, roots: Sequence[Container]) -> tuple[list[Step], list[Container]]:
    """The steps that make them again, and the containers that can go then, dependents first. Refuses what can't be."""
    there = found(world, roots)
    if there and context.wanted.dependents == KEEP:
        raise Refused(
            "podman would have to remove %s as well, which depends on %s"
            % (", ".join(base(c) for c in there), context.wanted.colour),
            option="dependents",
            value=KEEP,
            fix="set bluegreen_dependents to recreate, or recreate it yourself without depends_on on a coloured "
            "service; nothing was changed",
        )
    for c in there:
        if _is_edge(context.wanted, c):
            why = EDGE % (base(c), ", ".join(_needs(world, c, roots)))
            raise Refused(why, option="dependents", value=context.wanted.dependents, fix=EDGE_FIX)
    names = [c.name for c in roots]
    for raw in context.podman.inspect("container", [c.id for c in there]):
        create_command.arguments(raw, "n", names)
    return [Step(RECREATE, base(c), ", ".join(_needs(world, c, roots))) for c in there], there[::-1]


def do(context: Context, name: str, roots: Sequence[Container]) -> None:
    """Make one again. What is done already is not done twice."""
    podman, old = context.podman, name + BEFORE
    raw = podman.one("container", old)
    if raw is None:
        raw = podman.one("container", name)
        if raw is None:
            raise BluegreenError("container %s is gone" % name, fix="start it in your project, run again")
        _note(context.wanted, name, lifecycle.status(raw) in ("running", "paused", "stopping"))
        podman.must("rename", name, old)
    new = podman.one("container", name)
    if new is not None and _runs(context, name):
        return
    if new is not None:
        lifecycle.remove_container(podman, name)
    _create(context, raw, name, [c.name for c in roots])
    if _noted(context.wanted, name):
        _swap(context, name, old)


def forget(context: Context) -> None:
    """When all of it is done: the shared services are these from now on."""
    path = _path(context.wanted)
    if os.path.exists(path):
        store.record_shared(context.wanted, Containers.look(context.podman, context.wanted).shared())
        os.unlink(path)


def _create(context: Context, raw: Mapping[str, Any], name: str, without: Sequence[str]) -> None:
    podman = context.podman
    given = create_command.environment(raw, podman.one("image", str(raw["Image"])) or {})
    argv = create_command.arguments(raw, name, without)
    values = handed(given)
    result = podman.run(*argv[:1], *values.arguments, *argv[1:], env=values.env, stdin=values.file, timeout=180)
    if result.rc != 0:
        _back(context, name)
        why = scrub(result.last_words(), given.values())
        raise CommandError("%s can't be recreated: %s" % (name, why), fix=_by_hand(name))
    _join(context, raw, name)


def _join(context: Context, raw: Mapping[str, Any], name: str) -> None:
    """Networks that the old one was connected to after it was made, ours among them."""
    new = context.podman.one("container", name) or {}
    there = (new.get("NetworkSettings") or {}).get("Networks") or {}
    ours = context.wanted.deployment + "-"
    for net, place in ((raw.get("NetworkSettings") or {}).get("Networks") or {}).items():
        if net in there:
            continue
        words = [word for alias in place.get("Aliases") or () for word in ("--alias", alias)]
        if net.startswith(ours) and place.get("IPAddress"):
            words = ["--ip", place["IPAddress"], "--mac-address", place["MacAddress"]]
        with networks.recorded(context.wanted, name, net):
            context.podman.must("network", "connect", *words, net, name)


def _swap(context: Context, name: str, old: str) -> None:
    """Ports and addresses are the old one's until it has stopped. One that does not run then gives way to it again."""
    podman = context.podman
    grace = int(((podman.one("container", old) or {}).get("Config") or {}).get("StopTimeout") or 10)
    podman.run("stop", "--time", str(grace), old, timeout=grace + 60)
    result = podman.run("start", name, timeout=180)
    if _runs(context, name):
        return
    why = result.last_words() if result.rc else "it ended at once"
    _back(context, name)
    podman.run("start", name, timeout=180)
    raise CommandError(
        "%s, recreated, does not start: %s; the old container runs again" % (name, why), fix=_by_hand(name)
    )


def _runs(context: Context, name: str) -> bool:
    """The same process for a while: Podman starts one that ends at once again and again, and says running."""
    return unchanged(context.clock, lambda: context.podman.pid(name), STEADY)


def _back(context: Context, name: str) -> None:
    lifecycle.remove_container(context.podman, name)
    context.podman.must("rename", name + BEFORE, name)


def _by_hand(name: str) -> str:
    return "recreate %s yourself without depends_on on a coloured service, then run cleanup again" % name


def _path(wanted: Deployment) -> str:
    return wanted.path("recreating.json")


def _note(wanted: Deployment, name: str, running: bool) -> None:
    known = read_mapping(_path(wanted)).get("running") or {}
    write_json(_path(wanted), {"v": 1, "running": {**known, name: running}})


def _noted(wanted: Deployment, name: str) -> bool:
    return bool((read_mapping(_path(wanted)).get("running") or {}).get(name, True))


def as_read(world: Containers) -> list[dict[str, Any]]:
    """For state read: what depends on the adopted containers while they are there."""
    roots = world.of_operator()
    return [{"container": base(c), "needs": _needs(world, c, roots)} for c in found(world, roots)]
