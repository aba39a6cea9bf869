# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access log as lines, through every roll. Whatever of it got lost is counted.

They lie where the edge may write, so they are believed in nothing: only a regular file is read, no link is followed,
no open blocks, and no line or unpacked file may grow without end.
"""

from __future__ import annotations

import gzip
import os
import re
import stat
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import IO

from .._core import untrusted_files
from .._core.clock import SteadyClock
from .._core.errors import BluegreenError
from .accesslog import Line, parse

CHUNK = 1 << 20
# A longer line (bytes) is no line of ours.
LONGEST = 1 << 20
# What one rolled file may unpack to (bytes), and how many of them are looked at.
UNPACKED, PARTS = 128 << 20, 16
PACKED = ".gz"


def open_file(path: str) -> IO[bytes] | None:
    """A regular file for reading, unbuffered; None for anything else, also where its directory is a link."""
    folder, name = os.path.split(path)
    try:
        with untrusted_files.folder(folder or ".") as where:
            return os.fdopen(untrusted_files.open_file(where, name, path), "rb", buffering=0)
    except (BluegreenError, OSError):
        return None


def look(path: str) -> os.stat_result | None:
    """What lies there, if it is a regular file."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_ino, one.st_dev) == (other.st_ino, other.st_dev)


def rolled(path: str) -> list[str]:
    """The paths of the rolled files, oldest first, without the ending of packed ones."""
    folder, name = os.path.split(path)
    stem, ending = os.path.splitext(name)
    form = re.compile(r"%s-.+%s(%s)?\Z" % (re.escape(stem), re.escape(ending), re.escape(PACKED)))
    try:
        names = [one for one in os.listdir(folder or ".") if form.match(one)]
    except OSError:
        return []
    plain = {one[: -len(PACKED)] if one.endswith(PACKED) else one for one in names}
    return [os.path.join(folder, one) for one in sorted(plain)]


@dataclass(frozen=True)
class Part:
    """A rolled file; ``size`` is that of its text, ``about`` of the file as it lies there."""

    file: IO[bytes]
    packed: bool
    size: int
    about: os.stat_result

    def chunks(self) -> Iterator[bytes]:
        """Its text. What can't be read or unpacked ends it early."""
        left = UNPACKED
        with self.file, gzip.GzipFile(fileobj=self.file) if self.packed else self.file as text:
            while left > 0:
                try:
                    chunk = text.read(CHUNK)
                except (OSError, EOFError, ValueError, zlib.error):
                    return
                if not chunk:
                    return
                left -= len(chunk)
                yield chunk

    def was(self, written: os.stat_result) -> bool:
        """Whether it is the file that was written then; packed, only its size tells."""
        return self.size == written.st_size & 0xFFFFFFFF if self.packed else same(self.about, written)


def part(path: str) -> Part | None:
    """A rolled file by its path from ``rolled``; Caddy packs it behind our back."""
    for packed in (False, True):
        file = open_file(path + PACKED if packed else path)
        if file is not None:
            about = os.fstat(file.fileno())
            return Part(file, packed, _unpacked(file, about.st_size) if packed else about.st_size, about)
    return None


def _unpacked(file: IO[bytes], size: int) -> int:
    """The size of a gzip file's text (modulo 2**32), from its last four bytes."""
    if size < 18:
        return 0
    found: tuple[int] = struct.unpack("<I", os.pread(file.fileno(), 4, size - 4))
    return found[0]


class Splitter:
    """Chunks to whole lines; one that has no end yet waits for it. ``skip``: the first line is not whole."""

    def __init__(self, skip: bool = False) -> None:
        self._skip = skip
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if self._skip and whole:
            del whole[0]
            self._skip = False
        if len(self._rest) > LONGEST:
            self._skip = True
        if self._skip:
            self._rest = b""
        return whole


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
        for path in reversed(self._known[-PARTS:]):
            found = part(path) if left > 0 else None
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
        return self._file is not None and look(self.path) is not None

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
            self._file = open_file(self.path) if self.path else None
            self._known = rolled(self.path) if self.path else []
            now = look(self.path)
            if self._file is None or now is None or same(now, os.fstat(self._file.fileno())):
                break
            self._file.close()
        self._split, self._mark = Splitter(), b""

    def _replaced(self, file: IO[bytes]) -> bool:
        """Whether another file is at the path."""
        now = look(self.path)
        return now is not None and not same(now, os.fstat(file.fileno()))

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
            mine = part(between[0]) if between else None
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
            found = part(path)
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
