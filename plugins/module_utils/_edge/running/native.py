# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An edge that is a process of this host: a service of systemd, or a process that a person started.

It is found by its admin endpoint, and everything is done as it would do it: with its binary, its environment, its
user and, where its service manager shows it other file systems than ours, from inside those.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.run_as import AsProcess
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, Runner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.snippets import DIRECTORY
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import (
    EdgeOptions,
    Place,
    same_place,
    seen_file,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.listeners import Answering, answering, ids

DELETED = " (deleted)"


@dataclass
class ProcessEdge:
    runner: Runner
    options: EdgeOptions
    _found: list[Answering] = field(default_factory=list)

    def place(self) -> Place:
        """Also where no Caddy runs (``pid`` 0): the way back must find the switch then too."""
        directory = os.path.join(self.options.mount, DIRECTORY)
        for _look in range(2):
            found = self._answering()
            if found.holder and _lives(found.holder.pid):
                owner = (found.holder.uid, found.holder.gid)
                return Place("caddy (process %d)" % found.holder.pid, found.holder.pid, directory, owner, found.doubt)
            # It may have been restarted since.
            self._found.clear()
        return Place("caddy (not running)", 0, directory, (0, 0))

    def caddy(self, *args: str, stdin: str | None = None) -> Result:
        it = self._it()
        binary = os.readlink("/proc/%d/exe" % it.pid)
        if binary.endswith(DELETED):
            raise BluegreenError(
                "the running Caddy (process %d) is no longer the installed one: %s" % (it.pid, binary),
                fix="restart Caddy, so that one binary checks and runs the new configuration",
            )
        # A Caddyfile may take values, and secrets, from its environment.
        return it.run(binary, *args, stdin=stdin, where=os.path.dirname(self.options.config_path))

    def network(self) -> AbstractContextManager[None]:
        return nullcontext()

    def seen_caddyfile(self) -> bytes | None:
        return seen_file(self._it().pid, self.options.config_path)

    def exported(self) -> Sequence[str]:
        """``caddy`` has them all."""
        return ()

    def hidden(self, directory: str) -> str:
        """Asked as Caddy's user and in its view, so that every permission and every mount counts."""
        it, log = self._it(), os.path.join(directory, "log")
        if not same_place(it.pid, directory, directory):
            return (
                "it does not see %s. systemd's PrivateTmp=, ProtectHome=, TemporaryFileSystem= or RootDirectory="
                " hide directories: choose another bluegreen_edge.switch_dir" % directory
            )
        sentinel = os.path.join(directory, "switch", "ready")
        if not it.exists(sentinel):
            return (
                "its user can't reach %s: it needs x on every directory above; choose another bluegreen_edge.switch_dir"
                " (not below a home of mode 0750)" % sentinel
            )
        if not it.writable(log):
            return (
                "it can't write %s, where its access log must go. With systemd's ProtectSystem=strict add"
                " ReadWritePaths=%s to its unit and restart it, or choose another bluegreen_edge.switch_dir"
                % (log, self.options.mount)
            )
        return ""

    def _answering(self) -> Answering:
        if not self._found:
            found = answering(self.options.admin)
            self._found += [found] if found.holder else []
        return self._found[0] if self._found else Answering()

    def _it(self) -> AsProcess:
        """With its rights. Refused where it is not known to be Caddy's."""
        place = self.place()
        if place.doubt:
            raise place.doubt
        if not place.pid:
            raise BluegreenError(
                "nothing listens there: no Caddy runs on this host, or its admin endpoint is another one or `off`",
                option="edge.admin",
                value=self.options.admin,
                fix="name its admin endpoint (host:port or unix//path); where its configuration says `admin off`, take"
                " that out and restart it once, as without one Caddy takes no configuration",
            )
        return AsProcess(self.runner, place.pid, *place.owner)


def _lives(pid: int) -> bool:
    try:
        return bool(ids(pid))
    except OSError:
        return False
