# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of ``release_watch`` to result: start a watcher, start a dead one again, give it an order, stop it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._cloudflare.context import context_of
from .._cloudflare.edge import is_cloudflare, place_of
from .._cloudflare.options import of_edge
from .._core.argspec import COLOURS, DEPLOYMENT, ArgumentSpec
from .._core.clock import Clock, SystemClock, wait_until
from .._core.errors import BluegreenError
from .._core.files import write_json
from .._core.http import DirectHttp
from .._core.plan import Plan, Step
from .._core.publish import NETWORK
from .._core.runner import Runner
from .._health import checks
from .._health.targets import ORY, check_files, parse
from .._notify.address import SPEC as NOTIFY
from .._report.words import OFTEN
from .._report.write import write_report
from .._state import events as record
from .._state.lock import Lock
from .._switch.switch import Switch
from .._verdict.judge import FAIL, INCONCLUSIVE
from . import orders
from .config import Config
from .launch import Launch, Seen
from .orders import Order, OrderRefused

STATES = ("started", "followed", "read", "restarted", "ordered", "stopped")

SPEC = ArgumentSpec(
    {
        "state": {"type": "str", "choices": list(STATES), "default": "read"},
        "release": {"type": "str", "default": ""},
        "colour": {"type": "str", "choices": list(COLOURS)},
        "project": {"type": "str", "default": ""},
        "services": {"type": "dict", "default": {}},
        "network_range": {"type": "str", "default": "10.231.16.0/20"},
        "public": {"type": "list", "elements": "dict", "default": []},
        "probe": {"type": "bool", "default": True},
        "window": {"type": "float", "default": 300.0},
        "interval": {"type": "float", "default": 1.0},
        "wait": {"type": "float", "default": 300.0},
        "baseline": {"type": "float", "default": 1800.0},
        "min_events": {"type": "int", "default": 300},
        "parameters": {"type": "dict", "default": {}},
        "stack": {"type": "dict", "default": {}},
        "stays": {"type": "str", "default": ""},
        "since": {"type": "int", "default": 0},
        "patience": {"type": "float", "default": 0.0},
        "run": {"type": "str", "default": ""},
        "timeout": {"type": "float", "default": 0.0},
        "order": {"type": "str", "default": ""},
        "extend": {"type": "str", "default": ""},
        "operator": {"type": "str", "default": ""},
    },
    required_if=(("state", "started", ["release", "colour"]),),
).merge(DEPLOYMENT, checks.PROBING, NOTIFY)

# How long a watcher may take to answer an order, in seconds.
ANSWER_SECONDS = 20.0
DONE = {
    "abort": "the watch is ended, nothing is rolled back",
    "hold": "the watch is held and does not end before resume or promote; a bad release is still rolled back",
    "resume": "the watch goes on to its end",
    "extend": "the watch lasts %(seconds)d s longer",
    "promote": "the watch is ended early, its rules were met",
}


def config_of(params: Mapping[str, Any], runner: Runner) -> Config:
    """The watcher's configuration; the switch is found at the running edge unless ``switch_dir`` names it."""
    checks.known(params["skip"], "skip")
    edge, inside = _edge_of(params), _asks_containers(params)
    switch_dir = params["switch_dir"]
    if not switch_dir:
        place = place_of(runner, params["project"], params["edge"])
        # By ports the edge's own network is of no interest: probes speak from the host.
        switch_dir, edge["container"] = place.directory, place.name if inside and params["publish"] == NETWORK else ""
    if not Switch(switch_dir).exists():
        raise BluegreenError("no switch at %s" % switch_dir, fix="run the adopt stage")
    parameters = {**params["parameters"], "min_events": params["min_events"]}
    config = Config.of({**params, "switch_dir": switch_dir, "edge": edge, "parameters": parameters})
    if inside or not config.log or os.path.exists(config.log):
        return config
    # Who adopted an edge without our log has none: then probes alone are judged.
    return replace(config, edge={**edge, "unlogged": True})


def _asks_containers(params: Mapping[str, Any]) -> bool:
    """Whether services are asked, not targets alone. Raises BluegreenError where the watch could compare nothing."""
    targets = parse(params.get("targets") or ())
    if not targets:
        if not params["services"]:
            raise BluegreenError("services, targets not given", fix="give targets, or services and network_range")
        return True
    check_files(targets)
    ory = any(one.kind == ORY for one in targets)
    if not ory and not any(one.coloured for one in targets):
        raise BluegreenError(
            "no target names an address of each colour, so the two can't be compared",
            option="targets",
            value=targets[0].name,
            fix="write url: {blue: ..., green: ...}",
        )
    for one in targets:
        for colour in COLOURS:
            one.place(colour)
    return ory


def _edge_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """Where the public names are asked, and of a Cloudflare edge how it is brought back."""
    edge = params["edge"]
    if not is_cloudflare(edge):
        return {name: edge.get(name) for name in ("address", "port", "ca", "scheme")}
    options = of_edge(edge, **{name: params[name] for name in ("deployment", "state_dir", "public")})
    # Bad options, or a token file that cannot be read, are refused before a watcher starts.
    context_of(options, DirectHttp(), DirectHttp(), SystemClock(), False)
    return {**options["observe"], "log": edge.get("access_log") or "", "cloudflare": options}


def manage(params: Mapping[str, Any], check_mode: bool, runner: Runner, clock: Clock) -> tuple[Plan, dict[str, Any]]:
    """The plan that was carried out (in check mode: would be) and what is there now."""
    launch = Launch(params["state_dir"], runner, clock)
    plan, how, answer = Plan(), "", ""
    if params["state"] == "started":
        config = config_of(params, runner)
        live = Switch(config.switch_dir).read()
        flip = live.return_to.flip if live.live == config.colour and live.return_to else ""
        plan = launch.plan_start(launch.observe(), config, flip)
        how = "" if check_mode else launch.apply(plan, config)
    elif params["state"] == "stopped":
        plan = launch.plan_stop(launch.observe())
        how = "" if check_mode else launch.apply(plan)
    elif params["state"] == "restarted":
        plan, how = _restart(launch, params, check_mode)
    elif params["state"] == "ordered":
        plan, answer = _order(launch, params, check_mode, clock)
    elif params["run"]:
        _beat(launch, params["run"], check_mode, clock)
    result = wait_until(clock, lambda: launch.result(params["release"], params["since"]), news, params["patience"])
    return plan, {**result, "how": how, "answer": answer}


def news(result: Mapping[str, Any]) -> bool:
    """Whether the one who follows has something to print or to do."""
    rare = any(event["event"] not in OFTEN for event in result["events"])
    return rare or bool(result["verdict"]) or not result["watcher"]["alive"]


def _restart(launch: Launch, params: Mapping[str, Any], check_mode: bool) -> tuple[Plan, str]:
    """With the configuration of its first start; only the secrets come again, the disk has them no more."""
    seen = launch.observe(params["release"])
    plan = launch.plan_restart(seen)
    kept = launch.kept(seen.release) if plan.changed else None
    if kept is None or check_mode:
        return plan, ""
    return plan, launch.apply(plan, replace(kept, **{name: params[name] for name in ("probe_secrets", "notify_url")}))


def _beat(launch: Launch, run: str, check_mode: bool, clock: Clock) -> None:
    """A run that follows a watch is alive: refresh its lock, if it holds the lock."""
    lock = Lock(launch.state, None, clock)
    held = lock.read()
    if held and held["run"] == run and not check_mode:
        lock.beat(run)


# Orders


def _order(launch: Launch, params: Mapping[str, Any], check_mode: bool, clock: Clock) -> tuple[Plan, str]:
    by = params["operator"] or "an unknown operator"
    order = orders.order_of(params["order"], params["extend"], by, secrets.token_hex(8), clock.now())
    if launch.observe(params["release"]).died:
        _restart(launch, params, check_mode)
    seen = launch.observe(params["release"])
    plan = plan_order(launch, seen, order)
    return plan, "" if check_mode else _carry_out(launch, plan, seen, order)


def plan_order(launch: Launch, seen: Seen, order: Order) -> Plan:
    """What the order would do. Refused where it makes no sense for this watch."""
    if not seen.release:
        raise OrderRefused("no release was watched yet", order, "cut over first")
    verdict = seen.verdict.get("verdict", "")
    before = {"release": seen.release, "verdict": verdict}
    if not verdict:
        return Plan(before, {**before, "order": order.do}, (Step(order.do, "watch", "of %s" % seen.release),))
    if order.do == "promote" and verdict == INCONCLUSIVE:
        return _plan_sign_off(launch, seen, order, before)
    if order.do == "abort" or (order.do == "promote" and verdict != FAIL):
        return Plan(before, before)
    raise OrderRefused("the watch of %s has ended: %s" % (seen.release, verdict), order, "see --tags status")


def _plan_sign_off(launch: Launch, seen: Seen, order: Order, before: Mapping[str, Any]) -> Plan:
    if seen.verdict.get("signed_off"):
        return Plan(before, before)
    switch = launch.switch(seen.release)
    state = switch.read() if switch else None
    flip = state.return_to.flip if state and state.return_to else ""
    if state is None or state.live != seen.verdict["colour"] or flip != seen.verdict["flip"] or not flip:
        raise OrderRefused("%s is not what is live since that cutover" % seen.release, order, "see --tags status")
    return Plan(before, {**before, "signed_off": True}, (Step("sign off", "verdict", "of %s" % seen.release),))


def _carry_out(launch: Launch, plan: Plan, seen: Seen, order: Order) -> str:
    """A sentence that says what came of the order. Refused when the watcher refuses."""
    if not plan.changed:
        return "nothing to do: the watch of %s has ended with %s" % (seen.release, seen.verdict.get("verdict"))
    return (_sign_off if plan.steps[0].action == "sign off" else _hand_over)(launch, seen, order)


def _sign_off(launch: Launch, seen: Seen, order: Order) -> str:
    """A person answers for what no judge could say. The verdict stays what it was; the name stands beside it."""
    state, signed = launch.state, {"by": order.by, "at": order.at}
    write_json(state.release(seen.release, "verdict.json"), {**seen.verdict, "signed_off": signed})
    event = {"event": "signed_off", "release": seen.release, "flip": seen.verdict["flip"], "by": order.by}
    record.append(launch.events_path(seen.release), event, order.at)
    record.append(state.ledger, event, order.at)
    write_report(state, seen.release)
    return "%s: %s signed off by %s" % (seen.release, seen.verdict["verdict"], order.by)


def _hand_over(launch: Launch, seen: Seen, order: Order) -> str:
    path = launch.state.release(seen.release, "watch", "control")

    def answered() -> Mapping[str, Any]:
        events = launch.events(seen.release)
        return next((event for event in events if event["event"] == "control" and event["id"] == order.id), {})

    if not wait_until(launch.clock, lambda: orders.put(path, order), bool, ANSWER_SECONDS):
        raise OrderRefused("another order to this watch is not answered yet", order, "try again in a few seconds")
    answer = wait_until(launch.clock, answered, bool, ANSWER_SECONDS)
    if not answer:
        orders.clear(path)
        raise OrderRefused(
            "the watcher of %s did not answer within %g s" % (seen.release, ANSWER_SECONDS),
            order,
            "see --tags status; if the watcher is dead, --tags watch starts it again",
        )
    if not answer["done"]:
        raise OrderRefused(
            "the watch of %s refused: %s" % (seen.release, answer["why"]),
            order,
            "let it go on, or end it with abort and then sign it off with promote",
        )
    record.append(launch.state.ledger, {**answer, "event": "watch_order", "release": seen.release}, answer["at"])
    return "%s: %s, by %s" % (seen.release, DONE[order.do] % {"seconds": order.seconds}, order.by)
