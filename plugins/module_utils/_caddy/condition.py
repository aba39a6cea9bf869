# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the switch directory, beside what it says: lost, half lost, wrong owner or mode."""

from __future__ import annotations

import os
import stat

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.argspec import COLOURS

# The edge passes with x alone; only it and we need to know what lies there.
MODES = {"": 0o711, "switch": 0o711, "journal": 0o700, "log": 0o711}


def wrong(directory: str, owner: tuple[int, int] | None) -> list[str]:
    """As sentences, all of which ``Switch.install`` mends. ``owner`` has to own the log, None where that is unknown."""
    if not os.path.isdir(os.path.join(directory, "switch")):
        return ["%s is gone" % os.path.join(directory, "switch")]
    found = []
    for name, mode in MODES.items():
        path = os.path.join(directory, name) if name else directory
        try:
            status = os.stat(path)
        except FileNotFoundError:
            found.append("%s is gone" % path)
            continue
        if stat.S_IMODE(status.st_mode) != mode:
            found.append("%s has mode %04o and not %04o" % (path, stat.S_IMODE(status.st_mode), mode))
        if name == "log" and owner and (status.st_uid, status.st_gid) != owner:
            there = (status.st_uid, status.st_gid)
            found.append("%s belongs to %d:%d, the edge writes it as %d:%d" % (path, *there, *owner))
    found += _missing(directory)
    return found


def _missing(directory: str) -> list[str]:
    """Files that a flip or a rollback takes for granted; they are made again, with nothing lost."""
    names, inside = os.listdir(directory), set(os.listdir(os.path.join(directory, "switch")))
    found = [] if any(name.startswith("token-") for name in names) else ["no fencing token in %s" % directory]
    live = "green" if "green" in inside else "blue"
    if "ready" in inside and inside & set(COLOURS):
        gone = [kind + live for kind in ("warm-", "assets-") if kind + live not in inside]
        found += ["%s is gone" % os.path.join(directory, "switch", name) for name in gone]
    return found
