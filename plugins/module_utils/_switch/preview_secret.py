# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preview secret on disk: the name of the one file in a directory that only its owner can list.

A name and not content: the old Caddy knows no placeholder for the content of a file, the new one takes a MiB of memory
for each. A value from a header never gets further than its own directory: the edge cleans the path and takes nothing
but 32 hex digits.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress

from .._core import untrusted_files
from .._core.errors import BluegreenError

NAME = "preview"
FORM = re.compile(r"[0-9a-f]{32}")
Step = Callable[[str], None]


def new() -> str:
    return secrets.token_hex(16)


def known(directory: str) -> list[str]:
    """Those that the edge takes: one, or none. ``directory`` is the switch's. Nothing else that lies there is ours."""
    with suppress(BluegreenError, FileNotFoundError), untrusted_files.folder(directory, NAME) as fd:
        return _names(fd)
    return []


def _names(fd: int) -> list[str]:
    return sorted(name for name in os.listdir(fd) if FORM.fullmatch(name) and untrusted_files.is_file(fd, name))


def let_in(directory: str, secret: str, step: Step) -> bool:
    """``secret`` and no other; False where that is so already. A step never has its name: steps are said aloud."""
    if not FORM.fullmatch(secret):
        raise BluegreenError(
            "a preview secret is 32 hex digits", fix="run the deploy stage again: it makes a new secret"
        )
    _cleared(directory)
    with untrusted_files.folder(directory) as above:
        if not untrusted_files.status(above, NAME):
            step("make preview directory")
            os.mkdir(NAME, dir_fd=above)
    if known(directory) == [secret]:
        return False
    forget(directory, step)
    with untrusted_files.folder(directory, NAME) as fd:
        os.fchmod(fd, 0o711)
        step("make preview")
        os.close(untrusted_files.create(fd, secret, os.path.join(directory, NAME)))
        os.fsync(fd)
    return True


def _cleared(directory: str) -> None:
    """Nothing but a directory of ours has its name."""
    with untrusted_files.folder(directory) as above:
        there = untrusted_files.status(above, NAME)
        if there and not stat.S_ISDIR(there.st_mode):
            os.unlink(NAME, dir_fd=above)


def forget(directory: str, step: Step) -> bool:
    """Let no preview in any more; False where none was."""
    _cleared(directory)
    names = known(directory)
    for name in names:
        step("remove preview")
        with untrusted_files.folder(directory, NAME) as fd, suppress(FileNotFoundError):
            os.unlink(name, dir_fd=fd)
            os.fsync(fd)
    return bool(names)
