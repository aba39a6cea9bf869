# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch's directory, changed one name at a time. Who may call what, and in which order, is in ``switch``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Fenced, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_text, sync_dir
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import OTHER

TOKEN = "token-"
IS_TOKEN = re.compile(TOKEN + r"\d{12}")
MOVED = "moved-"
# Whose switch it is.
NAME = "deployment"


class Directory:
    """``step`` is called with a name before every change on disk."""

    def __init__(self, path: str, step: Callable[[str], None] = lambda name: None) -> None:
        self.path = path
        self._step = step

    def _in(self, *names: str) -> str:
        return os.path.join(self.path, *names)

    def _tokens(self) -> list[str]:
        return sorted(name for name in os.listdir(self.path) if IS_TOKEN.fullmatch(name))

    def _token(self) -> int:
        names = self._tokens()
        return int(names[-1][len(TOKEN) :]) if names else 0

    def _check(self, token: int, exact: bool) -> None:
        ours = self._token()
        if token < ours or (exact and token != ours):
            raise Fenced("token %d, but the switch is at %d" % (token, ours), mend="run status, then start again")

    def _raise_token(self, token: int) -> None:
        names = self._tokens()
        wanted = TOKEN + "%012d" % token
        if names and names[-1] != wanted:
            self._step("token")
            os.rename(self._in(names[-1]), self._in(wanted))
            sync_dir(self.path)

    def _move(self, colour: str) -> bool:
        """The marker under its new name. Mends two markers or none on the way."""
        there, other = self._in("switch", colour), self._in("switch", OTHER[colour])
        if os.path.exists(other):
            self._step("marker")
            os.rename(other, there)
        elif os.path.exists(there):
            return False
        else:
            self._touch("switch", colour)
        sync_dir(self._in("switch"))
        return True

    def _moved_to(self) -> str:
        """Where our own last move put the marker; '' where a switch was made before this was noted."""
        return next((colour for colour in OTHER if os.path.exists(self._in(MOVED + colour))), "")

    def _note_move(self, colour: str) -> None:
        """A rename, so that a full disk is no hindrance. Nothing where it was never noted, or says so already."""
        before = self._moved_to()
        if before and before != colour:
            self._step(MOVED + colour)
            os.rename(self._in(MOVED + before), self._in(MOVED + colour))
            sync_dir(self.path)

    def _changed(self, colour: str) -> float:
        """When the marker got its name: a rename changes the inode's time and not that of its content."""
        try:
            return os.stat(self._in("switch", colour)).st_ctime
        except OSError:
            return 0.0

    def _remove(self, *names: str) -> None:
        self._step("remove " + names[-1])
        os.unlink(self._in(*names))
        sync_dir(os.path.dirname(self._in(*names)))

    def _touch(self, *names: str) -> None:
        path = self._in(*names)
        if not os.path.exists(path):
            self._step("make " + names[-1])
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
            sync_dir(os.path.dirname(path))

    def _directory(self, path: str, mode: int) -> None:
        if not os.path.isdir(path):
            self._step("make " + path)
            os.mkdir(path)
        os.chmod(path, mode)

    def logs(self) -> list[str]:
        """The edge's files in the log directory, by name."""
        try:
            return sorted(os.listdir(self._in("log")))
        except OSError:
            return []

    def forget_logs(self, names: Iterable[str]) -> None:
        """The edge may write there: a directory that is a link by now is not followed."""
        folder = os.open(self._in("log"), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            for name in names:
                with suppress(FileNotFoundError, IsADirectoryError):
                    os.unlink(name, dir_fd=folder)
        finally:
            os.close(folder)

    def require_of(self, deployment: str) -> None:
        """Refused where the switch is another deployment's. One from before has no name, and is whose it was."""
        theirs = (read_text(self._in(NAME)) or "").strip()
        if theirs and deployment and theirs != deployment:
            raise Refused(
                "the switch there is that of the deployment %s" % theirs,
                option="edge.switch_dir",
                value=self.path,
                mend="give %s a directory (or a volume) of its own" % deployment,
            )
