# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time, fenced: whoever takes the lock raises the token, and a write with an older one is refused.

lock.json belongs to the state directory; the token belongs to the switch, and is raised under the flock that flips and
rollbacks take too. Where nothing was adopted yet there is no switch and the token is 0.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import Clock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Fenced, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import (
    locked,
    read_mapping,
    sync_dir,
    write_json,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._ledger.state import StateDir

STALE_SECONDS = 900.0


@dataclass(frozen=True)
class Claim:
    """Who wants the lock. ``controller`` tells host, pid and start of the process that drives the run.

    ``seen`` is what the controller knows about the present holder: {run, alive}; ``alive`` False hands the lock over at
    once, True keeps it however old its beat is.
    """

    run: str
    stage: str = ""
    operator: str = ""
    version: str = ""
    controller: Mapping[str, Any] | None = None
    seen: Mapping[str, Any] | None = None


def may_take(lock: Mapping[str, Any] | None, claim: Claim, now: float, stale: float) -> bool:
    """Whether the claim may have the lock. Pure."""
    if lock is None or lock["run"] == claim.run:
        return True
    seen = claim.seen or {}
    if seen.get("run") == lock["run"]:
        return not seen["alive"]
    return bool(now - float(lock["beat"]) > stale)


def held(lock: Mapping[str, Any], now: float, stale: float) -> Refused:
    """The refusal, with everything an operator needs to decide."""
    left = max(0.0, stale - (now - float(lock["beat"])))
    return Refused(
        "%s holds the lock: stage %s of run %s, version %s, since %s, last beat %d s ago"
        % (
            lock.get("holder") or "somebody",
            lock.get("stage") or "?",
            lock["run"],
            lock.get("version") or "?",
            time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(float(lock["since"]))),
            now - float(lock["beat"]),
        ),
        mend="let it finish (--tags status shows it). If that run is dead, start again from its own controller, which "
        "takes over at once, or wait %d s. A rollback needs no lock." % left,
    )


class Lock:
    """``switch`` is None before an adopt. ``stale``: seconds after which a beat means that its run is dead."""

    def __init__(self, state: StateDir, switch: Switch | None, clock: Clock, stale: float = STALE_SECONDS) -> None:
        self.state = state
        self.switch = switch if switch and switch.exists() else None
        self.clock = clock
        self.stale = stale

    def read(self) -> dict[str, Any] | None:
        return read_mapping(self.state.lock, "run", "beat", "since") or None

    def token(self) -> int:
        """The switch's fencing token; 0 before an adopt."""
        return self.switch.read().token if self.switch else 0

    def take(self, claim: Claim) -> dict[str, Any]:
        """Take the lock or refresh our own. Refused while another run holds it, Fenced when ours was overtaken."""
        self.state.ensure()
        with self._alone():
            lock, now = self.read(), self.clock.now()
            if lock is not None and not may_take(lock, claim, now, self.stale):
                raise held(lock, now, self.stale)
            own = lock if lock is not None and lock["run"] == claim.run else None
            token = self._kept(own) if own else self._raised()
            return self._write(claim, own, token, now)

    def beat(self, run: str, stage: str = "") -> dict[str, Any]:
        """Say that the run is alive. Fenced when the lock is no longer its own."""
        with self._alone():
            lock = self.read()
            if lock is None or lock["run"] != run:
                raise Fenced("run %s no longer holds the lock" % run, mend="start the playbook again")
            beaten = {**lock, "beat": self.clock.now(), "stage": stage or lock["stage"]}
            write_json(self.state.lock, beaten)
        return beaten

    def release(self, run: str) -> bool:
        """Give up our own lock; False when it was not ours, which is nothing to complain about at the end of a run."""
        if self.read() is None:
            return False
        with self._alone():
            lock = self.read()
            if lock is None or lock["run"] != run:
                return False
            if self.switch:
                self.switch.unclaim(int(lock["token"]))
            os.unlink(self.state.lock)
            sync_dir(self.state.root)
        return True

    def _write(self, claim: Claim, own: Mapping[str, Any] | None, token: int, now: float) -> dict[str, Any]:
        controller = dict(claim.controller or {})
        lock = {
            "holder": "%s at %s (process %s)"
            % (claim.operator or "somebody", controller.get("host", "?"), controller.get("pid", "?")),
            "operator": claim.operator,
            "run": claim.run,
            "stage": claim.stage,
            "version": claim.version or (own or {}).get("version", ""),
            "token": token,
            "since": own["since"] if own else now,
            "beat": now,
            "controller": controller,
        }
        write_json(self.state.lock, lock)
        return lock

    def _kept(self, lock: Mapping[str, Any]) -> int:
        """Our own token, if nobody raised it since. A run that began before the adopt takes the first one there is."""
        mine, there = int(lock["token"]), self.token()
        if mine in (0, there):
            return there
        raise Fenced(
            "the switch was taken from this run (token %d, now %d): a rollback or a newer run came between"
            % (mine, there),
            mend="see --tags status, then start the playbook again",
        )

    def _raised(self) -> int:
        return self.switch.claim(0) if self.switch else 0

    def _alone(self) -> AbstractContextManager[object]:
        return locked(self.state.path("lock.flock"), seconds=10.0)
