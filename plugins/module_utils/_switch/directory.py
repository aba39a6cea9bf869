# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch's directory, changed one name at a time. Who may call what, and in which order, is in ``switch``.

It lies on a volume that the edge's container writes too (``untrusted``): no act follows a link or waits for a FIFO. A
link or FIFO in the place of a file of ours gives way to one; a directory is an error, as it may hold something.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from .._core import file_lock, untrusted_files
from .._core.argspec import COLOURS
from .._core.errors import BluegreenError, Fenced, Refused
from .._core.names import OTHER

TOKEN = "token-"
IS_TOKEN = re.compile(TOKEN + r"\d{12}")
MOVED = "moved-"
# Whose switch it is.
NAME = "deployment"
LOCK = "lock"
# What the edge writes now; older ones have a date in their name.
LOG = "access.log"
# No process waits longer for the switch's lock; a rollback goes on without it then.
LOCK_SECONDS = 5.0
# The edge passes with x alone; only it and we need to know what lies there.
MODES = {"": 0o711, "switch": 0o711, "log": 0o711}
OURS = re.compile(r"(token-\d{12}|(moved-|warm-|assets-|removing-)?(blue|green)|ready|claimed|return_to|deployment)")


class Directory:
    """``step`` is called with a name before every change on disk. ``lock_seconds``: how long to wait for the lock."""

    def __init__(
        self, path: str, step: Callable[[str], None] = lambda name: None, lock_seconds: float = LOCK_SECONDS
    ) -> None:
        self.path = path
        self._step = step
        self.lock_seconds = lock_seconds
        # Who held the lock that a rollback did not wait for any longer; '' where it had the lock.
        self.passed_by = ""

    def _in(self, *names: str) -> str:
        return os.path.join(self.path, *names)

    def alone(self) -> AbstractContextManager[object]:
        """No process changes it meanwhile: for a look that has to be of one moment. Refused as every act is."""
        return self._alone()

    @contextmanager
    def _alone(self, passing: bool = False) -> Iterator[bool]:
        """Every change is made under this lock. Refused where another process goes on holding it; ``passing``: then
        go on without it (False)."""
        self.passed_by = ""
        with untrusted_files.folder(self.path) as here:
            fd = self._locked(here, passing)
            try:
                self._clear()
                yield fd is not None
            finally:
                if fd is not None:
                    os.close(fd)

    @property
    def passed(self) -> str:
        """For the result of a rollback: whose lock it did not wait for any longer; '' where it had the lock."""
        lock = self._in(LOCK)
        return "%s: %s. The rollback went on without it" % (lock, self.passed_by) if self.passed_by else ""

    def _locked(self, here: int, passing: bool) -> int | None:
        deadline = time.monotonic() + self.lock_seconds
        while True:
            try:
                fd = self._lock_file(here)
            except BluegreenError as exc:
                if not passing:
                    raise
                self.passed_by = exc.msg
                return None
            if not file_lock.taken(fd, max(0.0, deadline - time.monotonic())):
                refused, who = file_lock.refused(fd, self._in(LOCK)), file_lock.named(file_lock.holder(fd))
                os.close(fd)
                if not passing:
                    raise refused
                self.passed_by = "held by " + who
                return None
            there = untrusted_files.status(here, LOCK)
            if there and os.path.samestat(there, os.fstat(fd)):
                return fd
            # Another file has its name by now.
            os.close(fd)

    def _lock_file(self, here: int) -> int:
        untrusted_files.clear(here, LOCK, self._in(LOCK))
        while True:
            try:
                return untrusted_files.open_file(here, LOCK, self._in(LOCK), os.O_RDWR)
            except FileNotFoundError:
                with suppress(FileExistsError):
                    return untrusted_files.create(here, LOCK, self._in(LOCK), 0o600)

    def _clear(self) -> None:
        """Links and FIFOs with a name of ours; nothing of ours was ever one."""
        for names in ((), ("switch",)):
            with suppress(FileNotFoundError), untrusted_files.folder(self.path, *names) as fd:
                for name in os.listdir(fd):
                    found = untrusted_files.status(fd, name) if OURS.fullmatch(name) else None
                    if found and not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
                        untrusted_files.clear(fd, name, self._in(*names, name))

    def _files(self, *names: str) -> set[str]:
        """The regular files in a directory. Raises FileNotFoundError, or BluegreenError where it is none."""
        with untrusted_files.folder(self.path, *names) as fd, os.scandir(fd) as entries:
            return {one.name for one in entries if one.is_file(follow_symlinks=False)}

    def _exists(self, *names: str) -> bool:
        try:
            with untrusted_files.folder(self.path, *names[:-1]) as fd:
                return untrusted_files.is_file(fd, names[-1])
        except FileNotFoundError:
            return False

    def _read(self, name: str) -> bytes | None:
        try:
            with untrusted_files.folder(self.path) as fd:
                return untrusted_files.read(fd, name, self._in(name))
        except FileNotFoundError:
            return None

    def _write(self, name: str, content: str, still: Callable[[], None] = lambda: None) -> None:
        with untrusted_files.folder(self.path) as fd:
            untrusted_files.write(fd, name, self._in(name), content.encode(), still=still)

    def _rename(self, where: tuple[str, ...], old: str, new: str) -> None:
        with untrusted_files.folder(self.path, *where) as fd:
            untrusted_files.clear(fd, new, self._in(*where, new))
            try:
                os.rename(old, new, src_dir_fd=fd, dst_dir_fd=fd)
            except OSError as exc:
                exc.filename, exc.filename2 = self._in(*where, old), None
                raise
            os.fsync(fd)

    def _tokens(self) -> list[str]:
        return sorted(name for name in self._files() if IS_TOKEN.fullmatch(name))

    def _token(self) -> int:
        names = self._tokens()
        return int(names[-1][len(TOKEN) :]) if names else 0

    def _check(self, token: int, exact: bool) -> None:
        ours = self._token()
        if token < ours or (exact and token != ours):
            raise Fenced("token %d, but the switch is at %d" % (token, ours), fix="run status, then start again")

    def _raise_token(self, token: int) -> None:
        """Never lower: a rollback that did not wait for our lock has raised it meanwhile."""
        names = self._tokens()
        wanted = TOKEN + "%012d" % token
        if names and names[-1] != wanted:
            self._step("token")
            self._check(token, exact=False)
            self._rename((), self._tokens()[-1], wanted)

    def _move(self, colour: str, still: Callable[[], None] = lambda: None) -> bool:
        """The marker under its new name. Fixes two markers or none on the way. ``still`` raises where it may not be
        moved any more: asked right before."""
        if self._exists("switch", OTHER[colour]):
            self._step("marker")
            still()
            self._rename(("switch",), OTHER[colour], colour)
        elif self._exists("switch", colour):
            return False
        else:
            still()
            self._touch("switch", colour)
        return True

    def _moved_to(self) -> str:
        """Where our own last move put the marker; '' where a switch was made before this was noted."""
        return next((colour for colour in OTHER if self._exists(MOVED + colour)), "")

    def _note_move(self, colour: str, still: Callable[[], None] = lambda: None) -> None:
        """A rename, so that a full disk is no hindrance. Nothing where it was never noted, or says so already."""
        before = self._moved_to()
        if before and before != colour:
            self._step(MOVED + colour)
            still()
            self._rename((), MOVED + before, MOVED + colour)

    def _changed(self, colour: str) -> float:
        """When the marker got its name: a rename changes the inode's time and not that of its content."""
        try:
            with untrusted_files.folder(self.path, "switch") as fd:
                found = untrusted_files.status(fd, colour)
                return found.st_ctime if found else 0.0
        except OSError:
            return 0.0

    def _remove(self, *names: str) -> None:
        self._step("remove " + names[-1])
        with untrusted_files.folder(self.path, *names[:-1]) as fd:
            with suppress(FileNotFoundError):
                os.unlink(names[-1], dir_fd=fd)
            os.fsync(fd)

    def _touch(self, *names: str) -> None:
        if self._exists(*names):
            return
        self._step("make " + names[-1])
        with untrusted_files.folder(self.path, *names[:-1]) as fd:
            with suppress(FileExistsError):
                os.close(untrusted_files.create(fd, names[-1], self._in(*names)))
            os.fsync(fd)

    def _directory(self, name: str, mode: int, owner: tuple[int, int] | None = None) -> None:
        """``name`` '' is the whole of it. Raises BluegreenError where something else has its name."""
        path = self._in(name) if name else self.path
        if not os.path.lexists(path):
            self._step("make " + path)
            if name:
                with untrusted_files.folder(self.path) as fd:
                    os.mkdir(name, dir_fd=fd)
            else:
                os.mkdir(path)
        with untrusted_files.folder(self.path, *([name] if name else [])) as fd:
            os.fchmod(fd, mode)
            if owner:
                os.fchown(fd, *owner)

    def logs(self) -> list[str]:
        """The edge's files in the log directory, by name; the one that it has emptied is none."""
        try:
            with untrusted_files.folder(self.path, "log") as fd:
                found = {name: untrusted_files.status(fd, name) for name in sorted(os.listdir(fd))}
                return [name for name, one in found.items() if one and (name != LOG or one.st_size)]
        except (BluegreenError, OSError):
            return []

    def forget_logs(self, names: Iterable[str]) -> None:
        """The edge may write there: a directory that is a link by now is not followed. The file that it writes to is
        emptied in its place: Caddy keeps it open for good, and a later adopt would log to a file without a name."""
        with untrusted_files.folder(self.path, "log") as fd:
            for name in names:
                if name == LOG and untrusted_files.emptied(fd, name):
                    continue
                with suppress(FileNotFoundError, IsADirectoryError):
                    os.unlink(name, dir_fd=fd)

    def require_of(self, deployment: str) -> None:
        """Refused where the switch is another deployment's. One from before has no name, and is whose it was."""
        theirs = (self._read(NAME) or b"").decode(errors="replace").strip()
        if theirs and deployment and theirs != deployment:
            raise Refused(
                "that switch belongs to the deployment %s" % theirs,
                option="edge.switch_dir",
                value=self.path,
                fix="give %s a directory (or a volume) of its own" % deployment,
            )


def switch_problems(directory: str, owner: tuple[int, int] | None) -> list[str]:
    """What is wrong with the directory, beside what it says: lost, half lost, wrong owner or mode.

    As sentences; ``Switch.install`` fixes them all but a strange directory. ``owner`` has to own the log, None where
    that is unknown."""
    found = []
    for name, mode in MODES.items():
        path = os.path.join(directory, name) if name else directory
        try:
            with untrusted_files.folder(directory, *([name] if name else [])) as fd:
                status, names = os.fstat(fd), os.listdir(fd)
                strange = [one for one in names if name != "log" and not _plain(fd, one)]
        except FileNotFoundError:
            if name in ("", "switch"):
                return ["%s is missing" % os.path.join(directory, "switch")]
            found.append("%s is missing" % path)
            continue
        except BluegreenError as exc:
            found.append(exc.msg)
            continue
        found += ["%s was not made by this collection" % os.path.join(path, one) for one in sorted(strange)]
        if stat.S_IMODE(status.st_mode) != mode:
            found.append("%s has mode %04o instead of %04o" % (path, stat.S_IMODE(status.st_mode), mode))
        if name == "log" and owner and (status.st_uid, status.st_gid) != owner:
            there = (status.st_uid, status.st_gid)
            found.append("%s belongs to %d:%d, but the edge writes it as %d:%d" % (path, *there, *owner))
    try:
        return found + _missing(directory)
    except (BluegreenError, FileNotFoundError):
        return found


def _plain(fd: int, name: str) -> bool:
    found = untrusted_files.status(fd, name)
    return found is None or stat.S_ISREG(found.st_mode) or not OURS.fullmatch(name)


def _missing(directory: str) -> list[str]:
    """Files that a flip or a rollback takes for granted; they are made again, with nothing lost."""
    with untrusted_files.folder(directory) as here, untrusted_files.folder(directory, "switch") as below:
        names, inside = os.listdir(here), set(os.listdir(below))
    found = [] if any(name.startswith("token-") for name in names) else ["no fencing token in %s" % directory]
    live = "green" if "green" in inside else "blue"
    if "ready" in inside and inside & set(COLOURS):
        gone = [kind + live for kind in ("warm-", "assets-") if kind + live not in inside]
        found += ["%s is missing" % os.path.join(directory, "switch", name) for name in gone]
    return found
