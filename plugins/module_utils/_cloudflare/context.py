# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every state works with, made once from the module's options, and what a flip says of itself. Standard library
only: a watcher does it as well."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.argspec import COLOURS
from .._core.clock import Clock
from .._core.errors import BluegreenError, Refused
from .._core.hostname import ascii_host
from .._core.http import Http
from .._core.plan import Plan, Step
from .._switch.switch import Switch, describe
from . import steering
from .api import Api, api_of
from .balancers import Balancers, Goal, Seen
from .edge import switch_path
from .poolset import PoolSet
from .public_names import Public

Result = dict[str, Any]
Goals = Mapping[str, Goal]
NAME = re.compile(r"[A-Za-z0-9_-]+")
NOTHING: Result = {"live": "", "idle": "", "return_to": None, "token": 0}


@dataclass(frozen=True)
class Context:
    """``switch`` is the record on the state host of what is wanted; Cloudflare is made to follow it."""

    params: Mapping[str, Any]
    api: Api
    clock: Clock
    switch: Switch
    pools: PoolSet
    balancers: Balancers
    public: Public
    check_mode: bool = False
    # A way back only while this cutover is the one in force: a watcher's.
    flip: str = ""

    def require_switch(self) -> None:
        if not self.switch.exists():
            raise Refused("no switch at %s" % self.switch.path, fix="run the adopt stage")

    def switch_install(self, live: str) -> None:
        """The directory of the switch, with ``live`` as its colour where it has none."""
        os.makedirs(os.path.dirname(self.switch.path) or "/", exist_ok=True)
        self.switch.install(live, deployment=self.params["deployment"])

    def told(self) -> Result:
        """The part of every result that the switch and the budget say."""
        state = describe(self.switch.read()) if self.switch.exists() else NOTHING
        calls = {"calls": self.api.used, "budget_left": self.api.left}
        return {**state, **calls, "edge": "cloudflare", "directory": self.switch.path, "plain_names": [], "open": {}}

    def result(self, plan: Plan, **more: Any) -> Result:
        return {**self.told(), "diff": plan.diff(), **plan.result(), **more}


def table(seen: Seen, ids: steering.Pools) -> list[Result]:
    """One row a hostname: who serves, by which fields, and who stays pinned."""
    names = {pool: colour for colour, pool in ids.items()}
    return [
        {
            "host": host,
            "id": lb.get("id"),
            "live": steering.live(lb, ids),
            "share": {colour: steering.share(lb, ids, colour) for colour in ids},
            "steering": steering.policy_of(lb),
            "pools": [names.get(pool, pool) for pool in lb.get("default_pools") or []],
            "fallback": names.get(str(lb.get("fallback_pool")), lb.get("fallback_pool")),
            "pins": steering.affinity(lb),
        }
        for host, lb in seen.items()
    ]


def ids_of(found_ids: Mapping[str, str]) -> dict[str, str]:
    """Both colours; a pool that does not exist has an id that no list has."""
    return {colour: found_ids.get(colour) or "no-%s-pool" % colour for colour in COLOURS}


def context_of(params: Mapping[str, Any], http: Http, public_http: Http, clock: Clock, check_mode: bool) -> Context:
    """``http`` speaks to the API, ``public_http`` to the public names. Refused where an option makes no sense."""
    hosts = [{**one, "host": ascii_host(one["host"], "public")} for one in params["public"]]
    params = {**params, "public": hosts}
    _checked(params)
    api = api_of(params, http, clock)
    zones = {one["host"]: one["zone_id"] or params["zone_id"] for one in params["public"]}
    switch = Switch(switch_path(params["switch_dir"]))
    pools = PoolSet(api, clock, params["account_id"], params["deployment"], params["pools"])
    balancers = Balancers(api, clock, zones, params["failover"])
    public = Public(public_http, clock, params["public"], params["observe"])
    return Context(params, api, clock, switch, pools, balancers, public, check_mode)


def _checked(params: Mapping[str, Any]) -> None:
    if not 1 <= params["weight"] <= 100:
        raise Refused("not a percentage", option="weight", value=params["weight"], fix="give 1 to 100")
    hosts = [one["host"] for one in params["public"]]
    if not hosts or len(set(hosts)) < len(hosts):
        raise Refused("no name, or one twice", option="public", value=hosts, fix="list each public name once")
    bare = [one["host"] for one in params["public"] if not (one["zone_id"] or params["zone_id"])]
    if bare:
        raise Refused("no zone is given for %s" % ", ".join(bare), option="zone_id", value="", fix="give the zone's id")
    if params["observe"]["scheme"] == "http" and not params["observe"]["address"]:
        # A colour is believed where a certificate, or an address of the operator's own, says who answers.
        raise Refused(
            "over plain http any machine on the way can answer for a public name", option="edge.observe.scheme",
            value="http", fix="leave it out, or give observe.address in your own network",
        )  # fmt: skip
    names = [params["pools"][colour]["name"] for colour in COLOURS]
    for colour, name in zip(COLOURS, names):
        if not NAME.fullmatch(name):
            raise Refused(
                "a pool's name has only letters, digits, - and _", option="pools.%s.name" % colour, value=name,
                fix="choose another name",
            )  # fmt: skip
    if names[0] == names[1]:
        raise Refused("both colours have this pool", option="pools", value=names[0], fix="give each colour its own")


def changed(
    live: str, wanted: str, seen: Seen, todo: Mapping[str, Mapping[str, Any]], steps: Sequence[Step],
    last: Sequence[Step] = (),
) -> Plan:  # fmt: skip
    """Only the fields that are written are in ``before`` and ``after``."""
    before = {host: {name: seen[host].get(name) for name in body} for host, body in todo.items()}
    writes = [Step("patch", host, ", ".join(body)) for host, body in todo.items()]
    return Plan({"live": live, "hosts": before}, {"live": wanted, "hosts": todo}, (*steps, *writes, *last))


def halfway(context: Context, exc: BluegreenError, wanted: str, ids: steering.Pools) -> BluegreenError:
    """The error of a run that neither came through nor took everything back: what stands where, and how it goes on.

    A rerun goes on to ``wanted``; a rollback works from here.
    """
    hosts: dict[str, str] = {}
    with contextlib.suppress(BluegreenError):
        hosts = {host: steering.live(lb, ids) for host, lb in context.balancers.look().items()}
    partial: dict[str, object] = {
        "state": "partial",
        "wanted": wanted,
        "hosts": hosts or "not known: Cloudflare does not answer",
        "written": list(dict.fromkeys(context.balancers.written)),
    }
    where = ", ".join("%s on %s" % (host, colour or "both") for host, colour in hosts.items()) or "where is not known"
    return BluegreenError(
        "%s; stopped half way to %s: %s" % (exc.msg, wanted, where),
        fix="%s%srun the same stage again to go on, or roll back" % (exc.fix, "; " if exc.fix else ""),
        partial=partial,
    )
