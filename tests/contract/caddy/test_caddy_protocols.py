# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A flip as clients see it that hold one connection open: HTTP/1.1, HTTP/2 over TLS and in clear text, HTTP/3.

The client of each protocol is a Caddy of its own (the current one) that keeps its connection to the edge and is asked
by plain HTTP/1.1; the edge's access log says which protocol was spoken.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from kit import caddy_native as native
from kit.ports import free_port

EDGE = """{
    admin localhost:%(admin)d
    default_bind 127.0.0.1
    http_port %(port)d
    https_port %(secure)d
    local_certs
    skip_install_trust
    servers {
        protocols h1 h2 h2c h3
    }
}
http://login.test, https://login.test {
    @kratos path /self-service/* /sessions/*
    reverse_proxy @kratos kratos:%(backend)d
    reverse_proxy hera:%(backend)d
}
http://site.test, https://site.test {
    reverse_proxy site:%(backend)d
}
"""
CLIENT = """http://127.0.0.1:%(own)d {
    reverse_proxy %(dialled)s {
        header_up Host {http.request.header.X-Site}
        header_up X-Client "%(name)s"
        flush_interval -1
        transport http {
            versions %(version)s
            %(tls)s
        }
    }
}
"""
# What the edge's log calls it -> how a client of it is told to dial: scheme, port, version.
PROTOCOLS = {
    "HTTP/1.1": ("https", "secure", "1.1"),
    "HTTP/2.0": ("https", "secure", "2"),
    "HTTP/2.0 in clear text": ("h2c", "port", "h2c 2"),
    "HTTP/3.0": ("https", "secure", "3"),
}
TLS = "tls_insecure_skip_verify\n            tls_server_name site.test"
SITES = (("site.test", "/"), ("login.test", "/"), ("login.test", "/sessions/x"))


class Held(native.Backend):
    """/held waits between its first words and its last."""

    def do_GET(self) -> None:
        if self.path != "/held":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"6\r\nbegun \r\n")
        self.wfile.flush()
        native.GO_ON.wait(30)
        said = ("ended by " + self.colour).encode()
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(said), said))


@dataclass
class Clients:
    """The edge, and the port of the client of each protocol."""

    world: native.World
    ports: dict[str, int] = field(default_factory=dict)

    def connection(self, protocol: str) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.ports[protocol], timeout=20)

    def begin(
        self, protocol: str, path: str = "/", host: str = "site.test"
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = self.connection(protocol)
        connection.request("GET", path, headers={"X-Site": host})
        return connection, connection.getresponse()

    def colour(self, protocol: str, path: str = "/", host: str = "site.test") -> str:
        connection, answer = self.begin(protocol, path, host)
        try:
            answer.read()
            return str(answer.headers.get("X-Bluegreen-Colour", answer.status))
        finally:
            connection.close()

    def spoken(self) -> dict[str, str]:
        """Client -> the protocol that the edge heard from it since adopt."""
        log = Path(self.world.edge.place().directory) / "log" / "access.log"
        lines = [json.loads(line)["request"] for line in log.read_text().splitlines()]
        return {one["headers"]["X-Client"][0]: one["proto"] for one in lines if "X-Client" in one["headers"]}

    def open_on(self, colour: str) -> int:
        """Requests under way on a colour, by Caddy's own count."""
        listed = self.world.admin.requests()
        addresses = {native.ADDRESS[colour] % number for number in range(1, len(native.SERVICES) + 1)}
        return sum(count for dial, count in listed.items() if dial.rpartition(":")[0] in addresses)


def ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + 15
    while True:
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.02)


@pytest.fixture
def clients(tmp_path: Path, caddy: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    native.GO_ON.clear()
    monkeypatch.setattr(native, "Backend", Held)
    values = {"secure": free_port(), "port": 0}
    with native.world(tmp_path, EDGE.replace("%(secure)d", str(values["secure"])), caddy) as world:
        values["port"] = world.edge.options.port
        found = Clients(world, {name: free_port() for name in PROTOCOLS})
        sites = [
            CLIENT
            % {
                "name": name,
                "own": found.ports[name],
                "dialled": "%s://127.0.0.1:%d" % (scheme, values[port]),
                "version": version,
                "tls": TLS if scheme == "https" else "",
            }
            for name, (scheme, port, version) in PROTOCOLS.items()
        ]
        path, log = tmp_path / "clients", tmp_path / "clients.log"
        path.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + "".join(sites))
        with log.open("wb") as out:
            command = [native.binary(), "run", "--config", str(path), "--adapter", "caddyfile"]
            process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            ready(process, found.ports["HTTP/3.0"], log)
            world.app(state="adopted")
            # The edge makes its certificates while it serves already.
            until = time.monotonic() + 20
            while {found.colour(name) for name in PROTOCOLS} != {"blue"}:
                assert time.monotonic() < until, log.read_text()
            yield found
        finally:
            native.GO_ON.set()
            process.kill()
            process.wait()


def test_a_flip_is_seen_over_connections_that_are_open_and_cuts_no_stream(clients: Clients) -> None:
    streams = {name: clients.begin(name, "/held") for name in PROTOCOLS}
    for name, (_connection, stream) in streams.items():
        assert (stream.status, stream.read(6)) == (200, b"begun "), name
    assert {name: clients.colour(name) for name in PROTOCOLS} == dict.fromkeys(PROTOCOLS, "blue")
    clients.world.app(state="live", colour="green")
    assert {name: clients.colour(name) for name in PROTOCOLS} == dict.fromkeys(PROTOCOLS, "green")
    assert clients.world.app(state="returned")["live"] == "blue"
    assert {name: clients.colour(name) for name in PROTOCOLS} == dict.fromkeys(PROTOCOLS, "blue")
    clients.world.app(state="live", colour="green", token=2)
    assert clients.open_on("blue") == len(PROTOCOLS)
    native.GO_ON.set()
    assert {name: stream.read() for name, (_connection, stream) in streams.items()} == dict.fromkeys(
        PROTOCOLS, b"ended by blue"
    )
    for connection, _stream in streams.values():
        connection.close()
    assert clients.spoken() == {name: name.partition(" in ")[0] for name in PROTOCOLS}


def test_an_upload_that_is_under_way_ends_where_it_began(clients: Clients) -> None:
    sending = {}
    for name in PROTOCOLS:
        sending[name] = clients.connection(name)
        sending[name].putrequest("POST", "/form")
        sending[name].putheader("X-Site", "site.test")
        sending[name].putheader("Content-Length", "4")
        sending[name].endheaders(b"bl")
    until = time.monotonic() + 20
    while clients.open_on("blue") < len(PROTOCOLS):
        assert time.monotonic() < until
        time.sleep(0.02)
    clients.world.app(state="live", colour="green")
    for name, connection in sending.items():
        connection.send(b"ue")
        assert connection.getresponse().read() == b"blue took blue", name
        connection.close()


@dataclass(frozen=True)
class Seen:
    begun: float
    ended: float
    colour: str


def test_every_site_moves_by_one_act(clients: Clients) -> None:
    """Once anybody was answered by green, nobody who asks from then on is answered by blue: whatever site, path or
    protocol."""
    found: list[Seen] = []
    flipped = threading.Event()

    def ask(protocol: str, host: str, path: str) -> None:
        after = 0
        while after < 5:
            begun = time.monotonic()
            colour = clients.colour(protocol, path, host)
            found.append(Seen(begun, time.monotonic(), colour))
            after += flipped.is_set()

    threads = [threading.Thread(target=ask, args=(name, *site)) for name in PROTOCOLS for site in SITES]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 30
    while len(found) < 5 * len(threads) and time.monotonic() < until:
        time.sleep(0.01)
    clients.world.app(state="live", colour="green")
    flipped.set()
    for thread in threads:
        thread.join(60)
    assert {one.colour for one in found} == {"blue", "green"}
    first = min(one.ended for one in found if one.colour == "green")
    assert [one for one in found if one.begun > first and one.colour != "green"] == []
    assert clients.spoken() == {name: name.partition(" in ")[0] for name in PROTOCOLS}
