# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds what only the controller knows: the run's id, its process, and whether the lock's holder is still alive."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.olympus.bluegreen.plugins.plugin_utils import controller

MODULE = "olympus.bluegreen.release_ledger"


class ActionModule(ActionBase):
    """Runs the module, for a lock after a look at who has it."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        who = controller.who(variables)
        args = {**who, **self._task.args}
        if args.get("state") == "locked" and "seen" not in args:
            look = {name: args[name] for name in ("name", "deployment", "state_dir") if name in args}
            found = self._execute_module(MODULE, {**look, "state": "read", "last": 0}, task_vars=variables)
            args["seen"] = controller.knows(who["controller"], found.get("lock") or {})
        result.update(self._execute_module(MODULE, args, task_vars=variables))
        return result
