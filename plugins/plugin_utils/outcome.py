# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a stage ended, from what its tasks left in the variables of the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.plugin_utils import controller

# What the roles register: of a stage that failed, one of them says why.
RESULTS = (
    "traffic_result", "watch_result", "schema_result", "schema_proof", "report_result", "stack_result",
    "preflight_result",
)  # fmt: skip
# These name the release that they are about; in others it is the one that was there before.
KNOWS_RELEASE = ("cutover", "cleanup", "rollback")


def outcome(variables: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """{stage, failed, why, version, release, idle} of a stage that acted or failed, {} of another."""
    begun: Mapping[str, Any] = variables.get("preflight_result") or {}
    decision: Mapping[str, Any] = begun.get("decision") or {}
    failed = _failed(variables)
    acted = any(decision.get(name) for name in ("proceed", "resume", "fast"))
    if not stage or not (failed or acted):
        return {}
    return {
        "stage": stage,
        "failed": failed,
        "why": _why(variables) if failed else "",
        "version": str(variables.get("bluegreen_version") or ""),
        "release": str(decision.get("release") or "") if stage in KNOWS_RELEASE else "",
        "idle": str(decision.get("idle") or ""),
    }


def to_tell(variables: Mapping[str, Any], stage: str, template: Callable[[Any], Any]) -> dict[str, Any]:
    """What release_ledger needs, beside the deployment, to tell of the end of a stage."""
    edge = ((variables.get("preflight_result") or {}).get("facts") or {}).get("edge") or {}
    where = {"switch_dir": str(edge["directory"])} if edge.get("directory") else {}
    return {"outcome": outcome(variables, stage), "notify_url": controller.notify_url(variables, template), **where}


def way_back(result: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a rollback that takes no lock, from what its one task returned."""
    failed = bool(result.get("failed"))
    if not failed and not result.get("changed"):
        return {}
    return {"stage": "rollback", "failed": failed, "why": str(result.get("msg") or "") if failed else ""}


def _failed(variables: Mapping[str, Any]) -> bool:
    """In the ``always`` of a block Ansible has taken a host that failed in it, and was not rescued, out of the play."""
    hosts = variables.get("ansible_play_hosts")
    return hosts is not None and variables.get("inventory_hostname") not in hosts


def _why(variables: Mapping[str, Any]) -> str:
    rescued = (variables.get("ansible_failed_result") or {}).get("msg")
    found = [variables.get(name) or {} for name in RESULTS]
    said = [str(one["msg"]) for one in found if one.get("failed") and one.get("msg")]
    others = [one for one in said if one != rescued]
    return (others or said or ["The output of the run says why."])[0]
