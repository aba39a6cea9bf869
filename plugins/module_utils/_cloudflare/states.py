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

from .._core.clock import wait_until
from .._core.errors import BluegreenError, Refused
from .._core.finding import Problem, as_data, sentences, to_adopt
from .._core.plan import Plan, Step
from . import pools, token_scopes
from .balancers import SETTLE, Seen, unfit
from .context import Context, Result, ids_of, table
from .cutover import Cutover
from .fence import Fence
from .poolset import Found
from .rollback import Return
from .steering import affinity, cure, sticky

# So long (seconds) an edge of Cloudflare may still send a pinned session to an endpoint that was just disabled.
EVERYWHERE = 30


def run(context: Context) -> Result:
    """The module's result, ``diff`` included. Raises BluegreenError."""
    state = context.params["state"]
    if state != "read":
        context.switch.require_of(context.params["deployment"])
        token = context.switch.token_for(context.params["token"])
        context = replace(context, params={**context.params, "token": token})
    if state == "live":
        return Cutover(context).run()
    if state == "returned":
        return Return(context).run()
    return {"read": read, "adopted": adopted, "undone": undone, "drained": drained}[state](context)


def read(context: Context) -> Result:
    """Never fails for what it finds: that is listed in ``problems``."""
    problems: list[str] = []
    seen: Seen = {}
    rows: list[Result] = []
    found, rights, observed = Found({}, {}), token_scopes.Scopes(None), context.public.look()
    try:
        rights = token_scopes.ask(context.api, context.params["account_id"])
        found = context.pools.look()
        rows = [_row(context, found, colour) for colour in found.pools]
        seen = context.balancers.look()
    except BluegreenError as exc:
        problems.append(str(exc))
    ids = ids_of(found.ids)
    told = context.told()
    problems += _wrong(context, told, found, seen, observed) if seen else []
    return {
        **told,
        **rights.result(),
        "adopted": bool(told["live"]) and len(found.pools) == 2,
        "hosts": table(seen, ids),
        "pools": rows,
        "observed": observed,
        "problems": sentences(problems),
        "findings": as_data(problems),
        "calls": context.api.used,
        "budget_left": context.api.left,
        **Plan().result(),
    }


def _row(context: Context, found: Found, colour: str) -> Result:
    pool = found.pools[colour]
    good, text = context.pools.health(pool)
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


def _wrong(context: Context, told: Result, found: Found, seen: Seen, observed: list[dict[str, object]]) -> list[str]:
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


def adopted(context: Context) -> Result:
    """The pools that are ours, made or brought up to date, and the switch. No load balancer is written."""
    fence = Fence(context)
    rights = token_scopes.ask(context.api, context.params["account_id"])
    found, seen = context.pools.look(), context.balancers.look()
    serving = _serving(context, found, seen)
    todo = context.pools.plan(found)
    rights.require([token_scopes.WRITE_BALANCERS] + ([token_scopes.WRITE_POOLS] if todo else []))
    steps = [Step("create" if todo[one][0] == "POST" else "change", "pool", one) for one in todo]
    if not context.switch.exists() or context.switch.read().damage:
        steps.append(Step("install", context.switch.path, "with %s live" % serving))
    before = {colour: {name: found.pools.get(colour, {}).get(name) for name in todo[colour][1]} for colour in todo}
    plan = Plan({"pools": before}, {"pools": {colour: body for colour, (_method, body) in todo.items()}}, tuple(steps))
    if plan.changed and not context.check_mode:
        context.api.require(2 * len(todo) + 2, "adopting")
        for colour, (method, body) in todo.items():
            if method == "POST":
                context.pools.make(colour, body, fence.mine)
            else:
                fence.change(colour, found.pools[colour], body, fence.mine)
        context.switch_install(serving)
        # An old answer to the reading back is waited out.
        found = wait_until(context.clock, context.pools.look, lambda now: not context.pools.plan(now), SETTLE, 1.0)
        if context.pools.plan(found):
            raise BluegreenError(
                "the pools are not what was written: %s" % ", ".join(context.pools.plan(found)),
                fix="run the stage again: another program may have written there",
            )
    return context.result(plan, adopted=True, hosts=table(seen, ids_of(found.ids)))


def undone(context: Context) -> Result:
    """The switch goes, while all names are on blue as they were before. In Cloudflare nothing is written."""
    told, forced = context.told(), context.params["force"]
    if not told["live"]:
        return context.result(Plan(), adopted=False, notes=[])
    found = context.pools.look() if not forced else Found({}, {})
    rows = table(context.balancers.look(), ids_of(found.ids)) if not forced else []
    left = [str(row["host"]) for row in rows if row["live"] != "blue"]
    if (told["live"] != "blue" or left) and not forced:
        raise Refused(
            "green serves %s" % (", ".join(left) or "by the switch"), fix="go back first: --tags rollback, or force it"
        )
    plan = Plan({"live": told["live"]}, {"live": ""}, (Step("remove", context.switch.path),))
    if not context.check_mode:
        # At once: half of a switch would be taken for one, or for none with a way back.
        gone = context.switch.path + ".undone"
        shutil.rmtree(gone, ignore_errors=True)
        os.rename(context.switch.path, gone)
        shutil.rmtree(gone)
    notes = ["pool %s is yours now: take it out of the load balancers" % context.params["pools"]["green"]["name"]]
    return context.result(plan, adopted=False, notes=notes)


def _serving(context: Context, found: Found, seen: Seen) -> str:
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
    told = context.switch.read().live if context.switch.exists() else ""
    if lives - {told} and (len(lives) > 1 or told or "" in lives):
        raise Refused(
            "the load balancers serve %s" % " and ".join(sorted(one or "both" for one in lives))
            + (", the switch says %s" % told if told else ""),
            fix="cutover or rollback brings them together" if told else "let all of them send to one colour's pool",
        )
    return lives.pop() if lives else told


def drained(context: Context) -> Result:
    """The old colour's endpoints are drained: pinned sessions stay for drain_duration, then none is left."""
    colour = context.params["colour"]
    context.require_switch()
    fence = Fence(context)
    if context.switch.read().live == colour:
        raise Refused("%s is live" % colour, option="colour", value=colour, fix="drain the other one")
    found, seen = context.pools.look(), context.balancers.look()
    served = [row["host"] for row in table(seen, ids_of(found.ids)) if row["share"][colour]]
    if served:
        raise Refused(
            "%s still serves %s" % (colour, ", ".join(served)), option="colour", value=colour, fix="run cutover"
        )
    pool, told = found.pools.get(colour), [affinity(lb) for lb in seen.values()]
    mine = pool is not None and found.ours[colour]
    body = pools.drained(pool) if pool is not None and mine and pool.get("enabled", True) else {}
    reachable = [name for name in ("warm", "assets") if colour in getattr(context.switch.read(), name)]
    steps = [Step("unpin", colour, "no pinned request any more")] if reachable else []
    steps += [Step("drain", "pool", colour)] if body else []
    plan = Plan({"reachable": reachable}, {"reachable": []}, tuple(steps))
    over: bool | None = None
    notes = []
    if pool is not None and not mine and any(one["seconds"] for one in told):
        notes.append("the pool of %s is not ours: pinned sessions stay on it until they end" % colour)
    if not context.check_mode:
        fence.idle(colour)
        context.switch.unpin(colour)
        if pool is not None and body:
            fence.change(colour, pool, body, lambda: fence.idle(colour))
        pinned = (max(int(affinity(lb)["drain"]), EVERYWHERE) for lb in seen.values() if sticky(lb))
        over = not notes and _over(context, colour, max(pinned, default=0))
        if pool is not None and mine:
            # Its containers go next.
            fence.checked(colour, pool, lambda: fence.idle(colour))
    return context.result(plan, hosts=table(seen, ids_of(found.ids)), drained=over, notes=notes)


def _over(context: Context, colour: str, drain: int) -> bool:
    """Wait until ``drain`` seconds after the last endpoint was disabled, or until the deadline: False."""
    pool = context.pools.look().pools.get(colour) or {}
    if not pool.get("enabled", True) or not drain:
        return True
    since = max((_epoch(one.get("disabled_at")) for one in pool.get("origins") or []), default=0.0)
    left = (since or context.clock.now()) + drain - context.clock.now()
    context.clock.sleep(max(0.0, min(left, context.params["deadline"])))
    return left <= float(context.params["deadline"])


def _epoch(when: Any) -> float:
    try:
        return datetime.fromisoformat(str(when).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
