# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does a colour answer? The gate's question of readiness, asked as the gate asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import checks, gate
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.addresses import Reach
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.probe_origin import Standpoint


def unready(context: Context, services: Mapping[str, Mapping[str, Any]], colour: str, timeout: float) -> list[str]:
    """Services of ``colour`` that are not ready after ``timeout`` seconds, with what they said."""
    wanted = context.wanted
    asked = checks.GatePlan(
        colour=colour,
        against="",
        reach=Reach(wanted.nets, wanted.publish, wanted.port_base),
        services=services,
        probes={},
        secrets={},
        checks=("ready",),
    )
    edge = "" if asked.reach.by_ports else context.podman.service(wanted.project, wanted.edge_service)
    standpoint = Standpoint(context.podman, edge, checks.addresses(asked))
    results = gate.run(checks.plan(asked), DirectHttp(), context.clock, timeout, standpoint.enter)
    return ["%s: %s" % (one.service, one.detail) for one in results if not one.ok]
