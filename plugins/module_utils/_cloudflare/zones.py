# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which zones hold the public names, their load balancers, and the pools of the account: asked with few calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from .._core.hostname import spelled
from .api import Api, ApiError

Object = Mapping[str, Any]
# Answers to a zone id that is none, or that the token may not see.
UNSEEN = (400, 403, 404)


@dataclass(frozen=True)
class Held:
    """``zones``: zone id -> zone, with its ``name`` where that was asked. ``zone_of``: host -> id of its zone.
    ``balancers``: host -> load balancer of that name; ``others``: those of the zones under other names. ``accounts``:
    ids of the accounts that the zones say. ``pools``: all of the account."""

    zones: Mapping[str, Object] = field(default_factory=dict)
    zone_of: Mapping[str, str] = field(default_factory=dict)
    balancers: Mapping[str, Object] = field(default_factory=dict)
    others: Sequence[Object] = ()
    accounts: Sequence[str] = ()
    pools: Sequence[Object] = ()

    def called(self, zone: str) -> str:
        return str((self.zones.get(zone) or {}).get("name") or zone)


def suffixes(host: str) -> list[str]:
    """``a.b.example.com`` -> itself, ``b.example.com``, ``example.com``: what may be its zone, the longest first."""
    labels = host.split(".")
    return [".".join(labels[at:]) for at in range(max(1, len(labels) - 1))]


class Zones:
    """``hosts``: public name in ASCII -> the id of its zone, where the operator says one, else ''."""

    def __init__(self, api: Api, hosts: Mapping[str, str]) -> None:
        self._api, self._hosts = api, hosts
        self._zones: dict[str, Object] = {}
        self._listed: dict[str, dict[str, Object]] = {}
        self._asked: set[str] = set()

    def ask(self, account: str = "") -> Held:
        """``account``: its id where the operator says one; else that of the zones. Raises ApiError."""
        for zone in dict.fromkeys(one for one in self._hosts.values() if one):
            self._told(zone)
        while name := self._next():
            self._by_name(name)
        zone_of = {host: self._holder(host) or self._around(host) for host in self._hosts}
        balancers = {host: self._listed[zone_of[host]][host] for host in self._hosts if self._holder(host)}
        used = [zone for zone in dict.fromkeys(zone_of[host] for host in balancers) if zone]
        accounts = self._accounts(used, account)
        owner = (accounts or [account])[0]
        pools = self._api.list("/accounts/%s/load_balancers/pools" % owner) if owner else []
        others = [lb for zone in used for name, lb in self._listed[zone].items() if name not in self._hosts]
        return Held(self._zones, zone_of, balancers, others, accounts, pools)

    def _told(self, zone: str) -> None:
        """An id needs no search, so no permission to search either."""
        try:
            self._listed[zone] = self._balancers(zone)
        except ApiError as exc:
            if exc.status not in UNSEEN:
                raise
            return
        self._zones[zone] = {"id": zone}

    def _balancers(self, zone: str) -> dict[str, Object]:
        listed = self._api.list("/zones/%s/load_balancers" % quote(zone, ""))
        return {spelled(str(one.get("name"))): one for one in listed}

    def _next(self) -> str:
        """The suffix to ask for next: that of the most names without a load balancer so far, then the longest."""
        left = [host for host in self._hosts if not self._holder(host)]
        counted = Counter(name for host in left for name in suffixes(host) if name not in self._asked)
        return max(counted, key=lambda name: (counted[name], len(name)), default="")

    def _by_name(self, name: str) -> None:
        self._asked.add(name)
        # Cloudflare finds a name in either spelling, and may answer with the other one.
        named = self._api.list("/zones?name=%s" % quote(name, ""))
        same = [one for one in named if spelled(str(one.get("name"))) == name]
        # The same name may wait in another account until its name servers say who has it.
        for zone in [one for one in same if one.get("status", "active") == "active"] or same[:1]:
            found = str(zone["id"])
            self._zones[found] = zone
            self._listed[found] = self._listed[found] if found in self._listed else self._balancers(found)

    def _holder(self, host: str) -> str:
        """The zone that has its load balancer: the one that was told before others."""
        having = [zone for zone, listed in self._listed.items() if host in listed]
        return self._hosts[host] if self._hosts[host] in having else (having or [""])[0]

    def _around(self, host: str) -> str:
        names = {spelled(str(zone.get("name"))): name for name, zone in self._zones.items()}
        return next((names[suffix] for suffix in suffixes(host) if suffix in names), "")

    def _accounts(self, used: Sequence[str], told: str) -> list[str]:
        for zone in used:
            if "account" not in self._zones[zone] and not told:
                self._zones[zone] = self._api.get("/zones/%s" % quote(zone, "")) or {"id": zone}
        found = [str((self._zones[zone].get("account") or {}).get("id") or "") for zone in used]
        return [one for one in dict.fromkeys(found) if one]
