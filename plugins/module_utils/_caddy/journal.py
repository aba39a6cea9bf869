# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rewriting a file whose inode must stay, with a way back to its exact bytes.

A bind-mounted single file goes on showing its old content after a rename, so it has to be overwritten in place, and
that is not atomic. So both contents lie in the journal first: a half-written file is recognised and started over.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import write_atomic, write_json

BEFORE = "Caddyfile.before"
BASE = "Caddyfile.base"
AFTER = "Caddyfile.after"


def read_bytes(path: str) -> bytes | None:
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def half_written(current: bytes, new: bytes, old: bytes) -> bool:
    """``current`` is what a write of ``new`` over ``old`` leaves that was cut off anywhere."""
    shorter = min(len(current), len(new))
    same = next((at for at in range(shorter) if current[at] != new[at]), shorter)
    return current not in (new, old) and current[same:] == old[same:]


def overwrite(path: str, content: bytes, step: Callable[[str], None]) -> None:
    """The same inode with other content. Whoever calls has both contents in a journal."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        done = 0
        while done < len(content):
            step("write")
            # In pieces, so that a test can stop between them as a full disk or a kill would.
            done += os.pwrite(fd, content[done : done + 65536], done)
        step("truncate")
        os.ftruncate(fd, len(content))
        os.fsync(fd)
    finally:
        os.close(fd)


class Journal:
    """``before`` are the operator's bytes, ``base`` those that the last adopt began with (others than ``before`` where
    an adopted file had been edited), ``after`` what it made of them; all None until the first adopt."""

    def __init__(self, directory: str) -> None:
        self._directory = os.path.join(directory, "journal")

    @property
    def before(self) -> bytes | None:
        return read_bytes(os.path.join(self._directory, BEFORE))

    @property
    def base(self) -> bytes | None:
        return read_bytes(os.path.join(self._directory, BASE))

    @property
    def after(self) -> bytes | None:
        return read_bytes(os.path.join(self._directory, AFTER))

    def write(self, before: bytes, base: bytes, after: bytes, facts: dict[str, object]) -> None:
        """All of it before the file itself is touched: only then a half-written one can be recognised."""
        for name, content in ((BEFORE, before), (BASE, base), (AFTER, after)):
            write_atomic(os.path.join(self._directory, name), content, 0o600)
        write_json(os.path.join(self._directory, "adopt.json"), facts, 0o600)

    def torn(self, current: bytes) -> bool:
        before, base, after = self.before, self.base, self.after
        if before is None or base is None or after is None:
            return False
        return half_written(current, after, base) or half_written(current, before, after)
