# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The states of caddy_upstream: each observes, plans, applies unless in check mode, and reads back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .._core import addresses
from .._core.addresses import Addresses
from .._core.clock import Clock
from .._core.errors import BluegreenError, Refused
from .._core.files import write_atomic
from .._core.finding import Problem, as_data, sentences, to_adopt
from .._core.http import Http
from .._core.plan import Plan, Step
from .._switch.directory import switch_problems
from .._switch.switch import Switch, describe
from .config import query
from .config.query import public_names, ways
from .config.upstream import Upstream
from .running.admin import Admin
from .running.base import Edge, root_of
from .running.find import MethodRecord, record_changes, write_record
from .running.reaches import Reached, Reaches
from .traffic import anonymous_visit, drain, rollback_checks
from .traffic.preview import Preview
from .traffic.traffic import Traffic, release_of

if TYPE_CHECKING:
    from .adopt.file import Adopter, Change

Result = dict[str, Any]
# The last adoption's change of the configuration file, in the state directory.
PATCH = "adopt.patch"
NOTHING: Result = {"live": "", "idle": "", "return_to": None, "token": 0}
# An edge that has no container, or none with a place for the switch.
NOWHERE: Result = {
    **NOTHING, "edge": "", "directory": "", "adopted": False, "plain_names": [], "open": {}, "observed": [],
    "method": "", "cost": "", "preview": {},
}  # fmt: skip


@dataclass(frozen=True)
class App:
    """``params`` are the module's. ``http`` asks the public names, ``admin`` the edge itself. Adopt writes ``record``
    down before the edge gets anything."""

    params: Mapping[str, Any]
    edge: Edge
    admin: Admin
    upstreams: Sequence[Upstream]
    http: Http
    clock: Clock
    check_mode: bool = False
    record: Addresses | None = None
    reaches: Reaches = field(default_factory=Reaches)

    def run(self) -> Result:
        """The module's result, ``diff`` and ``warnings`` included. Raises BluegreenError."""
        state, app = self.params["state"], self
        if state != "read":
            place = self.edge.place()
            if place.doubt and state != "returned":
                raise place.doubt
            switch = Switch(place.directory)
            switch.require_of(self.params.get("deployment", ""))
            if state == "returned":
                rollback_checks.require_adopted(switch)
            app = replace(self, params={**self.params, "token": switch.token_for(self.params.get("token"))})
        result: Result = getattr(app, state)()
        # For programs, what the sentences say to people.
        found = result.get("problems")
        return {**result, "problems": sentences(found), "findings": as_data(found)} if found is not None else result

    def _traffic(self) -> Traffic:
        return Traffic(self.edge, self.admin, self.upstreams, self.http, self.clock)

    def read(self) -> Result:
        """Never fails for what it finds: that is listed in ``problems``."""
        problems: list[str] = []
        try:
            place = self.edge.place()
        except BluegreenError as exc:
            return {**NOWHERE, "problems": [str(exc)], **Plan().result()}
        problems += [str(place.doubt)] if place.doubt else []
        switch = Switch(place.directory)
        result: Result = {"edge": place.name, "directory": place.directory, "adopted": False, "plain_names": []}
        result.update(method="", cost="")
        state = switch.read() if switch.exists() else None
        result.update(describe(state) if state else NOTHING, preview={})
        if state and state.damage:
            problems.append(to_adopt("the switch is damaged (%s)" % state.damage))
        if state:
            owner = place.owner if place.pid else None
            problems += [
                to_adopt("the switch is damaged (%s)" % one) for one in switch_problems(place.directory, owner)
            ]
        try:
            config, traffic = self.admin.config(), self._traffic()
        except BluegreenError as exc:
            return {**result, "open": {}, "observed": [], "problems": [*problems, str(exc)], **Plan().result()}
        running = bool(query.form(config, root_of(self.edge)))
        result["adopted"] = bool(state) and running
        if result["adopted"]:
            result["plain_names"] = self.reaches.past(self.edge, config, self.upstreams)
        else:
            result["plain_names"] = query.plain_names(config, self.upstreams, root_of(self.edge))
        result["open"] = traffic.open(config)
        result["observed"] = anonymous_visit.together(traffic.ask, self.params["public"])
        problems += self._disagreements(result, running)
        if result["adopted"]:
            problems += self._method_status(traffic, config, result)
        return {**result, "problems": problems, **Plan().result()}

    def _method_status(self, traffic: Traffic, config: Any, result: Result) -> list[str]:
        """Adds to ``result`` how the edge follows and how to preview; what is wrong with that."""
        names = self.params["public"] or public_names(config, root_of(self.edge))
        result.update(
            method=traffic.running_method(config),
            cost=traffic.cost(config),
            preview=self._preview(traffic).instructions(names),
        )
        return traffic.method_problems(config, str(result["live"]))

    def _preview(self, traffic: Traffic, release: str = "") -> Preview:
        return Preview.of(traffic, self.params["state_dir"], release)

    def _disagreements(self, result: Result, running: bool) -> list[str]:
        found: list[str] = []
        if bool(result["live"]) != running:
            here, gone = (
                "does not run the switch that is on its disk",
                "runs a switch whose directory is missing or empty",
            )
            found.append(to_adopt("the edge %s" % (here if result["live"] else gone)))
        if result["plain_names"] and result["adopted"]:
            found.append(to_adopt("the edge dials %s past the switch" % ", ".join(result["plain_names"])))
        for one in result["observed"] if result["adopted"] else []:
            if one["colour"] != result["live"]:
                words = "the switch says %s, %s" % (result["live"], anonymous_visit.words(one))
                found.append(Problem(words, "public"))
        return found

    def _adopter(self) -> Adopter:
        # Half of the library: 55 of the 250 ms that a rollback may take. It needs none of it.
        from .adopt.file import Adopter

        adopter = Adopter(self.edge, self.admin, self.upstreams)
        adopter.accept_pending, adopter.reaches = self.params["accept_pending"], self.reaches
        adopter.assume_live = self.params["assume_live"]
        adopter.deployment = self.params.get("deployment", "")
        return adopter

    def adopted(self) -> Result:
        adopter = self._adopter()
        change = adopter.adopted()
        record = self._recorded(change.found)
        if record and not self.check_mode:
            os.makedirs(self.params["state_dir"], mode=0o750, exist_ok=True)
            addresses.write(self.params["state_dir"], record)
        return self._noted(self._change(adopter, change), self._record())

    def _recorded(self, found: Mapping[str, Reached]) -> Addresses | None:
        """What has to be written down before the edge gets anything; None for nothing. A name of a service that is
        found once stays: when its container is gone, no name server knows it any more."""
        known = self.record or addresses.read(self.params["state_dir"])
        also = {dial: (one.service, one.port, one.outside, one.direct) for dial, one in found.items()}
        if known is None or not also or also.items() <= known.aliases.items():
            return self.record
        return replace(known, aliases={**known.aliases, **also})

    def undone(self) -> Result:
        adopter = self._adopter()
        result = self._change(adopter, adopter.undone(self.params["force"]))
        return self._noted(self._without_logs(adopter.switch, result), None)

    def _without_logs(self, switch: Switch, result: Result) -> Result:
        """The access log of the edge names visitors, and no watch reads it any more."""
        names = switch.logs()
        if not names:
            return result
        if not self.check_mode:
            switch.forget_logs(names)
        step = Step("remove", os.path.join(switch.path, "log"), "%d files of the access log" % len(names))
        return {**result, "changed": True, "steps": [*result["steps"], str(step)]}

    def _record(self) -> MethodRecord:
        return MethodRecord(str(self.params["project"]), self.edge.options, tuple(self.upstreams))

    def _noted(self, result: Result, wanted: MethodRecord | None) -> Result:
        """Last, so that what is written down is what runs."""
        directory = self.edge.options.state_dir
        if not record_changes(directory, wanted):
            return result
        if not self.check_mode:
            write_record(directory, wanted)
        step = Step("note", directory, "the method " + (wanted.edge.method if wanted else "switch"))
        return {**result, "changed": True, "steps": [*result["steps"], str(step)]}

    def _change(self, adopter: Adopter, change: Change) -> Result:
        if not self.check_mode:
            adopter.apply(change)
        state = describe(adopter.switch.read()) if adopter.switch.exists() else {"live": "", "idle": ""}
        after = bool(change.plan.after.get("switch_running"))
        before, wanted = change.texts
        name = self.edge.options.caddyfile or "running configuration"
        return {
            **state,
            "adopted": after if not self.check_mode else bool(change.plan.before.get("switch_running")),
            "patch_file": self._keep_patch(change),
            "warnings": list(change.warnings),
            "diff": {
                "before": before,
                "after": wanted,
                "before_header": name + " (now)",
                "after_header": name + (" (with the switch)" if after else " (as it was)"),
            },
            **change.plan.result(),
        }

    def _keep_patch(self, change: Change) -> str:
        """Where the change lies for the operator's repository, '' where nothing was made. It quotes the Caddyfile, so
        it is in no result."""
        path = os.path.join(self.params["state_dir"], PATCH)
        adopts = bool(change.plan.after.get("switch_running"))
        if self.check_mode:
            return ""
        if adopts and change.patch:
            os.makedirs(self.params["state_dir"], mode=0o750, exist_ok=True)
            write_atomic(path, change.patch, 0o640)
            return path
        if not adopts and os.path.exists(path):
            os.unlink(path)
        return ""

    def previewed(self) -> Result:
        traffic = self._traffic()
        preview = self._preview(traffic, self.params["release"])
        plan, warnings = preview.plan(), []
        seen: Result = {"observed": [], "preview": {}}
        if not self.check_mode:
            names = traffic.confirming(self._ways(self.admin.config()))
            warnings = names.warnings()
            preview.make(self.params["token"])
            seen["observed"] = preview.seen(names.to_ask, self.params["confirm_timeout"])
            seen["preview"] = preview.instructions(names.to_ask)
        state = describe(traffic.switch.read())
        return {**state, "adopted": True, **seen, "warnings": warnings, "diff": plan.diff(), **plan.result()}

    def live(self) -> Result:
        traffic, colour = self._traffic(), self.params["colour"]
        config = traffic.config()
        there, wanted = release_of(self.params["state_dir"], colour), self.params["release"]
        if wanted and there and wanted != there:
            raise Refused(
                "%s holds release %s" % (colour, there),
                option="release",
                value=wanted,
                fix="run the deploy stage first",
            )
        plan = traffic.plan_live(colour)
        if self.check_mode:
            return self._moved(traffic, plan, {})
        traffic.followup.accept_pending = self.params["accept_pending"]
        if plan.changed:
            traffic.require_alive(colour, config)
        names = traffic.confirming(self._ways(config))
        warnings = names.warnings()
        at = self.clock.now()
        if plan.changed:
            old = release_of(self.params["state_dir"], traffic.switch.read().live)
            if traffic.method == self.edge.options.method:
                write_record(self.edge.options.state_dir, self._record())
            at = traffic.make_live(colour, old, self.params["token"])
        # Of a colour that has been live it is not known what it would have said before.
        spared = names.unsure if plan.changed else ()
        seen = traffic.confirm(colour, names.to_ask, at, self.params["confirm_timeout"], spared)
        warnings += [anonymous_visit.words(one) for one in seen.silent]
        found = {**seen.result(), "open": traffic.open(self.admin.config()), "warnings": warnings}
        return self._moved(traffic, plan, found)

    def returned(self) -> Result:
        """The way back asks only the switch and the target. With ``force`` not even the target.

        Where no edge runs nothing can confirm it: the switch is moved, and that is an error to look at.
        """
        traffic, force = self._traffic(), self.params["force"]
        plan = traffic.plan_return(self.params["keep_sticky"], self.check_mode)
        target = str(plan.after["live"])
        asleep = rollback_checks.edge_stopped(traffic, target)
        if not force and not asleep:
            with traffic.switch.stopping(self.check_mode):
                rollback_checks.check_target(traffic, target, self.params["state_dir"])
        if self.check_mode:
            return self._moved(traffic, plan, {})
        # Also where the plan says that nothing is to do: a cutover may have begun since.
        traffic.switch.rollback(self.params["keep_sticky"], force=force)
        at = self.clock.now()
        left = traffic.followup.follow(back=True)
        if asleep:
            raise asleep
        seen = rollback_checks.confirm(traffic, target, self.params["public"], at, self.params["confirm_timeout"])
        warnings = [*(one for one in (traffic.switch.passed, left) if one), *seen.pop("warnings")]
        return {**self._moved(traffic, plan, seen), "warnings": warnings}

    def _ways(self, config: Any) -> Sequence[Sequence[Mapping[str, str]]]:
        return [[one] for one in self.params["public"]] or ways(config, root_of(self.edge))

    def _moved(self, traffic: Traffic, plan: Plan, seen: Result) -> Result:
        state = describe(traffic.switch.read())
        return {**state, "adopted": True, "open": {}, **seen, "diff": plan.diff(), **plan.result()}

    def drained(self) -> Result:
        traffic, colour = self._traffic(), self.params["colour"]
        config, state = traffic.config(), traffic.switch.read()
        if state.live == colour:
            raise Refused("%s is live" % colour, option="colour", value=colour, fix="drain the other colour")
        reachable = [name for name in ("warm", "assets") if colour in getattr(state, name)]
        steps = (Step("unpin", colour, "no pinned request any more"),) if reachable else ()
        plan = Plan({"reachable": reachable}, {"reachable": []}, steps)
        waited: Result = {"drained": None, "left": [], "seen": {}}
        if not self.check_mode:
            traffic.switch.unpin(colour)
            drained = drain.wait(traffic, colour, self.params["deadline"], self.params["seen"])
            waited = {"drained": drained.done, "left": list(drained.left), "seen": drained.seen}
        return {
            **describe(traffic.switch.read()),
            "adopted": True,
            **waited,
            "open": traffic.open(config),
            "diff": plan.diff(),
            **plan.result(),
        }
