# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of release_preflight, and its answer."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from .._core.argspec import COLOURS, DEPLOYMENT, ArgumentSpec
from .._core.clock import Clock
from .._core.plan import Plan
from .._notify.address import SPEC as NOTIFY
from .._state import events
from .._state.directory import StateDir
from . import judge
from .look import Look, World
from .model import PreflightInputs

SPEC = DEPLOYMENT.merge(
    ArgumentSpec(
        {
            "project": {"type": "str", "default": ""},
            "source": {"type": "path", "required": True},
            "git": {"type": "dict", "default": {}},
            "compose_files": {"type": "list", "elements": "str", "default": ["compose.yml"]},
            "podman_compose": {"type": "str", "default": "podman-compose"},
            "network_range": {"type": "str", "default": "10.231.16.0/20"},
            "publish": {"type": "str", "default": "network"},
            "services": {"type": "dict", "required": True},
            "shared": {"type": "list", "elements": "str", "default": []},
            "images": {"type": "dict", "default": {}},
            "allow_mutable": {"type": "bool", "default": False},
            "version": {"type": "str", "default": ""},
            "edge": {"type": "dict", "default": {}},
            "public": {"type": "list", "elements": "dict", "default": []},
            "probes": {"type": "dict", "default": {}},
            "probe_secrets": {"type": "dict", "default": {}, "no_log": True},
            "skip": {"type": "list", "elements": "str", "default": []},
            "schema_targets": {"type": "list", "elements": "dict", "default": []},
            "database": {"type": "str", "default": "postgres"},
            "rehearsal_image": {"type": "str", "default": ""},
            "interval": {"type": "float", "default": 1.0},
            "port_base": {"type": "dict", "default": {}},
            "live": {"type": "str", "choices": ["", *COLOURS], "default": ""},
            "idle_running": {"type": "bool", "default": False},
            "settings": {"type": "list", "elements": "dict"},
            "run": {"type": "str", "default": ""},
            "ansible_version": {"type": "str", "default": ""},
            "show": {"type": "str", "choices": ["everything", "wrong", "nothing"], "default": "everything"},
        }
    ),
    NOTIFY,
)


def inputs(params: Mapping[str, Any], tries: bool = True) -> PreflightInputs:
    """``tries``: whether the probes may log in."""
    given = {one.name: params[one.name] for one in fields(PreflightInputs) if one.name in params}
    given.update({name: os.path.abspath(params[name]) for name in ("state_dir", "source")})
    given["services"] = {name: one or {} for name, one in params["services"].items()}
    given["images"] = {name: str(one) for name, one in params["images"].items()}
    return PreflightInputs(**given, tries=tries)


def answer(params: Mapping[str, Any], world: World, check_mode: bool = False) -> dict[str, Any]:
    """The module's result. It never fails for what it finds. In check mode no probe logs in."""
    asked = inputs(params, not check_mode)
    asked.networks()
    controller = {"ansible": params["ansible_version"], "settings": params["settings"]}
    found = judge.rows(Look(world, asked, controller).look(), asked)
    rows = [one.data() for one in found]
    return {
        **Plan().result(),
        "rows": rows,
        "refused": judge.refusals(found),
        "table": judge.lines(rows, params["show"] != "wrong") if params["show"] != "nothing" else [],
    }


def record(params: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], clock: Clock) -> None:
    """Writes what is not well to the ledger, which explains a release afterwards."""
    state = StateDir(params["state_dir"])
    state.ensure()
    about = {name: params[name] for name in ("run", "version") if params[name]}
    event = {**about, "event": "preflight", "rows": [row for row in rows if not row["ok"]]}
    events.append(state.ledger, event, clock.now())
