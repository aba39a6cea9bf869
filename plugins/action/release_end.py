# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of a stage as one task: give the lock back, and leave what happened for the program that started the run."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.olympus.bluegreen.plugins.module_utils._notify.address import wanted
from ansible_collections.olympus.bluegreen.plugins.plugin_utils import controller
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.arguments import checked
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stage_result import (
    NAME,
    REGISTERED,
    Ended,
    refused,
)

LEDGER = "olympus.bluegreen.release_ledger"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "deployment": {"type": "dict", "default": {}},
    "stage": {"type": "str", "required": True},
    "version": {"type": "str", "default": ""},
    "lock": {"type": "bool", "default": False},
    "status": {"type": "dict", "default": {}},
    "refused": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(ActionBase):
    """Runs a module only to give the lock back, or to tell of the end."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result, asked = checked(self, tmp, variables, ARGUMENTS)
        ended = self._ended(asked, variables)
        made = refused(asked["refused"]) if asked["refused"] else ended.data()
        if asked["deployment"]:
            result.update(self._ledger(asked, ended.told(), variables))
        if made["rc"] == 0 and made["reasons"] and asked["stage"] != "watch":
            result["warnings"] = [*(result.get("warnings") or []), *made["reasons"]]
        # Of this run's stages the last one counts; ansible.builtin.set_stats merges by default.
        result["ansible_stats"] = {"data": {NAME: made}, "per_host": False, "aggregate": False}
        result["changed"] = False
        return result

    def _ledger(self, asked: dict[str, Any], told: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Give the lock back and tell of the end, by one module; by none where there is neither."""
        deployment, url = asked["deployment"], controller.notify_url(variables, self._templar.template)
        tells = told and (wanted(deployment.get("notify") or {}, url) or deployment.get("textfile"))
        if not asked["lock"] and (not tells or self._task.check_mode):
            return {}
        edge = ((variables.get("preflight_result") or {}).get("facts") or {}).get("edge") or {}
        options = {
            "state": "unlocked" if asked["lock"] else "told",
            "deployment": deployment,
            "stage": asked["stage"],
            "switch_dir": edge.get("directory") or "",
            "outcome": told,
            "notify_url": url,
            "last": 0,
            **controller.who(variables),
        }
        done: dict[str, Any] = self._execute_module(LEDGER, options, task_vars=variables)
        return done

    def _ended(self, asked: dict[str, Any], variables: dict[str, Any]) -> Ended:
        """A failed task leaves its result there, and takes its host out of the play's."""
        results = {name: variables[name] for name in REGISTERED if isinstance(variables.get(name), dict)}
        failed = variables.get("inventory_hostname") not in variables.get("ansible_play_hosts", [])
        hooks = tuple(variables.get("bluegreen_hook_failures") or ())
        rescued = str((variables.get("ansible_failed_result") or {}).get("msg") or "")
        return Ended(asked["stage"], asked["version"], results, failed, asked["status"], hooks, rescued)
