# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that a Caddyfile imports: read as the running edge sees them, written where they lie on this host.

Each that holds a coloured upstream is rewritten in its place and has a journal of its own beside the Caddyfile's.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..._core.errors import BluegreenError, Refused
from ..._core.files import read_bytes, read_json
from ..config.one_colour_form import SNIPPET
from .journal import Journal

PREFIX = "imported-"
READ_ONLY = "ro"
# What an adoption leaves in a file, with any method.
OURS = re.compile(r"@bluegreen\d+_|import %s " % SNIPPET)


@dataclass(frozen=True)
class FileChange:
    """From ``current`` to ``wanted`` bytes in the file ``path`` of this host; ``base`` is what ``wanted`` was made of,
    ``seen`` its path as the edge sees it, ``adopted`` whether something of ours is in ``base``."""

    path: str
    seen: str
    journal: Journal
    current: bytes
    base: bytes
    wanted: bytes
    adopted: bool

    def note(self) -> None:
        """Into the journal. After an edit of an adopted file the operator's bytes stay those from before it."""
        if self.wanted != self.base:
            before = (self.journal.before or self.base) if self.adopted else self.base
            facts: dict[str, object] = {"caddyfile": self.path, "seen": self.seen, "edited": self.adopted}
            self.journal.write(before, self.base, self.wanted, facts)

    def restored(self) -> bytes:
        """What the edge still runs, after a reload that failed: where a run was cut off, the journal's other half."""
        cut_off = self.current == self.wanted or self.journal.torn(self.current)
        other = self.journal.after if self.wanted == self.base else self.journal.base
        return other if cut_off and other is not None else self.current


class Imported:
    """``pid`` is the edge's process, ``directory`` the state directory. ``back``: read what undo restores."""

    def __init__(self, pid: int, directory: str, back: bool = False) -> None:
        self._pid = pid
        self._directory = directory
        self._back = back

    def read(self, pattern: str) -> Mapping[str, str]:
        """The texts that adopt begins with (or that undo leaves), by path as the edge sees them."""
        return {path: self._text(path) for path in self._paths(pattern)}

    def present(self, pattern: str) -> Mapping[str, str]:
        """The same files as they are now."""
        return {path: _decoded(path, self._seen(path) or b"") for path in self._paths(pattern)}

    def made(self, pattern: str) -> Mapping[str, str]:
        """The same files as the last adopt made them."""
        every = {path: self._journal(path).after or self._seen(path) or b"" for path in self._paths(pattern)}
        return {path: _decoded(path, content) for path, content in every.items()}

    def _paths(self, pattern: str) -> list[str]:
        root = "/proc/%d/root" % self._pid
        paths = [path for path in sorted(glob.glob(glob.escape(root) + pattern)) if os.path.isfile(path)]
        return [path[len(root) :] for path in paths]

    def changes(self, wanted: Mapping[str, str]) -> tuple[FileChange, ...]:
        """What adopt does to the files, those of an adopt before included."""
        paths = sorted({*wanted, *self._noted()})
        found = []
        for seen in paths:
            current = self._seen(seen)
            if current is not None:
                base = self._base(seen, current)
                new = wanted[seen].encode() if seen in wanted else base
                found.append(self._change(seen, current, base, new))
        return tuple(found)

    def undone(self, force: bool) -> tuple[FileChange, ...]:
        """Every file that an adopt has changed, back to the operator's bytes. Refused where that would lose an edit."""
        found = []
        for seen in self._noted():
            journal, current = self._journal(seen), self._seen(seen)
            before, base, after = journal.before, journal.base, journal.after
            if before is None or (current is None and force):
                continue
            ours = current is not None and (current in (before, after) or journal.torn(current))
            if not force and current != before and not (ours and base == before):
                raise Refused(
                    "%s was edited since adopt: undo would lose that" % seen,
                    fix="keep a copy and undo with -e bluegreen_force_undo=true, or remove the switch by hand",
                )
            found.append(self._change(seen, current or b"", before, before))
        return tuple(found)

    def _change(self, seen: str, current: bytes, base: bytes, wanted: bytes) -> FileChange:
        # Only what is written has to be found on this host.
        path = host_path(self._pid, seen) if wanted != current else seen
        return FileChange(path, seen, self._journal(seen), current, base, wanted, bool(OURS.search(base.decode())))

    def _journal(self, seen: str) -> Journal:
        return Journal(self._directory, PREFIX + hashlib.sha256(seen.encode()).hexdigest()[:16])

    def _noted(self) -> list[str]:
        facts = sorted(glob.glob(os.path.join(glob.escape(self._directory), "journal", PREFIX + "*.json")))
        return [str(note["seen"]) for note in map(read_json, facts) if note]

    def _seen(self, seen: str) -> bytes | None:
        return read_bytes("/proc/%d/root%s" % (self._pid, seen))

    def edited(self) -> bool:
        """Whether a file was edited since it was adopted: then adopt begins with everything as it lies there."""
        return any(self._edited(seen) for seen in self._noted())

    def _edited(self, seen: str) -> bool:
        journal, current = self._journal(seen), self._seen(seen) or b""
        known = current in (journal.before, journal.base, journal.after) or journal.torn(current)
        return not known and bool(OURS.search(current.decode(errors="replace")))

    def _base(self, seen: str, current: bytes) -> bytes:
        journal = self._journal(seen)
        base, whole = journal.base, current == journal.after and not self.edited()
        return base if base is not None and (whole or journal.torn(current)) else current

    def _text(self, seen: str) -> str:
        current = self._seen(seen) or b""
        before = self._journal(seen).before if self._back else None
        return _decoded(seen, before if before is not None else self._base(seen, current))


def _decoded(seen: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        raise BluegreenError("%s is not UTF-8: %s" % (seen, exc), fix="save it as UTF-8") from exc


def host_path(pid: int, seen: str) -> str:
    """Where this host has, writable, what process ``pid`` sees at ``seen``. Raises Refused where it has it nowhere."""
    there = "/proc/%d/root%s" % (pid, seen)
    real = os.path.realpath(seen) if _same(there, os.path.realpath(seen)) else seen
    inside = max((one for one in _mounts(pid) if _below(real, one[1])), key=lambda one: len(one[1]), default=None)
    for mount in _mounts("self") if inside else ():
        device, point, root, options = mount
        if inside and device == inside[0] and READ_ONLY not in options:
            within = os.path.normpath(inside[2] + "/" + os.path.relpath(real, inside[1]))
            if _below(within, root):
                path, source = (
                    os.path.normpath(os.path.join(point, os.path.relpath(one, root))) for one in (within, inside[2])
                )
                # A link that leads out of what is mounted was put there by who may write in it.
                if _same(path, there) and _below(os.path.realpath(path), os.path.realpath(source)):
                    return path
    raise Refused(
        "the edge's file %s lies nowhere on this host where it can be written" % seen,
        fix="mount it into the edge from a directory of this host, or move its coloured upstreams into the Caddyfile",
    )


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _below(path: str, parent: str) -> bool:
    return path == parent or path.startswith(parent.rstrip("/") + "/")


def _mounts(pid: int | str) -> list[tuple[str, str, str, list[str]]]:
    """(device, mount point, root within its file system, options) of each mount."""
    with open("/proc/%s/mountinfo" % pid, encoding="utf-8", errors="surrogateescape") as handle:
        rows = [line.split() for line in handle]
    plain = [[one.encode().decode("unicode_escape") if "\\" in one else one for one in row] for row in rows]
    return [(row[2], row[4], row[3], row[5].split(",")) for row in plain]
