# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the planned checks from inside the edge's network, domains side by side, all within one deadline."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.checks import Check
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import CheckResult

# A service that is starting is asked again soon; a rate limit (5 in 10 s at the edge) wants patience.
READY_EVERY, BUSY_EVERY = 0.25, 2.5
READY_SECONDS, CHECK_SECONDS = 5.0, 30.0


@dataclass(frozen=True)
class Edge:
    """The edge container: its process and the networks that it has joined."""

    name: str
    pid: int
    networks: tuple[ipaddress.IPv4Network, ...]


def find_edge(podman: Podman, container: str) -> Edge:
    """Ask Podman for the edge; it has to run."""
    found = podman.one("container", container)
    if found is None:
        raise BluegreenError("no such container", option="edge", value=container)
    pid = int(found.get("State", {}).get("Pid") or 0)
    if not pid:
        raise BluegreenError("it does not run", option="edge", value=container, mend="start the edge")
    return Edge(container, pid, joined(found))


def joined(container: Mapping[str, Any]) -> tuple[ipaddress.IPv4Network, ...]:
    """The IPv4 networks of a container, from ``podman inspect``."""
    members = (container.get("NetworkSettings") or {}).get("Networks") or {}
    return tuple(
        ipaddress.IPv4Network("%s/%d" % (member["IPAddress"], member["IPPrefixLen"]), strict=False)
        for member in members.values()
        if member.get("IPAddress")
    )


def refuse_strangers(edge: Edge, addresses: Mapping[str, str]) -> None:
    """No question may leave by the edge's default route to whoever answers there."""
    away = {
        ip: who
        for ip, who in addresses.items()
        if not any(ipaddress.IPv4Address(ip) in network for network in edge.networks)
    }
    if away:
        raise Refused(
            "the edge %s is on no network of %s" % (edge.name, ", ".join("%s (%s)" % pair for pair in away.items())),
            mend="join it to the colour's edge network: -t adopt",
        )


def run(
    checks: Sequence[Check],
    http: Http,
    clock: Clock,
    timeout: float,
    inside: Callable[[], AbstractContextManager[None]],
) -> list[CheckResult]:
    """All results in the order of ``checks``. ``inside`` enters the network that the threads shall speak from."""
    deadline = clock.monotonic() + timeout
    groups: dict[str, list[int]] = {}
    for index, check in enumerate(checks):
        groups.setdefault(check.group, []).append(index)
    results: dict[int, CheckResult] = {}

    def work(indexes: list[int]) -> None:
        unready = ""
        for index in indexes:
            check = checks[index]
            results[index] = _skipped(check, unready) if unready else _run_one(check, http, clock, deadline)
            if check.name == "ready" and not results[index].ok and not unready:
                unready = check.service

    # Threads inherit the network namespace of the thread that starts them, so they start inside.
    with inside(), ThreadPoolExecutor(max(1, min(8, len(groups)))) as pool:
        for job in [pool.submit(work, indexes) for indexes in groups.values()]:
            job.result()
    return [results[index] for index in range(len(checks))]


def _skipped(check: Check, unready: str) -> CheckResult:
    return CheckResult(check.name, check.service, False, "not asked: %s is not ready" % unready, 0.0)


def _run_one(check: Check, http: Http, clock: Clock, deadline: float) -> CheckResult:
    """One verdict. Only what is no verdict yet is asked again: a service still starting, a rate limit."""
    started = clock.monotonic()
    limit, pause = (READY_SECONDS, READY_EVERY) if check.name == "ready" else (CHECK_SECONDS, BUSY_EVERY)
    while True:
        left = deadline - clock.monotonic()
        # How long a cache may last is the operator's word, not ours.
        result = check.run(http, max(0.1, left if check.name == "settings" else min(limit, left)))
        again = result.busy or (check.name == "ready" and not result.ok)
        if not again or clock.monotonic() + pause >= deadline:
            return replace(result, name=check.name, ms=round((clock.monotonic() - started) * 1000, 1))
        clock.sleep(pause)
