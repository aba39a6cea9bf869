# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An operator's orders to a running watch, and how long it goes on by them.

An order lies in a file. The watcher answers with a ``control`` event {id, do, by, seconds, done, why} and takes the
file away. Killed between the two it knows the id again and takes away only the file, so that an order counts once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .._core.errors import BluegreenError, Refused
from .._core.files import locked, read_json, sync_dir, write_json
from .._verdict.parameters import Judgement

ORDERS = ("abort", "hold", "resume", "extend", "promote")
LONGEST = 86400
# A watch that is held and forgotten ends after so many seconds beyond its window.
HELD_AT_MOST = 86400.0


@dataclass(frozen=True)
class Order:
    """``by`` is who gave it, ``seconds`` counts for ``extend``."""

    id: str
    do: str
    by: str
    at: float
    seconds: int = 0


class OrderRefused(Refused):
    def __init__(self, message: str, order: Order, fix: str) -> None:
        super().__init__(message, option="bluegreen_watch_do", value=order.do, fix=fix)


def order_of(do: str, seconds: object, by: str, ident: str, at: float) -> Order:
    """The order that an operator gave. Raises BluegreenError that names the variable."""
    if do not in ORDERS:
        raise BluegreenError(
            "unknown order to a watch", option="bluegreen_watch_do", value=do, fix="give one of %s" % ", ".join(ORDERS)
        )
    text = str(seconds).strip()
    if do == "extend" and not (text.isdecimal() and 1 <= int(text) <= LONGEST):
        raise BluegreenError(
            "not a number of seconds from 1 to %d" % LONGEST,
            option="bluegreen_watch_extend",
            value=seconds,
            fix="give the seconds to watch longer, as -e bluegreen_watch_extend=600",
        )
    if do != "extend" and text:
        raise BluegreenError(
            "counts only for the order extend",
            option="bluegreen_watch_extend",
            value=seconds,
            fix="leave it away, or give -e bluegreen_watch_do=extend",
        )
    return Order(ident, do, by, at, int(text) if text else 0)


def put(path: str, order: Order) -> bool:
    """Hand an order over; False while another one is not answered."""
    with locked(path + ".lock", seconds=10.0):
        if os.path.exists(path):
            return False
        write_json(path, {"v": 1, **asdict(order)})
        return True


def pending(path: str) -> Order | None:
    """The order that lies there; one that can't be read is taken away."""
    try:
        found = read_json(path)
        return None if found is None else _order(found)
    except (BluegreenError, KeyError, TypeError, ValueError):
        clear(path)
        return None


def _order(found: Mapping[str, Any]) -> Order:
    given = {name: found[name] for name in ("id", "do", "by", "at", "seconds")}
    return Order(**{**given, "seconds": int(given["seconds"]), "at": float(given["at"])})


def clear(path: str) -> None:
    """Take an order away, whether or not it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    sync_dir(os.path.dirname(path))


class Window:
    """``seconds`` grow by ``extend``. ``end`` is (why, detail) once an operator ended the watch."""

    def __init__(self, seconds: float, events: Iterable[Mapping[str, Any]] = ()) -> None:
        self.seconds = seconds
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
            self.seconds += float(event["seconds"])
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
        answered = {"event": "control", "id": order.id, "do": order.do, "by": order.by, "seconds": order.seconds}
        return {**answered, "done": not why, "why": why}

    @staticmethod
    def _not_promoted(live: bool, judged: Judgement) -> str:
        if not live:
            return "it is not live yet"
        if judged.verdict in ("PASS", "PASS_SYNTHETIC_ONLY"):
            return ""
        return "what was seen so far is no PASS: %s" % "; ".join(judged.reasons)

    def over(self, elapsed: float) -> bool:
        """Whether the window has ended and the watch is not held."""
        return elapsed >= self.seconds + (HELD_AT_MOST if self.held else 0)
