# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who drives a run: one id for each ansible-playbook process, and whether another such process still lives."""

from __future__ import annotations

import getpass
import os
import platform
import re
from collections.abc import Mapping
from typing import Any

# A job of AWX or Automation Controller keeps its id wherever its container runs.
JOB_VARIABLES = ("awx_job_id", "tower_job_id")
OPERATOR_VARIABLES = ("awx_user_name", "tower_user_name")


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read().strip()
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Start of a process in clock ticks, '' where it is gone (or where /proc doesn't tell)."""
    stat = _text("/proc/%d/stat" % pid).rsplit(")", 1)
    fields = stat[-1].split()
    return fields[19] if len(stat) == 2 and fields[0] not in ("Z", "X") else ""


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def myself() -> dict[str, Any]:
    """The controller's process: a worker's parent is the ansible-playbook that forked it."""
    pid = os.getppid()
    return {
        "host": platform.node(),
        "boot": _text("/proc/sys/kernel/random/boot_id"),
        "namespace": _namespace(),
        "pid": pid,
        "start": _started(pid),
    }


def run_id(me: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    """The same for every task of one run, another one for the next."""
    for name in JOB_VARIABLES:
        if variables.get(name):
            return "job-%s" % variables[name]
    host = re.sub(r"[^A-Za-z0-9.-]", "-", str(me["host"]))
    return "%s-%s-%s" % (host, me["pid"], me["start"] or "0")


def operator(variables: Mapping[str, Any]) -> str:
    for name in OPERATOR_VARIABLES:
        if variables.get(name):
            return str(variables[name])
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def knows(me: Mapping[str, Any], lock: Mapping[str, Any]) -> dict[str, Any]:
    """{run, alive} of a lock's holder, if it was started from this very machine; {} where nobody can tell from here."""
    holder = lock.get("controller") or {}
    if not lock.get("run") or not holder.get("pid") or holder.get("host") != me["host"]:
        return {}
    if holder.get("boot") != me["boot"]:
        return {"run": lock["run"], "alive": False}
    if holder.get("namespace") != me["namespace"]:
        return {}
    pid = int(holder["pid"])
    alive = _started(pid) == holder["start"] if holder.get("start") else _exists(pid)
    return {"run": lock["run"], "alive": alive}
