# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TCP as the kernel lists it: who listens, who is connected, who answers."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

ESTABLISHED, LISTEN = "01", "0A"


# The kernel asks again after 1 s and after 3: one lost packet is no death.
CONNECT = 3.5
LOOKS = 10


def silent(addresses: Sequence[str], network: AbstractContextManager[None], timeout: float = CONNECT) -> list[str]:
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


@dataclass(frozen=True)
class Row:
    """One TCP socket: ``local`` and ``remote`` are (address, port); an IPv4 address mapped into IPv6 is IPv4. ``uid``:
    the user that made it."""

    local: tuple[str, int]
    remote: tuple[str, int]
    inode: str
    uid: int


def rows(state: str, pid: int | str = "self") -> Iterator[Row]:
    """The TCP sockets of one state in the network of ``pid``.

    There may be ten thousands of others, of connections that just ended: they are passed over unread. Those that
    listen the kernel lists before all others.
    """
    column = " %s " % state
    for table in ("tcp", "tcp6"):
        try:
            with open("/proc/%s/net/%s" % (pid, table), encoding="ascii") as handle:
                next(handle, "")
                for line in handle:
                    parts = line.split() if column in line else [""] * 4
                    if parts[3] == state:
                        yield Row(_end(parts[1]), _end(parts[2]), parts[9], int(parts[7]))
                    elif state == LISTEN:
                        break
        except OSError:
            continue


def _end(text: str) -> tuple[str, int]:
    raw, port = text.split(":")
    # Words of four bytes, each in the machine's order.
    packed = b"".join(bytes.fromhex(raw[at : at + 8])[::-1] for at in range(0, len(raw), 8))
    if packed.startswith(bytes(10) + b"\xff\xff"):
        packed = packed[12:]
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed), int(port, 16)


def connections(pid: int, addresses: Sequence[str]) -> dict[str, int]:
    """Open TCP connections from the network of ``pid`` by remote address, kept-alive idle ones included."""
    counts = dict.fromkeys(addresses, 0)
    for row in rows(ESTABLISHED, pid):
        remote = "%s:%d" % row.remote
        if remote in counts:
            counts[remote] += 1
    return counts


def clients(pid: int, ports: Collection[int]) -> int:
    """Open TCP connections to the ``ports`` that the edge listens on: what a reload can cost a request each."""
    return sum(row.local[1] in ports for row in rows(ESTABLISHED, pid))
