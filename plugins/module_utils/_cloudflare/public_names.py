# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the public names answer: the API's yes is not yet what a visitor gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .._core.clock import Clock
from .._core.errors import BluegreenError
from .._core.http import Http
from .._edge.traffic import anonymous_visit

AGENT = "olympus-bluegreen"
# Seconds of one answer.
ANSWER = 5.0
# So often in a row every name has to say the colour: data centres learn it at different times.
SEEN_TIMES = 3
EVERY = 0.25


class Public:
    """``names`` are {host, path}; ``how`` is the option ``observe``. Without a header nothing can be told.

    No request carries a cookie, so none is pinned.
    """

    def __init__(self, http: Http, clock: Clock, names: Sequence[Mapping[str, str]], how: Mapping[str, Any]) -> None:
        self._http = http
        self._clock = clock
        self._names = names
        self._how = how

    @property
    def tells(self) -> bool:
        return bool(self._how["header"])

    def look(self, timeout: float = ANSWER) -> list[dict[str, object]]:
        if not self.tells or not self._names:
            return []
        with ThreadPoolExecutor(max_workers=len(self._names)) as workers:
            return list(workers.map(lambda name: self._ask(name, timeout), self._names))

    def confirm(self, colour: str, since: float, timeout: float) -> dict[str, object]:
        """``flipped_at``, ``seen_at``, ``ms``, ``observed`` once every name says ``colour``; else an error."""
        if not self.tells:
            return {"flipped_at": since, "seen_at": None, "ms": None, "observed": []}
        deadline = self._clock.monotonic() + timeout
        row, first = 0, since
        while True:
            seen = self.look(min(ANSWER, max(0.1, deadline - self._clock.monotonic())))
            wrong = [one for one in seen if one["colour"] != colour]
            row = 0 if wrong else row + 1
            first = first if row > 1 else self._clock.now()
            if row >= SEEN_TIMES:
                ms = round((first - since) * 1000, 1)
                return {"flipped_at": since, "seen_at": first, "ms": ms, "observed": seen}
            if self._clock.monotonic() > deadline:
                said = "; ".join("%s%s says %s" % (one["host"], one["path"], _answer(one)) for one in wrong)
                raise BluegreenError(
                    "Cloudflare was switched to %s, but %s" % (colour, said or "the public names change"),
                    fix="run the stage again to go on waiting, or roll back",
                    partial={"flipped_at": since, "observed": seen},
                )
            self._clock.sleep(EVERY)

    def confirm_return(self, colour: str, since: float, timeout: float) -> dict[str, object]:
        """The same after a rollback, with ``warnings``: a name without a colour says nothing against it."""
        silent = [one for one in self.look() if one["status"] and anonymous_visit.walled(one)]
        keys = [(one["host"], one["path"]) for one in silent]
        names = [one for one in self._names if (one["host"], one["path"]) not in keys]
        found: dict[str, object] = {"flipped_at": since, "seen_at": None, "ms": None, "observed": silent}
        if names or not silent:
            found = Public(self._http, self._clock, names, self._how).confirm(colour, since, timeout)
        return {**found, "warnings": list(map(anonymous_visit.left_out, silent))}

    def _ask(self, name: Mapping[str, str], timeout: float) -> dict[str, object]:
        how = self._how
        answer = self._http.request(
            "GET",
            "%s://%s%s" % (how["scheme"], name["host"], name["path"]),
            headers={"User-Agent": AGENT},
            connect=(how["address"], how["port"]) if how["address"] else None,
            timeout=timeout,
        )
        colour = answer.headers.get(how["header"].lower(), "")
        shown = {"host": name["host"], "path": name["path"], "status": answer.status, "colour": colour}
        return {**shown, "error": answer.error} if answer.error else shown


def _answer(one: Mapping[str, object]) -> object:
    return one["colour"] or one.get("error") or "no colour (status %s)" % one["status"]
