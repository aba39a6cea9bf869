# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's options, and the module from options to result."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from .._core import addresses
from .._core.argspec import DEPLOYMENT, ArgumentSpec
from .._core.clock import SystemClock
from .._core.finding import as_data, sentences
from .._core.http import DirectHttp
from .._core.plan import Plan, Step
from .._core.runner import Runner
from . import answers, cloudflare, record
from .learn import Looked, learn
from .look import Look

STATES = ("read", "learned", "present", "absent")
SPEC = DEPLOYMENT.merge(
    ArgumentSpec(
        {
            "state": {"type": "str", "choices": list(STATES), "default": "read"},
            "told": {"type": "dict", "default": {}},
            "learned": {"type": "dict", "default": {}},
            # The action's own, which spares the module.
            "stages": {"type": "list", "elements": "str", "default": []},
            "run": {"type": "bool", "default": False},
        },
        required_if=(("state", "present", ("learned",)),),
    )
)


class Deployment:
    """What one run of the module knows; ``look`` and ``ask`` (Cloudflare) are called at most once."""

    def __init__(
        self, params: Mapping[str, Any], runner: Runner, look: Callable[[], Looked] | None = None,
        clock: Callable[[], float] = time.time, ask: cloudflare.Ask | None = None,
    ) -> None:  # fmt: skip
        self.params, self.clock = params, clock
        self.state_dir, self.told = str(params["state_dir"]), dict(params["told"])
        self.looks = look or Look(runner, params["deployment"], self.state_dir, self.told).look
        self.ask = ask or cloudflare.asking(self.told, DirectHttp(), SystemClock())

    def learned(self, always: bool) -> tuple[dict[str, Any], bool]:
        """(what is known, whether it is the record's). ``always``: look, and keep of the record what is gone since."""
        known = record.read(self.state_dir)
        if known and not always:
            return known, True
        found = learn(self.looks(), self.told).data()
        if cloudflare.is_told(self.told):
            found = cloudflare.learned(found, self.told, self.params["deployment"], self.ask, not known)
        return (answers.refreshed(known, found) if known else found), False

    def plan(self) -> Plan:
        """What ``present`` or ``absent`` would write."""
        before = record.read(self.state_dir)
        if self.params["state"] == "absent":
            return Plan({"deployment": before}, {}, (Step("remove", record.path(self.state_dir)),) if before else ())
        after = self.recorded()
        steps = () if record.same(before, after) else (Step("record", record.path(self.state_dir)),)
        return Plan({"deployment": before.get("values")}, {"deployment": after.get("values")}, steps)

    def recorded(self) -> dict[str, Any]:
        """What was learned, with the range that the networks were made from since."""
        known = addresses.read(self.state_dir)
        values = dict(self.params["learned"]["values"])
        return {**self.params["learned"], "values": {**values, **({"network_range": known.range_} if known else {})}}

    def apply(self, plan: Plan) -> None:
        for step in plan.steps:
            if step.action == "remove":
                os.unlink(step.target)
            else:
                record.write(self.state_dir, self.recorded(), self.clock())

    def result(self) -> dict[str, Any]:
        """For states that only look."""
        found, recorded = self.learned(self.params["state"] == "learned")
        wrong = [*found.get("problems", ()), *answers.contradictions(found, self.told, not recorded)]
        given = {"name": self.params["deployment"], "state_dir": self.state_dir, **self.told}
        return {
            "learned": {**found, "problems": sentences(found.get("problems", ()))},
            "recorded": recorded,
            "described": answers.described(found["values"], given),
            "lines": lines(found),
            "problems": sentences(wrong),
            "findings": as_data(wrong),
        }


def lines(found: Mapping[str, Any]) -> list[str]:
    """What was learned and where, for people: a line a service and one for each other thing."""
    values, why = found["values"], found.get("found") or {}
    edge = values.get("edge") or {}
    made = ["project %s in %s, files %s (%s)" % (
        values.get("project"), values.get("source"), ", ".join(values.get("compose_files") or ()), why.get("project"),
    )]  # fmt: skip
    made += cloudflare.lines(edge, why) if edge.get("kind") == "cloudflare" else ["edge %s at %s:%s, %s" % (
        edge.get("service") or edge.get("kind"), edge.get("address"), edge.get("port"), edge.get("caddyfile"),
    )]  # fmt: skip
    for name, one in (values.get("services") or {}).items():
        ports = "/".join(str(one[key]) for key in ("port", "admin_port") if one.get(key))
        says = "%s; port by %s" % (why.get("services.%s.kind" % name), why.get("services.%s.port" % name))
        more = [one.get("domain", ""), one.get("ready", "")]
        made.append("%s: %s at %s %s (%s)" % (name, one["kind"], ports, " ".join(x for x in more if x), says))
    made.append("shared: %s; database: %s" % (", ".join(values.get("shared") or ()), values.get("database") or "none"))
    made.append("public names: %s" % ", ".join(one["host"] + one["path"] for one in values.get("public") or ()))
    made += [
        "%(service)s depends on coloured services and stays: %(names)s"
        % {**one, "names": ", ".join(dict.fromkeys([*one["depends_on"], *one["dials"]]))}
        for one in values.get("dependents") or ()
    ]
    return made
