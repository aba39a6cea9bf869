# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator's ``edge`` as values, and the kind of edge that it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Runner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import (
    CLOUDFLARE,
    KINDS,
    METHODS,
    NATIVE_SWITCH,
    SOURCES,
    Edge,
    EdgeOptions,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.container import PodmanEdge
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.native import ProcessEdge


def edge_options(given: Mapping[str, Any]) -> EdgeOptions:
    """Options that are not given have their defaults; a native edge sees what this host sees."""
    known = {one.name for one in fields(EdgeOptions)}
    values = {name: value for name, value in given.items() if name in known and value is not None}
    for name, choices in (("kind", (*KINDS, CLOUDFLARE)), ("source", SOURCES), ("method", METHODS)):
        if values.get(name, choices[0]) not in choices:
            raise BluegreenError(
                "no such thing", option="edge." + name, value=values[name], fix="one of " + ", ".join(choices)
            )
    values["caddyfile"] = str(values.get("caddyfile") or "")
    if values.get("kind") == "native":
        switch_dir = str(given.get("switch_dir") or NATIVE_SWITCH)
        if not os.path.isabs(switch_dir):
            raise BluegreenError(
                "not an absolute path", option="edge.switch_dir", value=switch_dir, fix="give it from /"
            )
        values.update(mount=switch_dir, config_path=values["caddyfile"])
    return EdgeOptions(**values)


def edge_of(runner: Runner, project: str, options: EdgeOptions) -> Edge:
    if options.kind == CLOUDFLARE:
        raise BluegreenError(
            "there is no Caddy to ask",
            option="edge.kind",
            value=options.kind,
            fix="use the Cloudflare module, or say container or native",
        )
    if options.kind == "native":
        return ProcessEdge(runner, options)
    return PodmanEdge(Podman(runner), project, options)
