# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Append-only files of events, one JSON object a line: the ledger, and the record of a watch.

A crash can leave half a line at the end. A reader passes over it, and the next append starts on a line of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from .._core.files import locked
from .redact import redact

VERSION = 1
WAIT = 1.0


def append(path: str, event: Mapping[str, Any], at: float) -> dict[str, Any]:
    """Write one event and wait until it is on disk; the event as written. Writers exclude each other by flock,
    but none waits long: it explains, it never decides, and a rollback writes it too."""
    written = {**redact(event), "v": VERSION, "at": round(at, 3)}
    line = json.dumps(written, sort_keys=True, default=str).encode() + b"\n"
    with locked(path + ".lock", WAIT, passing=True):
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            size = os.fstat(fd).st_size
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            _write_all(fd, b"\n" + line if torn else line)
            os.fsync(fd)
        finally:
            os.close(fd)
    return written


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def read(path: str) -> list[dict[str, Any]]:
    """Every whole event, oldest first; a torn or foreign line is passed over."""
    try:
        with open(path, "rb") as handle:
            lines = handle.read().split(b"\n")
    except FileNotFoundError:
        return []
    return [event for event in map(_parsed, lines) if event is not None]


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
