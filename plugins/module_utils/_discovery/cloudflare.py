# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Zone, account and pools of a deployment behind Cloudflare, from what its API holds of the public names.

``learned`` asks; everything else is pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .._cloudflare import pools as marks
from .._cloudflare import steering
from .._cloudflare.api import api_of
from .._cloudflare.options import SPEC
from .._cloudflare.steering import MAPS
from .._cloudflare.zones import Held, Zones, suffixes
from .._core import finding
from .._core.argspec import COLOURS
from .._core.clock import Clock
from .._core.errors import BluegreenError
from .._core.hostname import spelled
from .._core.http import Http
from .._core.names import OTHER
from .answers import no

Told = Mapping[str, Any]
Ask = Callable[[Mapping[str, str], str], Held]
# Of what was found: a name that the services say and that no load balancer has.
NOT_FLIPPED = "not_flipped."
# What says which pool is a colour's, where that is sure.
MARK, TOLD = "our mark", "bluegreen_edge.pools"
LISTS = ("default_pools", "pools", *MAPS)


def is_told(told: Told) -> bool:
    return bool((told.get("edge") or {}).get("kind") == "cloudflare")


def asking(told: Told, http: Http, clock: Clock) -> Ask:
    """The API as ``bluegreen_edge`` reaches it; nothing is sent before it is called."""
    edge = told.get("edge") or {}
    names = ("api", "api_token_file", "budget", "patience")
    options = {name: edge.get(name) or SPEC.options[name].get("default") for name in names}
    options["api_token"] = None
    return lambda hosts, account: Zones(api_of(options, http, clock), hosts).ask(account)


def learned(found: Mapping[str, Any], told: Told, deployment: str, ask: Ask, first: bool = False) -> dict[str, Any]:
    """``found`` (a ``Learned`` as data) with what Cloudflare says of its public names and of those told. ``first``:
    nothing was adopted yet, so what runs is blue."""
    found = _spelled(found)
    values, edge = found["values"], told.get("edge") or {}
    said = {spelled(str(one.get("host"))): str(one.get("zone_id") or "") for one in told.get("public") or ()}
    known = [str(one["host"]) for one in values["public"]]
    hosts = {host: said.get(host) or str(edge.get("zone_id") or "") for host in [*said, *known]}
    if not hosts:
        return _and(found, [NAMELESS])
    try:
        held = ask(hosts, str(edge.get("account_id") or ""))
    except BluegreenError as exc:
        said_ = "Cloudflare could not be asked for the public names: "
        return _and(found, [finding.Problem(said_ + str(exc), said=said_ + exc.said, fix=exc.fix)])
    names = [host for host in hosts if host in held.balancers]
    wrong = [*_unheld(found, hosts, said, held), *_elsewhere(hosts, said, held)]
    if len(held.accounts) > 1:
        said_ = "the zones of the public names belong to several accounts: %s" % ", ".join(held.accounts)
        wrong.append(finding.wrong(said_, "keep one deployment's names in zones of one account"))
    choice = Choice(held, names, edge.get("pools") or {}, deployment).choose()
    chosen = choice.values()
    wrong += [*(choice.questions if names else ()), *_beside(held, chosen)]
    wrong += _green_serves(held, choice) if first and len(chosen) == 2 else []
    placed, why = _place(held, names, str(edge.get("zone_id") or ""))
    why.update({"edge.pools." + colour: reason for colour, reason in choice.why.items()})
    why.update({NOT_FLIPPED + host: "no load balancer has this name" for host in known if host not in held.balancers})
    public = [one for one in values["public"] if one["host"] in held.balancers]
    merged = {**values, "edge": {**values["edge"], **placed, "pools": chosen}, "public": public}
    return _and({**found, "values": merged, "found": {**found["found"], **why}}, wrong)


NAMELESS = finding.wrong(
    "nothing says a public name: no Hydra has URLS_SELF_ISSUER or URLS_LOGIN, no service a *_PUBLIC_URL",
    "name them in bluegreen_public, as in [{host: www.example.com, path: /}]",
)


def _spelled(found: Mapping[str, Any]) -> dict[str, Any]:
    """With each public name once, as DNS has it: services write it as they like."""
    public = {spelled(str(one["host"])): one for one in reversed(found["values"]["public"])}
    names = [{**public[host], "host": host} for host in reversed(public)]
    at = "public."
    why = {at + spelled(key[len(at) :]) if key.startswith(at) else key: one for key, one in found["found"].items()}
    return {**found, "values": {**found["values"], "public": names}, "found": why}


def _and(found: Mapping[str, Any], wrong: Sequence[str]) -> dict[str, Any]:
    return {**found, "problems": [*found["problems"], *wrong]}


def _place(held: Held, names: Sequence[str], told: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The zone of most use, the zones by name where there are several, and the account."""
    zones = list(dict.fromkeys(held.zone_of[host] for host in names))
    if not zones:
        return {}, {}
    main = told if told in zones else zones[0]
    placed: dict[str, Any] = {"zone_id": main}
    why = {"edge.zone_id": "zone %s holds %s" % (held.called(main), names[0])}
    if len(zones) > 1:
        placed["zones"] = {host: held.zone_of[host] for host in names}
    if held.accounts:
        placed["account_id"], why["edge.account_id"] = held.accounts[0], "zone %s" % held.called(main)
    return placed, why


def _unheld(found: Mapping[str, Any], hosts: Mapping[str, str], said: Mapping[str, str], held: Held) -> Iterator[str]:
    """Names without a load balancer. One that was learned is left out where the operator lists names himself."""
    for host in hosts:
        if host in held.balancers or (said and host not in said):
            continue
        by = "" if host in said else " (%s)" % found["found"].get("public.%s" % host)
        other = "take the name out" if host in said else "list the names that have one in bluegreen_public"
        if held.zone_of.get(host):
            why = "zone %s has no load balancer of this name" % held.called(held.zone_of[host])
            fix = "make it in Cloudflare with the live colour's pool, or %s" % other
        else:
            asked = [*(["zone %s" % hosts[host]] if hosts[host] else []), *suffixes(host)]
            why = "no zone that the API token may see holds this name (asked: %s)" % ", ".join(asked)
            fix = "let the token see the zone, or %s" % other
        yield no("bluegreen_public", host, why + by, fix)


def _elsewhere(hosts: Mapping[str, str], said: Mapping[str, str], held: Held) -> Iterator[str]:
    """Names that the operator puts into another zone than the one that has their load balancer."""
    used = set(held.zone_of[host] for host in held.balancers)
    for host in held.balancers:
        zone, there = hosts[host], held.zone_of[host]
        # A zone that holds none of the names is held against the learned one with the rest of the settings.
        if zone and zone != there and (said.get(host) or (host in said and zone in used)):
            setting = "bluegreen_public[%s].zone_id" % host if said.get(host) else "bluegreen_edge.zone_id"
            where = "%s is in zone %s, which is %s" % (host, held.called(there), there)
            yield no(setting, zone, where, "say %s, or nothing: it is learned" % there)


def used_by(balancer: Mapping[str, Any]) -> list[str]:
    """Ids of all pools that a load balancer may send to, those of its rules too; the default ones first."""
    rules = [rule.get("overrides") or {} for rule in balancer.get("rules") or [] if not rule.get("disabled")]
    found: list[str] = []
    for one in (balancer, *rules):
        for name in LISTS:
            value = one.get(name) or []
            found += [pool for ids in value.values() for pool in ids] if isinstance(value, Mapping) else value
        found += [one["fallback_pool"]] if one.get("fallback_pool") else []
    return list(dict.fromkeys(map(str, found)))


def colour_of(pool: Mapping[str, Any], deployment: str) -> tuple[str, str]:
    """(colour, what says so) by our mark, its name, its endpoints; ('', '') where none of them says one."""
    for colour in COLOURS:
        if marks.ours(pool, deployment, colour):
            return colour, MARK
    ends = [str(one.get(key) or "") for one in pool.get("origins") or [] for key in ("name", "address")]
    for text, why in ((str(pool.get("name")), "its name"), (" ".join(ends), "its endpoints")):
        said = [colour for colour in COLOURS if colour in text.lower()]
        if len(said) == 1:
            return said[0], why
    return "", ""


class Choice:
    """Which pool is which colour: as told, else by its mark, name or endpoints, else by the other colour's pool.

    ``told``: ``bluegreen_edge.pools``. ``found``: colour -> name, ``why``: colour -> what says so, ``questions``: to
    the operator."""

    def __init__(
        self, held: Held, names: Sequence[str], told: Mapping[str, Mapping[str, Any]], deployment: str
    ) -> None:
        self.pools, self.told, self.deployment = held.pools, told, deployment
        by_id = {str(pool["id"]): pool for pool in held.pools}
        ids = dict.fromkeys(one for name in names for one in used_by(held.balancers[name]))
        self.used = [by_id[one] for one in ids if one in by_id]
        self.given = {colour: str((told.get(colour) or {}).get("name") or "") for colour in COLOURS}
        self.found = {colour: name for colour, name in self.given.items() if name}
        self.why = dict.fromkeys(self.found, TOLD)
        self.questions: list[str] = list(self._absent())

    def choose(self) -> Choice:
        free = [pool for pool in self.used if pool["name"] not in self.given.values()]
        for colour in [one for one in COLOURS if one not in self.found]:
            said = [(pool, colour_of(pool, self.deployment)) for pool in free]
            mine = [(str(pool["name"]), why) for pool, (its, why) in said if its == colour]
            if len(mine) == 1:
                self.found[colour], self.why[colour] = mine[0]
            elif mine:
                several = "several of the load balancers' pools may be it: %s" % ", ".join(name for name, _why in mine)
                self.questions.append(_question(colour, several, mine[0][0]))
        for colour in [one for one in COLOURS if one not in self.found and not self.questions]:
            self._by_the_other(colour, OTHER[colour])
        for colour in [one for one in COLOURS if one not in self.found and not self.questions]:
            there = [str(pool["name"]) for pool in self.used]
            example = next((name for name in there if name not in self.found.values()), "olympus-" + colour)
            said_ = "the load balancers send to: %s" % (", ".join(there) or "no pool")
            self.questions.append(_question(colour, said_, example))
        return self

    def _by_the_other(self, colour: str, other: str) -> None:
        """By the pool of the other colour, where that is known."""
        beside = self.found.get(other, "")
        twin = beside.replace(other, colour)
        if not beside:
            return
        if (self.told.get(colour) or {}).get("origins"):
            self._take(colour, twin if twin != beside else "%s-%s" % (beside, colour), "named like %s" % beside)
        elif twin != beside and marks.named(self.pools, twin):
            self._take(colour, twin, "named like %s" % beside)
        elif self.given[other] and [one["name"] for one in self.used] not in ([], [beside]) and len(self.used) == 1:
            self._take(colour, str(self.used[0]["name"]), "the load balancers send to no other")

    def _take(self, colour: str, name: str, why: str) -> None:
        self.found[colour], self.why[colour] = name, why

    def _absent(self) -> Iterator[str]:
        there = [str(pool["name"]) for pool in self.pools]
        for colour, name in self.given.items():
            if name and name not in there and not self.told[colour].get("origins"):
                why = "the account has no such pool; there are %s" % (", ".join(there) or "none")
                yield no("bluegreen_edge.pools.%s.name" % colour, name, why, "correct the name, or give its origins")

    def values(self) -> dict[str, dict[str, Any]]:
        """Of a pool that is to be ours also the monitor: its own, else the other colour's."""
        made: dict[str, dict[str, Any]] = {colour: {"name": name} for colour, name in self.found.items()}
        for colour in [one for one in made if (self.told.get(one) or {}).get("origins")]:
            there = [marks.named(self.pools, self.found.get(one, "")) or {} for one in (colour, OTHER[colour])]
            monitors = [pool["monitor"] for pool in there if pool.get("monitor")]
            made[colour].update({"monitor": monitors[0]} if monitors else {})
        return made


def _question(colour: str, what: str, example: str) -> str:
    why = "nothing says which pool is %s; %s" % (colour, what)
    fix = "say it, as in bluegreen_edge: {pools: {%s: {name: %s}}}. A pool that is to be made has origins too:" % (
        colour, example,
    )  # fmt: skip
    fix += " [{name: front, address: 203.0.113.10, port: 9443}]"
    return no("bluegreen_edge.pools.%s.name" % colour, "", why, fix)


def _green_serves(held: Held, choice: Choice) -> list[str]:
    """Before the first adopt: a pool that only its name calls green serves what will be blue."""
    ids = {colour: str((marks.named(held.pools, name) or {}).get("id")) for colour, name in choice.found.items()}
    serve = {steering.live(lb, ids) for lb in held.balancers.values()}
    if serve != {"green"} or choice.why["green"] in (MARK, TOLD):
        return []
    why = "the load balancers send to it, and what runs before the first adopt is blue"
    fix = "say which is which: bluegreen_edge: {pools: {blue: {name: ...}, green: {name: ...}}}"
    return [no("bluegreen_edge.pools.green.name", choice.found["green"], why, fix)]


def _beside(held: Held, chosen: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Load balancers of other names that send to a colour: cleanup would leave them without one."""
    names = [one["name"] for one in chosen.values()]
    ours = {str(pool["id"]) for pool in held.pools if pool["name"] in names}
    for lb in held.others:
        if lb.get("enabled") is not False and ours & set(used_by(lb)):
            yield finding.wrong(
                "the load balancer of %s sends to a colour's pool and is none of the public names" % lb.get("name"),
                "name it in bluegreen_public with a path that a coloured service answers, or let it send to another"
                " pool",
            )


def lines(edge: Mapping[str, Any], why: Mapping[str, str]) -> list[str]:
    """The edge for people, and the names that are left out."""
    made = ["edge cloudflare: zone %s, account %s (%s)" % (
        edge.get("zone_id"), edge.get("account_id"), why.get("edge.zone_id"),
    )]  # fmt: skip
    for colour, one in (edge.get("pools") or {}).items():
        made.append("pool of %s: %s (%s)" % (colour, one["name"], why.get("edge.pools." + colour)))
    left = [key[len(NOT_FLIPPED) :] for key in why if key.startswith(NOT_FLIPPED)]
    return [*made, *("%s is not flipped: %s" % (host, why[NOT_FLIPPED + host]) for host in left)]
