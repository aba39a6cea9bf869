# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was learned, as the state directory keeps it: ``<state_dir>/deployment.json``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from .._core.errors import BluegreenError
from .._core.files import read_text, write_json

VERSION = 1
FILE = "deployment.json"
MODE = 0o640


def path(state_dir: str) -> str:
    return os.path.join(state_dir, FILE)


def parse(text: str, where: str) -> dict[str, Any]:
    """The record of a file's text; {} for an empty one. Raises BluegreenError for one that is not ours."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
        if value["v"] != VERSION or not isinstance(value["values"]["services"], dict):
            raise ValueError(value["v"])
    except (ValueError, KeyError, TypeError) as exc:
        raise BluegreenError(
            "%s is not a record of a deployment (version %d)" % (where, VERSION),
            fix="move it away and run --tags adopt, which learns it again",
        ) from exc
    return dict(value)


def read(state_dir: str) -> dict[str, Any]:
    """The record, {} where there is none."""
    return parse(read_text(path(state_dir)) or "", path(state_dir))


def write(state_dir: str, learned: Mapping[str, Any], at: float) -> None:
    """The directory has to be there."""
    write_json(path(state_dir), {"v": VERSION, "at": at, **learned}, MODE)


def same(record: Mapping[str, Any], learned: Mapping[str, Any]) -> bool:
    """Whether they say the same; where a value was found may differ from look to look."""
    return all(record.get(key) == learned.get(key) for key in ("values", "facts", "members"))
