# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be seen without asking a colour: its containers, and what the public name answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .._core.clock import Clock
from .._core.http import Http, Response
from .._core.podman import COLOUR, LABEL, SERVICE, Podman
from .accesslog import AGENT, COLOUR_HEADER
from .config import Config
from .source import Event, Source

EVERY = 3.0
SECONDS = 4.0
STOPPED = "a container of the new colour stopped or was restarted"


@dataclass(frozen=True)
class Public:
    """The public names, asked at this very edge. Nothing secret is sent, so an unknown certificate is no obstacle."""

    http: Http
    names: Sequence[Mapping[str, str]]
    connect: tuple[str, int] | None
    scheme: str = "https"
    # Hosts that have said a colour. Another may hang up on every stranger: that says nothing of the colours.
    spoken: set[str] = field(default_factory=set)

    def ask(self, index: int) -> Response:
        name = self.names[index % len(self.names)]
        url = "%s://%s%s%s" % (self.scheme, name["host"], self._port(), name.get("path", "/"))
        answer = self.http.request("GET", url, headers={"User-Agent": AGENT}, connect=self.connect, timeout=SECONDS)
        if answer.headers.get(COLOUR_HEADER.lower()):
            self.spoken.add(name["host"])
        return answer

    def _port(self) -> str:
        """As a visitor says it: Caddy keeps the log of a site at another port by a Host with that port."""
        port = self.connect[1] if self.connect else 0
        return "" if port in (0, {"https": 443}.get(self.scheme, 80)) else ":%d" % port

    def gone(self, index: int, answer: Response) -> bool:
        """Whether a name that said a colour answers nothing now."""
        return not answer.status and self.names[index % len(self.names)]["host"] in self.spoken

    def others(self, colour: str) -> list[str]:
        """Public names that another colour answers, or that answer nothing any more; all asked at once."""
        if not self.names:
            return []
        with ThreadPoolExecutor(len(self.names)) as pool:
            answers = list(pool.map(self.ask, range(len(self.names))))
        found = []
        for index, answer in enumerate(answers):
            seen = answer.headers.get(COLOUR_HEADER.lower(), "")
            if self.gone(index, answer) or (seen and seen != colour):
                found.append("%s: %s" % (self.names[index]["host"], seen or answer.error))
        return found


def containers(podman: Podman, deployment: str, colour: str) -> dict[str, tuple[str, int, int]]:
    """service -> (state, start, restarts) of a colour's containers that we made, by one question."""
    listed = json.loads(
        podman.must("ps", "-a", "--format", "json", "--filter", "label=%s=%s" % (LABEL, deployment)) or "[]"
    )
    found: dict[str, tuple[str, int, int]] = {}
    for item in listed:
        labels: Mapping[str, str] = item.get("Labels") or {}
        if labels.get(COLOUR) == colour and labels.get(SERVICE):
            found[labels[SERVICE]] = (
                str(item.get("State", "")),
                int(item.get("StartedAt") or 0),
                int(item.get("Restarts") or 0),
            )
    return found


def changed(before: Mapping[str, tuple[str, int, int]], now: Mapping[str, tuple[str, int, int]]) -> str:
    """What happened to containers that were running, in plain words; '' when nothing did."""
    found = []
    for service, (state, started, restarts) in sorted(before.items()):
        if state != "running":
            continue
        new = now.get(service)
        if new is None:
            found.append("%s is gone" % service)
        elif new[0] != "running":
            found.append("%s is %s" % (service, new[0]))
        elif new[1] != started or new[2] != restarts:
            found.append("%s was restarted" % service)
    return ", ".join(found)


class Observer(Source):
    """A thread that looks every few seconds. ``answered`` is when the last own request to the public name began."""

    name = "observer"
    patience = SECONDS * 2

    def __init__(self, config: Config, podman: Podman, public: Public, clock: Clock) -> None:
        super().__init__(clock)
        self._config = config
        self._podman = podman
        self._public = public
        self._before: dict[str, tuple[str, int, int]] = {}
        self._index = 0
        self.answered = 0.0
        self.live = config.old

    def resume(self, live: str, containers: Mapping[str, tuple[str, int, int]]) -> None:
        """Go on where another observer was: what it saw first counts, not what is there now."""
        self.live = live
        self._before = dict(containers)

    def work(self) -> None:
        """One look. The public name is asked although Podman is ill: what that says stands in the end of the look."""
        try:
            if self._config.watches_containers:
                self._look_at_containers()
        finally:
            if self._public.names:
                self._ask_public(self._index)
                self._index += 1
        self._put({"event": "looked", "ok": True})
        self._stopping.wait(EVERY)

    def failed(self, detail: str) -> Event:
        return {"event": "looked", "ok": False, "detail": detail}

    def _look_at_containers(self) -> None:
        now = containers(self._podman, self._config.deployment, self._config.colour)
        if not self._before:
            self._before = now
            self._put({"event": "containers", "seen": now})
        detail = changed(self._before, now)
        self._put({"event": "rule", "rule": STOPPED, "bad": bool(detail), "detail": detail})

    def _ask_public(self, index: int) -> None:
        begun, live = self._clock.now(), self.live
        answer = self._public.ask(index)
        if answer.status:
            self.answered = begun
        seen = answer.headers.get(COLOUR_HEADER.lower(), "")
        if self.live == live and (seen or self._public.gone(index, answer)):
            host = self._public.names[index % len(self._public.names)]["host"]
            self._put(
                {
                    "event": "public",
                    "agrees": seen == live,
                    "detail": "%s: %s" % (host, seen or answer.error),
                }
            )
