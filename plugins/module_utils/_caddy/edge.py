# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running edge: where its files are, what it runs, whom it talks to.

``Edge`` is the seam: everything above it works on a Caddy in a container (``PodmanEdge``) as on any other process.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.forms import DIRECTORY
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, CommandError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Http, Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.netns import network_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result

ESTABLISHED = "01"


@dataclass(frozen=True)
class EdgeOptions:
    """``caddyfile`` is on the host, ``config_path`` and ``mount`` are what the edge sees; ``address``, ``port`` and
    ``scheme`` say where the public names are asked, ``ca`` is a PEM file or ''."""

    caddyfile: str
    service: str = "caddy"
    config_path: str = "/etc/caddy/Caddyfile"
    mount: str = "/config"
    address: str = "127.0.0.1"
    port: int = 443
    scheme: str = "https"
    ca: str = ""
    admin: str = "localhost:2019"


@dataclass(frozen=True)
class Place:
    """``name`` for messages, ``directory`` the switch directory on the host, ``owner`` who owns the edge's volume."""

    name: str
    pid: int
    directory: str
    owner: tuple[int, int]


class Edge(Protocol):
    options: EdgeOptions

    def place(self) -> Place:
        """Where it is. Raises BluegreenError with what to mend."""

    def caddy(self, *args: str, stdin: str | None = None) -> Result:
        """Run the edge's own Caddy binary where the edge runs."""

    def network(self) -> AbstractContextManager[None]:
        """Speak from the edge's network."""

    def seen_caddyfile(self) -> bytes | None:
        """The configuration file as the edge sees it; None where it sees none."""


@dataclass
class PodmanEdge:
    """A Caddy that podman-compose started: found by its labels, as names differ between releases."""

    podman: Podman
    project: str
    options: EdgeOptions
    _found: dict[str, Any] = field(default_factory=dict)

    def _container(self) -> dict[str, Any]:
        if not self._found:
            found = self.podman.compose_container(self.project, self.options.service)
            if found is None:
                raise BluegreenError(
                    "no container of project %s" % self.project,
                    option="edge.service",
                    value=self.options.service,
                    mend="name the compose project and its Caddy service",
                )
            self._found = found
        return self._found

    def place(self) -> Place:
        container = self._container()
        name = str(container["Name"])
        for mount in container.get("Mounts", []):
            if mount.get("Destination") == self.options.mount and mount.get("RW") and os.path.isdir(mount["Source"]):
                status = os.stat(mount["Source"])
                directory = os.path.join(mount["Source"], DIRECTORY)
                return Place(name, int(container["State"]["Pid"]), directory, (status.st_uid, status.st_gid))
        raise BluegreenError(
            "the edge %s has no writable volume at %s, where the switch must live" % (name, self.options.mount),
            option="edge.mount",
            value=self.options.mount,
            mend="name another named volume of it; if it has none, add `caddy_config:%s` to the service %s and recreate"
            " that one container (-e bluegreen_recreate_edge=true)" % (self.options.mount, self.options.service),
        )

    def _pid(self) -> int:
        pid = int(self._container()["State"]["Pid"])
        if not pid:
            raise BluegreenError("the edge %s is not running" % self._container()["Name"], mend="start it")
        return pid

    def caddy(self, *args: str, stdin: str | None = None) -> Result:
        where = os.path.dirname(self.options.config_path)
        container = str(self._container()["Id"])
        return self.podman.run("exec", "-i", "--workdir", where, container, "caddy", *args, stdin=stdin)

    def network(self) -> AbstractContextManager[None]:
        return network_of(self._pid())

    def seen_caddyfile(self) -> bytes | None:
        try:
            with open("/proc/%d/root%s" % (self._pid(), self.options.config_path), "rb") as handle:
                return handle.read()
        except FileNotFoundError:
            return None


class Admin:
    """What the running edge says about itself, asked at its admin endpoint from inside its network."""

    def __init__(self, edge: Edge, http: Http) -> None:
        self._edge = edge
        self._http = http

    def _get(self, path: str) -> Any:
        host, _colon, port = self._edge.options.admin.rpartition(":")
        with self._edge.network():
            answer: Response = self._http.request(
                "GET",
                "http://%s:%s%s" % (host, port, path),
                connect=("127.0.0.1" if host == "localhost" else host, int(port)),
                timeout=5,
            )
        if answer.status != 200:
            raise BluegreenError(
                "the edge's admin endpoint does not answer: %s" % (answer.error or "status %d" % answer.status),
                option="edge.admin",
                value=self._edge.options.admin,
                mend="is the edge running, and is its `admin` option on?",
            )
        return answer.json()

    def config(self) -> Any:
        """The running configuration."""
        return self._get("/config/")

    def requests(self) -> dict[str, int]:
        """Requests (and WebSockets) in flight by upstream address. An address that is not there is not known."""
        return {one["address"]: int(one["num_requests"]) for one in self._get("/reverse_proxy/upstreams") or []}


def adapt(edge: Edge, text: str) -> Any:
    """The configuration that the edge's own Caddy makes of a Caddyfile, without running or opening anything."""
    result = _adapted(edge, text)
    if result.rc != 0:
        raise CommandError("the edge's Caddy refuses the Caddyfile: %s" % result.last_words())
    return json.loads(result.out)


def _adapted(edge: Edge, text: str) -> Result:
    result = edge.caddy("adapt", "--config", "-", "--adapter", "caddyfile", stdin=text)
    if result.rc != 0 and "open -:" in result.err:
        # Caddy 2.6: relative imports don't work this way there, which then is an error and no wrong answer.
        return edge.caddy("adapt", "--config", "/dev/stdin", "--adapter", "caddyfile", stdin=text)
    return result


def has_named_logs(edge: Edge) -> bool:
    """Whether this Caddy lets a site have a second log under its own name (2.6 and older don't)."""
    return _adapted(edge, "a.test {\n\tlog b\n}\n").rc == 0


def silent(addresses: Sequence[str], network: AbstractContextManager[None], timeout: float = 1.0) -> list[str]:
    """Those of ``addresses`` (ip:port) that accept no TCP connection within ``timeout`` seconds, all asked at once."""
    sockets: dict[str, socket.socket] = {}
    with network:
        for address in addresses:
            host, _colon, port = address.rpartition(":")
            sockets[address] = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            sockets[address].connect_ex((host, int(port)))
    answered = set()
    deadline = time.monotonic() + timeout
    with selectors.DefaultSelector() as waiting:
        for address, sock in sockets.items():
            waiting.register(sock, selectors.EVENT_WRITE, address)
        while waiting.get_map() and time.monotonic() < deadline:
            for key, _events in waiting.select(max(0.0, deadline - time.monotonic())):
                waiting.unregister(key.fileobj)
                if not sockets[key.data].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    answered.add(key.data)
    for sock in sockets.values():
        sock.close()
    return [address for address in addresses if address not in answered]


def connections(pid: int, addresses: Sequence[str]) -> dict[str, int]:
    """Open TCP connections from the network of ``pid`` by remote address, kept-alive idle ones included."""
    counts = dict.fromkeys(addresses, 0)
    with open("/proc/%d/net/tcp" % pid, encoding="ascii") as handle:
        rows = [line.split() for line in handle][1:]
    for row in rows:
        raw, port = row[2].split(":")
        remote = "%s:%d" % (socket.inet_ntoa(bytes.fromhex(raw)[::-1]), int(port, 16))
        if row[3] == ESTABLISHED and remote in counts:
            counts[remote] += 1
    return counts
