# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program run as another process runs: with its user, its environment and in its view of the file systems.

Nothing of that process may count before its user does. So no helper program is looked up or started as root: a Python
of ours, with our own environment, drops every right first and only then has the program's name and variables.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from .errors import BluegreenError
from .runner import Result, Runner

# No module is loaded after setns: from there on the names of files are the other process's.
ENTER = r"""
import ctypes, os, sys
def ended(rc, text):
    os.write(2, text.encode("utf-8", "replace") + b"\n")
    os._exit(rc)
def same_view():
    return os.readlink("ns/mnt", dir_fd=process) == os.readlink("/proc/self/ns/mnt")
pid, uid, gid, act, where, *argv = sys.argv[1:]
uid, gid, libc = int(uid), int(gid), ctypes.CDLL(None, use_errno=True)
try:
    process = os.open("/proc/" + pid, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    def read(name):
        with open(os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=process), "rb") as handle:
            return handle.read()
    users = [line.split()[1:] for line in read("status").split(b"\n") if line.startswith(b"Uid:")][0]
    if {int(one) for one in users} != {uid}:
        ended(126, "process %s has another user by now" % pid)
    pairs = [one.partition(b"=") for one in read("environ").split(b"\0")]
    env = {name: value for name, sign, value in pairs if sign and name}
    if not same_view():
        view = os.open("ns/mnt", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
        if libc.setns(view, 0x00020000):
            ended(126, "can't enter the file systems of process %s" % pid)
    if uid != os.geteuid() or uid != os.getuid():
        # Caddy 2.6 opens /dev/stdin by name, which only the pipe's owner may.
        os.fchown(0, uid, gid)
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
except OSError as exc:
    ended(126, "process %s: %s" % (pid, exc.strerror))
try:
    if act == "exists":
        os.stat(argv[0])
        os._exit(0)
    if act == "writable":
        os._exit(0 if os.access(argv[0], os.W_OK) else 1)
    if where:
        try:
            os.chdir(where)
        except OSError:
            os.chdir("/")
    os.execve(argv[0], argv, env)
except OSError as exc:
    ended(127, "%s: %s" % (argv[0], exc.strerror))
"""
EXISTS, WRITABLE, EXECUTE = "exists", "writable", "execute"


@dataclass(frozen=True)
class AsProcess:
    """``uid`` and ``gid`` are those that process ``pid`` was seen to have: it is refused when it has others by now."""

    runner: Runner
    pid: int
    uid: int
    gid: int

    def run(self, binary: str, *args: str, stdin: str | None = None, where: str = "") -> Result:
        """``binary`` is an absolute path as the process sees it. rc 126: it could not be done, 127: there is none."""
        if not os.path.isabs(binary):
            raise BluegreenError("not an absolute path: %s" % binary, fix="Report this as a defect")
        return self._entered(EXECUTE, where, binary, *args, stdin=stdin)

    def exists(self, path: str) -> bool:
        return self._entered(EXISTS, "", path).rc == 0

    def writable(self, path: str) -> bool:
        return self._entered(WRITABLE, "", path).rc == 0

    def _entered(self, act: str, where: str, *argv: str, stdin: str | None = None) -> Result:
        ours = [sys.executable, "-I", "-S", "-c", ENTER, str(self.pid), str(self.uid), str(self.gid)]
        return self.runner.run([*ours, act, where, *argv], stdin=stdin)
