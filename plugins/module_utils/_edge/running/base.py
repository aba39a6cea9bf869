# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running edge: where its files are, what it runs, what it talks to.

``Edge`` is the seam: everything above it works on a Caddy in a container as on one that is a process of the host.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..._core.errors import CommandError, Refused
from ..._core.files import read_bytes
from ..._core.names import STATE_DIR
from ..._core.runner import Result
from ..._deployment import tree
from ..config.snippets import DIRECTORY

# Where a native edge's switch lies: Caddy's user must be able to pass there, and no service manager may hide it.
NATIVE_SWITCH = tree.EDGE_STATE
KINDS, SOURCES, METHODS = tree.CADDY_KINDS, tree.SOURCES, tree.METHODS
# An edge that is not on this host: only its switch is (_cloudflare/edge.py).
CLOUDFLARE = tree.CLOUDFLARE


@dataclass(frozen=True)
class EdgeOptions:
    """``caddyfile`` (the JSON file for ``source`` json) is on the host, ``config_path`` and ``mount`` are what the edge
    sees; ``address``, ``port`` and ``scheme`` say where the public names are asked, ``ca`` is a PEM file or ''.

    Without a ``mount`` the switch of a container lies in ``switch_dir`` of the host, as that of a process does.
    ``state_dir`` is root's own: what root writes elsewhere goes by a file there, never by one on the edge's volume.
    ``upstreams``: what the configuration dials (host:port) -> the coloured service and port that it means."""

    caddyfile: str
    service: str = "caddy"
    config_path: str = "/etc/caddy/Caddyfile"
    mount: str = "/config"
    address: str = "127.0.0.1"
    port: int = 443
    scheme: str = "https"
    ca: str = ""
    admin: str = "localhost:2019"
    admin_origin: str = ""
    kind: str = "container"
    source: str = "caddyfile"
    method: str = "switch"
    switch_dir: str = NATIVE_SWITCH
    state_dir: str = STATE_DIR
    upstreams: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """``name`` for messages, ``directory`` the switch directory on the host, ``owner`` who owns the edge's volume.
    ``doubt``: why ``pid`` may not be the edge, so that only a rollback goes on."""

    name: str
    pid: int
    directory: str
    owner: tuple[int, int]
    doubt: Refused | None = None


class Edge(Protocol):
    options: EdgeOptions

    def place(self) -> Place:
        """Where it is. Raises BluegreenError with what to fix."""

    def caddy(self, *args: str, stdin: str | None = None) -> Result:
        """Run the edge's own Caddy binary where the edge runs."""

    def network(self) -> AbstractContextManager[None]:
        """Speak from the edge's network."""

    def seen_caddyfile(self) -> bytes | None:
        """The configuration file as the edge sees it; None where it sees none."""

    def exported(self) -> Sequence[str]:
        """Variables whose values its process has and a program that is started beside it has not."""

    def hidden(self, directory: str) -> str:
        """Why the edge can't use the switch in ``directory`` of this host as it must; '' where it can."""


def root_of(edge: Edge) -> str:
    """The directory that the edge's file matchers look into, as the edge sees it."""
    return "%s/%s/switch" % (edge.options.mount.rstrip("/"), DIRECTORY)


def seen_file(pid: int, path: str) -> bytes | None:
    """A file as process ``pid`` sees it."""
    return read_bytes("/proc/%d/root%s" % (pid, path))


def same_place(pid: int, path: str, directory: str) -> bool:
    """Whether ``path`` of process ``pid`` is ``directory`` of ours."""
    try:
        return os.path.samefile("/proc/%d/root%s" % (pid, path), directory)
    except OSError:
        return False


def arguments(pid: int) -> list[str]:
    """The command line of a process."""
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as handle:
            return [part.decode(errors="replace") for part in handle.read().split(b"\0")[:-1]]
    except OSError:
        return []


def environment(pid: int) -> dict[str, str]:
    """The environment of a process. There may be secrets in it."""
    with open("/proc/%d/environ" % pid, "rb") as handle:
        pairs = [part.partition(b"=") for part in handle.read().split(b"\0")]
    return {os.fsdecode(name): os.fsdecode(value) for name, sign, value in pairs if sign}


def adapt(edge: Edge, text: str) -> Any:
    """The configuration that the edge's own Caddy makes of a Caddyfile, without running or opening anything."""
    result = _adapted(edge, text)
    if result.rc != 0:
        raise CommandError(
            "the edge's Caddy refuses the Caddyfile: %s" % result.last_words(),
            fix="correct the file; the edge still runs the previous configuration",
        )
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
