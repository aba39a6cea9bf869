# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that holds a secret: read only where no other user can."""

from __future__ import annotations

import os
import stat

from .errors import Refused

OTHERS = 0o077


def read_private(path: str, option: str, what: str) -> str:
    """The text of a file that only its owner may read. ``what`` it holds is named, never shown."""
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            mode = os.fstat(handle.fileno()).st_mode
            if mode & OTHERS:
                raise Refused(
                    "users other than its owner can read it (mode %04o)" % stat.S_IMODE(mode),
                    option=option,
                    value=path,
                    fix="run chmod 600 %s, and replace %s if others have used this host" % (path, what),
                )
            return handle.read()
    except OSError as exc:
        raise Refused(
            "it cannot be read: %s" % exc.strerror,
            option=option,
            value=path,
            fix="put %s there, owned by root with mode 0600" % what,
        ) from exc
