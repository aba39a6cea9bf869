# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate from options to result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS, ArgumentSpec
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import networks
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.netns import network_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import (
    cache,
    checks,
    last_failures,
    proof_level,
    shared_secrets,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import gate as running
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.addresses import Reach
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.container_settings import Settings
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import CheckResult, Secrets
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.probe_origin import Standpoint, find_edge
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.through_edge import through

GATE = ArgumentSpec(
    {
        "colour": {"type": "str", "required": True, "choices": list(COLOURS)},
        "against": {"type": "str", "default": "", "choices": ["", *COLOURS]},
        "services": {"type": "dict", "required": True},
        "shared": {"type": "list", "elements": "str", "default": []},
        "network_range": {"type": "str", "required": True},
        "publish": {"type": "str", "default": "network"},
        "port_base": {"type": "dict", "default": {}},
        "project": {"type": "str", "required": True},
        "edge_service": {"type": "str", "default": "caddy"},
        "probes": {"type": "dict", "default": {}},
        "probe_secrets": {"type": "dict", "default": {}, "no_log": True},
        "checks": {
            "type": "list",
            "elements": "str",
            "choices": list(checks.CHECKS),
            "default": list(checks.DEFAULT),
        },
        "skip": {"type": "list", "elements": "str", "default": []},
        "edge": {"type": "dict", "default": {}},
        "switch_dir": {"type": "path", "default": ""},
        "expected_versions": {"type": "dict", "default": {}},
        "cache_ttl": {"type": "float", "default": 60.0},
        "cache_probe": {"type": "dict", "default": {}},
        "warm": {"type": "int", "default": 5},
        "light": {"type": "bool", "default": False},
        "timeout": {"type": "int", "default": 120},
        "fail": {"type": "bool", "default": True},
    }
)


@dataclass(frozen=True)
class World:
    """What the gate touches; ``enter`` takes a process id and enters its network."""

    http: Http
    podman: Podman
    clock: Clock
    enter: Callable[[int], AbstractContextManager[None]] = network_of


def observed(params: Mapping[str, Any], podman: Podman) -> dict[str, dict[str, Settings]]:
    """What the containers of both colours were given, where that is compared."""
    if "secrets" not in params["checks"] or "secrets" in params["skip"] or not params["against"]:
        return {}
    project, services = params["project"], params["services"]
    return {
        colour: shared_secrets.observe(podman, params["deployment"], project, colour, services)
        for colour in (params["colour"], params["against"])
    }


def reach(params: Mapping[str, Any]) -> Reach:
    nets = networks(
        params["deployment"], params["state_dir"], params["network_range"], params["services"], params["shared"]
    )
    return Reach(nets, params["publish"], params["port_base"])


def wanted(params: Mapping[str, Any]) -> checks.Wanted:
    """The options as the plan wants them."""
    if params["against"] == params["colour"]:
        raise BluegreenError("the same colour", option="against", value=params["against"], fix="name the other one")
    return checks.Wanted(
        colour=params["colour"],
        against=params["against"],
        reach=reach(params),
        services=params["services"],
        probes=params["probes"],
        secrets={
            name: Secrets(str(given.get("password", "")), str(given.get("client_secret", "")))
            for name, given in params["probe_secrets"].items()
        },
        checks=params["checks"],
        skip=params["skip"],
        versions={name: str(version) for name, version in params["expected_versions"].items()},
        warm=params["warm"],
        watched=bool(params["light"]),
        cache=cache.parse(params["cache_probe"], params["cache_ttl"], list(params["services"])),
    )


def failure(one: CheckResult, detail: str) -> dict[str, Any]:
    return {"check": one.name, "service": one.service, "detail": detail}


def failures(told: last_failures.Told, entry: Mapping[str, Any], now: float) -> list[dict[str, Any]]:
    """What the colour itself can't do, and since when. A rate limit is no verdict."""
    return [
        {**failure(one, one.detail), "since": last_failures.since(entry, one.name, one.service, now)}
        for one in told.results
        if one.asked and not one.ok and not one.busy
    ]


def gate(params: Mapping[str, Any], check_mode: bool, world: World) -> dict[str, Any]:
    """The module's result without ``changed``."""
    started = world.clock.monotonic()
    asked = wanted(params)
    planned = checks.plan(asked)
    result: dict[str, Any] = {
        "passed": None,
        "checks": [],
        "planned": ["%s %s" % (check.name, check.service) for check in planned],
        "fails": [],
        "against_fails": [],
        "seconds": 0.0,
        "level": proof_level.level(asked),
        "untested": proof_level.untested(asked),
        "way": "",
    }
    if check_mode:
        return result
    edge = "" if asked.reach.by_ports else world.podman.service(params["project"], params["edge_service"])
    standpoint = Standpoint(world.podman, edge, checks.addresses(asked), world.enter)
    inside = find_edge(world.podman, edge) if edge else None
    way = through(params["edge"], params["state_dir"], params["switch_dir"], params["colour"], inside)
    planned = checks.plan(replace(asked, way=way, settings=observed(params, world.podman)))
    found = running.run(planned, world.http, world.clock, params["timeout"], standpoint.enter, params["light"])
    told = last_failures.told_of(asked.colour, asked.against, found, [check.two_sided for check in planned])
    kept = last_failures.note(params["state_dir"], told, world.clock.now())
    return {
        **result,
        "fails": failures(told[0], kept.get(asked.colour) or {}, world.clock.now()),
        "against_fails": [failure(one, one.other) for one in found if one.other and one.asked],
        "passed": bool(found) and all(check.ok for check in found),
        "checks": [asdict(check) for check in found],
        "level": proof_level.level(asked, found),
        "untested": proof_level.untested(asked, found),
        "way": "preview" if way else "addresses",
        "seconds": round(world.clock.monotonic() - started, 2),
    }
