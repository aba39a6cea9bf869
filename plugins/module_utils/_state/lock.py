# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time, fenced: a run that takes the lock raises the token, and a write with an older one is refused.

lock.json belongs to the state directory; the token belongs to the switch, and is raised under the flock that flips and
rollbacks take too. Where nothing was adopted yet there is no switch and the token is 0.

**Time.** The lock is kept while its run beats. How long ago a beat was is told by the host's time since its boot, which
no step of its clock changes; the clock is only asked where a lock has none.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from .._core.clock import Clock
from .._core.errors import Fenced, Refused
from .._core.files import locked, read_mapping, read_text, sync_dir, write_json
from .directory import StateDir

# A run beats every 30 s (``beating``); four in a row are not missed by one that is alive.
STALE_SECONDS = 120.0
# So many runs that lost their lock are remembered.
OVERTAKEN = 50


def this_boot() -> str:
    return (read_text("/proc/sys/kernel/random/boot_id") or "").strip()


class Fence(Protocol):
    """What the lock needs of the switch. A type alone: a module that only beats does not carry the switch."""

    def exists(self) -> bool: ...

    def token_for(self, token: int | None) -> int: ...

    def claim(self, token: int) -> int: ...

    def unclaim(self, token: int) -> None: ...


@dataclass(frozen=True)
class Moment:
    """``now``: the host's clock, seconds since the epoch. ``up``: seconds since its boot, which is called ``boot``."""

    now: float
    up: float
    boot: str


@dataclass(frozen=True)
class Claim:
    """Who wants the lock. ``controller`` tells host, pid and start of the process that drives the run.

    ``seen`` is what the controller knows about the present holder: {run, alive}; ``alive`` False hands the lock over at
    once, True keeps it however old its beat is. ``unlock``: the run whose lock the operator breaks; '' for none.
    """

    run: str
    stage: str = ""
    operator: str = ""
    version: str = ""
    controller: Mapping[str, Any] | None = None
    seen: Mapping[str, Any] | None = None
    unlock: str = ""


def silent(lock: Mapping[str, Any], at: Moment) -> float | None:
    """Seconds, at least, since the last beat; None where that is unknown. Pure."""
    if lock.get("boot") and lock.get("boot") == at.boot:
        return max(0.0, at.up - float(lock["up"]))
    since = at.now - float(lock["beat"])
    if lock.get("boot") and at.boot:
        # None since the host was started.
        return at.up
    return since if since >= 0 else None


def may_take(lock: Mapping[str, Any] | None, claim: Claim, at: Moment, stale: float) -> bool:
    """Whether the claim may have the lock. Pure."""
    if lock is None or lock["run"] == claim.run:
        return True
    if claim.unlock:
        return bool(claim.unlock == lock["run"])
    seen = claim.seen or {}
    if seen.get("run") == lock["run"]:
        return not seen["alive"]
    since = silent(lock, at)
    # A beat that lies in the future proves nothing about its run.
    return since is None or since > stale


def held(lock: Mapping[str, Any], claim: Claim, at: Moment, stale: float) -> Refused:
    """The refusal, with everything an operator needs to decide."""
    holds = "%s holds the lock: stage %s of run %s, version %s, since %s, %s" % (
        lock.get("holder") or "an unknown run",
        lock.get("stage") or "?",
        lock["run"],
        lock.get("version") or "?",
        time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(float(lock["since"]))),
        _beat(lock, at),
    )
    if claim.unlock:
        return Refused(
            "bluegreen_unlock=%s is not the run that holds the lock. %s" % (claim.unlock, holds),
            fix="break the lock of a dead run with -e bluegreen_unlock=%s, or let it finish" % lock["run"],
        )
    alive = (claim.seen or {}).get("run") == lock["run"]
    left = stale - (silent(lock, at) or 0.0)
    return Refused(
        holds,
        fix="let it finish (--tags status shows it); its process runs on this controller. A rollback needs no lock. "
        "To stop it at its next write, break its lock with -e bluegreen_unlock=%s" % lock["run"]
        if alive
        else "let it finish (--tags status shows it). If that run is dead, start again from its own controller, which "
        "takes over at once. Or wait %d s, or break its lock with -e bluegreen_unlock=%s. A rollback needs no lock."
        % (math.ceil(max(0.0, left)), lock["run"]),
    )


def _beat(lock: Mapping[str, Any], at: Moment) -> str:
    since = silent(lock, at)
    beat = "last beat %d s ago" % since if since is not None else "last beat at an unknown time"
    back = float(lock["beat"]) + (since or 0.0) - at.now
    return beat + (", and this host's clock went back by %d s since" % back if back >= 1 else "")


class Lock:
    """``switch`` is None before an adopt. ``stale``: seconds after which a beat means that its run is dead."""

    def __init__(
        self,
        state: StateDir,
        switch: Fence | None,
        clock: Clock,
        stale: float = STALE_SECONDS,
        boot: Callable[[], str] = this_boot,
    ) -> None:
        self.state = state
        self.switch = switch if switch and switch.exists() else None
        self.clock = clock
        self.stale = stale
        self._boot = boot

    def read(self) -> dict[str, Any] | None:
        return read_mapping(self.state.lock, "run", "beat", "since") or None

    def silent(self) -> float | None:
        """Seconds since the last beat of the run that holds the lock; None where there is none, or unknown."""
        lock = self.read()
        return silent(lock, self._moment()) if lock else None

    def token(self) -> int:
        """The switch's fencing token; 0 before an adopt."""
        return self.switch.token_for(None) if self.switch else 0

    def take(self, claim: Claim) -> dict[str, Any]:
        """Take the lock or refresh it. Refused while another run holds it, Fenced when the run was overtaken."""
        self.state.ensure()
        with self._alone():
            lock, at = self.read(), self._moment()
            if claim.run in self._overtaken():
                raise Fenced(
                    "another run took the lock over from run %s" % claim.run,
                    fix="see --tags status, then start the playbook again",
                )
            if lock is not None and not may_take(lock, claim, at, self.stale):
                raise held(lock, claim, at, self.stale)
            own = lock if lock is not None and lock["run"] == claim.run else None
            if lock is not None and own is None:
                self._overtake(str(lock["run"]))
            token = self._kept(own) if own else self._raised()
            return self._write(claim, own, token, at)

    def beat(self, run: str, stage: str = "") -> dict[str, Any]:
        """Record that the run is alive. Fenced when the lock is no longer its own."""
        with self._alone():
            lock = self.read()
            if lock is None or lock["run"] != run:
                raise Fenced("run %s no longer holds the lock" % run, fix="start the playbook again")
            beaten = {**lock, **self._beats(self._moment()), "stage": stage or lock["stage"]}
            write_json(self.state.lock, beaten)
        return beaten

    def release(self, run: str) -> bool:
        """Give up the run's own lock; False when it holds none, which is no error at the end of a run."""
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

    def _write(self, claim: Claim, own: Mapping[str, Any] | None, token: int, at: Moment) -> dict[str, Any]:
        controller = dict(claim.controller or {})
        lock = {
            "holder": "%s at %s (process %s)"
            % (claim.operator or "an unknown operator", controller.get("host", "?"), controller.get("pid", "?")),
            "operator": claim.operator,
            "run": claim.run,
            "stage": claim.stage,
            "version": claim.version or (own or {}).get("version", ""),
            "token": token,
            "since": own["since"] if own else at.now,
            **self._beats(at),
            "controller": controller,
        }
        write_json(self.state.lock, lock)
        return lock

    def _kept(self, lock: Mapping[str, Any]) -> int:
        """The run's token, if it was not raised since. A run that began before the adopt takes the first one."""
        mine, there = int(lock["token"]), self.token()
        if mine in (0, there):
            return there
        raise Fenced(
            "this run lost the switch to a rollback or a newer run (token %d, now %d)" % (mine, there),
            fix="see --tags status, then start the playbook again",
        )

    def _raised(self) -> int:
        return self.switch.claim(0) if self.switch else 0

    def _moment(self) -> Moment:
        return Moment(self.clock.now(), self.clock.monotonic(), self._boot())

    @staticmethod
    def _beats(at: Moment) -> dict[str, Any]:
        return {"beat": at.now, "up": at.up, "boot": at.boot}

    def _overtaken(self) -> list[str]:
        return list(read_mapping(self.state.overtaken).get("runs") or [])

    def _overtake(self, run: str) -> None:
        """Remembered before anything else: whatever happens next, that run goes on no more."""
        runs = [one for one in self._overtaken() if one != run]
        write_json(self.state.overtaken, {"runs": [*runs, run][-OVERTAKEN:]})

    def _alone(self) -> AbstractContextManager[object]:
        return locked(self.state.path("lock.flock"), seconds=10.0)
