# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch of a deployment, whichever kind of edge it has."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.options import STATES
from ansible_collections.olympus.bluegreen.plugins.module_utils._notify.address import wanted
from ansible_collections.olympus.bluegreen.plugins.plugin_utils import controller
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.edge_modules import CADDY, chosen
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.outcome import way_back

LEDGER = "olympus.bluegreen.release_ledger"

ARGUMENTS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": STATES, "default": "read"},
    "deployment": {"type": "dict", "required": True},
    "colour": {"type": "str"},
    "release": {"type": "str"},
    "token": {"type": "int", "no_log": False},
    "force": {"type": "bool"},
    "keep_sticky": {"type": "bool"},
    "assume_live": {"type": "str"},
    "accept_pending": {"type": "bool"},
    "deadline": {"type": "float"},
}


class ActionModule(ActionBase):
    """Picks the module, or its action, and hands it what it knows."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        # Without types of its own.
        base: Any = super()
        result: dict[str, Any] = base.run(tmp, variables)
        _validation, asked = base.validate_argument_spec(argument_spec=ARGUMENTS)
        module, options = chosen(asked)
        if module == CADDY:
            result.update(self._by_action(module, options, variables))
        else:
            result.update(self._execute_module(module, options, task_vars=variables))
        if asked["state"] == "returned" and not self._task.check_mode:
            self._tell(asked["deployment"] or {}, result, variables)
        return result

    def _tell(self, deployment: dict[str, Any], result: dict[str, Any], variables: dict[str, Any]) -> None:
        """A rollback that takes no lock has no end of a stage that would. Without a setting it costs nothing."""
        url = controller.notify_url(variables, self._templar.template)
        ended = {} if "preflight_result" in variables else way_back(result)
        if not ended or not (wanted(deployment.get("notify") or {}, url) or deployment.get("textfile")):
            return
        run = controller.run_id(controller.myself(), variables)
        given = {"state": "told", "deployment": deployment, "outcome": ended, "notify_url": url, "last": 0, "run": run}
        given["operator"] = controller.operator(variables)
        told = self._execute_module(LEDGER, given, task_vars=variables)
        result.setdefault("warnings", []).extend(told.get("warnings") or ([told["msg"]] if told.get("failed") else []))

    def _by_action(self, module: str, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        task = self._task.copy()
        task.args = options
        action = self._shared_loader_obj.action_loader.get(
            module,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        done: dict[str, Any] = action.run(task_vars=variables)
        return done
