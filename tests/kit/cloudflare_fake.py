# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloudflare's load balancing API as a real HTTP server on loopback, and the public names that it routes.

What is kept: tokens with permissions, pools, monitors, load balancers, and every request. What can go wrong is told by
``faults`` {index of the request: Fault}, ``meanwhile`` {index: somebody else's act right before it}, ``stale`` (reads
are so many seconds old) and ``delay`` (visitors get what was told so many seconds ago).
"""

from __future__ import annotations

import copy
import json
import random
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from kit import cloudflare_schema as schema

ACCOUNT, ZONE = "9a7806061c88ada191ed06f989cc3dac", "023e105f4ecef8ad9ca31a8372d0c353"
TOKEN = "canary-token-7f3a9b1c5d"
LB, POOLS = "Load Balancers", "Load Balancing: Monitors and Pools"
ALL = frozenset([LB + " Write", POOLS + " Write", "API Tokens Read", "Zone Read"])
DEFAULTS: dict[str, dict[str, Any]] = {
    "load_balancers": {"enabled": True, "proxied": True, "steering_policy": "", "session_affinity": "none"},
    "pools": {"enabled": True, "minimum_origins": 1, "description": "", "check_regions": None},
    "monitors": {"interval": 60, "timeout": 5, "retries": 2, "method": "GET", "path": "/"},
}
Answer = tuple[int, Any, dict[str, str]]


@dataclass(frozen=True)
class Fault:
    """``kind``: 429 | 500 | before (no answer, no effect) | after (no answer, but the effect) | 500-after."""

    kind: str
    retry_after: int = 1


@dataclass
class Token:
    permissions: frozenset[str] = ALL
    status: str = "active"
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass
class Request:
    method: str
    path: str
    body: Any
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)


class No(Exception):
    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def zone(name: str, domain: str, account: str = ACCOUNT, status: str = "active") -> dict[str, Any]:
    """A zone as the API has it: ``name`` is its id."""
    since = "2026-01-01T00:00:00.000000Z"
    return {
        "id": name, "name": domain, "status": status, "paused": False, "type": "full", "development_mode": 0,
        "account": {"id": account, "name": "test"}, "created_on": since, "modified_on": since, "activated_on": since,
        "name_servers": ["a.ns.cloudflare.com", "b.ns.cloudflare.com"], "original_name_servers": None,
        "original_dnshost": None, "original_registrar": None, "permissions": ["#zone:read"],
        "meta": {"step": 2, "custom_certificate_quota": 0, "page_rule_quota": 3, "phishing_detected": False},
        "owner": {"id": None, "type": "user", "email": None}, "plan": {"id": "free", "name": "Free Website"},
    }  # fmt: skip


def ascii_of(name: str) -> str:
    return name.encode("idna").decode().lower()


def same(name: str, other: str) -> bool:
    """Whether two spellings are one name: the API takes either, and answers with that in which an object was made."""
    return ascii_of(name) == ascii_of(other)


def ruled(lb: dict[str, Any], path: str) -> dict[str, Any]:
    """The load balancer as its rules make it for this path; of conditions only the beginning of a path is known."""
    for rule in lb.get("rules") or []:
        begins = re.fullmatch(r'starts_with\(http\.request\.uri\.path, "(.*)"\)', rule.get("condition") or "")
        if not rule.get("disabled") and path.startswith(begins[1] if begins else "/"):
            lb = {**lb, **(rule.get("overrides") or {})}
    return lb


class Cloudflare:
    """``zones``: id -> zone; a load balancer lies in the one whose name ends its own, else in ``ZONE``."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.tokens = {TOKEN: Token()}
        self.state: dict[str, dict[str, dict[str, Any]]] = {"load_balancers": {}, "pools": {}, "monitors": {}}
        self.past: list[tuple[float, Any]] = [(0.0, copy.deepcopy(self.state))]
        self.zones = {ZONE: zone(ZONE, "example.com")}
        self.sick: dict[str, bool | None] = {}
        self.log: list[Request] = []
        self.faults: dict[int, Fault] = {}
        self.meanwhile: dict[int, Callable[[], object]] = {}
        self.stale = self.delay = 0.0
        self.quota = 1200
        self.refuse = ""
        self._sent: list[float] = []
        self._blocked = 0.0
        self._lock = threading.RLock()

    @property
    def mutating(self) -> list[Request]:
        return [one for one in self.log if one.method != "GET"]

    def fresh(self) -> None:
        """Forget the log and what was to go wrong: the next request has index 0."""
        self.log, self.faults, self.meanwhile = [], {}, {}

    def put(self, kind: str, **body: Any) -> str:
        """Somebody else makes an object, or writes into one (``id``)."""
        with self._lock:
            name = str(body.pop("id", uuid.uuid4().hex))
            self._store(kind, name, {**self.state[kind].get(name, {**DEFAULTS[kind], "id": name}), **body})
            return name

    def answer(self, request: Request, token: str) -> Answer | None:
        """(status, envelope, headers); None: the connection ends without an answer."""
        with self._lock:
            index = len(self.log)
            self.log.append(request)
            self.meanwhile.pop(index, lambda: None)()
            fault = self.faults.get(index, Fault(""))
            if fault.kind == "429":
                self._blocked = self.now() + fault.retry_after
            if fault.kind == "before":
                return None
            answer = self._limited() or (self._no(500, 0, "Internal") if fault.kind == "500" else None)
            answer = answer or self._handled(request, token)
            request.status = answer[0]
            if fault.kind == "500-after":
                return self._no(502, 0, "Bad gateway")
            return None if fault.kind == "after" else answer

    def _limited(self) -> Answer | None:
        now = self.now()
        self._sent = [at for at in self._sent if at > now - 300] + [now]
        if len(self._sent) > self.quota:
            self._blocked = max(self._blocked, self._sent[0] + 300)
        if now >= self._blocked:
            return None
        status, envelope, _headers = self._no(429, 971, "Please wait and consider throttling your request speed")
        return status, envelope, {"Retry-After": str(max(1, round(self._blocked - now)))}

    def _no(self, status: int, code: int, message: str) -> Answer:
        return status, {"success": False, "errors": [{"code": code, "message": message}], "messages": []}, {}

    def _handled(self, request: Request, token: str) -> Answer:
        try:
            result = self._routed(request, token)
        except No as exc:
            return self._no(exc.status, exc.code, str(exc))
        envelope = {"success": True, "errors": [], "messages": [], "result": result}
        if isinstance(result, list):
            asked = {
                name: int(one[0]) for name, one in parse_qs(request.path.partition("?")[2]).items() if "page" in name
            }
            page, size = asked.get("page", 1), asked.get("per_page", 20 if request.path.startswith("/zones?") else 1000)
            shown = result[(page - 1) * size : page * size]
            envelope["result"] = shown
            envelope["result_info"] = {"page": page, "per_page": size, "count": len(shown), "total_count": len(result)}
        left = '"default";r=%d;t=300' % (self.quota - len(self._sent))
        return 200, envelope, {"Ratelimit": left, "Ratelimit-Policy": '"default";q=%d;w=300' % self.quota}

    def _routed(self, request: Request, token: str) -> Any:
        known = self.tokens.get(token)
        if known is None:
            raise No(401, 1000, "Invalid API Token")
        path = request.path.partition("?")[0]
        if path == "/user/tokens/verify":
            return {"id": known.id, "status": known.status}
        if path == "/user/tokens/" + known.id:
            return self._about(known)
        if re.fullmatch(r"/zones(/\w+)?", path):
            return self._zones(request, known, path.removeprefix("/zones").lstrip("/"))
        found = re.fullmatch(
            r"/(?:zones/(\w+)/(load_balancers)|accounts/%s/load_balancers/(pools|monitors))(?:/(\w+))?(/health)?"
            % ACCOUNT,
            path,
        )
        if not found or (found[1] or ZONE) not in self.zones:
            raise No(404, 7003, "Could not route to %s, perhaps your object identifier is invalid?" % path)
        kind, name = found[2] or found[3], found[4] or ""
        need = LB if kind == "load_balancers" else POOLS
        if not known.permissions & {need + " Write", *([need + " Read"] if request.method == "GET" else [])}:
            raise No(403, 10000, "Authentication error")
        if found[5]:
            return self._health(name)
        done = self._acted(request, kind, name)
        return [one for one in done if self._zone(one) == found[1]] if found[1] and isinstance(done, list) else done

    def _zone(self, balancer: dict[str, Any]) -> str:
        """The zone that a load balancer lies in."""
        name = "." + ascii_of(balancer["name"])
        around = [one for one in self.zones.values() if name.endswith("." + ascii_of(one["name"]))]
        return str(max(around, key=lambda one: len(one["name"]), default={"id": ZONE})["id"])

    def _zones(self, request: Request, known: Token, name: str) -> Any:
        if "Zone Read" not in known.permissions:
            raise No(403, 9109, "Unauthorized to access requested resource")
        if request.method != "GET":
            raise No(405, 10405, "Method not allowed for this authentication scheme")
        if name:
            return self._there(self.zones, name)
        asked = parse_qs(request.path.partition("?")[2])
        text = schema.wrong_query("zones", {key: one[0] for key, one in asked.items()})
        if text:
            raise No(400, 1004, text)
        wanted = asked.get("name", [""])[0].lower()
        return [one for one in self.zones.values() if not wanted or same(wanted, one["name"])]

    def _about(self, known: Token) -> Any:
        if "API Tokens Read" not in known.permissions:
            raise No(403, 9109, "Unauthorized to access requested resource")
        groups = [{"id": uuid.uuid4().hex, "name": name} for name in sorted(known.permissions)]
        policy = {"id": uuid.uuid4().hex, "effect": "allow", "permission_groups": groups, "resources": {}}
        return {"id": known.id, "name": "test", "status": known.status, "policies": [policy]}

    def _acted(self, request: Request, kind: str, name: str) -> Any:
        if request.method == "GET":
            seen = self._as_of(self.stale)[kind]
            return list(seen.values()) if not name else self._there(seen, name)
        if request.method == "DELETE":
            self._there(self.state[kind], name)
            self._free(kind, name)
            del self.state[kind][name]
            self._remember()
            return {"id": name}
        if name and name == self.refuse:
            raise No(400, 1002, "no")
        text = schema.wrong(kind, request.method, request.body)
        if text:
            raise No(400, 1002, "validation failed: " + text)
        now = {"id": name or uuid.uuid4().hex, "created_on": self._when()}
        old = self._there(self.state[kind], name) if name else {**DEFAULTS[kind], **now}
        if request.method == "PUT":
            old = {**DEFAULTS[kind], "id": name, "created_on": old["created_on"]}
        new = {**old, **request.body}
        self._sound(kind, new)
        self._store(kind, str(new["id"]), new)
        return self.state[kind][str(new["id"])]

    def _store(self, kind: str, name: str, new: dict[str, Any]) -> None:
        for origin in new.get("origins") or []:
            if origin.get("enabled", True):
                origin.pop("disabled_at", None)
            else:
                origin.setdefault("disabled_at", self._when())
        self.state[kind][name] = {**new, "modified_on": self._when()}
        self._remember()

    def _remember(self) -> None:
        self.past.append((self.now(), copy.deepcopy(self.state)))

    def _as_of(self, seconds: float) -> Any:
        edge = self.now() - seconds
        return copy.deepcopy([then for at, then in self.past if at <= edge or not at][-1] if seconds else self.state)

    def _when(self) -> str:
        at = self.now()
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + ".%06dZ" % (at % 1 * 1e6)

    @staticmethod
    def _there(known: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
        if name not in known:
            raise No(404, 1001, "object does not exist")
        return known[name]

    def _free(self, kind: str, name: str) -> None:
        others = [one for rest in self.state for one in self.state[rest].values() if rest != kind]
        if any(name in json.dumps(one) for one in others):
            raise No(412, 1005, "resource is in use")

    def _sound(self, kind: str, new: dict[str, Any]) -> None:
        twins = [one for one in self.state[kind].values() if one.get("name") == new.get("name") and new.get("name")]
        if [one for one in twins if one["id"] != new["id"]]:
            raise No(400, 1002, "name must be unique")
        used = [*new.get("default_pools", []), *([new["fallback_pool"]] if "fallback_pool" in new else [])]
        if [pool for pool in used if pool not in self.state["pools"]]:
            raise No(400, 1002, "pool does not exist")
        weights = (new.get("random_steering") or {}).get("pool_weights") or {}
        if [one for one in weights.values() if not 0 <= one <= 1 or round(one, 2) != one]:
            raise No(400, 1002, "a weight is a multiple of 0.01 between 0 and 1")

    def _health(self, name: str) -> Any:
        pool = self._there(self.state["pools"], name)
        well = self.sick.get(name, True)
        if well is None or not pool.get("monitor") or not pool["enabled"]:
            return {"pool_id": name, "pop_health": {}}
        reason = "No failures" if well else "Response code mismatch error"
        check = {"healthy": well, "failure_reason": reason, "response_code": 200 if well else 503, "rtt": "12.1ms"}
        origins = [{one["address"]: check} for one in pool["origins"]]
        return {"pool_id": name, "pop_health": {"Amsterdam, NL": {"healthy": well, "origins": origins}}}

    def visit(self, host: str, cookie: str, path: str = "/") -> tuple[int, dict[str, str]]:
        """What a visitor of a public name gets where nobody stands behind the pools: (status, headers)."""
        pool, headers = self.route(host, cookie, path)
        if pool is None:
            return 530, {}
        return 200, {"X-Bluegreen-Colour": "green" if "green" in pool["name"] else "blue", **headers}

    def route(self, host: str, cookie: str, path: str = "/") -> tuple[dict[str, Any] | None, dict[str, str]]:
        """The pool that a visitor of a public name is sent to, and the headers that Cloudflare adds to its answer."""
        with self._lock:
            world = self._as_of(self.delay)
        lb = next((one for one in world["load_balancers"].values() if same(host, one["name"])), None)
        if lb is None:
            return None, {}
        lb = ruled(lb, path)
        well = [p for p in lb["default_pools"] if self._serves(world["pools"][p])]
        weights = (lb.get("random_steering") or {}).get("pool_weights") or {}
        if lb["steering_policy"] in ("random", "least_connections", "least_outstanding_requests"):
            shares = [weights.get(pool, (lb.get("random_steering") or {}).get("default_weight", 1)) for pool in well]
            well = random.choices(well, shares) if sum(shares) else well
        pinned = re.search(r"__cflb=(\w+)", cookie)
        if lb["session_affinity"] == "cookie" and pinned and self._serves(world["pools"].get(pinned[1], {})):
            well = [pinned[1]]
        pool = (well or [lb["fallback_pool"]])[0]
        return world["pools"][pool], {"Set-Cookie": "__cflb=" + pool} if lb["session_affinity"] == "cookie" else {}

    def _serves(self, pool: dict[str, Any]) -> bool:
        alive = [one for one in pool.get("origins", []) if one.get("enabled", True)]
        return bool(pool.get("enabled") and alive and self.sick.get(pool["id"], True) is not False)
