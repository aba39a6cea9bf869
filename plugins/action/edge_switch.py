# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch of a deployment, whichever kind of edge it has."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.tree import CADDY_KINDS, CLOUDFLARE
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.options import STATES
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.arguments import checked
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.edge_modules import CADDY, chosen, contradiction

ARGUMENTS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": STATES, "default": "read"},
    "kind": {"type": "str", "choices": [*CADDY_KINDS, CLOUDFLARE]},
    "deployment": {"type": "dict"},
    "options": {"type": "dict", "default": {}},
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
        result, asked = checked(self, tmp, variables, ARGUMENTS)
        if wrong := contradiction(asked):
            return {**result, "failed": True, "msg": wrong}
        module, options = chosen(asked)
        if module == CADDY:
            result.update(self._by_action(module, options, variables))
        else:
            result.update(self._execute_module(module, options, task_vars=variables))
        return result

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
