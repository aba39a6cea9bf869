# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an edge is made to follow its switch, written down in the state directory for the watcher: root writes a file of
the host by it, so the edge's volume is no place for it. Adopt writes it, a cutover renews it. Without it the edge looks
at the switch itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_json, write_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.proxy_form import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import EdgeOptions

NAME = "follow.json"


@dataclass(frozen=True)
class Record:
    project: str
    edge: EdgeOptions
    upstreams: Sequence[Upstream]


def changes(directory: str, wanted: Record | None) -> bool:
    """Whether something else is written down in the state directory; None is written as nothing."""
    return bool(read_json(os.path.join(directory, NAME)) != _values(wanted))


def write(directory: str, wanted: Record | None) -> None:
    path, values = os.path.join(directory, NAME), _values(wanted)
    if values is not None and changes(directory, wanted):
        os.makedirs(directory, mode=0o750, exist_ok=True)
        write_json(path, values, 0o600)
    elif values is None and os.path.exists(path):
        os.unlink(path)


def _values(wanted: Record | None) -> Any:
    if wanted is None or wanted.edge.method == "switch":
        return None
    upstreams = [asdict(one) for one in wanted.upstreams]
    return {"project": wanted.project, "edge": asdict(wanted.edge), "upstreams": upstreams}


def read(directory: str) -> Record | None:
    """Raises BluegreenError for a record of another shape."""
    found = read_json(os.path.join(directory, NAME))
    if found is None:
        return None
    try:
        upstreams = tuple(Upstream(**one) for one in found["upstreams"])
        return Record(str(found["project"]), EdgeOptions(**found["edge"]), upstreams)
    except (KeyError, TypeError) as exc:
        raise BluegreenError("%s has another shape" % os.path.join(directory, NAME), fix="run the adopt stage") from exc


def method(options: EdgeOptions) -> str:
    """The method in force. Where nobody can read the state directory a rollback still goes by the settings."""
    try:
        found = read(options.state_dir)
    except OSError:
        return options.method
    return found.edge.method if found else "switch"
