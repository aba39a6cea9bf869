# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Caddy's own rolling, as the watch reads it: how it names and packs what it rolls away."""

from __future__ import annotations

import http.client
import socket
import time
from pathlib import Path

from kit import caddy_native as native
from kit.ports import free_port

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock, wait_until
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.tail import Tail

CADDYFILE = """{
    admin localhost:%(admin)d
    auto_https off
}
http://:%(port)d {
    log {
        output file %(log)s {
            roll_size 1MiB
            roll_keep 10
        }
    }
    respond "well" 200
}
"""
# 16 KiB a line: a roll each 64 of them.
PAD = {"X-Pad": "x" * 16_000}


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def ask(port: int, first: int, count: int) -> None:
    """Requests with a number each, by one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for number in range(first, first + count):
        connection.request("GET", "/", headers={**PAD, "Host": "n%d.test" % number})
        connection.getresponse().read()
    connection.close()


def test_no_line_is_lost_through_caddys_rolls(tmp_path: Path, caddy: str) -> None:
    """C1: one roll and several between two looks, and read back by one who comes later."""
    port, admin, log = free_port(), free_port(), tmp_path / "log" / "access.log"
    text = CADDYFILE % {"admin": admin, "port": port, "log": log}
    edge = native.NativeEdge(tmp_path, text, port, admin, caddy)
    edge.start()
    try:
        # Caddy answers at its admin endpoint before it listens for visitors.
        wait_until(SystemClock(), lambda: listens(port), bool, 10)
        ask(port, 0, 1)
        tail = Tail(str(log))
        tail.open(1 << 20)
        seen = [line.route for line in tail.lines()]
        for first, count in ((1, 30), (31, 50), (81, 200)):
            ask(port, first, count)
            seen += [line.route for line in tail.lines()]
        # Caddy logs a request when its answer is out.
        until = time.monotonic() + 10
        while len(seen) < 281 and time.monotonic() < until:
            seen += [line.route for line in tail.lines()]
        rolled = [path.name for path in log.parent.iterdir() if path != log]
        late = Tail(str(log))
        late.open(64 << 20)
        again = [line.route for line in late.lines()]
    finally:
        edge.stop()
    assert len(rolled) >= 4 and all(name.startswith("access-") for name in rolled), rolled
    assert seen == ["n%d.test/" % number for number in range(281)] and tail.cuts == 0
    assert again == seen
