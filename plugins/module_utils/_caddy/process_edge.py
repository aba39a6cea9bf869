# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An edge that is a process of this host: a service of systemd, or just started by somebody.

It is found by its admin endpoint, and everything is done as it would do it: with its binary, its environment, its
user and, where its service manager shows it other file systems than ours, from inside those.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.admin import UNIX
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.edge import (
    EdgeOptions,
    Place,
    environment,
    same_place,
    seen_file,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.snippets import DIRECTORY
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.sockets import listener, unix_listener
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, Runner

DELETED = " (deleted)"
# Caddy 2.6 opens /dev/stdin by name, which another user may not where the pipe is ours.
OWN_STDIN = ("sh", "-c", 'cat | "$@"', "sh")


@dataclass
class ProcessEdge:
    runner: Runner
    options: EdgeOptions
    _found: list[int] = field(default_factory=list)

    def place(self) -> Place:
        """Also where no Caddy runs (``pid`` 0): the way back must find the switch then too."""
        directory = os.path.join(self.options.mount, DIRECTORY)
        for _look in range(2):
            pid = self._listener()
            with suppress(OSError):
                if pid:
                    return Place("caddy (process %d)" % pid, pid, directory, _ids(pid))
            # It may have been restarted since.
            self._found.clear()
        return Place("caddy (not running)", 0, directory, (0, 0))

    def caddy(self, *args: str, stdin: str | None = None) -> Result:
        pid = self._pid()
        binary = os.readlink("/proc/%d/exe" % pid)
        if binary.endswith(DELETED):
            raise BluegreenError(
                "the Caddy that runs (process %d) is not the one that is installed any more: %s" % (pid, binary),
                mend="restart it, so that what judges the new configuration is what will run it",
            )
        # A Caddyfile may take values, and secrets, from its environment.
        where = os.path.dirname(self.options.config_path) or None
        argv = [*self._as_it(pid), *OWN_STDIN, binary, *args]
        return self.runner.run(argv, stdin=stdin, env=environment(pid), cwd=where)

    def network(self) -> AbstractContextManager[None]:
        return nullcontext()

    def seen_caddyfile(self) -> bytes | None:
        return seen_file(self._pid(), self.options.config_path)

    def exported(self) -> Sequence[str]:
        """``caddy`` has them all."""
        return ()

    def hidden(self, directory: str) -> str:
        """Asked as Caddy's user and in its view, so that every permission and every mount counts."""
        pid, log = self._pid(), os.path.join(directory, "log")
        if not same_place(pid, directory, directory):
            return (
                "%s is not there for it. systemd's PrivateTmp=, ProtectHome=, TemporaryFileSystem= or RootDirectory="
                " hide directories: choose another bluegreen_edge.switch_dir" % directory
            )
        as_it = self._as_it(pid)
        sentinel = os.path.join(directory, "switch", "ready")
        if self.runner.run([*as_it, "test", "-e", sentinel]).rc != 0:
            return (
                "its user can't reach %s: it needs x on every directory above; choose another bluegreen_edge.switch_dir"
                " (not below a home of mode 0750)" % sentinel
            )
        if self.runner.run([*as_it, "test", "-w", log]).rc != 0:
            return (
                "it can't write %s, where its access log must go. With systemd's ProtectSystem=strict add"
                " ReadWritePaths=%s to its unit and restart it, or choose another bluegreen_edge.switch_dir"
                % (log, self.options.mount)
            )
        return ""

    def _listener(self) -> int:
        """Its process id, 0 where none listens."""
        admin = self.options.admin
        if not self._found:
            unix = admin.startswith(UNIX)
            pid = unix_listener(admin[len(UNIX) :]) if unix else listener(int(admin.rpartition(":")[2]))
            self._found += [pid] if pid else []
        return self._found[0] if self._found else 0

    def _pid(self) -> int:
        pid = self.place().pid
        if not pid:
            raise BluegreenError(
                "nothing listens there: no Caddy runs on this host, or its admin endpoint is another one or `off`",
                option="edge.admin",
                value=self.options.admin,
                mend="name its admin endpoint (host:port or unix//path); where its configuration says `admin off`, take"
                " that out and restart it once, as without one Caddy takes no configuration",
            )
        return pid

    @staticmethod
    def _as_it(pid: int) -> list[str]:
        """What makes a program see and be allowed what process ``pid`` is."""
        (uid, gid), view = _ids(pid), []
        if os.readlink("/proc/%d/ns/mnt" % pid) != os.readlink("/proc/self/ns/mnt"):
            view = ["nsenter", "--target", str(pid), "--mount", "--"]
        if uid == os.geteuid():
            return view
        ids = ["--reuid", str(uid), "--regid", str(gid), "--clear-groups"]
        return [*view, "setpriv", *ids, "--"]


def _ids(pid: int) -> tuple[int, int]:
    """The user and group that a process is at work as."""
    with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as handle:
        lines = dict(line.rstrip("\n").split(":\t", 1) for line in handle if line.startswith(("Uid:\t", "Gid:\t")))
    return int(lines["Uid"].split()[1]), int(lines["Gid"].split()[1])
