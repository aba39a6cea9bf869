# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds what only the controller knows, and prints the table as it is: aligned, failed rows first."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.release import __version__
from ansible.utils.display import Display

MODULE = "olympus.bluegreen.release_preflight"


class ActionModule(ActionBase):
    """Runs the module once; the look itself is on the state host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        args = {"ansible_version": __version__, **self._task.args}
        result.update(self._execute_module(MODULE, args, task_vars=variables))
        display = Display()
        for line in result.get("table") or []:
            display.display(line)
        return result
