# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of ``release_watch`` to result."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.assemble import world_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.edge import is_cloudflare, place_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.options import of_edge
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS, DEPLOYMENT, ArgumentSpec
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock, SystemClock, wait_until
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.publish import NETWORK
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Runner
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import checks
from ansible_collections.olympus.bluegreen.plugins.module_utils._report.words import OFTEN
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.lock import Lock
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import control
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.launch import Launch
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.orders import Orders

STATES = ("started", "followed", "read", "begun_again", "ordered", "stopped")

SPEC = ArgumentSpec(
    {
        "state": {"type": "str", "choices": list(STATES), "default": "read"},
        "release": {"type": "str", "default": ""},
        "colour": {"type": "str", "choices": list(COLOURS)},
        "project": {"type": "str", "default": ""},
        "edge": {"type": "dict", "default": {}},
        "switch_dir": {"type": "path", "default": ""},
        "services": {"type": "dict", "default": {}},
        "shared": {"type": "list", "elements": "str", "default": []},
        "network_range": {"type": "str", "default": "10.231.16.0/20"},
        "publish": {"type": "str", "default": "network"},
        "port_base": {"type": "dict", "default": {}},
        "public": {"type": "list", "elements": "dict", "default": []},
        "probes": {"type": "dict", "default": {}},
        "probe_secrets": {"type": "dict", "default": {}, "no_log": True},
        "probe": {"type": "bool", "default": True},
        "skip": {"type": "list", "elements": "str", "default": []},
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
    required_if=(("state", "started", ["release", "colour", "services"]),),
).merge(DEPLOYMENT)

PASSED_ON = (
    "deployment", "state_dir", "release", "colour", "services", "shared", "network_range", "publish", "port_base",
    "public", "probes", "probe_secrets", "probe", "skip", "window", "interval", "wait", "baseline", "run", "stack",
    "stays",
)  # fmt: skip


def config_of(params: Mapping[str, Any], runner: Runner) -> Config:
    """The watcher's configuration; the switch is found at the running edge unless ``switch_dir`` names it."""
    checks.known(params["skip"], "skip")
    edge = _asked_at(params)
    switch_dir = params["switch_dir"]
    if not switch_dir:
        place = place_of(runner, params["project"], params["edge"])
        # By ports the edge's own network is of no interest: probes speak from the host.
        switch_dir, edge["container"] = place.directory, place.name if params["publish"] == NETWORK else ""
    if not Switch(switch_dir).exists():
        raise BluegreenError("no switch at %s" % switch_dir, fix="run the adopt stage")
    values = {name: params[name] for name in PASSED_ON if name in params}
    parameters = {**params["parameters"], "min_events": params["min_events"]}
    return Config.of({**values, "switch_dir": switch_dir, "edge": edge, "parameters": parameters})


def _asked_at(params: Mapping[str, Any]) -> dict[str, Any]:
    """Where the public names are asked, and of a Cloudflare edge how it is brought back."""
    edge = params["edge"]
    if not is_cloudflare(edge):
        return {name: edge.get(name) for name in ("address", "port", "ca", "scheme")}
    about = {name: params[name] for name in ("deployment", "state_dir", "public")}
    options = of_edge(edge, **about)
    # Bad ones, or a token file that cannot be read, before anything is begun.
    world_of(options, DirectHttp(), DirectHttp(), SystemClock(), False)
    return {**options["observe"], "log": edge.get("access_log") or "", "cloudflare": options}


def manage(params: Mapping[str, Any], check_mode: bool, runner: Runner, clock: Clock) -> tuple[Plan, dict[str, Any]]:
    """The plan that was carried out (in check mode: would be) and what is there now."""
    launch = Launch(params["state_dir"], runner, clock)
    plan, how, answer = Plan(), "", ""
    if params["state"] == "started":
        wanted = config_of(params, runner)
        live = Switch(wanted.switch_dir).read()
        flip = live.return_to.flip if live.live == wanted.colour and live.return_to else ""
        plan = launch.plan_start(launch.observe(), wanted, flip)
        how = "" if check_mode else launch.apply(plan, wanted)
    elif params["state"] == "stopped":
        plan = launch.plan_stop(launch.observe())
        how = "" if check_mode else launch.apply(plan)
    elif params["state"] == "begun_again":
        plan, how = _begin_again(launch, params, check_mode)
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


def _begin_again(launch: Launch, params: Mapping[str, Any], check_mode: bool) -> tuple[Plan, str]:
    """As it was told the first time; only the secrets are given again, the disk has them no more."""
    seen = launch.observe(params["release"])
    plan = launch.plan_again(seen)
    kept = launch.kept(seen.release) if plan.changed else None
    if kept is None or check_mode:
        return plan, ""
    return plan, launch.apply(plan, replace(kept, probe_secrets=params["probe_secrets"]))


def _order(launch: Launch, params: Mapping[str, Any], check_mode: bool, clock: Clock) -> tuple[Plan, str]:
    by = params["operator"] or "somebody"
    order = control.wanted(params["order"], params["extend"], by, secrets.token_hex(8), clock.now())
    if launch.observe(params["release"]).died:
        _begin_again(launch, params, check_mode)
    orders, seen = Orders(launch), launch.observe(params["release"])
    plan = orders.plan(seen, order)
    return plan, "" if check_mode else orders.apply(plan, seen, order)


def _beat(launch: Launch, run: str, check_mode: bool, clock: Clock) -> None:
    """Whoever follows a watch is alive: refresh his lock, if he holds it."""
    lock = Lock(launch.state, None, clock)
    held = lock.read()
    if held and held["run"] == run and not check_mode:
        lock.beat(run)
