# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator's ``edge`` as values, and the kind of edge that it is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..._core.errors import BluegreenError
from ..._core.files import read_json, write_json
from ..._core.podman import Podman
from ..._core.runner import Runner
from ..config.upstream import Upstream
from .base import CLOUDFLARE, KINDS, METHODS, NATIVE_SWITCH, SOURCES, Edge, EdgeOptions
from .container import PodmanEdge
from .native import ProcessEdge


def edge_options(given: Mapping[str, Any]) -> EdgeOptions:
    """Options that are not given have their defaults; a native edge sees what this host sees."""
    known = {one.name for one in fields(EdgeOptions)}
    values = {name: value for name, value in given.items() if name in known and value is not None}
    for name, choices in (("kind", (*KINDS, CLOUDFLARE)), ("source", SOURCES), ("method", METHODS)):
        if values.get(name, choices[0]) not in choices:
            raise BluegreenError(
                "unsupported value", option="edge." + name, value=values[name], fix="use one of " + ", ".join(choices)
            )
    values["caddyfile"] = str(values.get("caddyfile") or "")
    if values.get("kind") == "native":
        switch_dir = str(given.get("switch_dir") or NATIVE_SWITCH)
        if not os.path.isabs(switch_dir):
            raise BluegreenError(
                "not an absolute path", option="edge.switch_dir", value=switch_dir, fix="write it from / on"
            )
        values.update(mount=switch_dir, config_path=values["caddyfile"])
    return EdgeOptions(**values)


def edge_of(runner: Runner, project: str, options: EdgeOptions) -> Edge:
    if options.kind == CLOUDFLARE:
        raise BluegreenError(
            "there is no Caddy to ask",
            option="edge.kind",
            value=options.kind,
            fix="use cloudflare_lb_pool, or set container or native",
        )
    if options.kind == "native":
        return ProcessEdge(runner, options)
    return PodmanEdge(Podman(runner), project, options)


RECORD = "follow.json"


@dataclass(frozen=True)
class MethodRecord:
    """How an edge follows its switch, for the watcher. Root writes a file of this host by it, so it lies in the state
    directory and not on the edge's volume. Adopt writes it, a cutover renews it. No record: the method ``switch``."""

    project: str
    edge: EdgeOptions
    upstreams: Sequence[Upstream]


def record_changes(directory: str, wanted: MethodRecord | None) -> bool:
    """Whether something else is written down in the state directory; None is written as nothing."""
    return bool(read_json(os.path.join(directory, RECORD)) != _recorded(wanted))


def write_record(directory: str, wanted: MethodRecord | None) -> None:
    path, values = os.path.join(directory, RECORD), _recorded(wanted)
    if values is not None and record_changes(directory, wanted):
        os.makedirs(directory, mode=0o750, exist_ok=True)
        write_json(path, values, 0o600)
    elif values is None and os.path.exists(path):
        os.unlink(path)


def _recorded(wanted: MethodRecord | None) -> Any:
    if wanted is None or wanted.edge.method == "switch":
        return None
    upstreams = [asdict(one) for one in wanted.upstreams]
    return {"project": wanted.project, "edge": asdict(wanted.edge), "upstreams": upstreams}


def read_record(directory: str) -> MethodRecord | None:
    """Raises BluegreenError for a record of another shape."""
    found = read_json(os.path.join(directory, RECORD))
    if found is None:
        return None
    try:
        upstreams = tuple(Upstream(**one) for one in found["upstreams"])
        return MethodRecord(str(found["project"]), EdgeOptions(**found["edge"]), upstreams)
    except (KeyError, TypeError) as exc:
        raise BluegreenError(
            "%s has another shape" % os.path.join(directory, RECORD), fix="run the adopt stage"
        ) from exc


def method_in_force(options: EdgeOptions) -> str:
    """The method in force. Where the state directory can't be read, a rollback still goes by the settings."""
    try:
        found = read_record(options.state_dir)
    except OSError:
        return options.method
    return found.edge.method if found else "switch"
