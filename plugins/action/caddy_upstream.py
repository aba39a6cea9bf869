# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells what is still open while a colour is drained, and goes back by the program that adopt left on the state host.

The module waits a few seconds at a time; killed in between, nothing is half done, and the same command waits on.
"""

from __future__ import annotations

import json
import re
import shlex
import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import program
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.inputs import contradictions, flat
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.options import SPEC
from ansible_collections.olympus.bluegreen.plugins.module_utils._report.words import clock, still_open

MODULE = "olympus.bluegreen.caddy_upstream"
# Seconds until the first line, and between two.
FIRST, LINE = 1.5, 5.0
DEADLINE = 60.0
# In a path: only the state host knows what it means.
EXPANDED = re.compile(r"[~$]")


def also_stopped(today: dict[str, Any], stopped: str) -> dict[str, Any]:
    """The refusal of the module of today, with what the program has ``stopped`` before: the module meets that run no
    more."""
    if not (today.get("failed") and stopped and "said" in today):
        return today
    return {**today, **refusal(BluegreenError(today["said"] + stopped, fix=str(today.get("fix") or "")))}


class ActionModule(ActionBase):
    """Runs the module; ``drained`` runs it again and again until it is, or the deadline is over."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        args, found = dict(self._task.args), None
        if args.get("state") == "returned" and not self._task.check_mode:
            found = self._returned(args, variables)
        elif args.get("state") == "drained" and not self._task.check_mode:
            found = self._drain(args, variables)
        result.update(found or self._once(args, variables))
        return result

    def _returned(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any] | None:
        """None where the program is not there or does not answer: the module does the same, from wherever it ended.

        The program is that of the last adopt or deploy. It moves the switch alone; before anybody is told that there
        is no way back, the module of today has looked as well.
        """
        given = flat(SPEC, args)
        options, wrong = SPEC.validated({key: one for key, one in given.items() if one is not None})
        if wrong or contradictions(SPEC, args) or EXPANDED.search(json.dumps(given)):
            return None
        there = program.path(options["state_dir"], program.RETURN)
        command = "%s %s" % (shlex.quote(there), program.word(options))
        # Without types of its own.
        base: Any = super()
        done = base._low_level_execute_command(("%s %s" % (base._compute_environment_string(), command)).strip())
        found = program.said(done["rc"], done["stdout"])
        if found and found.get("failed"):
            return also_stopped(self._once(args, variables), (found.get("partial") or {}).get("stopped") or "")
        if found and not self._task.diff:
            # The edge's whole configuration: only for who asks to see it.
            found.pop("diff", None)
        return found

    def _drain(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Its result is the last wait's, with what the first one changed."""
        try:
            deadline = float(args.get("deadline", DEADLINE))
        except (TypeError, ValueError):
            # The module says what is wrong with it.
            return self._once(args, variables)
        begun = time.monotonic()
        first: dict[str, Any] = {}
        seen: dict[str, Any] = dict(args.get("seen") or {})
        while True:
            left = max(0.0, deadline - (time.monotonic() - begun))
            found = self._once({**args, "deadline": min(LINE if first else FIRST, left), "seen": seen}, variables)
            first, seen = first or found, found.get("seen") or {}
            if found.get("failed"):
                return found
            left = max(0.0, deadline - (time.monotonic() - begun))
            self._tell(str(args.get("colour")), found, left)
            if found.get("drained") or not left:
                return {**found, **{key: first[key] for key in ("changed", "steps", "diff") if key in first}}

    def _once(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._execute_module(MODULE, args, task_vars=variables)
        return found

    def _tell(self, colour: str, found: dict[str, Any], left: float) -> None:
        """On standard error, as ansible-playbook does not flush what it prints on a pipe."""
        counts = ((found.get("open") or {}).get(colour) or {}).get("connections") or {}
        words = still_open(colour, bool(found.get("drained")), found.get("left") or [], sum(counts.values()), left)
        Display().display("%s  %s" % (clock(time.time()), words), stderr=True)
