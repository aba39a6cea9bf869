# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge and the shared services: whose containers they were at adopt, and what became of them.

``stacks/shared.json``: ``{"v": 1, "services": {"caddy": {"container": NAME, "id": ID}}}``.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.observe import Containers
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import store
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_json, write_json

FILE = "shared.json"


def names(wanted: Deployment) -> tuple[str, ...]:
    """The shared services in their order, then the edge where it is a container."""
    return (*wanted.shared, *((wanted.edge_service,) if wanted.edge_service else ()))


def recorded(wanted: Deployment) -> dict[str, Any]:
    """Service -> {container, id} as of the last adopt; {} before the first."""
    found = read_json(wanted.path("stacks", FILE))
    return dict(found.get("services") or {}) if isinstance(found, dict) else {}


def present(world: Containers) -> dict[str, Any]:
    """What is to be recorded now."""
    here = {name: world.of_project(name) for name in names(world.wanted)}
    return {name: {"container": c.name, "id": c.id} for name, c in here.items() if c is not None}


def record(wanted: Deployment, services: dict[str, Any]) -> None:
    store.make_dirs(wanted, "stacks")
    write_json(wanted.path("stacks", FILE), {"v": 1, "services": services})


def report(world: Containers) -> dict[str, dict[str, Any]]:
    """Service -> container, state ('absent' where there is none), recreated (another one than at adopt), edge."""
    known = recorded(world.wanted)
    found: dict[str, dict[str, Any]] = {}
    for name in names(world.wanted):
        c = world.of_project(name)
        then = known.get(name) or {}
        found[name] = {
            "container": c.name if c else str(then.get("container", "")),
            "state": c.state if c else "absent",
            "recreated": bool(c and then and c.id != then.get("id")),
            "edge": name == world.wanted.edge_service,
        }
    return found
