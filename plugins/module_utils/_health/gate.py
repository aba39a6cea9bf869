# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate from options to result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import Any

from .._core.argspec import COLOURS, ArgumentSpec
from .._core.clock import Clock
from .._core.errors import BluegreenError
from .._core.http import Http
from .._core.netns import network_of
from .._core.podman import Podman
from . import cache, checks, last_failures, shared_secrets
from .checks import PROBING, Check, GatePlan
from .container_settings import Settings
from .model import CheckResult
from .probe_origin import Standpoint, find_edge
from .targets import ORY, check_files, parse
from .through_edge import through

GATE = ArgumentSpec(
    {
        "colour": {"type": "str", "choices": list(COLOURS)},
        "against": {"type": "str", "default": "", "choices": ["", *COLOURS]},
        "services": {"type": "dict"},
        "network_range": {"type": "str"},
        "project": {"type": "str"},
        "edge_service": {"type": "str", "default": "caddy"},
        "checks": {
            "type": "list",
            "elements": "str",
            "choices": list(checks.CHECKS),
            "default": list(checks.DEFAULT),
        },
        "expected_versions": {"type": "dict", "default": {}},
        "cache_ttl": {"type": "float", "default": 60.0},
        "cache_probe": {"type": "dict", "default": {}},
        "warm": {"type": "int", "default": 5},
        "light": {"type": "bool", "default": False},
        "timeout": {"type": "int", "default": 120},
        "fail": {"type": "bool", "default": True},
    }
).merge(PROBING)

# A service that is starting is asked again soon. A rate limit (5 POSTs in 10 s at the edge) is waited for, and asked
# once more: each question of a login counts there again.
READY_EVERY, BUSY_EVERY, BUSY_TIMES = 0.25, 10.5, 2
READY_SECONDS, CHECK_SECONDS = 5.0, 30.0
# What is asked inside a colour needs all of them.
OF_A_COLOUR = ("colour", "services", "network_range", "project")
# Of a short look (``brief``): who had less time than this and did not pass has shown nothing.
ENOUGH_SECONDS = 3.0


@dataclass(frozen=True)
class GateInputs:
    """What the gate touches; ``enter`` takes a process id and enters its network."""

    http: Http
    podman: Podman
    clock: Clock
    enter: Callable[[int], AbstractContextManager[None]] = network_of


def observed(params: Mapping[str, Any], podman: Podman) -> dict[str, dict[str, Settings]]:
    """What the containers of both colours were given, where that is compared."""
    if (
        "secrets" not in params["checks"]
        or "secrets" in params["skip"]
        or not (params["against"] and params["services"])
    ):
        return {}
    project, services = params["project"], params["services"]
    return {
        colour: shared_secrets.observe(podman, params["deployment"], project, colour, services)
        for colour in (params["colour"], params["against"])
    }


def gate_plan(params: Mapping[str, Any]) -> GatePlan:
    """The options as the plan of the checks."""
    lacking, targets = [name for name in OF_A_COLOUR if not params[name]], parse(params["targets"])
    if lacking and (not targets or any(one.kind == ORY for one in targets)):
        raise BluegreenError("%s not given" % ", ".join(lacking), fix="give targets, or %s" % ", ".join(OF_A_COLOUR))
    if params["against"] and params["against"] == params["colour"]:
        raise BluegreenError("the same colour", option="against", value=params["against"], fix="name the other one")
    return GatePlan.of(
        params,
        params["colour"] or "",
        params["against"],
        checks=params["checks"],
        versions={name: str(version) for name, version in params["expected_versions"].items()},
        warm=params["warm"],
        watched=bool(params["light"]),
        cache=cache.parse(params["cache_probe"], params["cache_ttl"], list(params["services"] or {})),
    )


def failure(one: CheckResult, detail: str) -> dict[str, Any]:
    return {"check": one.name, "service": one.service, "detail": detail}


def failures(seen: last_failures.ColourResults, entry: Mapping[str, Any], now: float) -> list[dict[str, Any]]:
    """What the colour itself can't do, and since when. A rate limit is no verdict."""
    return [
        {**failure(one, one.detail), "since": last_failures.since(entry, one.name, one.service, now)}
        for one in seen.results
        if one.asked and not one.ok and not one.busy
    ]


def gate(params: Mapping[str, Any], check_mode: bool, inputs: GateInputs) -> dict[str, Any]:
    """The module's result without ``changed``."""
    started = inputs.clock.monotonic()
    asked = gate_plan(params)
    check_files(asked.targets)
    planned = checks.plan(asked)
    result: dict[str, Any] = {
        "passed": None,
        "checks": [],
        "planned": ["%s %s" % (check.name, check.service) for check in planned],
        "fails": [],
        "against_fails": [],
        "seconds": 0.0,
        "level": checks.level(asked),
        "untested": checks.untested(asked),
        "way": "",
    }
    if check_mode:
        return result
    edge = ""
    if asked.services and not asked.reach.by_ports:
        edge = inputs.podman.service(params["project"], params["edge_service"])
    standpoint = Standpoint(inputs.podman, edge, checks.addresses(asked), inputs.enter)
    inside = find_edge(inputs.podman, edge) if edge else None
    way = through(params["edge"], params["state_dir"], params["switch_dir"], asked.colour, inside)
    planned = checks.plan(replace(asked, way=way, settings=observed(params, inputs.podman)))
    found = run(planned, inputs.http, inputs.clock, params["timeout"], standpoint.enter, params["light"])
    seen = last_failures.by_colour(asked.colour, asked.against, found, [check.two_sided for check in planned])
    kept = last_failures.note(params["state_dir"], seen, inputs.clock.now()) if asked.colour else {}
    return {
        **result,
        "fails": failures(seen[0], kept.get(asked.colour) or {}, inputs.clock.now()),
        "against_fails": [failure(one, one.other) for one in found if one.other and one.asked],
        "passed": bool(found) and all(check.ok for check in found),
        "checks": [asdict(check) for check in found],
        "level": checks.level(asked, found),
        "untested": checks.untested(asked, found),
        "way": "preview" if way else "addresses",
        "seconds": round(inputs.clock.monotonic() - started, 2),
    }


def run(
    planned: Sequence[Check],
    http: Http,
    clock: Clock,
    timeout: float,
    inside: Callable[[], AbstractContextManager[None]],
    brief: bool = False,
) -> list[CheckResult]:
    """All results in the order of ``planned``. ``inside`` enters the network to ask from. ``brief``: what the
    time is too short for is no failure."""
    deadline = clock.monotonic() + timeout
    groups: dict[str, list[int]] = {}
    for index, check in enumerate(planned):
        groups.setdefault(check.group, []).append(index)
    results: dict[int, CheckResult] = {}

    def work(indexes: list[int]) -> None:
        unready = other = ""
        for index in indexes:
            check = planned[index]
            # What the other side fails costs time each time, and is known after the first.
            if check.two_sided and other and not unready:
                results[index] = CheckResult(check.name, check.service, True, other, 0.0, False, other, other, False)
                continue
            left = deadline - clock.monotonic()
            results[index] = _skipped(check, unready) if unready else _run_one(check, http, clock, deadline)
            if brief and not results[index].ok and results[index].asked and left < ENOUGH_SECONDS:
                results[index] = _too_short(results[index])
            other = other or results[index].other
            if check.name == "ready" and not results[index].ok and not unready:
                unready = check.service

    # Threads inherit the network namespace of the thread that starts them, so they start inside.
    with inside(), ThreadPoolExecutor(max(1, min(8, len(groups)))) as pool:
        for job in [pool.submit(work, indexes) for indexes in groups.values()]:
            job.result()
    return [results[index] for index in range(len(planned))]


def _skipped(check: Check, unready: str) -> CheckResult:
    why = "not asked: %s is not ready" % unready
    return CheckResult(check.name, check.service, False, why, 0.0, asked=False)


def _too_short(found: CheckResult) -> CheckResult:
    return replace(found, ok=True, untested="there was no time left for it", asked=False)


def _run_one(check: Check, http: Http, clock: Clock, deadline: float) -> CheckResult:
    """One verdict. Only what is no verdict yet is asked again: a service still starting, a rate limit."""
    started = clock.monotonic()
    limit, pause = (READY_SECONDS, READY_EVERY) if check.name == "ready" else (CHECK_SECONDS, BUSY_EVERY)
    asked = 0
    while True:
        asked += 1
        left = deadline - clock.monotonic()
        # How long a cache may last is the operator's decision.
        result = check.run(http, max(0.1, left if check.name == "settings" else min(limit, left)))
        again = not result.ok and (check.name == "ready" or (result.busy and asked < BUSY_TIMES))
        if not again or clock.monotonic() + pause >= deadline:
            return replace(result, name=check.name, ms=round((clock.monotonic() - started) * 1000, 1))
        clock.sleep(pause)
