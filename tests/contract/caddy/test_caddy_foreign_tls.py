# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upstreams that speak TLS: they go on hearing the names that they heard before addresses were dialled."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest
from kit import caddy_native as native
from kit.caddy_named import start
from kit.ports import free_port

CADDYFILE = """{
    admin localhost:%(admin)d
    http_port %(port)d
    auto_https off
}
http://scheme.test {
    reverse_proxy https://kratos:%(backend)d {
        transport http {
            tls_insecure_skip_verify
        }
    }
}
http://transport.test {
    reverse_proxy kratos:%(backend)d {
        transport http {
            tls
            tls_insecure_skip_verify
        }
    }
}
http://named.test {
    reverse_proxy https://kratos:%(backend)d {
        header_up Host {upstream_hostport}
        transport http {
            tls_insecure_skip_verify
            tls_server_name own.test
        }
    }
}
"""


# The name that each connection asked for in its handshake.
ASKED: WeakKeyDictionary[object, str] = WeakKeyDictionary()


class Heard(BaseHTTPRequestHandler):
    """Answers with its colour, the name that TLS asked for, and the Host."""

    protocol_version = "HTTP/1.1"
    colour = ""

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        name = ASKED.get(self.connection, "")
        data = ("%s %s %s" % (self.colour, name, self.headers["Host"])).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def remember(sock: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
    ASKED[sock] = name or ""


@pytest.fixture
def world(tmp_path: Path, caddy: str) -> Iterator[native.World]:
    key, cert = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=kratos"]
    subprocess.run([*made, "-keyout", key, "-out", cert], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.sni_callback = remember
    servers: list[native.Server] = []
    for colour, address in native.ADDRESS.items():
        handler = type(colour, (Heard,), {"colour": colour})
        server = native.Server((address % 1, servers[0].server_address[1] if servers else 0), handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    port, admin, backend = free_port(), free_port(), int(servers[0].server_address[1])
    edge = native.NativeEdge(
        tmp_path, CADDYFILE % {"admin": admin, "port": port, "backend": backend}, port, admin, caddy
    )
    start(edge)
    try:
        yield native.World(edge, backend, {})
    finally:
        edge.stop()
        for server in servers:
            server.shutdown()
            server.server_close()


def heard(world: native.World) -> list[str]:
    return [world.ask("/", host=host).body.decode() for host in ("scheme.test", "transport.test", "named.test")]


def test_upstreams_with_tls_hear_the_same_names(world: native.World, caddy: str) -> None:
    before, port = heard(world), world.backend_port
    # Since 2.11 the upstream is told its own address as Host.
    hosts = ["kratos:%d" % port] * 2 if caddy == "current" else ["scheme.test", "transport.test"]
    assert before == ["blue kratos " + hosts[0], "blue kratos " + hosts[1], "blue own.test kratos:%d" % port]
    world.app(state="adopted")
    assert heard(world) == before
    world.app(state="live", colour="green")
    assert heard(world) == [row.replace("blue", "green") for row in before]
    world.app(state="returned")
    world.app(state="undone")
    assert heard(world) == before
