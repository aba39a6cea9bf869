# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a migration is: ``<state_dir>/migrating/<target>.json``, which is there only while a run is unfinished.

``status`` reads it meanwhile, and the run after one that died learns from it what was there before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .._core.errors import BluegreenError
from .._core.files import read_mapping, sync_dir, write_json

FOLDER = "migrating"


@dataclass(frozen=True)
class Progress:
    """``invalid``: indexes that were invalid before the first run of it. ``of`` is 0 where no migration is counted."""

    target: str
    release: str = ""
    began: float = 0.0
    done: int = 0
    of: int = 0
    next: str = ""
    attempt: int = 0
    invalid: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.of:
            return "%s: attempt %d" % (self.target, self.attempt)
        return "%s: %d of %d%s" % (self.target, self.done, self.of, ", next %s" % self.next if self.next else "")


def path(state_dir: str, target: str) -> str:
    return os.path.join(state_dir, FOLDER, target + ".json")


def read(state_dir: str, target: str) -> Progress | None:
    """The unfinished run of a target, None where there is none. One that can't be read tells nothing."""
    try:
        found = read_mapping(path(state_dir, target))
    except BluegreenError:
        return Progress(target)
    return _progress(found) if found else None


def read_all(state_dir: str) -> list[dict[str, Any]]:
    """Every unfinished run, for the look at a deployment."""
    home = os.path.join(state_dir, FOLDER)
    names = sorted(os.listdir(home)) if os.path.isdir(home) else []
    found = (read(state_dir, name[: -len(".json")]) for name in names if name.endswith(".json"))
    return [{**asdict(one), "text": str(one)} for one in found if one is not None]


def write(state_dir: str, progress: Progress) -> None:
    home = os.path.join(state_dir, FOLDER)
    if not os.path.isdir(home):
        os.makedirs(home, mode=0o750, exist_ok=True)
        sync_dir(state_dir)
    write_json(path(state_dir, progress.target), {"v": 1, **asdict(progress)})


def end(state_dir: str, target: str) -> None:
    where = path(state_dir, target)
    if os.path.exists(where):
        os.unlink(where)
        sync_dir(os.path.dirname(where))


def _progress(found: Mapping[str, Any]) -> Progress:
    given = {key: found[key] for key in Progress.__dataclass_fields__ if key in found}
    return Progress(**{**given, "invalid": tuple(map(str, given.get("invalid") or ()))})
