# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an undo removes of the state directory: every copy that holds secrets, and what only a deployment needs.

The history stays: the ledger, and of each release its verdict, its report and the record of its watch. It holds no
secret. The code of the watcher stays too, as one may still run from it.
"""

from __future__ import annotations

import os
import shutil

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import sync_dir
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Step

# First what holds secrets: copies of .env and of configurations, and rendered compose files.
COPIES = ("source", "preview", "release.json")
STACKS = "stacks"


def steps(wanted: Wanted) -> list[Step]:
    """Nothing where all of it is gone already."""
    home = wanted.path("releases")
    names = sorted(os.listdir(home)) if os.path.isdir(home) else []
    found = [Step("remove-copies", name) for name in names if _left(os.path.join(home, name))]
    return found + ([Step("remove-stacks", STACKS)] if os.path.isdir(wanted.path(STACKS)) else [])


def do(wanted: Wanted, step: Step) -> None:
    if step.action == "remove-stacks":
        shutil.rmtree(wanted.path(STACKS))
        return
    where = wanted.path("releases", step.target)
    for name in _left(where):
        _remove(os.path.join(where, name))
    sync_dir(where)
    # One that was never watched, or whose making was cut off, has no history.
    if not os.listdir(where):
        os.rmdir(where)


def stays(wanted: Wanted) -> list[str]:
    """What is left, and why, a sentence each."""
    found = []
    if os.path.isdir(wanted.state_dir):
        found.append("%s stays: the ledger, verdicts and reports, without secrets" % wanted.state_dir)
    return found


def _left(where: str) -> list[str]:
    unfinished = os.path.basename(where).startswith(".")
    return [
        name for name in (os.listdir(where) if unfinished else COPIES) if os.path.lexists(os.path.join(where, name))
    ]


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
