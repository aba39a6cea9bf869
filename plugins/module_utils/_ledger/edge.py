# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge's container: its process, and the host path of the switch on its writable volume."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman

DIRECTORY = "olympus-bluegreen"


@dataclass(frozen=True)
class Edge:
    """``pid`` is 0 while the container is not running."""

    container: str
    pid: int
    path: str

    @property
    def switch(self) -> Switch:
        return Switch(self.path)


def find_edge(podman: Podman, project: str, edge: Mapping[str, Any]) -> Edge:
    """Raises BluegreenError where the container or its mount is missing."""
    service, mount = str(edge.get("service", "caddy")), str(edge.get("mount", "/config"))
    found = podman.compose_container(project, service)
    if found is None:
        raise BluegreenError(
            "no container of service %s in project %s" % (service, project),
            option="edge",
            mend="name the edge's service and its compose project",
        )
    for item in found.get("Mounts") or []:
        if item.get("Destination") == mount:
            return Edge(found["Name"], int(found["State"].get("Pid") or 0), os.path.join(item["Source"], DIRECTORY))
    raise BluegreenError(
        "%s has no mount at %s" % (found["Name"], mount),
        option="edge",
        mend="set edge.mount to a writable named volume",
    )
