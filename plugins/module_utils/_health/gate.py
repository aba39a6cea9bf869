# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the planned checks, domains side by side, all within one deadline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.checks import Check
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import CheckResult

# A service that is starting is asked again soon. A rate limit (5 POSTs in 10 s at the edge) is waited for, and asked
# once more: each question of a login counts there again.
READY_EVERY, BUSY_EVERY, BUSY_TIMES = 0.25, 10.5, 2
READY_SECONDS, CHECK_SECONDS = 5.0, 30.0
# Of a short look (``brief``): who had less time than this and did not pass has shown nothing.
ENOUGH_SECONDS = 3.0


def run(
    checks: Sequence[Check],
    http: Http,
    clock: Clock,
    timeout: float,
    inside: Callable[[], AbstractContextManager[None]],
    brief: bool = False,
) -> list[CheckResult]:
    """All results in the order of ``checks``. ``inside`` enters the network to ask from. ``brief``: what the
    time is too short for is no failure."""
    deadline = clock.monotonic() + timeout
    groups: dict[str, list[int]] = {}
    for index, check in enumerate(checks):
        groups.setdefault(check.group, []).append(index)
    results: dict[int, CheckResult] = {}

    def work(indexes: list[int]) -> None:
        unready = other = ""
        for index in indexes:
            check = checks[index]
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
    return [results[index] for index in range(len(checks))]


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
        # How long a cache may last is the operator's word, not ours.
        result = check.run(http, max(0.1, left if check.name == "settings" else min(limit, left)))
        again = not result.ok and (check.name == "ready" or (result.busy and asked < BUSY_TIMES))
        if not again or clock.monotonic() + pause >= deadline:
            return replace(result, name=check.name, ms=round((clock.monotonic() - started) * 1000, 1))
        clock.sleep(pause)
