# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends a message: some tries, one deadline. Never raises for what the world does, and never names the address."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._core.clock import Clock, SystemClock
from .._core.errors import BluegreenError
from .._core.http import DirectHttp, Http
from . import message
from .address import address, wanted

# Seconds for one try, and between two.
TRY = 10.0
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
# Seconds that the end of a stage may wait for its message, and the watcher when its work is done.
STAGE_SECONDS, WATCHER_SECONDS = 20.0, 120.0
# Of these another try may help.
AGAIN = (0, 408, 425, 429)


@dataclass(frozen=True)
class Sent:
    done: bool
    tries: int
    why: str = ""

    def event(self, told: str) -> dict[str, Any]:
        """As the ledger and a watch record it."""
        return {"event": "notified", "of": told, "done": self.done, "tries": self.tries, "why": self.why}


@dataclass(frozen=True)
class Notifier:
    """``notify``: {kind, url_file, events}. ``url``: the address where it is not in a file."""

    deployment: str
    notify: Mapping[str, Any]
    url: str
    http: Http
    clock: Clock

    def wants(self, event: str) -> bool:
        """Whether an address is set, and the operator wants to hear of it."""
        return wanted(self.notify, self.url) and message.chosen(self.notify, event)

    def tell(self, told: Mapping[str, Any], seconds: float) -> Sent:
        """``told``: {event, text, ...}."""
        about = {"deployment": self.deployment, "host": platform.node(), "at": round(self.clock.now(), 3)}
        try:
            url = address(self.notify, self.url)
        except BluegreenError as exc:
            return Sent(False, 0, str(exc))
        return self._send(url, message.body(self.notify, told, about), self.clock.monotonic() + seconds)

    def _send(self, url: str, body: bytes, deadline: float) -> Sent:
        tries, why = 0, "there was no time for it"
        while True:
            left = deadline - self.clock.monotonic()
            if left <= 0:
                return Sent(False, tries, why)
            headers = {"Content-Type": "application/json", "User-Agent": "olympus-bluegreen"}
            answer = self.http.request("POST", url, headers=headers, body=body, timeout=min(TRY, left))
            tries += 1
            if 200 <= answer.status < 300:
                return Sent(True, tries)
            why = "the receiver answered %d" % answer.status if answer.status else answer.error.replace(url, "***")
            if answer.status not in AGAIN and answer.status < 500:
                return Sent(False, tries, why)
            pause = PAUSES[min(tries, len(PAUSES)) - 1]
            self.clock.sleep(max(0.0, min(pause, deadline - self.clock.monotonic())))


def stage_ended(given: Mapping[str, Any], live: Callable[[], str]) -> Iterator[dict[str, Any]]:
    """Tell of the end of a stage (``given``: the options of release_ledger): the events that the ledger keeps of it."""
    told = message.of_stage(given["outcome"], live)
    if told.get("event") == "rollback":
        yield {"event": "rolled_back", "to": told["live"]}
    notifier = Notifier(given["deployment"], given["notify"], given["notify_url"], DirectHttp(), SystemClock())
    if told and notifier.wants(told["event"]):
        sent = notifier.tell({**told, "operator": given["operator"], "run": given["run"]}, STAGE_SECONDS)
        yield sent.event(told["event"])
