# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's options and its one way through: observe, plan, apply, record."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._core.argspec import COLOURS, ArgumentSpec
from .._core.errors import BluegreenError
from .._core.files import read_mapping, write_json
from .._core.names import in_use
from .._core.plan import Plan
from .._state.directory import StateDir
from . import apply, backup, drift, migrate
from .any_migrator import OPTIONS

# What the proof of a release said of its targets: releases/<id>/schema/proof.json, beside the targets' own results.
PROOF = "proof.json"
# From the best to the worst.
VERDICTS = ("SAFE", "SAFE_IF_EXERCISED", "BLOCKING_LOCK", "BRIDGE_REQUIRED", "BREAKS", "NOT_JUDGED")
NO_VERDICT: dict[str, Any] = {
    "verdict": "NOT_JUDGED",
    "hop": "",
    "reasons": [],
    "untried": [],
    "bridges": [],
    "accepted": {},
}
MIGRATE = ArgumentSpec(
    {
        "state": {"type": "str", "default": "migrated", "choices": ["read", "migrated"]},
        "target": {
            "type": "dict",
            "required": True,
            "options": OPTIONS,
        },
        "compose_file": {"type": "path", "default": ""},
        "network": {"type": "str", "required": True},
        "extra_hosts": {"type": "dict", "default": {}},
        "project": {"type": "str", "default": ""},
        "database_service": {"type": "str", "default": ""},
        "shadow_image": {"type": "str", "default": ""},
        "lock_timeout": {"type": "float", "default": 2.0},
        "lock_wait": {"type": "float", "default": 60.0},
        "timeout": {"type": "float", "default": 900.0},
        "attempts": {"type": "int", "default": 5},
        "max_transaction_age": {"type": "float", "default": 60.0},
        "transaction_timeout": {"type": "float", "default": 0.0},
        "release": {"type": "str", "default": ""},
        "backup": {
            "type": "dict",
            "default": {},
            "options": {
                "path": {"type": "str", "default": ""},
                "command": {"type": "list", "elements": "str", "default": []},
                "max_age": {"type": "float", "default": 86400.0},
                "policy": {"type": "str", "default": backup.WARN, "choices": list(backup.POLICIES)},
            },
        },
        "drift": {"type": "str", "default": backup.REFUSE, "choices": list(drift.POLICIES)},
        "watch": {
            "type": "dict",
            "default": {},
            "options": {
                "colour": {"type": "str", "default": "", "choices": ["", *COLOURS]},
                "services": {"type": "list", "elements": "str", "default": []},
                "containers": {"type": "list", "elements": "str", "default": []},
                "seconds": {"type": "float", "default": 10.0},
            },
        },
    }
)


def run(params: Mapping[str, Any], check_mode: bool, world: migrate.World) -> tuple[dict[str, Any], Plan, list[str]]:
    """The module's result, the plan that its diff comes from, and what the operator should be warned of."""
    absent = not_yet(params, world) if check_mode else ""
    if absent:
        return {**NOTHING_YET, "steps": ["will be checked: " + absent]}, Plan(), []
    asked = migrate.request(params, world.podman)
    state = migrate.observe(asked, world)
    read = params["state"] == "read"
    planned = Plan(state.printed(), state.printed()) if read else migrate.plan(state, asked)
    judged = verdict_of(asked.state_dir, params["release"], asked.target.name, state.image.id)
    result = {**migrate.result(state, planned), **judged}
    warned = migrate.warnings(state)
    if planned.changed and not check_mode:
        if params["release"] and state.difference.pending:
            # Before the migration: a run that is killed in it must not leave a changed schema without a record.
            record(asked, params["release"], {**result, "changed": True}, world.clock.now())
        told = proven(proof_of(asked.state_dir, params["release"]), asked.target.name, state.image.id)
        done = apply.apply(state, asked, world, told, began(asked.state_dir, params["release"]))
        warned = [*warned, *done.pop("warnings")]
        result.update(done)
    if params["release"] and not read and not check_mode:
        record(asked, params["release"], result, world.clock.now())
    return result, planned, warned


# What check mode returns while an earlier stage's effect is missing.
NOTHING_YET: dict[str, Any] = {
    "changed": False,
    "before": {"count": 0, "latest": ""},
    "after": {"count": 0, "latest": ""},
    "pending": [],
    "applied": [],
    "unknown": [],
    "invalid_indexes": [],
    "image": "",
    "learned_by": "",
    **NO_VERDICT,
    "attempts": 0,
    "seconds": 0.0,
    **migrate.NOT_APPLIED,
}


def not_yet(params: Mapping[str, Any], world: migrate.World) -> str:
    """What of an earlier stage is not there, as in a check of the whole release; '' when all is."""
    if params["compose_file"] and not os.path.exists(params["compose_file"]):
        return "the release is not rendered yet"
    network = in_use(params["deployment"], params["state_dir"], params["network"])
    if world.podman.one("network", network) is None:
        return "the colour's network is not there yet"
    return ""


def record(asked: migrate.MigrationRequest, release: str, result: Mapping[str, Any], now: float) -> None:
    """The result beside the release, with its beginning; a rerun that finds nothing to do leaves the first record."""
    directory = os.path.join(asked.state_dir, "releases", release, "schema")
    path = os.path.join(directory, asked.target.name + ".json")
    if result["changed"] or not os.path.exists(path):
        os.makedirs(directory, mode=0o750, exist_ok=True)
        first = read_mapping(path).get("began", now)
        about = {"v": 1, "target": asked.target.name, "database": asked.target.database, "began": first}
        write_json(path, {**about, **result})


def began(state_dir: str, release: str) -> float:
    """When the first target of a release was migrated; 0 where none was."""
    if not release:
        return 0.0
    found = [one.get("began") for one in StateDir(state_dir).schema_results(release) if one.get("changed")]
    return min((float(one) for one in found if one), default=0.0)


def proof_path(state_dir: str, release: str) -> str:
    return os.path.join(state_dir, "releases", release, "schema", PROOF)


def proof_of(state_dir: str, release: str) -> Mapping[str, Any]:
    """What was proven of a release, {} where nothing was. Raises BluegreenError for a file that can't be read."""
    return read_mapping(proof_path(state_dir, release)) if release else {}


def verdict_of(state_dir: str, release: str, target: str, image: str) -> dict[str, Any]:
    """The judgement on this very image, else NOT_JUDGED with the reason."""
    try:
        return chosen_verdict(proof_of(state_dir, release), target, image)
    except BluegreenError:
        return {**NO_VERDICT, "reasons": ["%s can't be read" % PROOF]}


def proven(proof: Mapping[str, Any], target: str, image: str) -> Mapping[str, Any]:
    """Pure. A target's entry of the proof, {} where there is none of this image."""
    targets = proof.get("targets")
    one = targets.get(target) if isinstance(targets, Mapping) else None
    return one if isinstance(one, Mapping) and str(one.get("new") or "") == image else {}


def chosen_verdict(proof: Mapping[str, Any], target: str, image: str) -> dict[str, Any]:
    """Pure. ``proof`` is {} where nothing was proven."""
    targets = proof.get("targets")
    if not isinstance(targets, Mapping) or not isinstance(targets.get(target), Mapping):
        return dict(NO_VERDICT)
    one = proven(proof, target, image)
    if one.get("verdict") not in VERDICTS:
        return {**NO_VERDICT, "reasons": ["the proof was made with another image"]}
    return {key: type(default)(one.get(key) or default) for key, default in NO_VERDICT.items()}
