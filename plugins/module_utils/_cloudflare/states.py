# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The states of cloudflare_lb_pool: each observes, plans, applies unless in check mode, and reads back."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare import pools, token_scopes
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.affinity import pins, sticky
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.balancers import SETTLE, Seen, unfit
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.context import Result, World, ids_of, table
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.cutover import Cutover
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.fence import Fence
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.poolset import Found
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.rollback import Return
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.steering import cure
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import wait_until
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.finding import (
    Problem,
    as_data,
    sentences,
    to_adopt,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step

# So long (seconds) an edge of Cloudflare may still send a pinned session to an endpoint that was just disabled.
EVERYWHERE = 30


def run(world: World) -> Result:
    """The module's result, ``diff`` included. Raises BluegreenError."""
    state = world.params["state"]
    if state != "read":
        world.switch.require_of(world.params["deployment"])
        world = replace(world, params={**world.params, "token": world.switch.token_for(world.params["token"])})
    if state == "live":
        return Cutover(world).run()
    if state == "returned":
        return Return(world).run()
    return {"read": read, "adopted": adopted, "undone": undone, "drained": drained}[state](world)


def read(world: World) -> Result:
    """Never fails for what it finds: that is listed in ``problems``."""
    problems: list[str] = []
    seen: Seen = {}
    rows: list[Result] = []
    found, rights, observed = Found({}, {}), token_scopes.Scopes(None), world.public.look()
    try:
        rights = token_scopes.ask(world.api, world.params["account_id"])
        found = world.pools.look()
        rows = [_row(world, found, colour) for colour in found.pools]
        seen = world.balancers.look()
    except BluegreenError as exc:
        problems.append(str(exc))
    ids = ids_of(found.ids)
    told = world.told()
    problems += _wrong(world, told, found, seen, observed) if seen else []
    return {
        **told,
        **rights.result(),
        "adopted": bool(told["live"]) and len(found.pools) == 2,
        "hosts": table(seen, ids),
        "pools": rows,
        "observed": observed,
        "problems": sentences(problems),
        "findings": as_data(problems),
        "calls": world.api.used,
        "budget_left": world.api.left,
        **Plan().result(),
    }


def _row(world: World, found: Found, colour: str) -> Result:
    pool = found.pools[colour]
    good, text = world.pools.health(pool)
    return {
        "colour": colour,
        "name": pool.get("name"),
        "id": pool.get("id"),
        "ours": found.ours[colour],
        "monitored": bool(pool.get("monitor") or pool.get("monitor_group")),
        "serves": not pools.shape(pool),
        "healthy": good,
        "health": text,
    }


def _wrong(world: World, told: Result, found: Found, seen: Seen, observed: list[dict[str, object]]) -> list[str]:
    wrong: list[str] = [] if told["live"] else [to_adopt("there is no switch, or it is empty")]
    if told.get("damage"):
        wrong.append(to_adopt("the switch is damaged (%s)" % told["damage"]))
    wrong += [to_adopt("there is no pool of %s" % colour) for colour in ("blue", "green") if colour not in found.pools]
    ids = ids_of(found.ids)
    wrong += ["the load balancer of %s cannot be flipped: %s" % pair for pair in unfit(seen, ids)]
    why = pools.shape(found.pools[told["live"]]) if told["live"] in found.pools else ""
    if why:
        named = found.pools[told["live"]].get("name")
        wrong.append("the switch says %s, but its pool %s serves no request: %s" % (told["live"], named, why))
    for row in table(seen, ids) if told["live"] else []:
        if row["live"] != told["live"]:
            said = row["live"] or "both or neither"
            words = "the switch says %s, the load balancer of %s says %s" % (told["live"], row["host"], said)
            wrong.append(Problem(words, "behind"))
    for one in observed if told["live"] else []:
        if one["colour"] != told["live"]:
            said = one["colour"] or "no colour (status %s)" % one["status"]
            words = "the switch says %s, %s%s says %s" % (told["live"], one["host"], one["path"], said)
            wrong.append(Problem(words, "public"))
    return wrong


def adopted(world: World) -> Result:
    """The pools that are ours, made or brought up to date, and the switch. No load balancer is written."""
    fence = Fence(world)
    rights = token_scopes.ask(world.api, world.params["account_id"])
    found, seen = world.pools.look(), world.balancers.look()
    serving = _serving(world, found, seen)
    todo = world.pools.plan(found)
    rights.require([token_scopes.WRITE_BALANCERS] + ([token_scopes.WRITE_POOLS] if todo else []))
    steps = [Step("create" if todo[one][0] == "POST" else "change", "pool", one) for one in todo]
    if not world.switch.exists() or world.switch.read().damage:
        steps.append(Step("install", world.switch.path, "with %s live" % serving))
    before = {colour: {name: found.pools.get(colour, {}).get(name) for name in todo[colour][1]} for colour in todo}
    plan = Plan({"pools": before}, {"pools": {colour: body for colour, (_method, body) in todo.items()}}, tuple(steps))
    if plan.changed and not world.check_mode:
        world.api.require(2 * len(todo) + 2, "adopting")
        for colour, (method, body) in todo.items():
            if method == "POST":
                world.pools.make(colour, body, fence.mine)
            else:
                fence.change(colour, found.pools[colour], body, fence.mine)
        world.switch_install(serving)
        # An old answer to the reading back is waited out.
        found = wait_until(world.clock, world.pools.look, lambda now: not world.pools.plan(now), SETTLE, 1.0)
        if world.pools.plan(found):
            raise BluegreenError(
                "the pools are not what was written: %s" % ", ".join(world.pools.plan(found)),
                fix="somebody else may have written there; run it again",
            )
    rows = table(seen, ids_of(found.ids))
    return {**world.told(), "adopted": True, "hosts": rows, "diff": plan.diff(), **plan.result()}


def undone(world: World) -> Result:
    """The switch goes, while all names are on blue as they were before. In Cloudflare nothing is written."""
    told, forced = world.told(), world.params["force"]
    if not told["live"]:
        return {**told, "adopted": False, "notes": [], "diff": Plan().diff(), **Plan().result()}
    found = world.pools.look() if not forced else Found({}, {})
    rows = table(world.balancers.look(), ids_of(found.ids)) if not forced else []
    left = [str(row["host"]) for row in rows if row["live"] != "blue"]
    if (told["live"] != "blue" or left) and not forced:
        raise Refused(
            "green serves %s" % (", ".join(left) or "by the switch"), fix="go back first: --tags rollback, or force it"
        )
    plan = Plan({"live": told["live"]}, {"live": ""}, (Step("remove", world.switch.path),))
    if not world.check_mode:
        # At once: half of a switch would be taken for one, or for none with a way back.
        gone = world.switch.path + ".undone"
        shutil.rmtree(gone, ignore_errors=True)
        os.rename(world.switch.path, gone)
        shutil.rmtree(gone)
    notes = ["pool %s is yours now: take it out of the load balancers" % world.params["pools"]["green"]["name"]]
    return {**world.told(), "adopted": False, "notes": notes, "diff": plan.diff(), **plan.result()}


def _serving(world: World, found: Found, seen: Seen) -> str:
    """The one colour that every load balancer serves now."""
    ids = ids_of(found.ids)
    wrong = unfit(seen, ids)
    if wrong:
        raise Refused(
            "the load balancer of %s cannot be flipped: %s" % wrong[0],
            option="public",
            value=wrong[0][0],
            fix=cure(seen[wrong[0][0]])
            or "let it send to one colour's pool: give that pool's name in pools.<colour>.name, without origins",
        )
    lives = {str(row["live"]) for row in table(seen, ids)}
    told = world.switch.read().live if world.switch.exists() else ""
    if lives - {told} and (len(lives) > 1 or told or "" in lives):
        raise Refused(
            "the load balancers serve %s" % " and ".join(sorted(one or "both" for one in lives))
            + (", the switch says %s" % told if told else ""),
            fix="cutover or rollback brings them together" if told else "let all of them send to one colour's pool",
        )
    return lives.pop() if lives else told


def drained(world: World) -> Result:
    """The old colour's endpoints are drained: who is pinned to it stays for drain_duration, then nobody is left."""
    colour = world.params["colour"]
    world.require_switch()
    fence = Fence(world)
    if world.switch.read().live == colour:
        raise Refused("%s is live" % colour, option="colour", value=colour, fix="drain the other one")
    found, seen = world.pools.look(), world.balancers.look()
    served = [row["host"] for row in table(seen, ids_of(found.ids)) if row["share"][colour]]
    if served:
        raise Refused(
            "%s still serves %s" % (colour, ", ".join(served)), option="colour", value=colour, fix="run cutover"
        )
    pool, told = found.pools.get(colour), [pins(lb) for lb in seen.values()]
    mine = pool is not None and found.ours[colour]
    body = pools.drained(pool) if pool is not None and mine and pool.get("enabled", True) else {}
    reachable = [name for name in ("warm", "assets") if colour in getattr(world.switch.read(), name)]
    steps = [Step("unpin", colour, "no pinned request any more")] if reachable else []
    steps += [Step("drain", "pool", colour)] if body else []
    plan = Plan({"reachable": reachable}, {"reachable": []}, tuple(steps))
    over: bool | None = None
    notes = []
    if pool is not None and not mine and any(one["seconds"] for one in told):
        notes.append("the pool of %s is not ours: who is pinned to it stays until his session ends" % colour)
    if not world.check_mode:
        fence.idle(colour)
        world.switch.unpin(colour)
        if pool is not None and body:
            fence.change(colour, pool, body, lambda: fence.idle(colour))
        pinned = (max(int(pins(lb)["drain"]), EVERYWHERE) for lb in seen.values() if sticky(lb))
        over = not notes and _over(world, colour, max(pinned, default=0))
        if pool is not None and mine:
            # Its containers go next.
            fence.checked(colour, pool, lambda: fence.idle(colour))
    rows = table(seen, ids_of(found.ids))
    return {**world.told(), "hosts": rows, "drained": over, "notes": notes, "diff": plan.diff(), **plan.result()}


def _over(world: World, colour: str, drain: int) -> bool:
    """Wait until ``drain`` seconds after the last endpoint was disabled, or until the deadline: False."""
    pool = world.pools.look().pools.get(colour) or {}
    if not pool.get("enabled", True) or not drain:
        return True
    since = max((_epoch(one.get("disabled_at")) for one in pool.get("origins") or []), default=0.0)
    left = (since or world.clock.now()) + drain - world.clock.now()
    world.clock.sleep(max(0.0, min(left, world.params["deadline"])))
    return left <= float(world.params["deadline"])


def _epoch(when: Any) -> float:
    try:
        return datetime.fromisoformat(str(when).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
