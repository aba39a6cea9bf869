# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge's access log as counts per colour. No address, query or header of a visitor leaves this file."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

# Our own requests to the public name say so here: they prove that the log is alive and are nobody's traffic.
AGENT = "olympus-bluegreen"
COLOUR_HEADER = "X-Bluegreen-Colour"
# On every answer to one who previews the idle colour: nobody's traffic either.
PREVIEW_HEADER = "X-Bluegreen-Preview"
CLIENT_CLOSED = 499
CHUNK = 1 << 20
_WORD = re.compile(r"[a-z][a-z-]{0,19}\Z")


@dataclass(frozen=True)
class Line:
    """One answered request. ``colour`` is '' when the edge itself answered; ``begun`` and ``at`` are epoch seconds."""

    at: float
    begun: float
    status: int
    colour: str
    route: str
    ours: bool

    @property
    def bad(self) -> bool:
        return self.status >= 500


def parse(text: str) -> Line | None:
    """A line of Caddy's JSON access log; None for anything else."""
    try:
        entry = json.loads(text)
        request = entry["request"]
        at = float(entry["ts"])
        begun = at - float(entry["duration"])
        status = int(entry["status"])
    except (ValueError, KeyError, TypeError):
        return None
    return Line(
        at,
        begun,
        status,
        _header(entry.get("resp_headers"), COLOUR_HEADER),
        _route(request),
        _header(request.get("headers"), "User-Agent").startswith(AGENT)
        or bool(_header(entry.get("resp_headers"), PREVIEW_HEADER)),
    )


def _header(headers: Any, name: str) -> str:
    values = headers.get(name) if isinstance(headers, dict) else None
    return str(values[0]) if isinstance(values, list) and values else ""


def _route(request: dict[str, Any]) -> str:
    """Host and first path segment, the segment only where it is a plain word: an id or a token is left out."""
    first = str(request.get("uri", "/")).split("?", 1)[0].strip("/").split("/", 1)[0]
    return "%s/%s" % (request.get("host", "?"), first if not first or _WORD.match(first) else "*")


class Tail:
    """Follows the log through rotation. ``lines()`` gives what is new; nothing is lost between two files.

    An empty ``path`` is no log: nothing is ever new."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._rest = b""

    def open(self, back: int) -> bool:
        """Start ``back`` bytes before the end (0: at the end). False where there is no log yet."""
        self._reopen()
        if self._file is None:
            return False
        size = os.fstat(self._file.fileno()).st_size
        self._file.seek(max(0, size - back))
        if 0 < back < size:
            self._file.readline()
        return True

    def exists(self) -> bool:
        return os.path.exists(self.path)

    def lines(self) -> Iterator[Line]:
        """Parsed lines since the last call; a line that is not whole yet waits for its end."""
        if self._file is None:
            self._reopen()
        yield from self._drain()
        if self._rotated():
            yield from self._drain()
            self._rest = b""
            self._reopen()
            yield from self._drain()

    def _reopen(self) -> None:
        if self._file is not None:
            self._file.close()
        try:
            self._file = os.fdopen(os.open(self.path, os.O_RDONLY | os.O_CLOEXEC), "rb")
        except OSError:
            self._file = None

    def _rotated(self) -> bool:
        if self._file is None:
            return False
        try:
            now = os.stat(self.path)
        except OSError:
            return False
        mine = os.fstat(self._file.fileno())
        return now.st_ino != mine.st_ino or now.st_dev != mine.st_dev or now.st_size < self._file.tell()

    def _drain(self) -> Iterator[Line]:
        while self._file is not None:
            chunk = self._file.read(CHUNK)
            if not chunk:
                return
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            for text in whole:
                found = parse(text.decode("utf-8", "replace"))
                if found:
                    yield found


class Counts:
    """Answers of both colours since the last ``take()``; ``flipped`` is when the new colour was seen live."""

    def __init__(self, new: str, old: str) -> None:
        self.new = new
        self.old = old
        self.flipped: float | None = None
        self.last_ours = 0.0
        self.routes: Counter[str] = Counter()
        self._reset()

    def _reset(self) -> None:
        self._side = {side: {"n": 0, "bad": 0, "left": 0} for side in (self.new, self.old)}
        self._edge_bad = 0

    def add(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._add(line)

    def _add(self, line: Line) -> None:
        if line.ours:
            self.last_ours = max(self.last_ours, line.at)
            return
        colour = line.colour
        if not colour and line.bad:
            # The edge's own 5xx belongs to the colour that was live when the request began.
            colour = self.new if self.flipped is not None and line.begun >= self.flipped else self.old
            self._edge_bad += 1
        side = self._side.get(colour)
        if side is None:
            return
        if line.status in (0, CLIENT_CLOSED):
            side["left"] += 1
            return
        side["n"] += 1
        side["bad"] += line.bad
        if line.bad and colour == self.new:
            self.routes["%s %d" % (line.route, line.status)] += 1

    def take(self) -> dict[str, Any]:
        """{new, old: {n, bad, left}, edge_bad} since the last call; ``left`` are visitors who went away."""
        taken = {"new": self._side[self.new], "old": self._side[self.old], "edge_bad": self._edge_bad}
        self._reset()
        return taken
