# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a watch goes on: its window and what operators ordered since. Pure, a fold of ``control`` events.

Such an event is {id, do, by, seconds, done, why}: an order and the watcher's answer; only what is ``done`` counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._verdict.parameters import Judgement
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.control import Order

# A watch that somebody held and forgot ends after so many seconds beyond its window.
HELD_AT_MOST = 86400.0


class Course:
    """``window`` (seconds) grows by ``extend``. ``end`` is (why, detail) once somebody ended the watch."""

    def __init__(self, window: float, events: Iterable[Mapping[str, Any]] = ()) -> None:
        self.window = window
        self.held = ""
        self.end: tuple[str, str] | None = None
        self.signed: dict[str, Any] = {}
        self._answered: set[str] = set()
        for event in events:
            self.add(event)

    def add(self, event: Mapping[str, Any]) -> None:
        if event.get("event") != "control":
            return
        self._answered.add(str(event["id"]))
        if not event["done"]:
            return
        do, who = event["do"], str(event["by"])
        if do == "hold":
            self.held = self.held or who
        elif do == "resume":
            self.held = ""
        elif do == "extend":
            self.window += float(event["seconds"])
        elif do == "abort":
            self.end = ("aborted", "%s ended the watch" % who)
        elif do == "promote":
            self.end = ("promoted", "")
            self.signed = {"by": who, "at": event["at"]}

    def knows(self, order: Order) -> bool:
        """Whether the order was answered before."""
        return order.id in self._answered

    def answer(self, order: Order, live: bool, judged: Judgement) -> dict[str, Any]:
        """The event that answers an order; ``judged`` is what the judge would say if the watch ended now."""
        why = ""
        if order.do == "promote":
            why = self._not_promoted(live, judged)
        told = {"event": "control", "id": order.id, "do": order.do, "by": order.by, "seconds": order.seconds}
        return {**told, "done": not why, "why": why}

    @staticmethod
    def _not_promoted(live: bool, judged: Judgement) -> str:
        if not live:
            return "it is not live yet"
        if judged.verdict in ("PASS", "PASS_SYNTHETIC_ONLY"):
            return ""
        return "what was seen so far is no PASS: %s" % "; ".join(judged.reasons)

    def over(self, elapsed: float) -> bool:
        """Whether the window has ended and nobody holds the watch."""
        return elapsed >= self.window + (HELD_AT_MOST if self.held else 0)
