# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a boot has to know, in one file without a secret.

``<state_dir>/boot.json``: {"v": 1, "switch_dir", "params": the options of podman_compose_release that describe the
deployment}.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._compose.deployment.model import Deployment, wanted_from
from .._compose.options import SPEC
from .._core.errors import BluegreenError
from .._core.files import read_json
from .._switch.switch import Switch

VERSION = 1
# Options of both modules.
OPTIONS = (
    "deployment", "state_dir", "project", "source", "compose_files", "services", "shared", "network_range", "publish",
    "port_base", "podman_compose", "singletons",
)  # fmt: skip
DESCRIBING = (*OPTIONS, "edge_service")


@dataclass(frozen=True)
class Record:
    switch_dir: str
    params: Mapping[str, Any]

    @property
    def wanted(self) -> Deployment:
        defaults = {name: one.get("default") for name, one in SPEC.options.items()}
        return wanted_from({**defaults, **self.params})

    @property
    def switch(self) -> Switch:
        return Switch(self.switch_dir)

    def data(self) -> dict[str, Any]:
        return {"v": VERSION, "switch_dir": self.switch_dir, "params": dict(self.params)}


def made(params: Mapping[str, Any], switch_dir: str) -> Record:
    """``params``: those of release_boot."""
    edge = {"edge_service": str(params["edge"].get("service") or "caddy")}
    return Record(switch_dir, {name: {**params, **edge}[name] for name in DESCRIBING})


def path(state_dir: str) -> str:
    return os.path.join(state_dir, "boot.json")


def read(state_dir: str) -> Record | None:
    """What is recorded; None before the first adopt."""
    found = read_json(path(state_dir))
    if found is None:
        return None
    try:
        if found["v"] != VERSION:
            raise ValueError(found["v"])
        return Record(str(found["switch_dir"]), dict(found["params"]))
    except (KeyError, TypeError, ValueError) as exc:
        raise BluegreenError("%s is of another version" % path(state_dir), fix="run adopt again") from exc
