# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that survive a crash: a reader sees the old content or the new one, never half of it."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import file_lock
from .errors import BluegreenError

# More than any configuration that a person keeps.
WHOLE = 1 << 26
# Nothing that is done under a lock of a file takes that long.
LOCK_SECONDS = 30.0


def sync_dir(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomic(path: str, content: str | bytes, mode: int = 0o640) -> None:
    """Temporary file, fsync, rename, fsync of the directory. The directory must exist."""
    data = content.encode() if isinstance(content, str) else content
    where = os.path.dirname(path) or "."
    temp = ""
    try:
        fd, temp = tempfile.mkstemp(dir=where, prefix="." + os.path.basename(path) + ".")
        with os.fdopen(fd, "wb") as handle:
            os.fchmod(handle.fileno(), mode)
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        os.rename(temp, path)
    except BaseException as exc:
        if os.path.exists(temp):
            os.unlink(temp)
        if isinstance(exc, OSError):
            # A full disk says so of a write without a name, or of a temporary file that no user knows.
            exc.filename = path
        raise
    sync_dir(where)


def write_json(path: str, value: object, mode: int = 0o640) -> None:
    """Keys stay in their order."""
    write_atomic(path, json.dumps(value, indent=2) + "\n", mode)


def read_text(path: str) -> str | None:
    """The content, or None where there is no such file."""
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def read_bytes(path: str, size: int = WHOLE) -> bytes | None:
    """The content of a regular file, None where there is none. A FIFO would be waited for: it is an error, as is a file
    of more than ``size`` bytes."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(fd, "rb") as handle:
        regular = stat.S_ISREG(os.fstat(fd).st_mode)
        content = handle.read(size + 1) if regular else b""
    if not regular or len(content) > size:
        what = "larger than %d bytes" % size if regular else "no regular file"
        raise BluegreenError("%s is %s" % (path, what), fix="Put the right file there")
    return content


def read_json(path: str) -> Any:
    """The value, or None where there is no such file. A torn file is an error that names it."""
    try:
        text = read_text(path)
        return None if text is None else json.loads(text)
    except ValueError as exc:
        raise BluegreenError("%s is not JSON: %s" % (path, exc), fix="restore it or move it away") from exc


def read_mapping(path: str, *needs: str) -> dict[str, Any]:
    """The dictionary in a file of our own, empty where there is no such file. One of another shape is an error."""
    value = read_json(path)
    if value is None:
        return {}
    lacking = [name for name in needs if not isinstance(value, dict) or name not in value]
    if lacking or not isinstance(value, dict):
        raise BluegreenError(
            "%s has another shape%s" % (path, ": no %s" % ", ".join(lacking) if lacking else ""),
            fix="restore it or move it away",
        )
    return value


@contextmanager
def locked(path: str, seconds: float = LOCK_SECONDS, passing: bool = False) -> Iterator[bool]:
    """Hold an exclusive flock on ``path`` (made when missing). The kernel drops it when the holder dies, but not when
    it is stopped: after ``seconds`` it is Refused, or with ``passing`` gone on without (False)."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        ours = file_lock.taken(fd, seconds)
        if not ours and not passing:
            raise file_lock.refused(fd, path)
        yield ours
    finally:
        os.close(fd)
