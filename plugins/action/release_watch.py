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

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused, refusal
from ansible_collections.olympus.bluegreen.plugins.module_utils._report.words import OFTEN, clock, sentence
from ansible_collections.olympus.bluegreen.plugins.plugin_utils import controller

MODULE = "olympus.bluegreen.release_watch"
# Seconds between two looks, how long a look waits for something to print, and the longest time without a line.
POLL, PATIENCE, LINE = 1.5, 5.0, 8.0
# Seconds that a watcher may be gone before it is started again, or its verdict file is missed.
GONE = 5.0
# Seconds that a verdict waits for the last events: a watcher publishes its verdict, writes the report, then the event.
LAST = 60.0
BEGIN = "ansible-playbook bluegreen.yml -e version=<new version> begins one"
# Of what happened before the follower came, only the last events are printed in full.
STANDS = 30


class ActionModule(ActionBase):
    """Runs the module; ``followed`` runs it with ``state: read`` until the verdict."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        me = controller.myself()
        by = "%s at %s" % (controller.operator(variables), me["host"])
        url = controller.notify_url(variables, self._templar.template)
        args = {"run": controller.run_id(me, variables), "operator": by, "notify_url": url, **self._task.args}
        if args.get("state") != "followed":
            result.update(self._execute_module(MODULE, args, task_vars=variables))
        elif self._task.check_mode:
            result.update(changed=False, verdict="", reasons=[], signed_off={}, returned_to="", report="")
        else:
            result.update(self._follow(args, variables))
        return result

    def _follow(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        timeout = float(args.pop("timeout", 0) or 0)
        follower = Follower(Display())
        begun = time.monotonic()
        gone_since = ending = 0.0
        found = self._restart(args, variables)
        if not found.get("failed") and never(found):
            return {**found, **refusal(Refused("nothing to watch: no cutover yet", fix=BEGIN)), "failed": True}
        while not found.get("failed"):
            now = time.monotonic()
            follower.report(found, now)
            alive = (found.get("watcher") or {}).get("alive")
            gone_since = 0.0 if alive else gone_since or now
            if found.get("verdict"):
                ending = ending or now
                if follower.ended(found) or (gone_since and now - gone_since > GONE) or now - ending > LAST:
                    follower.close(found, now)
                    return found
            elif gone_since and now - gone_since > GONE:
                again, gone_since = self._restart({**args, "since": follower.seen}, variables), 0.0
                if again.get("failed"):
                    return again
                if not again.get("changed"):
                    return undecided(found, "no watcher is running and it left no verdict")
            if timeout and now - begun > timeout:
                return undecided(found, "no verdict within %g s; the watcher goes on" % timeout)
            time.sleep(POLL)
            asked = {
                **args,
                "state": "read",
                "since": follower.seen,
                "patience": PATIENCE,
                "probe_secrets": {},
                "notify_url": "",
            }
            found = self._execute_module(MODULE, asked, task_vars=variables)
        return found

    def _restart(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Start a watcher again that died: nothing else may be there to do it."""
        found: dict[str, Any] = self._execute_module(MODULE, {**args, "state": "restarted"}, task_vars=variables)
        return found


class Follower:
    """What was printed so far; ``seen`` is how many events were read.

    Lines go to standard error: ansible-playbook never flushes its standard output, so that on a pipe (a log, CI) they
    would come when all is over, and a callback may print there for a program to read.
    """

    def __init__(self, display: Display) -> None:
        self.display = display
        self.seen = 0
        self._said = 0.0
        self._last = ""
        self._verdict = ""

    def report(self, found: Mapping[str, Any], now: float) -> None:
        """One line for each event worth one, and at least one line every few seconds."""
        events = list(found.get("events") or [])
        if not self.seen:
            # One who comes late wants to know what happened and how it stands, not how it stood all the time.
            events = [event for event in events[:-STANDS] if event["event"] not in OFTEN] + events[-STANDS:]
        for event in events:
            words = sentence(event)
            if words and words != self._last:
                self._say("%s  %s" % (clock(event["at"]), words), now)
                self._last = words
            if event["event"] == "verdict":
                self._verdict = str(event.get("verdict") or "")
        self.seen = int(found.get("next") or self.seen)
        if now - self._said > LINE:
            self._say("%s  watching %s" % (clock(time.time()), found.get("release") or ""), now)

    def ended(self, found: Mapping[str, Any]) -> bool:
        """Whether the last event, that of the verdict which was found, was printed."""
        return bool(self._verdict) and self._verdict == found.get("verdict")

    def close(self, found: Mapping[str, Any], now: float) -> None:
        """The verdict itself, where its event never came: a full disk, or a watcher killed in between."""
        if not self.ended(found):
            last = {"event": "verdict", "verdict": found["verdict"], "reasons": found.get("reasons") or []}
            self._say("%s  %s" % (clock(time.time()), sentence(last)), now)

    def _say(self, line: str, now: float) -> None:
        self.display.display(line, stderr=True)
        self._said = now


def never(found: Mapping[str, Any]) -> bool:
    """Whether this deployment, or the release that was named, has no watch: none runs, none has left a word."""
    return not (found.get("watcher") or {}).get("pid") and not found.get("verdict") and not found.get("next")


def undecided(found: dict[str, Any], reason: str) -> dict[str, Any]:
    return {**found, "verdict": "INCONCLUSIVE", "reasons": [*found.get("reasons", []), reason]}
