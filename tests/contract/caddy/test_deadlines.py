# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Peers that drip, or never end: an answer has one deadline for all of it, and a limit."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running import admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import journeys
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Endpoint

# Seconds: a whole answer may take SHORT. Each read gets something within PAUSE, until LONG.
SHORT, PAUSE, LONG = 0.2, 0.04, 6.0
OK = b"HTTP/1.1 200 OK\r\n"
Sends = Callable[[socket.socket], None]


def drip(head: bytes, drop: bytes) -> Sends:
    def send(sock: socket.socket) -> None:
        sock.sendall(head)
        until = time.monotonic() + LONG
        while time.monotonic() < until:
            sock.sendall(drop)
            time.sleep(PAUSE)

    return send


DRIPS = {
    "status": drip(b"", b" "),
    "headers": drip(OK, b"X-More: 1\r\n"),
    "one header": drip(OK + b"X-More: ", b"x"),
    "continue": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "length": drip(OK + b"Content-Length: 900\r\n\r\n", b"x"),
    "until closed": drip(OK + b"\r\n", b"x"),
    "chunks": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "one chunk": drip(OK + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n", b"x"),
    "trailers": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-More: 1\r\n"),
    # A record of TLS of 4000 bytes: the handshake of a server.
    "TLS": drip(b"\x16\x03\x03\x0f\xa0\x02\x00\x0f\x9c\x03\x03", b"x"),
}


@contextmanager
def served(sends: Sends, listening: socket.socket) -> Iterator[Any]:
    """Who listens: the address, for as many connections as come."""

    def one(sock: socket.socket) -> None:
        with suppress(OSError), sock:
            sock.recv(4096)
            sends(sock)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=one, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listening.getsockname()
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


@contextmanager
def dripping(sends: Sends) -> Iterator[tuple[str, int]]:
    with served(sends, socket.create_server(("127.0.0.1", 0))) as address:
        yield address


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@pytest.mark.parametrize("kind", DRIPS)
def test_a_whole_answer_has_a_deadline(kind: str) -> None:
    with dripping(DRIPS[kind]) as (host, port), at_most(LONG / 2):
        url = "%s://%s:%d/" % ("https" if kind == "TLS" else "http", host, port)
        answer = DirectHttp(verify=False).request("GET", url, timeout=SHORT)
    assert answer.status == 0 and answer.error


def test_a_peer_that_takes_nothing_has_one_too() -> None:
    with dripping(lambda sock: time.sleep(LONG)) as (host, port), at_most(LONG / 2):
        body = b"x" * (64 << 20)
        assert DirectHttp().request("POST", "http://%s:%d/" % (host, port), body=body, timeout=SHORT).status == 0


def test_a_name_that_nobody_resolves_has_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver waits for each of its servers in turn."""
    known = socket.getaddrinfo

    def hangs(host: str, *args: Any, **given: Any) -> Any:
        if host == "slow.test" and given.get("flags", 0) != socket.AI_NUMERICHOST:
            time.sleep(LONG)
        return known("127.0.0.1" if host == "slow.test" and not given.get("flags") else host, *args, **given)

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    with at_most(LONG / 2):
        assert DirectHttp().request("GET", "http://slow.test:1/", timeout=SHORT).status == 0


@pytest.mark.parametrize("head", [b"Content-Length: %d\r\n" % (1 << 62), b"", b"Transfer-Encoding: chunked\r\n"])
def test_an_answer_has_a_limit(head: bytes) -> None:
    def send(sock: socket.socket) -> None:
        block = b"x" * (1 << 20)
        sock.sendall(OK + head + b"\r\n" + (b"%x\r\n" % (1 << 62) if head.startswith(b"T") else b""))
        for _number in range(64):
            sock.sendall(block)

    with dripping(send) as (host, port):
        answer = DirectHttp().request("GET", "http://%s:%d/" % (host, port))
    assert answer.status == 0 and "longer than 16 MiB" in answer.error


@pytest.mark.parametrize("head", [b"Content-Length: 9\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n9\r\n"])
def test_half_an_answer_is_none(head: bytes) -> None:
    with dripping(lambda sock: sock.sendall(OK + head + b"half")) as (host, port):
        assert DirectHttp().request("GET", "http://%s:%d/" % (host, port)).status == 0


def test_a_page_that_drips_is_not_warm() -> None:
    """Each byte came in time, and the gate said ok after three times its deadline."""
    page = drip(OK + b"Content-Length: 12\r\n\r\n", b"x")
    with dripping(page) as address, at_most(LONG / 2):
        found = journeys.warm(DirectHttp(), Endpoint("site", address), "/", 1, SHORT)
    assert not found.ok and "no whole answer within" in found.detail


@pytest.mark.parametrize("kind", ["status", "headers", "length", "until closed", "chunks"])
@pytest.mark.parametrize("unix", [False, True])
def test_the_admin_endpoint_has_a_deadline(
    kind: str, unix: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "ASK", SHORT)
    listening = socket.create_server(("127.0.0.1", 0))
    if unix:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(tmp_path / "admin"))
        listening.listen()
    with served(DRIPS[kind], listening) as address, at_most(LONG / 2):
        options = SimpleNamespace(admin="unix/" + address if unix else "%s:%d" % address, admin_origin="")
        edge: Any = SimpleNamespace(
            options=options, network=nullcontext, place=lambda: SimpleNamespace(pid=os.getpid())
        )
        with pytest.raises(BluegreenError, match="does not answer"):
            admin.Admin(edge).config()


def test_the_admin_endpoint_has_a_limit() -> None:
    def send(sock: socket.socket) -> None:
        sock.sendall(OK + b"\r\n")
        for _number in range(64):
            sock.sendall(b" " * (1 << 20))
        sock.sendall(b"{}")

    with dripping(send) as address:
        options = SimpleNamespace(admin="%s:%d" % address, admin_origin="")
        edge: Any = SimpleNamespace(options=options, network=nullcontext)
        with pytest.raises(BluegreenError, match="longer than 16 MiB"):
            admin.Admin(edge).config()
