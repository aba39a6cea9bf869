# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An edge that is a process of this host: a service of systemd, or a process that a person started.

It is found by its admin endpoint. Every local user may listen on a port, so the address counts too, and a process
counts only with the rights of the user that made the socket. Everything is done as it would do it: with its binary,
its environment, its user and, where its service manager shows it other file systems than ours, from inside those.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Optional

from ..._core.errors import BluegreenError, Refused
from ..._core.process_tree import stat
from ..._core.run_as import AsProcess
from ..._core.runner import Result, Runner
from ..._core.sockets import LISTEN, rows
from ..config.snippets import DIRECTORY
from .admin import UNIX
from .base import EdgeOptions, Place, same_place, seen_file

# A reload makes a listener another socket, maybe while we look for the process that holds the one before: on a busy
# host three looks of four, beside thirty reloads a second.
LOOKS = 40
LOCAL = ("127.0.0.1", "::1")
# These hold a port of the host for a container.
PUBLISHERS = ("conmon", "docker-proxy", "rootlessport", "rootlesskit", "slirp4netns", "pasta", "pasta.avx2")
PEER_SECONDS = 2.0
ALONE = "Stop the one that is not Caddy, or name an address where only Caddy listens in bluegreen_edge.admin, as in\
 127.0.0.1:2019"
STOP = "Stop that process: it is not a Caddy that an operator started"
KINDS = "Set bluegreen_edge.kind: container, or name the address of the Caddy of this host in bluegreen_edge.admin"


# For each address that the endpoint means: (inode: user that made it) of the sockets that answer there.
Sockets = Sequence[Mapping[str, Optional[int]]]


@dataclass(frozen=True)
class Holder:
    """A process with the listening socket open: its real, effective, saved and file system ids. ``made_by`` is the user
    that made the socket, None where the kernel does not say."""

    pid: int
    uids: tuple[int, ...]
    gids: tuple[int, ...]
    made_by: int | None
    started: int

    @property
    def uid(self) -> int:
        return self.uids[1]

    @property
    def gid(self) -> int:
        return self.gids[1]

    def __str__(self) -> str:
        return "process %d (user %d)" % (self.pid, self.uid)


@dataclass(frozen=True)
class Answering:
    """The process that answers at the endpoint; ``doubt``: why nothing may be done with its rights."""

    holder: Holder | None = None
    doubt: Refused | None = None


def answering(admin: str) -> Answering:
    """For ``host:port`` or ``unix//path``, as Caddy writes it."""
    for _look in range(LOOKS):
        unix = admin.startswith(UNIX)
        sockets = _unix(admin[len(UNIX) :]) if unix else _tcp(admin)
        held = _holders(sockets)
        found = [[one for inode in group for one in held.get(inode, ())] for group in sockets]
        # Every socket's holder is known, or it has gone meanwhile and there is another one.
        if all(any(held.get(inode) for inode in group) for group in sockets if group):
            found = [_bound(admin[len(UNIX) :], group) for group in found] if unix else found
            return _decided(admin, [group for group in found if group])
    return Answering()


def _decided(admin: str, found: Sequence[Sequence[Holder]]) -> Answering:
    """``found``: the holders for each address that ``admin`` means, the one that is dialled first coming first."""
    if not found:
        return Answering()
    groups = [_own(group) for group in found]
    first = max(groups[0], key=lambda one: one.started)
    users = {one.uid: one for group in groups for one in group}

    def doubt(said: str, fix: str) -> Answering:
        return Answering(first, Refused(said, fix=fix, option="edge.admin", value=admin))

    if len(users) > 1:
        every = ", ".join(str(users[uid]) for uid in sorted(users))
        return doubt("processes of several users listen there: %s" % every, ALONE)
    if len(set(first.uids)) > 1:
        return doubt("%s listens there for user %d" % (first, first.uids[0]), STOP)
    if first.made_by not in (None, 0, first.uid):
        return doubt("%s listens there by a socket that user %s made" % (first, first.made_by), STOP)
    contained = _contained(first.pid)
    if contained:
        return doubt("%s listens there%s" % (first, contained), KINDS)
    return Answering(first)


def _own(group: Sequence[Holder]) -> list[Holder]:
    """Without the service manager that made the socket and handed it down, where another process has it."""
    return [one for one in group if one.pid != 1] or list(group)


def _contained(pid: int) -> str:
    with suppress(OSError):
        if os.readlink("/proc/%d/ns/pid" % pid) != os.readlink("/proc/self/ns/pid"):
            return ", inside of a container"
        with open("/proc/%d/comm" % pid, encoding="utf-8", errors="replace") as handle:
            if handle.read().strip() in PUBLISHERS:
                return " for a container that publishes this port"
    return ""


def _tcp(admin: str) -> Sockets:
    host, _colon, port = admin.rpartition(":")
    listening = [row for row in rows(LISTEN) if row.local[1] == int(port)]
    found: list[dict[str, int | None]] = []
    for address in _addresses(host.strip("[]"), int(port)):
        every = [address, "::"] if ":" in address else [address, "0.0.0.0", "::"]
        # A connection goes to the socket that is bound the most exactly.
        best = next((one for one in every if any(row.local[0] == one for row in listening)), "")
        found.append({row.inode: row.uid for row in listening if row.local[0] == best})
    return found


def _addresses(host: str, port: int) -> Sequence[str]:
    if host in ("", "localhost", "0.0.0.0", "::"):
        return LOCAL
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def _unix(path: str) -> Sockets:
    accepting = "00010000"
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as handle:
        every = [line.split(None, 7) for line in handle]
    return [{one[6]: None for one in every if len(one) == 8 and one[3] == accepting and one[7].strip() == path}]


def _bound(path: str, every: Sequence[Holder]) -> list[Holder]:
    """Those of ``every`` that answer at ``path`` of this host, else those that do so at the ``path`` that they see: any
    process may give its socket this name in a place of its own."""
    peer = _peer(path)
    there = [one for one in every if one.pid == peer] if peer not in (None, 1) else []
    return there or [one for one in every if _peer("/proc/%d/root%s" % (one.pid, path)) in (one.pid, 1)]


def _peer(path: str) -> int | None:
    """The process that listens at a socket's path; None where none does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(PEER_SECONDS)
        try:
            sock.connect(path)
            raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return None
    return int(struct.unpack("3i", raw)[0])


def _holders(sockets: Sockets) -> dict[str, list[Holder]]:
    """Every process that has one of the sockets open, by inode."""
    made_by = {inode: uid for group in sockets for inode, uid in group.items()}
    wanted = {"socket:[%s]" % inode: inode for inode in made_by}
    found: dict[str, list[Holder]] = {}
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()) if wanted else ():
        for inode in {wanted[name] for name in _open(pid) if name in wanted}:
            with suppress(OSError, KeyError, IndexError, ValueError):
                uids, gids = ids(pid)
                found.setdefault(inode, []).append(Holder(pid, uids, gids, made_by[inode], int(stat(pid)[19])))
    return found


def _open(pid: int) -> Iterator[str]:
    try:
        names = os.listdir("/proc/%d/fd" % pid)
    except OSError:
        return
    for name in names:
        with suppress(OSError):
            yield os.readlink("/proc/%d/fd/%s" % (pid, name))


def ids(pid: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The users and the groups of a process: real, effective, saved and of the file system."""
    with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as handle:
        lines = dict(line.rstrip("\n").split(":\t", 1) for line in handle if line.startswith(("Uid:\t", "Gid:\t")))
    uids, gids = (tuple(int(one) for one in lines[name].split()) for name in ("Uid", "Gid"))
    return uids, gids


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
