# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start a process that outlives us, our session and our login."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .runner import PASSED_ON, Result, Runner

SYSTEMD = "/run/systemd/system"


def systemd_argv(unit: str, argv: Sequence[str], env: Mapping[str, str], log: str) -> list[str]:
    """A transient service: a login that ends may take its whole control group with it, a service stays."""
    passed = ["--setenv=%s=%s" % pair for pair in sorted(env.items())]
    logged = ["--property=StandardOutput=append:%s" % log, "--property=StandardError=append:%s" % log]
    # Killed with its keeper it is started again; one that ends by itself has said why.
    kept = ["--property=Restart=on-abnormal", "--property=RestartSec=1"]
    return ["systemd-run", "--collect", "--quiet", "--unit=%s" % unit, *kept, *passed, *logged, *argv]


def environment(library: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**kept, "PYTHONPATH": library, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class Started:
    """``how``: systemd or session. ``gone()`` tells early that it ended at once; a service's end is not seen so."""

    how: str
    gone: Callable[[], bool]


def _fork(argv: Sequence[str], env: Mapping[str, str], log: str) -> Started:
    """A session of its own, nothing inherited but a log: it is adopted by init when we end."""
    with open(log, "ab") as out:
        # It is meant to outlive us: no process waits for its end.
        child = subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            close_fds=True,
        )
    return Started("session", lambda: child.poll() is not None)


def start(
    runner: Runner,
    unit: str,
    library: str,
    module: str,
    argument: str,
    log: str,
    systemd: Callable[[], bool] = lambda: os.path.isdir(SYSTEMD),
) -> Started:
    """Start ``python -m module argument``."""
    argv = [sys.executable or "python3", "-m", module, argument]
    env = environment(library)
    if systemd():
        done: Result = runner.run(systemd_argv(unit, argv, env, log), timeout=30)
        if done.rc == 0:
            return Started("systemd", lambda: False)
    return _fork(argv, env, log)
