# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports for what a test or a bench starts."""

from __future__ import annotations

import socket

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock, wait_until
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.sockets import LISTEN, rows

_given: set[int] = set()


def free_port() -> int:
    """A TCP port that nobody on this machine listens on, at any address, and that this process was not given before."""
    while True:
        with socket.socket() as probe:
            probe.bind(("", 0))
            port = int(probe.getsockname()[1])
        if port not in _given:
            _given.add(port)
            return port


def one_listens(port: int) -> None:
    """A reload is answered while Caddy still closes its old listener: a connection may be let in by either."""

    def listening() -> int:
        return sum(row.local[1] == port for row in rows(LISTEN))

    assert wait_until(SystemClock(), listening, lambda count: count <= 1, 10, 0.01) <= 1
