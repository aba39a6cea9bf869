# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who serves by a load balancer's own fields, who stays pinned, and what makes the other colour serve. Pure.

A load balancer is the API's object, ``pools`` is {colour: pool id}. Which fields decide depends on the steering in
force: the order of the lists (``off``, ``geo``), the weights (``random``, ``least_*``), or membership alone
(``dynamic_latency``, ``proximity``: any pool that is listed may be the nearest).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._core.names import OTHER

Balancer = Mapping[str, Any]
Pools = Mapping[str, str]

MAPS = ("region_pools", "country_pools", "pop_pools")
WEIGHTED = ("random", "least_outstanding_requests", "least_connections")
NEAREST = ("dynamic_latency", "proximity")
# Overrides of a rule that choose no pool. Every other one may: also one that Cloudflare adds later.
HARMLESS = (
    "session_affinity", "session_affinity_ttl", "session_affinity_attributes", "ttl", "adaptive_routing",
    "location_strategy",
)  # fmt: skip
# Cloudflare's own defaults, in seconds.
COOKIE_TTL, HEADER_TTL, DNS_TTL = 82800, 1800, 30
TTL, ATTRIBUTES = "session_affinity_ttl", "session_affinity_attributes"


def policy_of(lb: Balancer) -> str:
    """The policy in force: '' means geo where there are maps of pools and off where there are none."""
    said = lb.get("steering_policy") or ""
    return said or ("geo" if any(lb.get(name) for name in MAPS) else "off")


def live(lb: Balancer, pools: Pools) -> str:
    """The colour that everybody new gets, '' where that is no single one of the two."""
    return next((colour for colour in pools if share(lb, pools, colour) == 100), "")


def share(lb: Balancer, pools: Pools, colour: str) -> int:
    """Percent of the new visitors that get ``colour``; 0 also where it cannot be told."""
    policy, listed = policy_of(lb), list(lb.get("default_pools") or [])
    if policy in WEIGHTED:
        weights = {pool: _weight(lb, pool) for pool in listed}
        total = sum(weights.values())
        return round(100 * weights.get(pools[colour], 0) / total) if total else 0
    if policy in NEAREST:
        return 100 if listed == [pools[colour]] else 0
    firsts = {chosen[0] for _where, chosen in _lists(lb, pools)}
    return 100 if firsts == {pools[colour]} else 0


def unfit(lb: Balancer, pools: Pools, weight: int = 100) -> str:
    """Why this load balancer cannot be flipped to one colour and back; '' where it can."""
    policy, listed = policy_of(lb), list(lb.get("default_pools") or [])
    foreign = [pool for pool in listed if pool not in pools.values()]
    if lb.get("enabled") is False:
        return "it is disabled"
    if choosing := _choosing(lb):
        said = ", ".join("%s (%s)" % (name, ", ".join(fields)) for name, fields in choosing.items())
        return "it has rules that choose pools by themselves: %s" % said
    if answering := _answering(lb):
        return "%s answers every visitor itself (fixed_response)" % answering
    if any(not one.get("disabled") for one in lb.get("pool_sets") or []):
        return "it has pool sets, which choose pools by themselves"
    if len(foreign) == len(listed):
        return "it sends to neither colour's pool"
    if weight < 100 and policy not in WEIGHTED:
        return "a weight counts only under the steering %s; it has %s" % (", ".join(WEIGHTED), policy)
    if policy in WEIGHTED:
        foreign = [pool for pool in foreign if _weight(lb, pool) > 0]
    elif policy not in NEAREST:
        ours = pools.values()
        foreign = [chosen[0] for _where, chosen in _lists(lb, pools) if chosen[0] not in ours]
    return "pool %s, which belongs to neither colour, is served" % foreign[0] if foreign else ""


def changes(lb: Balancer, pools: Pools, colour: str, weight: int = 100, failover: bool = True) -> dict[str, Any]:
    """The body of the PATCH that gives ``weight`` percent to ``colour`` and the rest to the other; {} for nothing.

    Nested objects and lists are whole, as a PATCH replaces them. ``failover``: whether the other colour stays listed
    behind it. A fallback pool that belongs to neither colour is left alone.
    """
    target, other = pools[colour], pools[OTHER[colour]]
    policy = policy_of(lb)
    body: dict[str, Any] = {}
    if policy in WEIGHTED:
        body = _weighted(lb, target, other, weight, failover)
    elif policy in NEAREST:
        body = {"default_pools": [target]}
    else:
        for (field, key), chosen in _lists(lb, pools):
            ordered = _ordered(chosen, target, other, failover)
            if key:
                body[field] = {**(body.get(field) or lb[field]), key: ordered}
            else:
                body[field] = ordered
    if lb.get("fallback_pool") == other and weight == 100:
        body["fallback_pool"] = target
    return {name: value for name, value in body.items() if value != lb.get(name)}


def _lists(lb: Balancer, pools: Pools) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """((field, key), pool ids) of every ordered list in force that names one of ours; key '' for default_pools."""
    ours = set(pools.values())
    named: list[tuple[tuple[str, str], Sequence[str]]] = [(("default_pools", ""), lb.get("default_pools") or [])]
    if policy_of(lb) == "geo":
        named += [((field, key), chosen) for field in MAPS for key, chosen in (lb.get(field) or {}).items()]
    yield from ((where, list(chosen)) for where, chosen in named if ours & set(chosen))


def _ordered(listed: Sequence[str], target: str, other: str, failover: bool) -> list[str]:
    """``target`` before ``other``, everybody else where he was."""
    if target not in listed:
        listed = [one for pool in listed for one in ((target, pool) if pool == other else (pool,))]
    elif other in listed and listed.index(other) < listed.index(target):
        swap = {target: other, other: target}
        listed = [swap.get(pool, pool) for pool in listed]
    return [pool for pool in listed if failover or pool != other]


def _weighted(lb: Balancer, target: str, other: str, weight: int, failover: bool) -> dict[str, Any]:
    listed = list(lb.get("default_pools") or [])
    keep = failover or weight < 100
    for pool in (target, other) if weight < 100 else (target,):
        if pool not in listed:
            listed.append(pool)
    if not keep:
        listed = [pool for pool in listed if pool != other]
    body: dict[str, Any] = {"default_pools": listed}
    mine = _weight(lb, target) if target in (lb.get("default_pools") or []) else 0.0
    theirs = _weight(lb, other) if other in (lb.get("default_pools") or []) else 0.0
    wanted = {target: weight / 100, **({other: round(1 - weight / 100, 2)} if other in listed else {})}
    there = 100 * mine / (mine + theirs) if mine + theirs else -1.0
    if abs(there - weight) >= 0.5:
        before = lb.get("random_steering") or {}
        rest = {pool: one for pool, one in (before.get("pool_weights") or {}).items() if pool not in (target, other)}
        body["random_steering"] = {**before, "pool_weights": {**rest, **wanted}}
    return body


def _weight(lb: Balancer, pool: str) -> float:
    given = lb.get("random_steering") or {}
    default = given.get("default_weight")
    return float((given.get("pool_weights") or {}).get(pool, 1 if default is None else default))


def cure(lb: Balancer) -> str:
    """What to do about the rules that make it unfit; '' where they do not."""
    wrong = [*_choosing(lb), *([_answering(lb)] if _answering(lb) else [])]
    fields = ", ".join(dict.fromkeys(field for fields in _choosing(lb).values() for field in fields))
    less = ", or take %s out of its overrides" % fields if fields else ""
    return "disable %s in Cloudflare%s" % (" and ".join(wrong), less) if wrong else ""


def rules(lb: Balancer) -> list[tuple[str, Mapping[str, Any]]]:
    """(what it is called, its overrides) of every rule that is not disabled."""
    return [(name, rule.get("overrides") or {}) for name, rule in _enabled(lb)]


def _enabled(lb: Balancer) -> list[tuple[str, Mapping[str, Any]]]:
    named = [
        ('rule "%s"' % rule["name"] if rule.get("name") else "rule number %d" % at, rule)
        for at, rule in enumerate(lb.get("rules") or [], 1)
    ]
    return [(name, rule) for name, rule in named if not rule.get("disabled")]


def _choosing(lb: Balancer) -> dict[str, list[str]]:
    """{rule: its overrides that choose pools}"""
    found = {name: [key for key, one in over.items() if one and key not in HARMLESS] for name, over in rules(lb)}
    return {name: fields for name, fields in found.items() if fields}


def _answering(lb: Balancer) -> str:
    """The rule that lets no visitor reach a pool."""
    everybody = ("", "true")
    told = (name for name, rule in _enabled(lb) if rule.get("fixed_response"))
    always = {name for name, rule in _enabled(lb) if str(rule.get("condition") or "").strip() in everybody}
    return next((name for name in told if name in always), "")


# Who stays on the colour that was left: session affinity and DNS


def affinity(lb: Mapping[str, Any]) -> dict[str, Any]:
    """``affinity`` none|cookie|ip_cookie|header|dns, ``seconds`` at most after the flip (0: none), ``text``.

    ``drain`` is the drain_duration in seconds: it counts from when the old pool's endpoints are drained, not from the
    flip. By header it is counted from the last request, so there is no end while a client goes on. For which
    visitors a rule's condition holds is not known: of all that may hold, the longest counts.
    """
    about = {"host": lb.get("name"), "affinity": "none", "seconds": 0, "drain": 0}
    if lb.get("proxied") is False:
        ttl, by = max([(int(lb.get("ttl") or DNS_TTL), ""), *_by_rules(lb, "ttl")])
        said = "resolvers give the old colour's addresses for up to %d s%s" % (ttl, by and " (%s)" % by)
        return {**about, "affinity": "dns", "seconds": ttl, "text": "not proxied: " + said}
    found = list(_sessions(lb))
    if not found:
        return {**about, "text": "no session is pinned"}
    longest = max(found, key=lambda one: one[1])
    drain = max(_drain(one) for one in (lb, *(overrides for _name, overrides in rules(lb))))
    ends = "draining that colour ends them %s" % ("after %d s" % drain if drain else "at once")
    text = "; ".join([_words(*one) for one in found] + [ends])
    return {**about, "affinity": longest[0], "seconds": longest[1], "drain": drain, "text": text}


def sticky(lb: Mapping[str, Any]) -> bool:
    """Whether sessions may stay on a healthy pool that the load balancer sends no new visitor to."""
    return affinity(lb)["affinity"] not in ("none", "dns")


def _sessions(lb: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    """(affinity, seconds at most, the rule that says so or '') of the load balancer itself and of each rule."""
    own = str(lb.get("session_affinity") or "none")
    ruled = [(str(one["session_affinity"]), by) for by, one in rules(lb) if one.get("session_affinity")]
    kinds = [(kind, by) for kind, by in [(own, ""), *ruled] if kind != "none"]
    lasting = dict((by, seconds) for seconds, by in sorted(_by_rules(lb, TTL)))
    for kind, by in kinds:
        default = HEADER_TTL if kind == "header" else COOKIE_TTL
        yield kind, lasting.pop(by, 0) or int(lb.get(TTL) or default), by
    # A rule may give more time to sessions that are not its own.
    yield from ((kinds[0][0], seconds, by) for by, seconds in lasting.items() if kinds)


def _by_rules(lb: Mapping[str, Any], field: str) -> list[tuple[int, str]]:
    return [(int(one[field]), by) for by, one in rules(lb) if one.get(field)]


def _drain(one: Mapping[str, Any]) -> int:
    return int((one.get(ATTRIBUTES) or {}).get("drain_duration") or 0)


def _words(kind: str, seconds: int, by: str) -> str:
    since = "after their last request" if kind == "header" else "after they got their cookie"
    if by:
        return "sessions (%s, by %s) stay on their colour for up to %d s %s, while it is healthy" % (
            kind, by, seconds, since,
        )  # fmt: skip
    return "sessions (%s) stay on their colour, while it is healthy, until %d s %s" % (kind, seconds, since)
