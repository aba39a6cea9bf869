# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pools: which are ours, what they should be, and what Cloudflare's monitors say of them. Pure.

A pool is ours while its description holds our mark. One that exists without it is used as it is and never written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Pool = Mapping[str, Any]
# What the API adds to an origin and does not take back.
READ_ONLY = ("disabled_at",)


def mark(deployment: str, colour: str) -> str:
    return "[olympus.bluegreen:%s:%s]" % (deployment, colour)


def ours(pool: Pool, deployment: str, colour: str) -> bool:
    return mark(deployment, colour) in (pool.get("description") or "")


def named(pools: Sequence[Pool], name: str) -> Pool | None:
    return next((pool for pool in pools if pool.get("name") == name), None)


def created(wanted: Mapping[str, Any], deployment: str, colour: str) -> dict[str, Any]:
    """The body of the POST. ``wanted`` is the option of one colour: name, origins and what else is given."""
    about = "%s pool of %s %s" % (colour.capitalize(), deployment, mark(deployment, colour))
    origins = [{**_origin(one), "enabled": True} for one in wanted["origins"]]
    return {"name": wanted["name"], "description": about, "enabled": True, "origins": origins, **_given(wanted)}


def updated(pool: Pool, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the PATCH that makes a pool of ours what is wanted; {} for nothing.

    What is not configured here (notifications, load shedding, fields of an origin) stays, and so does whether it and
    its origins are enabled: a rollback or a drain has decided that.
    """
    there = {one.get("name"): one for one in pool.get("origins") or []}
    origins = []
    for one in wanted["origins"]:
        origins.append({"enabled": True, **_writable(there.get(one["name"], {})), **_origin(one)})
    body: dict[str, Any] = {**_given(wanted)}
    if origins != [_writable(one) for one in pool.get("origins") or []]:
        body["origins"] = origins
    return {name: value for name, value in body.items() if name == "origins" or value != pool.get(name)}


def woken(pool: Pool) -> dict[str, Any]:
    """The PATCH that lets a pool serve again; {} where it may already."""
    body: dict[str, Any] = {} if pool.get("enabled", True) else {"enabled": True}
    return {**body, **_switched(pool, True)}


def drained(pool: Pool) -> dict[str, Any]:
    """The PATCH that starts the endpoint drain: who is pinned stays for drain_duration; {} where it has begun."""
    return _switched(pool, False)


def barred(pool: Pool) -> dict[str, Any]:
    """The PATCH that sends everybody away at once, who is pinned too."""
    return {"enabled": False} if pool.get("enabled", True) else {}


def asleep(pool: Pool, before: Pool) -> dict[str, Any]:
    """The PATCH that takes back what woke it since ``before``; {} where nothing did. Whatever else changed stays."""
    body: dict[str, Any] = {}
    if pool.get("enabled", True) and not before.get("enabled", True):
        body["enabled"] = False
    off = {one.get("name") for one in before.get("origins") or [] if not one.get("enabled", True)}
    now = [_writable(one) for one in pool.get("origins") or []]
    if any(one.get("name") in off and one.get("enabled", True) for one in now):
        body["origins"] = [{**one, "enabled": False} if one.get("name") in off else one for one in now]
    return body


def shape(pool: Pool) -> str:
    """Why a pool serves no request by its own fields; '' where it may."""
    if not pool.get("enabled", True):
        return "the pool is disabled"
    origins = pool.get("origins") or []
    alive = [one for one in origins if one.get("enabled", True) and one.get("weight", 1) != 0]
    if len(alive) < max(1, int(pool.get("minimum_origins") or 1)):
        return "%d of %d origins enabled, %s needed" % (len(alive), len(origins), pool.get("minimum_origins") or 1)
    return ""


def health(result: Any) -> tuple[bool | None, str]:
    """(healthy, what was said) of a pool's health; None while Cloudflare knows nothing.

    It comes as {data centre: {healthy, origins}} or as one {healthy, origins}; healthy is what most of them say.
    """
    said = (result or {}).get("pop_health") or {}
    places = {"everywhere": said} if isinstance(said.get("healthy"), bool) else said
    known = {name: one for name, one in places.items() if isinstance(one, dict) and "healthy" in one}
    if not known:
        return None, "nothing is known of its health yet"
    bad = sorted(name for name, one in known.items() if not one["healthy"])
    why = sorted({reason for name in bad for reason in _reasons(known[name])})
    text = "unhealthy in %d of %d places%s" % (len(bad), len(known), ": " + ", ".join(why) if why else "")
    return (2 * len(bad) < len(known)), text


def _reasons(place: Mapping[str, Any]) -> list[str]:
    """An origin comes as {its address: {failure_reason, ...}} or as {"ip": {...}}."""
    checks = [check for one in place.get("origins") or [] for check in one.values() if isinstance(check, dict)]
    return [
        str(check["failure_reason"]) for check in checks if not check.get("healthy") and check.get("failure_reason")
    ]


def _origin(one: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: one[name] for name in ("name", "address", "port", "weight") if one.get(name) is not None}
    return {**found, "header": {"Host": [one["host"]]}} if one.get("host") else found


def _given(wanted: Mapping[str, Any]) -> dict[str, Any]:
    names = ("monitor", "minimum_origins", "check_regions")
    return {name: wanted[name] for name in names if wanted.get(name) not in (None, "", [])}


def _writable(origin: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in origin.items() if name not in READ_ONLY and value is not None}


def _switched(pool: Pool, on: bool) -> dict[str, Any]:
    before = [_writable(one) for one in pool.get("origins") or []]
    after = [{**one, "enabled": on} for one in before]
    return {"origins": after} if any(one.get("enabled", True) != on for one in before) else {}
