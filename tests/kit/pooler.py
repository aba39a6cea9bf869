# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pooler as far as a session's beginning goes: what a client sets there it drops, or refuses as pgbouncer does."""

from __future__ import annotations

import socket
import struct
import threading
from types import TracebackType

PASSED = (b"user", b"database", b"application_name", b"client_encoding")


class Pooler:
    """``port`` on 127.0.0.1 while it is entered."""

    def __init__(self, server: int, refuses: bool = False) -> None:
        self.server, self.refuses = server, refuses
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])

    def __enter__(self) -> Pooler:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            length = struct.unpack("!i", _exactly(client, 4))[0]
            body = _exactly(client, length - 4)
            parts = body[4:].rstrip(b"\0").split(b"\0")
            given = dict(zip(parts[::2], parts[1::2]))
            others = [name for name in given if name not in PASSED]
            if others and self.refuses:
                client.sendall(_error(b"unsupported startup parameter: " + others[0]))
                return
            kept = b"".join(name + b"\0" + given[name] + b"\0" for name in given if name in PASSED) + b"\0"
            with socket.create_connection(("127.0.0.1", self.server)) as server:
                server.sendall(struct.pack("!i", 8 + len(kept)) + body[:4] + kept)
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()


def _exactly(client: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = client.recv(size - len(found))
        if not part:
            raise ConnectionError
        found += part
    return found


def _copy(source: socket.socket, to: socket.socket) -> None:
    try:
        while True:
            part = source.recv(65536)
            if not part:
                to.shutdown(socket.SHUT_WR)
                return
            to.sendall(part)
    except OSError:
        return


def _error(text: bytes) -> bytes:
    body = b"SFATAL\0VFATAL\0C08P01\0M" + text + b"\0\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body
