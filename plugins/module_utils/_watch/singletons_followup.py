# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Couriers and other singletons follow the switch without a controller: the watcher's last act, whatever its verdict.

A playbook that still follows does the same; one of the two finds it done.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from .._compose.deployment.job import Context
from .._compose.deployment.model import Deployment, declared, services_from
from .._compose.deployment.switch_reader import live_of
from .._compose.singletons.handover import hand_over
from .._core import publish
from .._core.clock import Clock
from .._core.errors import BluegreenError
from .._core.podman import Podman
from .config import Config

# Seconds between tries: about a minute, then a stage or a person has to try again.
PAUSES = (2.0, 4.0, 8.0, 16.0, 30.0)


def follow(config: Config, podman: Podman, clock: Clock, note: Callable[[Mapping[str, Any]], object]) -> None:
    """Never raises for what the world does: it is noted, and ``status`` shows it."""
    if not config.stack:
        return
    context = Context(wanted_of(config), podman, clock, lambda: live_of(config.switch_dir))
    for pause in (*PAUSES, 0.0):
        try:
            job = hand_over(context, context.live)
        except (BluegreenError, OSError) as exc:
            note({"event": "singletons", "done": False, "why": str(exc)})
            clock.sleep(pause)
            continue
        note({"event": "singletons", "done": True, "steps": [str(step) for step in job.plan.steps], **job.notes})
        return


def wanted_of(config: Config) -> Deployment:
    stack = config.stack
    edge_service = str(stack.get("edge_service", ""))
    return Deployment(
        deployment=config.deployment,
        state_dir=os.path.abspath(config.state_dir),
        project=str(stack.get("project", "")),
        services=services_from(config.services),
        shared=tuple(config.shared),
        edge_service=edge_service,
        network_range=config.network_range,
        publish=publish.address(config.publish),
        port_base=publish.bases(config.port_base),
        podman_compose=str(stack.get("podman_compose") or "podman-compose"),
        singletons=declared(stack.get("singletons") or {}, config.services, config.shared, edge_service),
    )
