# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who drives a run: one id for each ansible-playbook process, and whether another such process still lives."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import re
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

# A job of AWX or Automation Controller keeps its id wherever its container runs.
JOB_VARIABLES = ("awx_job_id", "tower_job_id")
OPERATOR_VARIABLES = ("awx_user_name", "tower_user_name")
# Where a system keeps its id; a controller without one (macOS, most containers) makes one of its own.
MACHINE, OWN_ID = "/etc/machine-id", "~/.ansible/olympus-bluegreen-controller"
# The first process namespace of every Linux: whatever has another one is a container, which may share a machine id
# with others that were made from its image.
NO_CONTAINER = "pid:[4026531836]"


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


def _machine() -> str:
    """The same for every run on this machine and for none on another; '' where it can't be told. Hashed, as a
    machine id itself is nothing to hand out."""
    known = _text(MACHINE) or _own_id(os.path.expanduser(OWN_ID))
    return hashlib.sha256(("olympus.bluegreen " + known).encode()).hexdigest()[:16] if known else ""


def _own_id(path: str) -> str:
    if not _text(path):
        made = "%s.%d" % (path, os.getpid())
        with suppress(OSError):
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(made, "w", encoding="utf-8") as handle:
                handle.write(uuid.uuid4().hex + "\n")
            # Whole or not at all, and never over that of another run.
            os.link(made, path)
        with suppress(OSError):
            os.unlink(made)
    return _text(path)


def myself() -> dict[str, Any]:
    """The controller's process: a worker's parent is the ansible-playbook that forked it."""
    pid = os.getppid()
    return {
        "host": platform.node(),
        "machine": _machine(),
        "boot": _text("/proc/sys/kernel/random/boot_id"),
        "namespace": _namespace(),
        "pid": pid,
        "start": _started(pid),
    }


def run_id(me: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    """The same for every task of one run, another one for the next, on whichever machine that runs.

    A job of AWX is one process as well; its number alone is also that of a job of every other AWX.
    """
    whole = "\n".join(str(me.get(name) or "") for name in ("machine", "boot", "namespace", "host", "pid", "start"))
    mark = hashlib.sha256(whole.encode()).hexdigest()[:8]
    for name in JOB_VARIABLES:
        if variables.get(name):
            return "job-%s-%s" % (variables[name], mark)
    host = re.sub(r"[^A-Za-z0-9.-]", "-", str(me["host"]))
    return "%s-%s-%s" % (host, me["pid"], mark)


def operator(variables: Mapping[str, Any]) -> str:
    for name in OPERATOR_VARIABLES:
        if variables.get(name):
            return str(variables[name])
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def who(variables: Mapping[str, Any]) -> dict[str, Any]:
    """{run, operator, controller}, as the modules of the lock take them."""
    me = myself()
    return {"run": run_id(me, variables), "operator": operator(variables), "controller": me}


def notify_url(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> str:
    """The address of messages as the operator says it. One that can't be made is none: no way back waits for it."""
    found = None
    with suppress(Exception):
        found = template(variables.get("bluegreen_notify_url"))
    return str(found or os.environ.get("BLUEGREEN_NOTIFY_URL") or "").strip()


def knows(me: Mapping[str, Any], lock: Mapping[str, Any]) -> dict[str, Any]:
    """{run, alive} of a lock's holder, if it was started from this very machine; {} where this machine can't tell."""
    holder = lock.get("controller") or {}
    same = bool(me.get("machine")) and holder.get("machine") == me["machine"] and holder.get("host") == me["host"]
    if not lock.get("run") or not holder.get("pid") or not same:
        return {}
    if holder.get("boot") != me["boot"]:
        # Its process ended with that boot, unless the id is that of an image.
        rebooted = holder.get("namespace") == me["namespace"] == NO_CONTAINER
        return {"run": lock["run"], "alive": False} if rebooted else {}
    if holder.get("namespace") != me["namespace"]:
        return {}
    pid = int(holder["pid"])
    if holder.get("start"):
        return {"run": lock["run"], "alive": _started(pid) == holder["start"]}
    # Without a start, a process that is there may be another one by now.
    return {} if _exists(pid) else {"run": lock["run"], "alive": False}
