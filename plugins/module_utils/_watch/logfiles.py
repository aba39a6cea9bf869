# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of an access log: the one that is written, and those that Caddy rolled away (``access-TIME.log[.gz]``).

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
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import untrusted_files
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

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
