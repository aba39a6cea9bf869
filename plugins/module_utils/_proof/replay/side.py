# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One running program of the proof, as its journeys are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from ..._core.http import Http, Response
from ..._health.model import Endpoint
from ..._health.session import Failed

Made = TypeVar("Made")
# Seconds that one journey may take.
SECONDS = 15.0


class Side(Generic[Made]):
    """``made``: what this side made; ``known``: what an earlier one made, for journeys where this one could not.

    ``journeys`` in their order, ``core``: without these nothing is known of the program. ``crossing``: what is asked of
    the other side's work, in an order in which the last one ends it -> the journey that has to work for that;
    ``lasting``: those that leave it as it was. ``flights``: the steps at which a flow may be when it changes sides.
    """

    journeys: Sequence[str] = ()
    core: Sequence[str] = ()
    crossing: Mapping[str, str] = {}
    lasting: Sequence[str] = ()
    flights: Sequence[str] = ()

    def __init__(self, http: Http, at: Endpoint, known: Made | None = None) -> None:
        self.http = http
        self.at = at
        self.known = known
        self.made: Made | None = None
        self._host = ""

    @property
    def host(self) -> str:
        """The public name that the program itself tells; asked once."""
        if not self._host:
            self._host = (urlsplit(self._named()).hostname or self.at.address[0]).lower()
        return self._host

    def _named(self) -> str:
        """A public URL of the program, from its own words. Raises Failed."""
        raise NotImplementedError

    def ask(self, journey: str) -> str:
        """What was seen. Raises Failed."""
        return str(getattr(self, "_" + journey)())

    def cross(self, journey: str, theirs: Made) -> str:
        """The same of what another side made."""
        raise NotImplementedError

    def begin(self, step: str) -> Any:
        """A flow of a visitor of its own, led as far as this step. Raises Failed."""
        raise NotImplementedError

    def finish(self, step: str, begun: Any) -> str:
        """Lead a flow on from this step to its end, whichever side began it. Raises Failed."""
        raise NotImplementedError

    def left(self) -> Made | None:
        """What it left open for another side; None where it could not."""
        return self.made

    @property
    def writing(self) -> Sequence[str]:
        """What its users do while the migration runs."""
        return self.core

    @property
    def has(self) -> Made:
        found = self.made or self.known
        if found is None:
            raise Failed("there is nothing to ask with: making it failed")
        return found

    def keep(self, changed: Made) -> None:
        if self.made:
            self.made = changed
        else:
            self.known = changed


def told_of(response: Response) -> dict[str, Any]:
    """The JSON object that an answer holds; {} where it holds none."""
    body = response.json()
    return body if isinstance(body, dict) else {}
