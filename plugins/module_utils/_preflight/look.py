# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at the world, its slow parts side by side. Nothing is changed but that
each probe logs in once and out again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from .._boot import unit
from .._cloudflare import edge as cloudflare
from .._core.errors import BluegreenError
from .._core.http import Http
from .._core.netns import network_of
from .._core.podman import Podman, routes
from .._edge.running.admin import Admin
from .._edge.running.base import Edge
from .._edge.running.reaches import Reaches, members
from . import look_database, look_edge, look_host, look_podman, look_probe, look_release, look_services
from .model import Observed, PreflightInputs

Sections = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class World:
    """What is asked; ``enter`` takes a process id and enters its network, ``edge`` may raise BluegreenError."""

    podman: Podman
    edge: Callable[[], Edge]
    http: Http
    enter: Callable[[int], AbstractContextManager[None]] = network_of


class Look:
    """``controller`` is what the controller knows: {ansible, settings}."""

    def __init__(self, world: World, wanted: PreflightInputs, controller: Mapping[str, Any]) -> None:
        self.world, self.wanted, self.controller = world, wanted, controller
        self.errors: dict[str, str] = {}

    def look(self) -> Observed:
        wanted, podman = self.wanted, self.world.podman
        with ThreadPoolExecutor(8) as pool:
            raws = pool.submit(look_podman.everything, podman)
            project = pool.submit(look_release.read, podman, wanted)
            parts: dict[str, Callable[[], dict[str, Any]]] = {
                "podman": lambda: look_podman.podman(podman, wanted),
                "source": lambda: look_release.project(podman, wanted, project.result()),
                "images": lambda: self._images(project),
                "edge": lambda: self._edge(raws),
                "containers": lambda: look_podman.containers(raws.result(), wanted, podman),
                "database": lambda: self._database(raws),
                "services": lambda: look_services.services(raws.result(), wanted, self.world.enter),
                "probe": lambda: look_probe.probe(wanted, podman, self.world.http, self.world.enter),
            }
            asked = {name: pool.submit(self._section, name, ask) for name, ask in parts.items()}
            seen = {name: one.result() for name, one in asked.items()}
            host = self._section("host", lambda: self._host(raws, seen))
            proven = self._section("schema", lambda: look_release.proven(wanted))
        release = {**seen.pop("source"), **seen.pop("images"), **proven}
        probes, controller = seen.pop("probe"), self.controller
        return Observed(host=host, release=release, probes=probes, controller=controller, errors=self.errors, **seen)

    def _section(self, name: str, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A part of the world that can't be looked at is a row, and never the end of the look."""
        try:
            return ask()
        except BluegreenError as exc:
            self.errors[name] = str(exc)
        except Exception as exc:
            # Strange answers: their text may hold anything, so only its kind is told.
            self.errors[name] = "not understood (%s)" % type(exc).__name__
        return {}

    def _images(self, project: Future[dict[str, Any]]) -> dict[str, Any]:
        if project.exception():
            # The row of the source says why.
            return {}
        return {"images": look_release.image_states(self.world.podman, self.wanted, project.result())}

    def _edge(self, raws: Future[list[dict[str, Any]]]) -> dict[str, Any]:
        if cloudflare.is_cloudflare(self.wanted.edge):
            # It is asked by the API, and answered before this look began.
            return {}
        running = self.world.edge()
        config = Admin(running).config()
        seen = look_edge.edge(running, config, self.world.http, self.wanted)
        asked = {"project": self.wanted.project, "deployment": self.wanted.deployment, "services": self.wanted.services}
        seen["past"] = Reaches(lambda: members(raws.result(), asked)).past(running, config, ())
        container = None if self.wanted.by_ports else look_podman.edge_of(raws.result(), self.wanted)
        if container is None:
            return seen
        names = look_edge.unique_names(seen["dials"])
        found = look_edge.resolution(running, names, look_podman.pid_of(container))
        return {**seen, "networks": look_podman.joined(container), **found}

    def _database(self, raws: Future[list[dict[str, Any]]]) -> dict[str, Any]:
        if not self.wanted.schema_targets:
            # This release migrates nothing, so it does not need PostgreSQL.
            return {}
        return look_database.database(self.world.podman, raws.result(), self.wanted, self.world.enter)

    def _host(self, raws: Future[list[dict[str, Any]]], done: Sections) -> dict[str, Any]:
        wanted = self.wanted
        database = look_podman.of_project(raws.result(), wanted, wanted.database)
        places = {
            "state": wanted.state_dir,
            "images": str(done["podman"].get("graph_root") or ""),
            "edge": self._volume(),
            "database": look_podman.mount_at(database, "/var/lib/postgresql"),
        }
        disks = {name: look_host.disk(path) for name, path in places.items() if path}
        found = {name: dict(disk) for name, disk in disks.items() if disk is not None}
        if "database" in found:
            found["database"]["copy"] = max((done["database"].get("sizes") or {}).values(), default=0)
        ports = look_release.ports(wanted) if wanted.by_ports else {}
        host = look_host.host(wanted.state_dir, unit.name(wanted.deployment))
        host["told"] = look_host.told(wanted)
        return {**host, "disks": found, "routes": routes(self.world.podman), **ports}

    def _volume(self) -> str:
        """The host path of the volume with the switch, '' where the edge has none."""
        try:
            return self.world.edge().place().directory
        except BluegreenError:
            return ""
