# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs: containers as podman tells it, by labels alone. Nothing here changes anything."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..._core import podman as core
from ..._core.argspec import COLOURS
from ..._core.dsn import query
from ..._core.podman import CONFIG, SINGLETON, Podman
from ..deployment import store
from ..deployment.model import Deployment

# What of a DSN's parameters says whose rows are meant.
WHERE = ("dbname", "host", "options", "port", "search_path", "user")

# Behind the name of a container that another one takes the place of.
BEFORE = "-before-bluegreen"


@dataclass(frozen=True)
class Container:
    """The few facts of ``podman inspect`` that decisions are made of. ``networks``: name -> (ip, mac).

    ``database``: a fingerprint of its DSN, '' where it has none.
    """

    id: str
    name: str
    service: str
    project: str
    image: str
    reference: str
    digest: str
    state: str
    exit_code: int = 0
    restart: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    database: str = ""
    command: tuple[str, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def colour(self) -> str:
        return self.labels.get(core.COLOUR, "")

    @property
    def release(self) -> str:
        return self.labels.get(core.RELEASE, "")

    @property
    def kind(self) -> str:
        return self.labels.get(core.KIND, "")

    @property
    def config(self) -> str:
        return self.labels.get(CONFIG, "")

    def ours(self, wanted: Deployment) -> bool:
        return self.labels.get(core.LABEL) == wanted.deployment

    def one_shot(self) -> bool:
        """It has run to its end and nothing will start it again."""
        return self.state in ("exited", "created") and self.restart in ("", "no", "on-failure")


def container(raw: Mapping[str, Any]) -> Container:
    state = raw.get("State") or {}
    labels = core.labels(raw)
    nets = (raw.get("NetworkSettings") or {}).get("Networks") or {}
    return Container(
        id=str(raw.get("Id", "")),
        name=str(raw.get("Name", "")),
        service=str(labels.get(core.COMPOSE_SERVICE, "")),
        project=str(labels.get(core.COMPOSE_PROJECT, "")),
        image=str(raw.get("Image", "")),
        reference=str(raw.get("ImageName", "")),
        digest=str(raw.get("ImageDigest", "")),
        state=str(state.get("Status", "")).lower(),
        exit_code=int(state.get("ExitCode", 0)),
        restart=str(((raw.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name", "")),
        labels=labels,
        networks={
            name: (str(net.get("IPAddress", "")), str(net.get("MacAddress", "")).lower()) for name, net in nets.items()
        },
        needs=tuple(raw.get("Dependencies") or ()),
        database=_database(core.environment(raw)),
        command=core.command_line(raw),
        aliases={name: tuple(net.get("Aliases") or ()) for name, net in nets.items()},
    )


def _database(environment: Mapping[str, str]) -> str:
    """Which database, as which role: the same for two containers that work on the same rows. Never the DSN itself."""
    found = environment.get("DSN")
    if found is None:
        return ""
    given = query(found)
    where = [found.partition("?")[0], *("%s=%s" % (key, given[key]) for key in WHERE if key in given)]
    return hashlib.sha256("\n".join(where).encode()).hexdigest()[:16]


def _honest(found: Container, raw: Mapping[str, Any]) -> Container:
    """Podman 4 goes on saying "running" where the container and its monitor were killed at once (out of memory)."""
    pid = int((raw.get("State") or {}).get("Pid") or 0)
    return (
        replace(found, state="dead") if found.running and pid and not os.path.exists("/proc/%d/ns/net" % pid) else found
    )


class Containers:
    """One look at every container of this host, and the questions that the states ask about it."""

    def __init__(self, wanted: Deployment, containers: Sequence[Container]) -> None:
        self.wanted = wanted
        self.all = tuple(containers)

    @classmethod
    def look(cls, podman: Podman, wanted: Deployment) -> Containers:
        ids = podman.must("ps", "-a", "-q", "--no-trunc").split()
        return cls(wanted, [_honest(container(raw), raw) for raw in podman.inspect("container", ids)])

    def named(self, name: str) -> Container | None:
        return next((found for found in self.all if found.name == name), None)

    def of_project(self, service: str) -> Container | None:
        """The adopted project's container of a service."""
        found = [c for c in self.all if c.project == self.wanted.project and c.service == service]
        return min(found, key=lambda c: c.name.endswith(BEFORE), default=None)

    def rendered(self, colour: str, kinds: tuple[str, ...] = ("service",)) -> list[Container]:
        """Containers that we made for a colour."""
        return [c for c in self.all if c.ours(self.wanted) and c.colour == colour and c.kind in kinds]

    def singletons(self) -> list[Container]:
        """Containers of ours, of either colour, that run once for both."""
        return [c for c in self.all if c.ours(self.wanted) and c.kind == SINGLETON]

    def shared(self) -> dict[str, dict[str, str]]:
        """Service -> container and id of the shared services and the edge: what adopt records of them."""
        here = {name: self.of_project(name) for name in self.wanted.shared_and_edge}
        return {name: {"container": c.name, "id": c.id} for name, c in here.items() if c is not None}

    def relay(self) -> Container | None:
        """What answers to the compose names of the coloured services."""
        return next((c for c in self.all if c.ours(self.wanted) and c.kind == core.RELAY), None)

    def servers(self, service: str) -> list[Container]:
        """A coloured service's containers in both colours."""
        return [c for colour in COLOURS for name, c in self.of_colour(colour).items() if name == service]

    def of_operator(self) -> list[Container]:
        """Coloured containers of the operator's own project, also those that were recreated since."""
        found = [self.of_project(name) for name in self.wanted.names]
        return [c for c in found if c is not None and not c.ours(self.wanted)]

    def adopted(self) -> list[Container]:
        """Those that were adopted: the very containers. Before anything is recorded, the project's."""
        known = self._recorded()
        return [c for c in self.of_operator() if c.id in known] if known is not None else self.of_operator()

    def _recorded(self) -> set[str] | None:
        """Ids of the adopted containers; None before the first adopt."""
        stacks = [store.stack(self.wanted, colour) for colour in COLOURS]
        if not any(stacks):
            return None
        entries = [
            entry for known in stacks if known.get("adopted") for entry in (known.get("services") or {}).values()
        ]
        return {str(entry.get("id")) for entry in entries}

    def of_colour(self, colour: str) -> dict[str, Container]:
        """Service -> container of a colour; the adopted project's where that colour was adopted and is still there."""
        mine = {c.service: c for c in self.rendered(colour) if c.service in self.wanted.names}
        if not mine and store.is_adopted(self.wanted, colour):
            return {c.service: c for c in self.adopted()}
        return mine

    def unmanaged(self) -> list[Container]:
        """Coloured containers of the operator's project that are not (or no longer) the ones we adopted."""
        known = self._recorded() or set()
        project = [c for c in self.all if c.project == self.wanted.project and c.service in self.wanted.names]
        return [c for c in project if not c.ours(self.wanted) and c.id not in known]

    def dependents(self, roots: Sequence[Container]) -> list[Container]:
        """Containers that podman wants removed before ``roots``, and the roots; dependents first."""
        chosen = {c.id: c for c in roots}
        grown = True
        while grown:
            grown = False
            for c in self.all:
                if c.id not in chosen and any(need in chosen for need in c.needs):
                    chosen[c.id] = c
                    grown = True
        order: list[Container] = []

        def visit(c: Container) -> None:
            if c in order:
                return
            for other in chosen.values():
                if c.id in other.needs:
                    visit(other)
            order.append(c)

        for c in chosen.values():
            visit(c)
        return order
