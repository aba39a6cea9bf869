# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which running Caddy is the edge, what it runs, and which authority a client has to trust to speak to it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._core import resolve
from .._core.errors import BluegreenError
from .._core.netns import network_of
from .._core.podman import Podman, on_host
from .._core.runner import Runner
from .._edge.running.admin import Admin
from .._edge.running.base import EdgeOptions, arguments, environment
from .._edge.running.container import PodmanEdge
from .._edge.running.find import edge_options
from .._edge.running.native import ProcessEdge
from .._edge.running.reaches import split
from . import edge, other_edges, routes
from .observed import Seen


@dataclass(frozen=True)
class Front:
    """The edge of this host: a container (``seen``) or a process. Neither: it is not here."""

    seen: Seen | None = None
    config: Any = None
    process: int = 0
    words: tuple[str, ...] = ()
    workdir: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    admin: str = ""


def several(what: str, projects: Iterable[str]) -> BluegreenError:
    names = sorted(projects)
    return BluegreenError(
        "several compose projects of this host %s: %s" % (what, ", ".join(names)),
        fix="say which one is meant: bluegreen_project: %s" % names[0],
    )


def none_there(every: Sequence[Seen], told: Mapping[str, Any]) -> BluegreenError:
    there = sorted({one.project for one in every if one.project and not one.ours})
    if told.get("project") and told["project"] not in there:
        return BluegreenError(
            "no container of this compose project is on this host; there are %s" % (", ".join(there) or "none"),
            option="bluegreen_project",
            value=told["project"],
            fix="take the setting away (the project is found by its running edge), or start that project",
        )
    return BluegreenError(
        "no running container of this host is a Caddy that dials services of its own compose project (projects here:"
        " %s)" % (", ".join(there) or "none"),
        fix="start the project. Where Caddy is a process of this host, say bluegreen_edge: {kind: native}; behind"
        " Cloudflare, {kind: cloudflare}",
    )


def container(
    podman: Podman, every: Sequence[Seen], asked: Sequence[tuple[Seen, dict[str, Any]]], wanted: Mapping[str, Any]
) -> Front:
    """Of the Caddys ``asked`` the one that dials services of its own project; ``wanted``: all that was told."""
    told: Mapping[str, Any] = wanted.get("edge") or {}
    found, wrong = [], []
    for seen, raw in asked:
        admin = str(told.get("admin") or seen.env.get("CADDY_ADMIN") or EdgeOptions.admin)
        options = edge_options({**told, "kind": "container", "service": seen.service, "admin": admin})
        try:
            config = Admin(PodmanEdge(podman, seen.project, options, dict(raw))).config()
        except BluegreenError as exc:
            wrong.append(exc)
            continue
        if _serves(seen, config, every):
            found.append(Front(seen, config, env=seen.env, admin=admin))
    projects = {front.seen.project for front in found if front.seen}
    if len(projects) > 1:
        raise several("have a Caddy that dials their services", projects)
    if len(found) > 1:
        names = ", ".join(sorted(front.seen.service for front in found if front.seen))
        raise BluegreenError(
            "several services of the project are a Caddy that dials others of it: %s" % names,
            fix="say which one the public reaches: bluegreen_edge: {service: ...}",
        )
    if not found:
        raise wrong[0] if wrong else none_there(every, wanted)
    return found[0]


def _serves(front: Seen, config: Any, every: Sequence[Seen]) -> bool:
    """Whether it dials a service of its project, by name or (once adopted) by address."""
    every = also_known(every, config, front.pid)
    mine = [one for one in every if one is not front and (one.project == front.project or one.ours)]
    for one in routes.routes(config):
        host, _port = split(one.dial)
        if host and any(host in seen.addresses or host in other_edges.known_as(seen) for seen in mine):
            return True
    return False


def also_known(every: Sequence[Seen], config: Any, pid: int) -> Sequence[Seen]:
    """The containers with the names by which the edge of process ``pid`` dials them, as far as they had none of these:
    a service has more names than podman lists (capitals, the domain of its network)."""
    dialled = {host for one in routes.routes(config) for host, port in [split(one.dial)] if host and port}
    strange = {host for host in dialled if not any(host in other_edges.known_as(one) for one in every)}
    if not strange or not pid:
        return every
    names = [host for host in strange if not routes.is_address(host)]
    found = resolve.of_names(names, pid, network_of(pid))

    def named(seen: Seen) -> Seen:
        more = [host for host, addresses in found.items() if set(addresses) & set(seen.addresses)]
        return replace(seen, aliases=(*seen.aliases, *more)) if more else seen

    return [named(one) for one in every]


def process(runner: Runner, told: Mapping[str, Any]) -> Front:
    """The Caddy that is a process of this host, found by its admin endpoint."""
    options = edge_options({**told, "kind": "native"})
    native = ProcessEdge(runner, options)
    config, place = Admin(native).config(), native.place()
    if place.doubt:
        raise place.doubt
    pid = place.pid
    workdir = os.path.realpath("/proc/%d/cwd" % pid)
    return Front(None, config, pid, tuple(arguments(pid)), workdir, environment(pid), options.admin)


def public_hosts(config: Any, members: Sequence[Seen]) -> list[str]:
    """Names whose routes end at one of the project's containers."""
    found = []
    for one in routes.routes(config):
        host, port = split(one.dial)
        here = any(port == bound for seen in members for _address, bound in seen.published.values())
        named = any(host in seen.addresses or host in other_edges.known_as(seen) for seen in members)
        if port and routes.usable(one.host) and (named or here):
            found.append(one.host)
    return list(dict.fromkeys(found))


def trust(front: Front, names: list[str]) -> dict[str, tuple[Any, str]]:
    """Its admin endpoint, and its own authority's certificate where that is who signs its certificates."""
    found: dict[str, tuple[Any, str]] = {"admin": (front.admin or EdgeOptions.admin, "its admin endpoint")}
    if not routes.internal(front.config, names):
        return {**found, "ca": ("", "the system's trust")}
    inside = "%s/%s" % (edge.data_directory(front.env, front.config), edge.ROOT_CERTIFICATE)
    path = on_host({"Mounts": list(front.seen.mounts)}, inside) if front.seen else inside
    if path and os.path.isfile(path):
        return {**found, "ca": (path, "its own authority signs its certificates")}
    return {**found, "ca": ("", "the system's trust")}
