# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the switch directory, beside what it says: lost, half lost, wrong owner or mode."""

from __future__ import annotations

import os
import stat

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import untrusted_files
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.directory import OURS

# The edge passes with x alone; only it and we need to know what lies there.
MODES = {"": 0o711, "switch": 0o711, "log": 0o711}


def wrong(directory: str, owner: tuple[int, int] | None) -> list[str]:
    """As sentences, all of which ``Switch.install`` fixes but a strange directory. ``owner`` has to own the log, None
    where that is unknown."""
    found = []
    for name, mode in MODES.items():
        path = os.path.join(directory, name) if name else directory
        try:
            with untrusted_files.folder(directory, *([name] if name else [])) as fd:
                status, names = os.fstat(fd), os.listdir(fd)
                strange = [one for one in names if name != "log" and not _plain(fd, one)]
        except FileNotFoundError:
            if name in ("", "switch"):
                return ["%s is gone" % os.path.join(directory, "switch")]
            found.append("%s is gone" % path)
            continue
        except BluegreenError as exc:
            found.append(exc.msg)
            continue
        found += ["%s is no file of ours" % os.path.join(path, one) for one in sorted(strange)]
        if stat.S_IMODE(status.st_mode) != mode:
            found.append("%s has mode %04o and not %04o" % (path, stat.S_IMODE(status.st_mode), mode))
        if name == "log" and owner and (status.st_uid, status.st_gid) != owner:
            there = (status.st_uid, status.st_gid)
            found.append("%s belongs to %d:%d, the edge writes it as %d:%d" % (path, *there, *owner))
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
        found += ["%s is gone" % os.path.join(directory, "switch", name) for name in gone]
    return found
