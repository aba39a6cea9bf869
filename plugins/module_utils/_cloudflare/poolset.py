# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two pools of a deployment: found, made, changed and asked for their health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._core.clock import Clock, wait_until
from .._core.errors import BluegreenError, Refused
from . import pools
from .api import Api, ApiError, Guard

# Seconds between two questions for health that is not known yet: each is a call of the budget.
EVERY = 5.0


@dataclass(frozen=True)
class Found:
    """The pool of each colour that is there, and which of them are ours to write."""

    pools: Mapping[str, pools.Pool]
    ours: Mapping[str, bool]

    @property
    def ids(self) -> dict[str, str]:
        return {colour: str(pool["id"]) for colour, pool in self.pools.items()}


class PoolSet:
    """``wanted`` is {colour: its option}: ``name`` and, where the pool is to be ours, ``origins`` and the rest."""

    def __init__(
        self, api: Api, clock: Clock, account: str, deployment: str, wanted: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._api = api
        self._clock = clock
        self._path = "/accounts/%s/load_balancers" % account
        self._deployment = deployment
        self._wanted = wanted

    def look(self) -> Found:
        listed = self._api.list(self._path + "/pools")
        found = {colour: pools.named(listed, one["name"]) for colour, one in self._wanted.items()}
        there = {colour: pool for colour, pool in found.items() if pool is not None}
        return Found(there, {colour: pools.ours(pool, self._deployment, colour) for colour, pool in there.items()})

    def complete(self) -> Found:
        """Both pools, or Refused."""
        found = self.look()
        for colour, one in self._wanted.items():
            if colour not in found.pools:
                raise self._missing(colour, one)
        return found

    @staticmethod
    def _missing(colour: str, one: Mapping[str, Any]) -> Refused:
        fix = "run the adopt stage" if one.get("origins") else "give its origins, or the name of one that is there"
        return Refused("no such pool", option="pools.%s.name" % colour, value=one["name"], fix=fix)

    def plan(self, found: Found) -> dict[str, tuple[str, dict[str, Any]]]:
        """{colour: (POST|PATCH, body)} of what is to be made or changed. Refused where it is not ours to change."""
        steps: dict[str, tuple[str, dict[str, Any]]] = {}
        for colour, one in self._wanted.items():
            pool = found.pools.get(colour)
            if not one.get("origins"):
                if pool is None:
                    raise self._missing(colour, one)
            elif pool is None:
                steps[colour] = ("POST", pools.created(one, self._deployment, colour))
            elif not found.ours[colour]:
                raise Refused(
                    "there is a pool of this name that is not ours",
                    option="pools.%s.name" % colour,
                    value=one["name"],
                    fix="leave its origins out to use it as it is, or choose another name",
                )
            elif body := pools.updated(pool, one):
                steps[colour] = ("PATCH", body)
        return steps

    def make(self, colour: str, body: Mapping[str, Any], guard: Guard) -> None:
        """POST, once: after a lost answer the list says whether it worked."""

        def landed() -> bool:
            return bool(self.look().ours.get(colour))

        self._api.settle("POST", self._path + "/pools", body, landed, guard, taken=True)

    def change(self, pool: pools.Pool, body: Mapping[str, Any], guard: Guard) -> None:
        """PATCH of a pool of ours, which gives the same pool however often: repeated where the answer was lost.

        Only ``fence`` calls it, which asks ``guard`` after it too.
        """
        path = "%s/pools/%s" % (self._path, pool["id"])

        def landed() -> bool:
            now = self._api.get(path) or {}
            return now != pool and not _differs(now, body)

        self._api.settle("PATCH", path, body, landed, guard)

    def monitored(self, pool: pools.Pool) -> str:
        """Why no monitor watches the health of this pool; '' where a monitor of the account does."""
        if pool.get("monitor_group"):
            return ""
        if not pool.get("monitor"):
            return "pool %s has no monitor: Cloudflare would send to it whatever it answers" % pool.get("name")
        try:
            self._api.get("%s/monitors/%s" % (self._path, pool["monitor"]))
        except ApiError as exc:
            if exc.status != 404:
                raise
            return "the monitor of pool %s does not exist" % pool.get("name")
        return ""

    def health(self, pool: pools.Pool) -> tuple[bool | None, str]:
        return pools.health(self._api.get("%s/pools/%s/health" % (self._path, pool["id"])))

    def require_healthy(self, pool: pools.Pool, timeout: float) -> None:
        """Wait up to ``timeout`` seconds until the health is known and good. Refused where it is not."""
        good, text = wait_until(self._clock, lambda: self.health(pool), lambda said: bool(said[0]), timeout, EVERY)
        if not good:
            raise Refused(
                "pool %s is not healthy: %s" % (pool.get("name"), text),
                fix="look at its monitor and origins in Cloudflare, and at what the gate says of the colour",
            )


def require_shape(pool: pools.Pool) -> None:
    why = pools.shape(pool)
    if why:
        raise BluegreenError("pool %s serves no request: %s" % (pool.get("name"), why), fix="enable it in Cloudflare")


def _differs(now: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether a property of ``body`` is not there as written; what the API adds to an origin does not count."""
    for name, value in body.items():
        there = now.get(name)
        if name == "origins":
            kept = [{key: one.get(key) for key in want} for one, want in zip(there or [], value)]
            if len(there or []) != len(value) or kept != value:
                return True
        elif there != value:
            return True
    return False
