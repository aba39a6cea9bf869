# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets with one deadline for everything, and a limit: a peer that sends a byte a second delays no caller.

The timeout of a socket is for one read. Here each step (look-up, connect, TLS, send, read) gets what is left.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Bytes of one answer, its headers among them. Pages, keys and configurations are far smaller.
LIMIT = 16 << 20


class Deadline:
    """``seconds`` from now."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds, more than 0. Raises TimeoutError."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


class Timed:
    """What http.client wants of a socket. To close ``sock`` is left to who opened it."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock, self._deadline = sock, deadline

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._sock.settimeout(self._deadline.left())
            view = view[self._sock.send(view) :]

    def makefile(self, _mode: str = "rb") -> io.BufferedReader:
        return io.BufferedReader(_Received(self._sock, self._deadline))

    def close(self) -> None:
        pass


class _Received(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock, self._deadline = sock, deadline
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._sock.settimeout(self._deadline.left())
        count = self._sock.recv_into(buffer)
        self._count += count
        if self._count > LIMIT:
            raise OSError("the answer is longer than %d MiB" % (LIMIT >> 20))
        return count


def connected(host: str, port: int, deadline: Deadline, source: tuple[str, int] | None = None) -> socket.socket:
    """A TCP connection to the first address that takes one. Raises OSError."""
    addresses = _resolved(host, port, deadline)
    for number, address in enumerate(addresses, 1):
        # One that answers nothing leaves time for the next.
        seconds = deadline.left() / (len(addresses) - number + 1)
        try:
            return socket.create_connection((address, port), seconds, source)
        except OSError:
            if number == len(addresses):
                raise
    raise OSError("%s has no address" % host)


def _resolved(host: str, port: int, deadline: Deadline) -> Sequence[str]:
    """The system's resolver has no deadline, so it is left behind where it hangs."""
    found: list[Sequence[str] | Exception] = []

    def ask(flags: int = 0) -> None:
        try:
            told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
            found.append(list(dict.fromkeys(str(one[4][0]) for one in told)))
        except (OSError, UnicodeError) as exc:
            found.append(exc)

    ask(socket.AI_NUMERICHOST)
    if isinstance(found[0], Exception):
        found.clear()
        # A thread is in the network of the one that starts it.
        thread = threading.Thread(target=ask, name="resolver", daemon=True)
        thread.start()
        thread.join(deadline.left())
    if not found:
        raise TimeoutError("%s was not resolved in time" % host)
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]
