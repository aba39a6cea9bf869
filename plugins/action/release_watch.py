# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds the state ``followed``: print what the watcher does as it does it, until its verdict.

Nothing depends on it: a controller that is killed here changes neither the verdict nor the rollback.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.olympus.bluegreen.plugins.module_utils._report.words import clock, sentence
from ansible_collections.olympus.bluegreen.plugins.plugin_utils import controller

MODULE = "olympus.bluegreen.release_watch"
# Seconds between two looks, and between two lines at most.
POLL, LINE = 1.5, 9.0
# Seconds that a watcher may be gone before its verdict file is missed.
GONE = 5.0


class ActionModule(ActionBase):
    """Runs the module; ``followed`` runs it again and again with ``state: read``."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        run = controller.run_id(controller.myself(), variables)
        args = {"run": run, **self._task.args}
        if args.get("state") != "followed":
            result.update(self._execute_module(MODULE, args, task_vars=variables))
        elif self._task.check_mode:
            result.update(changed=False, verdict="", reasons=[], returned_to="", report="")
        else:
            result.update(self._follow(args, variables))
        return result

    def _follow(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        timeout = float(args.pop("timeout", 0) or 0)
        told = Follower(Display())
        begun = time.monotonic()
        gone_since = 0.0
        while True:
            asked = {**args, "state": "read", "since": told.seen}
            found: dict[str, Any] = self._execute_module(MODULE, asked, task_vars=variables)
            now = time.monotonic()
            if found.get("failed"):
                return found
            told.tell(found, now)
            alive = (found.get("watcher") or {}).get("alive")
            gone_since = 0.0 if alive else gone_since or now
            if found.get("verdict"):
                return found
            if gone_since and now - gone_since > GONE:
                return undecided(found, "no watcher is running and it left no verdict")
            if timeout and now - begun > timeout:
                return undecided(found, "no verdict within %g s; the watcher goes on" % timeout)
            time.sleep(POLL)


class Follower:
    """What was printed so far; ``seen`` is how many events were read."""

    def __init__(self, display: Display) -> None:
        self.display = display
        self.seen = 0
        self._said = 0.0
        self._last = ""

    def tell(self, found: Mapping[str, Any], now: float) -> None:
        """One line for each event worth one, and at least one line every few seconds."""
        for event in found.get("events") or []:
            words = sentence(event)
            if words and words != self._last:
                self._say("%s  %s" % (clock(event["at"]), words), now)
                self._last = words
        self.seen = int(found.get("next") or self.seen)
        if now - self._said > LINE:
            self._say("%s  watching %s" % (clock(time.time()), found.get("release") or ""), now)

    def _say(self, line: str, now: float) -> None:
        self.display.display(line)
        self._said = now


def undecided(found: dict[str, Any], reason: str) -> dict[str, Any]:
    return {**found, "verdict": "INCONCLUSIVE", "reasons": [*found.get("reasons", []), reason]}
