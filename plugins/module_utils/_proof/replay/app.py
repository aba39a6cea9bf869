# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an application that is no Ory is asked in the proof: its pages, and a command of the operator in its image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..._core.http import Http, Response
from ..._health import answers
from ..._health.model import CheckResult, Endpoint
from ..._health.session import Failed, Visit, must, probe
from ..._schema import oneshot
from .side import SECONDS, Side

COMMAND, READY = "command", "ready"
HTML = {"Accept": "text/html"}


@dataclass(frozen=True)
class Asked:
    """``ready``: the path that says that it is ready ('' where none does). ``paths`` are read as a browser does, ``/``
    always; ``command`` runs in the old image against the shadow, and ends with 0 where all is well. ``host``: the name
    that the application wants to be asked for."""

    ready: str = ""
    paths: Sequence[str] = ()
    command: Sequence[str] = ()
    host: str = ""

    def is_up(self, http: Http, at: Endpoint) -> CheckResult:
        """Without a path that says it any answer does."""

        def act() -> str:
            response = Visit(http, None, 5.0).direct(at, "GET", self.ready or "/", HTML)
            must(answers.wants(response, 200) if self.ready else "", "GET %s" % self.ready)
            return "it answers"

        return probe(READY, at.service, act)


class App(Side[Mapping[str, str]]):
    """``made`` is path -> of which kind the answer was; ``known``: of which kind it has to be.

    ``run`` does the command; None where it is not for this program.
    """

    def __init__(
        self,
        http: Http,
        at: Endpoint,
        known: Mapping[str, str] | None,
        asked: Asked,
        run: Callable[[], oneshot.Finished] | None = None,
    ) -> None:
        super().__init__(http, at, known)
        self.asked = asked
        self.run = run
        self.pages = {"page " + path: path for path in dict.fromkeys(("/", *asked.paths))}
        first = {READY: asked.ready} if asked.ready else {}
        self.pages = {**first, **self.pages}
        self.journeys = (*self.pages, *((COMMAND,) if run else ()))
        self.core = tuple(first) or tuple(self.pages)[:1]
        # It meets what the other one has written since.
        self.crossing = {name: name for name in self.journeys}
        self.lasting = self.journeys

    @property
    def writing(self) -> Sequence[str]:
        return self.journeys

    def ask(self, journey: str) -> str:
        return self._command() if journey == COMMAND else self._page(self.pages[journey])

    def cross(self, journey: str, theirs: Mapping[str, str]) -> str:
        return self.ask(journey)

    def _page(self, path: str) -> str:
        response = Visit(self.http, None, SECONDS).direct(self.at, "GET", path, HTML)
        kind = kind_of(response)
        before = (self.known or {}).get(path, kind)
        must("" if kind == before else "%s; it was %s before" % (kind, before), "GET " + path)
        self.made = {**(self.made or {}), path: kind}
        return kind

    def _command(self) -> str:
        ended = self.run() if self.run else oneshot.Finished(0, "", "")
        if ended.rc:
            raise Failed("the command ended with %d" % ended.rc)
        return "the command ended with 0"


def kind_of(response: Response) -> str:
    """The status and, of a redirect, where it leads, else the media type. Raises Failed for a failure of the server,
    also a hidden one."""
    if response.status >= 500:
        raise Failed(answers.unexpected(response))
    location = response.headers.get("location", "")
    hidden = answers.hidden_error(response.json()) or answers.error_page(location)
    if hidden:
        raise Failed("status %d, %s" % (response.status, hidden))
    if response.status in answers.REDIRECTS:
        return "status %d to %s" % (response.status, urlsplit(location).path or "/")
    media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return "status %d%s" % (response.status, ", " + media if media else "")
