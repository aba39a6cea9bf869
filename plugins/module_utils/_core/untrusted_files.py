# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories that others may write as well: the edge's volume, where its container's root may put links, FIFOs or
anything else at any moment. Every act is done by the handle of a directory, nothing is followed, and only a regular
file of bounded size is read. The owner proves nothing: an entrypoint may give the whole volume to its user."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from .errors import BluegreenError

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# What we keep there is a name or a line.
SIZE = 1 << 16


def strange(path: str, what: str) -> BluegreenError:
    """``path`` is ``what`` where it has to be something of ours."""
    return BluegreenError(
        "%s is %s, which this collection never puts there" % (path, what),
        fix="Find out who changed the edge's volume, take %s away, then run adopt" % path,
    )


def kind(status: os.stat_result) -> str:
    """For a message: what lies there."""
    mode = status.st_mode
    names = {stat.S_IFLNK: "a link", stat.S_IFIFO: "a FIFO", stat.S_IFDIR: "a directory", stat.S_IFREG: "a file"}
    return names.get(stat.S_IFMT(mode), "a device or a socket")


@contextmanager
def folder(path: str, *names: str) -> Iterator[int]:
    """The handle of a directory: ``path`` of this host, or below it through real directories of ours. Raises
    BluegreenError where one of them is something else, FileNotFoundError where one is missing."""
    fd = _open_folder(path, None, path)
    try:
        for name in names:
            path = os.path.join(path, name)
            below = _open_folder(name, fd, path)
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)


def _open_folder(name: str, above: int | None, path: str) -> int:
    try:
        fd = os.open(name, FOLDER, dir_fd=above)
    except NotADirectoryError as exc:
        raise strange(path, kind(os.lstat(path)) if os.path.lexists(path) else "no directory") from exc
    except OSError as exc:
        exc.filename = path
        raise
    return fd


def status(fd: int, name: str) -> os.stat_result | None:
    """Of the name itself; None where nothing has it."""
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return None


def is_file(fd: int, name: str) -> bool:
    found = status(fd, name)
    return found is not None and stat.S_ISREG(found.st_mode)


def clear(fd: int, name: str, path: str) -> None:
    """Take away what is no regular file, so that one can be made. A directory is an error: it may hold something."""
    found = status(fd, name)
    if found is None or stat.S_ISREG(found.st_mode):
        return
    if stat.S_ISDIR(found.st_mode):
        raise strange(path, "a directory")
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=fd)


def open_file(fd: int, name: str, path: str, flags: int = os.O_RDONLY) -> int:
    """An open regular file. Raises FileNotFoundError, or BluegreenError for anything else that has the name."""
    found = status(fd, name)
    if found is None:
        raise FileNotFoundError(2, "No such file or directory", path)
    if not stat.S_ISREG(found.st_mode):
        raise strange(path, kind(found))
    # It may be another one by now: neither is waited for, nor followed.
    try:
        opened = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)
    except OSError as exc:
        exc.filename = path
        raise
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise strange(path, "no regular file")
    return opened


def emptied(fd: int, name: str) -> bool:
    """Whether it could be emptied: only a file that has no other name, which may be one of the host."""
    try:
        opened = open_file(fd, name, name, os.O_WRONLY)
    except (BluegreenError, OSError):
        return False
    with os.fdopen(opened, "wb") as handle:
        alone = os.fstat(handle.fileno()).st_nlink == 1
        if alone:
            handle.truncate(0)
    return alone


def create(fd: int, name: str, path: str, mode: int = 0o644) -> int:
    """A new file, open for writing; what is no regular file gives way."""
    clear(fd, name, path)
    try:
        return os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=fd)
    except OSError as exc:
        exc.filename = path
        raise


def read(fd: int, name: str, path: str, size: int = SIZE) -> bytes | None:
    """The content, None where there is no such file. Raises BluegreenError for what is too large or no file."""
    try:
        opened = open_file(fd, name, path)
    except FileNotFoundError:
        return None
    with os.fdopen(opened, "rb") as handle:
        content = handle.read(size + 1)
    if len(content) > size:
        raise strange(path, "larger than %d bytes" % size)
    return content


def write(
    fd: int, name: str, path: str, content: bytes, mode: int = 0o644, still: Callable[[], None] = lambda: None
) -> None:
    """Temporary file, fsync, rename, fsync of the directory. ``still`` raises where it may not be renamed any more."""
    clear(fd, name, path)
    temp = ".%s.%s" % (name, secrets.token_hex(8))
    opened = create(fd, temp, path, 0o600)
    try:
        with os.fdopen(opened, "wb") as handle:
            os.fchmod(handle.fileno(), mode)
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        still()
        os.rename(temp, name, src_dir_fd=fd, dst_dir_fd=fd)
    except BaseException as exc:
        with suppress(FileNotFoundError):
            os.unlink(temp, dir_fd=fd)
        if isinstance(exc, OSError):
            exc.filename, exc.filename2 = path, None
        raise
    os.fsync(fd)
