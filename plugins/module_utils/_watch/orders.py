# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give an order to a watch and bring its answer back; sign a watch off that ended without a verdict of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import wait_until
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import write_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan, Step
from ansible_collections.olympus.bluegreen.plugins.module_utils._report.write import write_report
from ansible_collections.olympus.bluegreen.plugins.module_utils._state import events as record
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import control
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.control import Order
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.launch import Launch, Seen

# How long a watcher may take to answer, in seconds.
ANSWER_SECONDS = 20.0
INCONCLUSIVE = "INCONCLUSIVE"


class Orders:
    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.state = launch.state

    def plan(self, seen: Seen, order: Order) -> Plan:
        """What the order would do. Refused where it makes no sense for this watch."""
        if not seen.release:
            raise Refused("nothing was watched yet", option="bluegreen_watch_do", value=order.do, fix="cut over first")
        before = {"release": seen.release, "verdict": seen.verdict.get("verdict", "")}
        if not seen.verdict:
            return Plan(before, {**before, "order": order.do}, (Step(order.do, "watch", "of %s" % seen.release),))
        if order.do == "promote" and seen.verdict["verdict"] == INCONCLUSIVE:
            return self._plan_sign(seen, before)
        if order.do == "abort" or (order.do == "promote" and seen.verdict["verdict"] != "FAIL"):
            return Plan(before, before)
        raise Refused(
            "the watch of %s has ended: %s" % (seen.release, seen.verdict["verdict"]),
            option="bluegreen_watch_do",
            value=order.do,
            fix="see --tags status",
        )

    def _plan_sign(self, seen: Seen, before: Mapping[str, Any]) -> Plan:
        if seen.verdict.get("signed_off"):
            return Plan(before, before)
        switch = self.launch.switch(seen.release)
        state = switch.read() if switch else None
        flip = state.return_to.flip if state and state.return_to else ""
        if state is None or state.live != seen.verdict["colour"] or flip != seen.verdict["flip"] or not flip:
            raise Refused(
                "%s is not what is live since that cutover" % seen.release,
                option="bluegreen_watch_do",
                value="promote",
                fix="see --tags status",
            )
        return Plan(before, {**before, "signed_off": True}, (Step("sign off", "verdict", "of %s" % seen.release),))

    def apply(self, plan: Plan, seen: Seen, order: Order) -> str:
        """Carry it out; a sentence that says what came of it. Refused when the watcher says no."""
        if not plan.changed:
            return "nothing to do: the watch of %s has ended with %s" % (seen.release, seen.verdict.get("verdict"))
        if plan.steps[0].action == "sign off":
            return self._sign(seen, order)
        return self._give(seen, order)

    def _sign(self, seen: Seen, order: Order) -> str:
        """A person answers for what no judge could say. The verdict stays what it was; the name stands beside it."""
        signed = {"by": order.by, "at": order.at}
        write_json(self.state.release(seen.release, "verdict.json"), {**seen.verdict, "signed_off": signed})
        told = {"event": "signed_off", "release": seen.release, "flip": seen.verdict["flip"], "by": order.by}
        record.append(self.state.release(seen.release, "watch", "events.jsonl"), told, order.at)
        record.append(self.state.ledger, told, order.at)
        write_report(self.state, seen.release)
        return "%s: %s signed off by %s" % (seen.release, seen.verdict["verdict"], order.by)

    def _give(self, seen: Seen, order: Order) -> str:
        path = self.state.release(seen.release, "watch", "control")
        if not wait_until(self.launch.clock, lambda: control.put(path, order), bool, ANSWER_SECONDS):
            raise Refused(
                "another order to this watch is not answered yet",
                option="bluegreen_watch_do",
                value=order.do,
                fix="try again in a few seconds",
            )
        answer = wait_until(self.launch.clock, lambda: self._answer(seen.release, order), bool, ANSWER_SECONDS)
        if not answer:
            control.clear(path)
            raise Refused(
                "the watcher of %s did not answer within %g s" % (seen.release, ANSWER_SECONDS),
                option="bluegreen_watch_do",
                value=order.do,
                fix="see --tags status; if it is dead, --tags watch begins it again",
            )
        if not answer["done"]:
            raise Refused(
                "refused by the watch of %s: %s" % (seen.release, answer["why"]),
                option="bluegreen_watch_do",
                value=order.do,
                fix="let it go on, or end it with abort and then sign it off with promote",
            )
        record.append(self.state.ledger, {**answer, "event": "watch_order", "release": seen.release}, answer["at"])
        return "%s: %s, by %s" % (seen.release, SAID[order.do] % {"seconds": order.seconds}, order.by)

    def _answer(self, release: str, order: Order) -> Mapping[str, Any]:
        told = record.read(self.state.release(release, "watch", "events.jsonl"))
        return next((event for event in told if event["event"] == "control" and event["id"] == order.id), {})


SAID = {
    "abort": "the watch is ended, nothing is rolled back",
    "hold": "the watch is held, it does not end before resume or promote; a bad release is still rolled back",
    "resume": "the watch goes on to its end",
    "extend": "the watch lasts %(seconds)d s longer",
    "promote": "the watch is ended early, its rules were met",
}
