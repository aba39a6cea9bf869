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

from ..._core.files import read_bytes, write_atomic, write_json

MAIN = "Caddyfile"
# Of the last turn of the file to another colour, see ``follow``.
TURN = "turned"
BEFORE = ".before"
BASE = ".base"
AFTER = ".after"


def half_written(current: bytes, new: bytes, old: bytes) -> bool:
    """``current`` is what a write of ``new`` over ``old`` leaves that was cut off anywhere."""
    shorter = min(len(current), len(new))
    same = next((at for at in range(shorter) if current[at] != new[at]), shorter)
    whole = same == len(new) and not current[same:].strip()
    return current not in (new, old) and (whole or current[same:] == old[same:])


def overwrite(path: str, content: bytes, step: Callable[[str], None]) -> None:
    """The same inode with other content. The caller has both contents in a journal."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        done = 0
        # What was there behind its end is made blank before it is cut off: a restart in between loads the file.
        whole = content + b"\n" * (os.fstat(fd).st_size - len(content))
        while done < len(whole):
            step("write")
            # In pieces, so that a test can stop between them as a full disk or a kill would.
            done += os.pwrite(fd, whole[done : done + 65536], done)
        step("truncate")
        os.ftruncate(fd, len(content))
        os.fsync(fd)
    finally:
        os.close(fd)


class Journal:
    """``before`` are the operator's bytes, ``base`` those that the last adopt began with (others than ``before`` where
    an adopted file had been edited), ``after`` what it made of them; all None until the first adopt.

    ``name`` tells the Caddyfile from the files that it imports: ``<name>.before``, ``.base``, ``.after``, and its facts
    in ``adopt.json`` or ``<name>.json``.
    """

    def __init__(self, directory: str, name: str = MAIN) -> None:
        self._directory = os.path.join(directory, "journal")
        self._name = name

    @property
    def before(self) -> bytes | None:
        return self._read(BEFORE)

    @property
    def base(self) -> bytes | None:
        return self._read(BASE)

    @property
    def after(self) -> bytes | None:
        return self._read(AFTER)

    def write(self, before: bytes, base: bytes, after: bytes, facts: dict[str, object]) -> None:
        """All of it before the file itself is touched: only then a half-written one can be recognised."""
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        for suffix, content in ((BEFORE, before), (BASE, base), (AFTER, after)):
            write_atomic(os.path.join(self._directory, self._name + suffix), content, 0o600)
        noted = "adopt.json" if self._name == MAIN else self._name + ".json"
        write_json(os.path.join(self._directory, noted), facts, 0o600)

    def _read(self, suffix: str) -> bytes | None:
        return read_bytes(os.path.join(self._directory, self._name + suffix))

    def torn(self, current: bytes) -> bool:
        before, base, after = self.before, self.base, self.after
        if before is None or base is None or after is None:
            return False
        return half_written(current, after, base) or half_written(current, before, after)
