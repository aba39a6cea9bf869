# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preview secret on disk: the name of the one file in a directory that nobody but its owner can list.

A name and not content: the old Caddy knows no placeholder for the content of a file, the new one takes a MiB of memory
for each. A value from a header never gets further than its own directory: the edge cleans the path and takes nothing
but 32 hex digits.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import sync_dir

FORM = re.compile(r"[0-9a-f]{32}")
Step = Callable[[str], None]


def new() -> str:
    return secrets.token_hex(16)


def known(directory: str) -> list[str]:
    """Those that the edge takes: one, or none."""
    try:
        return sorted(os.listdir(directory))
    except FileNotFoundError:
        return []


def let_in(directory: str, secret: str, step: Step) -> bool:
    """``secret`` and no other; False where that is so already. A step never has its name: steps are said aloud."""
    if not FORM.fullmatch(secret):
        raise BluegreenError("a preview secret is 32 hex digits", mend="deploy again, which makes a new one")
    if known(directory) == [secret]:
        return False
    if not os.path.isdir(directory):
        step("make preview directory")
        os.mkdir(directory)
    os.chmod(directory, 0o711)
    forget(directory, step)
    step("make preview")
    os.close(os.open(os.path.join(directory, secret), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
    sync_dir(directory)
    return True


def forget(directory: str, step: Step) -> bool:
    """Let nobody in any more; False where nobody was."""
    names = known(directory)
    for name in names:
        step("remove preview")
        os.unlink(os.path.join(directory, name))
        sync_dir(directory)
    return bool(names)
