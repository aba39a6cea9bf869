# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an anonymous visitor gets at the public names: only a name that says its colour to anybody can confirm a flip.

A login, a list of addresses, a redirect or a firewall in front of a service answers itself, whichever colour is live.
An answer is a mapping of ``host``, ``path``, ``status`` (0: none), ``colour`` ('' for none) and ``error`` if any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..._core.errors import Refused
from ..._core.http import LATE, Http
from ..config.snippets import COLOUR_HEADER
from ..running.base import EdgeOptions

# The watcher knows our own requests in the access log by this.
AGENT = "olympus-bluegreen"
# Of one answer.
SECONDS = 5.0
REACHED = "list in bluegreen_public what an anonymous visitor reaches, as in [{host: login.example.com, path: /}]"

Name = Mapping[str, str]
Answer = Mapping[str, object]
# (host, path, seconds) -> what it answers.
Ask = Callable[[str, str, float], Answer]


def asked(
    http: Http,
    options: EdgeOptions,
    host: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    timeout: float = SECONDS,
) -> Answer:
    """The answer to one GET of a public name at the edge."""
    answer = http.request(
        "GET",
        "%s://%s%s" % (options.scheme, host, path),
        headers={"User-Agent": AGENT, **(headers or {})},
        connect=(options.address, options.port),
        timeout=timeout,
    )
    colour = answer.headers.get(COLOUR_HEADER.lower(), "")
    shown: dict[str, object] = {"host": host, "path": path, "status": answer.status, "colour": colour}
    return {**shown, "error": answer.error} if answer.error else shown


def together(ask: Ask, names: Sequence[Name], timeout: float = SECONDS) -> list[Answer]:
    """All at once, each within ``timeout`` seconds."""
    if not names:
        return []
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        return list(pool.map(lambda one: ask(one["host"], one["path"], timeout), names))


def walled(answer: Answer) -> bool:
    """No colour was asked. A 5xx, or no answer in time, is no wall: a colour that is ill looks like this."""
    return not answer["colour"] and int(str(answer["status"])) < 500 and LATE not in str(answer.get("error", ""))


def words(answer: Answer) -> str:
    why = ", %s" % answer["error"] if answer.get("error") else ""
    said = answer["colour"] or "no colour (status %s%s)" % (answer["status"], why)
    return "%s%s says %s" % (answer["host"], answer["path"], said)


@dataclass(frozen=True)
class Confirming:
    """The answers of names that say a colour, of those behind a wall, and of the rest, whose colour may be ill."""

    said: tuple[Answer, ...] = ()
    walled: tuple[Answer, ...] = ()
    unsure: tuple[Answer, ...] = ()

    @property
    def to_ask(self) -> list[Name]:
        """Those to ask of a flip."""
        return [{"host": str(one["host"]), "path": str(one["path"])} for one in (*self.said, *self.unsure)]

    def warnings(self) -> list[str]:
        """Who is left out. Refused where no name is left."""
        if not self.to_ask:
            found = "; ".join(map(words, self.walled)) or "the edge's configuration names no host"
            raise Refused("no public name can confirm a flip: %s" % found, fix=REACHED)
        return list(map(left_out, self.walled))


def left_out(answer: Answer) -> str:
    return "%s to an anonymous visitor: it can't confirm a flip and is left out. Fix: %s" % (words(answer), REACHED)


def confirming_names(ask: Ask, names: Sequence[Sequence[Name]]) -> Confirming:
    """Each item of ``names`` holds ways to ask one name, which are tried until one says a colour."""
    best: dict[int, Answer] = {}
    for number in range(max(map(len, names), default=0)):
        left = [at for at, ways in enumerate(names) if number < len(ways) and not best.get(at, {}).get("colour")]
        for at, answer in zip(left, together(ask, [names[at][number] for at in left])):
            if at not in best or answer["colour"] or (walled(best[at]) and not walled(answer)):
                best[at] = answer
    answers = [best[at] for at in sorted(best)]
    return Confirming(
        tuple(one for one in answers if one["colour"]),
        tuple(one for one in answers if walled(one)),
        tuple(one for one in answers if not one["colour"] and not walled(one)),
    )
