# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access log as lines, through every roll. Whatever of it got lost is counted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import IO

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.steady_clock import SteadyClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import logfiles
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.accesslog import Line, parse
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.logfiles import CHUNK, Part, Splitter

# So much of a file (bytes) is read in one look: a writer that is faster than we are must not keep us.
MOST = 64 << 20
# The end of what was read, by which a file is known again that was cut off and has grown since.
MARK = 4096


class Tail:
    """Follows the log. ``lines()`` gives what is new, also from files that came and went between two calls.

    ``cuts`` counts what was lost: a file that was cut off, or that went without a rolled one in its place. An empty
    ``path`` is no log: nothing is ever new. With a ``clock`` the lines carry its time.
    """

    def __init__(self, path: str, clock: SteadyClock | None = None) -> None:
        self.path = path
        self.cuts = 0
        self._clock = clock
        self._file: IO[bytes] | None = None
        self._known: list[str] = []
        self._older: list[Part] = []
        self._split = Splitter()
        self._mark = b""
        self._opened = False

    def open(self, back: int, since: float = 0.0) -> bool:
        """Start ``back`` bytes before the end (0: at the end), also in rolled files that were written after ``since``
        (epoch seconds). False where there is no log yet."""
        self._reopen()
        self._opened, self._older = True, []
        size = 0
        if self._file is not None:
            size = os.fstat(self._file.fileno()).st_size
            at = self._file.seek(max(0, size - back))
            self._mark = os.pread(self._file.fileno(), min(at, MARK), max(0, at - MARK))
            self._split = Splitter(skip=0 < back < size)
        left = back - size
        for path in reversed(self._known[-logfiles.PARTS :]):
            found = logfiles.part(path) if left > 0 else None
            if found is None:
                break
            if found.about.st_mtime < since:
                found.file.close()
                break
            self._older.insert(0, found)
            left -= found.size
        return self._file is not None

    def exists(self) -> bool:
        """Whether a log is there that can be read: a directory, a link or a pipe in its place is none."""
        return self._file is not None and logfiles.look(self.path) is not None

    def lines(self) -> Iterator[Line]:
        """Parsed lines since the last call; a line that is not whole yet waits for its end."""
        older, self._older = self._older, []
        for found in older:
            yield from self._whole(found)
        if self.path and (self._file is None or self._cut_off(self._file)):
            yield from self._next(self._file)
        yield from self._drain()
        if self._file is not None and self._replaced(self._file):
            # What was written between the look and the roll.
            yield from self._drain()
            if self._ended(self._file):
                yield from self._next(self._file)
                yield from self._drain()

    def _reopen(self) -> None:
        """Open what is there now, together with the rolled files of that moment."""
        if self._file is not None:
            self._file.close()
        for _again in range(5):
            self._file = logfiles.open_file(self.path) if self.path else None
            self._known = logfiles.rolled(self.path) if self.path else []
            now = logfiles.look(self.path)
            if self._file is None or now is None or logfiles.same(now, os.fstat(self._file.fileno())):
                break
            self._file.close()
        self._split, self._mark = Splitter(), b""

    def _replaced(self, file: IO[bytes]) -> bool:
        """Whether another file is at the path."""
        now = logfiles.look(self.path)
        return now is not None and not logfiles.same(now, os.fstat(file.fileno()))

    def _cut_off(self, file: IO[bytes]) -> bool:
        """Whether what was read last is not there any more."""
        end = file.tell()
        return os.pread(file.fileno(), len(self._mark), end - len(self._mark)) != self._mark

    def _ended(self, file: IO[bytes]) -> bool:
        return file.tell() >= os.fstat(file.fileno()).st_size

    def _next(self, file: IO[bytes] | None) -> Iterator[Line]:
        """On to the file that is written now, by way of those that were rolled away since ``file`` was opened."""
        written, known = os.fstat(file.fileno()) if file else None, self._known
        self._reopen()
        between = [path for path in self._known if path not in known]
        if written is not None:
            mine = logfiles.part(between[0]) if between else None
            if mine is None or not mine.was(written):
                self.cuts += 1
            if mine is not None:
                mine.file.close()
            del between[:1]
        elif not self._opened:
            # What was rolled away before the first look is not new.
            between = []
        self._opened = True
        for path in between:
            found = logfiles.part(path)
            self.cuts += found is None
            if found is not None:
                yield from self._whole(found)

    def _whole(self, found: Part) -> Iterator[Line]:
        split = Splitter()
        for chunk in found.chunks():
            yield from self._parsed(split.feed(chunk))

    def _drain(self) -> Iterator[Line]:
        left = MOST
        while self._file is not None and left > 0:
            try:
                chunk = self._file.read(CHUNK)
            except OSError:
                return
            if not chunk:
                return
            left -= len(chunk)
            self._mark = (self._mark + chunk)[-MARK:]
            yield from self._parsed(self._split.feed(chunk))

    def _parsed(self, texts: Iterable[bytes]) -> Iterator[Line]:
        for text in texts:
            found = parse(text.decode("utf-8", "replace"))
            if found:
                yield self._on_our_clock(found)

    def _on_our_clock(self, line: Line) -> Line:
        """A line that was written before the wall clock was set, and read after, is no later than now."""
        if self._clock is None:
            return line
        at = min(self._clock.of_wall(line.at), self._clock.now())
        return line if at == line.at else replace(line, at=at, begun=at - (line.at - line.begun))
