# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every hostname's load balancer as one thing: looked at, written, read back until the plan is empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.clock import Clock
from .._core.errors import BluegreenError, Fenced, Refused
from .._core.hostname import spelled
from . import steering
from .api import Api, Guard

# After so many rounds in which another program changed what was written, the run gives up.
ROUNDS = 4
SETTLE = 15.0
Seen = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Goal:
    """``weight`` percent to ``colour``, the rest to the other one."""

    colour: str
    weight: int = 100


class Balancers:
    """``zones`` is {hostname in ASCII: zone id}. ``written`` lists the hostnames that a PATCH was sent for, in order.

    There is no ETag: what is written is planned from a list read right before, holds only the fields that must change,
    and is compared with what is read after. What another program wrote meanwhile is the ground of the next round.
    """

    def __init__(self, api: Api, clock: Clock, zones: Mapping[str, str], failover: bool) -> None:
        self._api = api
        self._clock = clock
        self._zones = zones
        self._failover = failover
        self.written: list[str] = []

    @property
    def zones(self) -> int:
        return len(set(self._zones.values()))

    def look(self) -> dict[str, dict[str, Any]]:
        """{hostname: load balancer}, one request a zone. Refused where one is missing."""
        found: dict[str, dict[str, Any]] = {}
        for zone in dict.fromkeys(self._zones.values()):
            listed = {spelled(str(one.get("name"))): one for one in self._api.list("/zones/%s/load_balancers" % zone)}
            found.update({host: listed[host] for host, its in self._zones.items() if its == zone and host in listed})
        missing = [host for host in self._zones if host not in found]
        if missing:
            raise Refused(
                "no load balancer for %s in its zone" % ", ".join(missing),
                option="public",
                value=missing,
                fix="make it in Cloudflare with the live colour's pool, or take the name out",
            )
        return {host: found[host] for host in self._zones}

    def plan(self, seen: Seen, pools: steering.Pools, goals: Mapping[str, Goal]) -> dict[str, dict[str, Any]]:
        """{hostname: body of its PATCH}, only those that have one."""
        bodies = {
            host: steering.changes(seen[host], pools, goal.colour, goal.weight, self._failover)
            for host, goal in goals.items()
        }
        return {host: body for host, body in bodies.items() if body}

    def converge(
        self, seen: Seen, pools: steering.Pools, goals: Mapping[str, Goal], guard: Guard, best: bool = False
    ) -> Seen:
        """Write until the plan is empty. ``guard`` raises where we must not; it is called around every write.

        ``best``: one that cannot be written does not keep the others from it; the first error is raised at the end.
        """
        rounds = 0
        while True:
            # Also after the last write: it may have crossed a rollback.
            guard()
            todo = self.plan(seen, pools, goals)
            if not todo:
                return self._reached(seen, pools, goals)
            if rounds == ROUNDS:
                raise BluegreenError(
                    "another program keeps changing the load balancer of %s" % ", ".join(todo),
                    fix="stop the other program that writes there, then run the stage again",
                )
            self._write(seen, todo, guard, best)
            seen = self._read_back(seen, pools, goals, todo)
            rounds += 1

    def _write(self, seen: Seen, todo: Mapping[str, Mapping[str, Any]], guard: Guard, best: bool) -> None:
        failed: BluegreenError | None = None
        for host, body in todo.items():
            guard()
            try:
                self._patch(host, seen[host], body, guard)
            except Fenced:
                raise
            except BluegreenError as exc:
                if not best:
                    raise
                failed = failed or exc
        if failed:
            raise failed

    @staticmethod
    def _reached(seen: Seen, pools: steering.Pools, goals: Mapping[str, Goal]) -> Seen:
        """Nothing more to write is not yet there: another program may have given it a form that has no colour."""
        for host, goal in goals.items():
            if goal.weight == 100 and steering.live(seen[host], pools) != goal.colour:
                why = steering.unfit(seen[host], pools) or "no field of it says so"
                raise BluegreenError(
                    "the load balancer of %s does not serve %s: %s" % (host, goal.colour, why),
                    fix="change it in Cloudflare, then run the stage again",
                )
        return seen

    def _patch(self, host: str, before: Mapping[str, Any], body: Mapping[str, Any], guard: Guard) -> None:
        path = "/zones/%s/load_balancers/%s" % (self._zones[host], before["id"])
        self.written.append(host)
        # Not as it was: the write worked, or another program wrote. The next round sees which.
        self._api.settle("PATCH", path, body, lambda: not _same(self._api.get(path) or {}, before), guard)

    def _read_back(
        self, before: Seen, pools: steering.Pools, goals: Mapping[str, Goal], todo: Mapping[str, object]
    ) -> Seen:
        """What is there now. One that still looks exactly as before the write is an old answer: asked again."""
        deadline = self._clock.monotonic() + SETTLE
        pause = 0.2
        while True:
            seen = self.look()
            stale = [host for host in self.plan(seen, pools, goals) if host in todo and _same(seen[host], before[host])]
            if not stale or self._clock.monotonic() >= deadline:
                return seen
            self._clock.sleep(pause)
            pause = min(2 * pause, 3.0)


def shares(seen: Seen, pools: steering.Pools, colour: str) -> dict[str, int]:
    return {host: steering.share(lb, pools, colour) for host, lb in seen.items()}


def unfit(seen: Seen, pools: steering.Pools, weight: int = 100) -> Sequence[tuple[str, str]]:
    """(hostname, why) of every load balancer that cannot be flipped as wanted."""
    told = ((host, steering.unfit(lb, pools, weight)) for host, lb in seen.items())
    return [(host, why) for host, why in told if why]


def _same(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    return dict(now) == dict(before)
