# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The beginning of a stage as one task: lock, look, decide, and the table of what a release needs."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.release import __version__
from ansible.utils.display import Display

from ansible_collections.olympus.bluegreen.plugins.plugin_utils import controller
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.arguments import checked
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.begin import PREFLIGHT, Begin, ModuleFailed

ARGUMENTS: dict[str, dict[str, Any]] = {
    "deployment": {"type": "dict", "required": True},
    "stage": {"type": "str", "default": ""},
    "lock": {"type": "bool", "default": False},
    "version": {"type": "str", "default": ""},
    "undo": {"type": "bool", "default": False},
    "bake": {"type": "int", "default": 3600},
    "ignore_fence": {"type": "bool", "default": False},
    "fix_forward": {"type": "bool", "default": False},
    "stale": {"type": "float", "default": 120.0},
    "unlock": {"type": "str", "default": ""},
    "rows": {"type": "list", "elements": "dict"},
    "settings": {"type": "list", "elements": "dict", "default": []},
    "probe_secrets": {"type": "dict", "default": {}, "no_log": True},
    "rehearsal_image": {"type": "str", "default": ""},
}


class ActionModule(ActionBase):
    """Runs the modules and prints what is for people."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result, asked = checked(self, tmp, variables, ARGUMENTS)
        warnings: list[Any] = []
        url = controller.notify_url(variables, self._templar.template)

        def run_module(name: str, options: dict[str, Any]) -> dict[str, Any]:
            own = {"ansible_version": __version__, "notify_url": url} if name == PREFLIGHT else {}
            given = {**own, **options}
            found: dict[str, Any] = self._execute_module(name, given, task_vars=variables)
            warnings.extend(found.pop("warnings", None) or [])
            return found

        me = controller.myself()
        who = controller.run_id(me, variables), controller.operator(variables)
        try:
            found = Begin(asked, run_module, me, *who, bool(self._task.check_mode)).result()
        except ModuleFailed as exc:
            found = exc.result
        display = Display()
        for line in [*found.pop("table", []), *([found["msg"]] if "decision" in found else [])]:
            display.display(line)
        result.update(found, warnings=warnings, changed=False)
        return result
