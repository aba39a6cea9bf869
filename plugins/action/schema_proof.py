# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds who runs it, which only the controller knows: a verdict that was let through is recorded with a name."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.olympus.bluegreen.plugins.plugin_utils import controller


class ActionModule(ActionBase):
    """Runs the module."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        args = {"operator": controller.operator(variables), **self._task.args}
        result.update(self._execute_module("olympus.bluegreen.schema_proof", args, task_vars=variables))
        return result
