# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This host: memory, processors, disks, the state directory, systemd, SELinux. Files are read, nothing is written."""

from __future__ import annotations

import glob
import importlib.util
import os
import platform
import re
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .._core.errors import BluegreenError
from .._notify import address as notification
from .._notify import textfile
from .model import PreflightInputs

UNIT_DIRS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
MODULES = {"dotenv": "dotenv", "psycopg2": "psycopg2", "yaml": "yaml"}
# podman-restart's filter of newer releases stands for these two.
ON_BOOT = ("always", "unless-stopped")


def host(state_dir: str, boot_unit: str) -> dict[str, Any]:
    systemd = os.path.isdir("/run/systemd/system")
    return {
        "now": time.time(),
        "cpus": os.cpu_count() or 1,
        "mem_available": meminfo(_text("/proc/meminfo")).get("MemAvailable", 0),
        "python": platform.python_version(),
        "modules": {name: importlib.util.find_spec(module) is not None for name, module in MODULES.items()},
        "systemd": systemd,
        "restart_unit": {
            "enabled": enabled("podman-restart.service"),
            "policies": restart_policies(unit_text("podman-restart.service")),
        },
        "boot_unit": enabled(boot_unit),
        "auto_update_timer": systemd and enabled("podman-auto-update.timer"),
        "state": state(state_dir),
    }


def meminfo(text: str) -> dict[str, int]:
    """/proc/meminfo in bytes."""
    found = re.findall(r"^(\w+):\s+(\d+) kB$", text, re.M)
    return {name: int(count) * 1024 for name, count in found}


def enabled(unit: str) -> bool:
    """Whether some target wants it: what ``systemctl is-enabled`` reads, without asking a systemd that may not run."""
    return any(glob.glob("%s/*.wants/%s" % (where, unit)) for where in UNIT_DIRS)


def unit_text(unit: str) -> str:
    """The unit file that counts, and what is dropped in over it."""
    first = next((path for path in ("%s/%s" % (where, unit) for where in UNIT_DIRS) if os.path.exists(path)), "")
    dropped = [path for where in UNIT_DIRS for path in sorted(glob.glob("%s/%s.d/*.conf" % (where, unit)))]
    return "\n".join(_text(path) for path in [first, *dropped] if path)


def restart_policies(text: str) -> list[str]:
    """The restart policies that podman-restart.service starts, from its ExecStart lines (an empty one takes back)."""
    starts: list[str] = []
    for line in re.findall(r"^ExecStart=(.*)$", text, re.M):
        starts = starts + [line] if line.strip() else []
    found = {policy for line in starts for policy in re.findall(r"restart-policy=([\w-]+)", line)}
    if any("should-start-on-boot" in line for line in starts):
        found.update(ON_BOOT)
    return sorted(found)


def state(path: str) -> dict[str, Any]:
    """The state directory, or the nearest directory above it that is there."""
    there = os.path.exists(path)
    parent = path
    while not os.path.exists(parent):
        parent = os.path.dirname(parent) or "/"
    read_only = bool(os.statvfs(parent).f_flag & os.ST_RDONLY)
    return {
        "exists": there,
        "directory": os.path.isdir(parent),
        "parent": parent,
        "mode": stat.S_IMODE(os.stat(path).st_mode) if there else 0,
        "read_only": read_only,
        "writable": os.access(parent, os.W_OK | os.X_OK) and not read_only,
    }


def disk(path: str) -> dict[str, Any] | None:
    """Free room at the nearest place above ``path`` that is there; ``path`` is then the mount point, ``inodes`` None
    where there is no limit."""
    where = path
    while where and not os.path.exists(where):
        where = os.path.dirname(where) if where != "/" else ""
    if not where:
        return None
    seen = os.statvfs(where)
    while not os.path.ismount(where):
        where = os.path.dirname(where)
    return {
        "path": where,
        "free": seen.f_bavail * seen.f_frsize,
        "inodes": seen.f_favail if seen.f_files else None,
    }


def told(wanted: PreflightInputs) -> dict[str, str]:
    """A setting of notifications or metrics that is used -> why it can't be, '' where it can."""
    notify, url = wanted.notify, wanted.notify_url
    asked: dict[str, Callable[[], object]] = {}
    if notification.wanted(notify, url) or notify.get("events") or notify.get("kind") == "slack":
        asked["notify"] = lambda: notification.address(notify, url)
    if wanted.textfile:
        asked["textfile"] = lambda: textfile.usable(wanted.textfile)
    found = dict.fromkeys(asked, "")
    for name, ask in asked.items():
        try:
            ask()
        except BluegreenError as exc:
            found[name] = str(exc)
    return found


def selinux() -> str:
    mode = _text("/sys/fs/selinux/enforce").strip()
    return {"1": "enforcing", "0": "permissive"}.get(mode, "disabled")


def children() -> dict[int, list[int]]:
    """Process -> its children."""
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _text("/proc/%s/stat" % name).rpartition(")")[2].split()
            if len(fields) > 1:
                found.setdefault(int(fields[1]), []).append(int(name))
    return found


def pss(pid: int, tree: Mapping[int, Iterable[int]]) -> int:
    """Bytes of a process and all below it, shared pages counted by share; 0 where that can't be read."""
    own = re.search(r"^Pss:\s+(\d+) kB$", _text("/proc/%d/smaps_rollup" % pid), re.M)
    return (int(own.group(1)) * 1024 if own else 0) + sum(pss(child, tree) for child in tree.get(pid, ()))


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""
