# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The description of a deployment: what is recorded, or what a look finds, with the operator's settings over it."""

from __future__ import annotations

import os
from shlex import quote
from typing import Any

from ansible import context
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.olympus.bluegreen.plugins.plugin_utils import deployment
from ansible_collections.olympus.bluegreen.plugins.plugin_utils.stage_result import NAME, cut_off

MODULE = "olympus.bluegreen.release_deployment"


class ActionModule(ActionBase):
    """With ``stages`` (the tags of the run) it describes the deployment for them; without, it is the module."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        # Without types of its own.
        base: Any = super()
        result: dict[str, Any] = base.run(tmp, variables)
        args = dict(self._task.args)
        if "stages" not in args:
            result.update(self._execute_module(MODULE, args, task_vars=variables))
            return result
        asked = deployment.Asked.of(args["stages"], self._settings(variables, args["stages"]), started_from())
        record = base._low_level_execute_command("cat %s" % quote(asked.record))
        known = deployment.Known.parse(record["stdout"] if record["rc"] == 0 else "", asked)
        if known.look:
            looked = self._execute_module(MODULE, asked.arguments(known), task_vars=variables)
            known = known.seen(looked, asked)
        display = Display()
        for line in known.lines(asked):
            display.display(line)
        result.update(known.result(asked), changed=False)
        if args.get("run"):
            # Each stage replaces it as it ends.
            result["ansible_stats"] = {"data": {NAME: cut_off()}, "per_host": False, "aggregate": False}
        return result

    def _settings(self, variables: dict[str, Any], stages: list[str]) -> dict[str, Any]:
        """The settings that are given. One that can't be made stops no rollback, which goes by the record."""
        found = {}
        for name in deployment.SETTINGS:
            if name in variables:
                try:
                    found[name] = self._templar.template(variables[name])
                except Exception:
                    if not deployment.goes_on(stages):
                        raise
        return found


def started_from() -> str:
    """The directory of the playbook that was typed: that of a play is the collection's own."""
    typed = context.CLIARGS.get("args") or ("",)
    return os.path.dirname(os.path.abspath(str(typed[0])))
