# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours on hosts of their own (127.0.4.x and 127.0.5.x here): TLS that is checked, several upstreams, their health.

The module's own options say who is reached where; the names of the operator's configuration stay what upstreams hear.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from kit import caddy_native as native
from kit.caddy_named import NAMED
from kit.ports import free_port

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.options import reached

HOSTS = {"blue": "127.0.4.1", "green": "127.0.5.1"}
SERVICES = {
    "kratos": {"port": 4433, "admin_port": 4434},
    "one": {"port": 3000},
    "two": {"port": 3000},
    "three": {"port": 3000},
}
TLS_SITE = """http://tls.test {
    reverse_proxy https://app.internal:%(tls)d {
        health_uri /health
        health_interval 100ms
        transport http {
            tls_trusted_ca_certs %(ca)s
        }
    }
}
http://checked.test {
    reverse_proxy one.internal:%(one)d {
        health_uri /health
        health_interval 100ms
        health_headers {
            X-Checked yes
        }
    }
}
"""
SEVERAL_SITE = """http://several.test {
    reverse_proxy two.internal:%(two)d three.internal:%(three)d {
        lb_policy round_robin
        health_uri /health
        health_interval 100ms
        health_timeout 2s
    }
}
"""
HEAD = """{
    admin localhost:%(admin)d
    http_port %(port)d
    auto_https off
}
"""
ASKED: WeakKeyDictionary[object, str] = WeakKeyDictionary()


class Far(BaseHTTPRequestHandler):
    """Says who answers and what it was called; remembers the Host of each health check. One request a connection, so
    that a server that ends is gone."""

    who = ""
    checked: set[str]

    def log_message(self, *args: object) -> None:
        pass

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def do_GET(self) -> None:
        if self.path == "/health":
            self.checked.add("%s %s" % (ASKED.get(self.connection, "-"), self.headers["Host"]))
        data = ("%s %s %s" % (self.who, ASKED.get(self.connection, "-"), self.headers["Host"])).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Nobody:
    """Podman of the edge's host: no container of the project is there."""

    def run(self, argv: Any, **more: Any) -> Result:
        return Result(0, "", "")


class FarWorld(native.World):
    """``far``: (colour, service) -> its server; each has a handler class of its own."""

    def __init__(self, directory: Path, caddy: str, syntax: str, tls: ssl.SSLContext, ca: str) -> None:
        self.far: dict[tuple[str, str], native.Server] = {}
        blue = {name: free_port() for name in SERVICES}
        port, admin = free_port(), free_port()
        values = {**blue, "tls": blue["kratos"], "ca": ca, "admin": admin, "port": port}
        # Caddy's JSON takes no several upstreams of a coloured service.
        text = HEAD + TLS_SITE + (SEVERAL_SITE if syntax == "caddyfile" else "")
        edge = native.NativeEdge(directory, text % values, port, admin, caddy)
        if syntax == "json":
            self._as_json(edge)
        super().__init__(edge, 0, {})
        self.upstreams = reached(self._params(blue), Podman(Nobody())).upstreams
        for one in self.upstreams:
            for colour in HOSTS:
                if (colour, one.service) not in self.far and one.written.partition(":")[0].endswith(".internal"):
                    self.serve(colour, one.service, one.address(colour), tls if one.service == "kratos" else None)
        names = "127.0.0.1 localhost\n127.0.4.1 app.internal one.internal two.internal three.internal\n"
        (directory / "hosts").write_text(names)
        edge.prefix = [
            "unshare", "--mount", "--propagation", "private", "sh", "-c", NAMED, str(directory / "hosts"),
        ]  # fmt: skip

    @staticmethod
    def _as_json(edge: native.NativeEdge) -> None:
        told = subprocess.run([edge.binary, "adapt", "--config", str(edge.path)], capture_output=True, check=True)
        edge.path = edge.directory / "caddy.json"
        edge.path.write_text(json.dumps(json.loads(told.stdout), indent="\t"))
        edge.flags = []
        edge.options = replace(edge.options, source="json", caddyfile=str(edge.path), config_path=str(edge.path))

    def _params(self, blue: dict[str, int]) -> dict[str, Any]:
        written = {
            "app.internal:%d" % blue["kratos"]: "kratos:4433",
            "one.internal:%d" % blue["one"]: "one:3000",
            "two.internal:%d" % blue["two"]: "two:3000",
            "three.internal:%d" % blue["three"]: "three:3000",
        }
        return {
            "deployment": "far", "state_dir": str(self.edge.directory / "state"), "network_range": "10.231.16.0/20",
            "shared": [], "services": SERVICES, "project": "prod", "publish": HOSTS, "upstreams": [], "port_base": {},
            "state": "adopted", "edge": {"kind": "native", "upstreams": written},
        }  # fmt: skip

    def serve(self, colour: str, name: str, address: str, tls: ssl.SSLContext | None) -> None:
        host, _colon, port = address.partition(":")
        assert host == HOSTS[colour]
        server = native.Server((host, int(port)), type(name, (Far,), {"who": colour + "-" + name, "checked": set()}))
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.far[colour, name] = server

    def checked(self, colour: str, name: str) -> set[str]:
        """What the health checks of one server have called it."""
        handler: Any = self.far[colour, name].RequestHandlerClass
        return set(handler.checked)

    def heard(self, host: str) -> str:
        answer = self.ask("/", host=host)
        return answer.body.decode() if answer.status == 200 else "%d %s" % (answer.status, answer.error)

    def end(self, colour: str, name: str) -> None:
        self.far[colour, name].shutdown()
        self.far.pop((colour, name)).server_close()

    def close(self) -> None:
        self.edge.stop()
        for colour, name in list(self.far):
            self.end(colour, name)


def until(look: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 20
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def remember(sock: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
    ASKED[sock] = name or ""


def certificate(directory: Path, name: str) -> tuple[str, str]:
    key, cert = str(directory / (name + ".key")), str(directory / (name + ".pem"))
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + name]
    made += ["-addext", "subjectAltName=DNS:" + name, "-keyout", key, "-out", cert]
    subprocess.run(made, check=True, capture_output=True)
    return key, cert


@pytest.fixture(params=["caddyfile", "json"])
def world(tmp_path: Path, caddy: str, request: pytest.FixtureRequest) -> Iterator[FarWorld]:
    key, cert = certificate(tmp_path, "app.internal")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.sni_callback = remember
    found = FarWorld(tmp_path, caddy, request.param, context, cert)
    try:
        found.edge.start()
        until(lambda: listens(found.edge.options.port), "the edge's sites")
        yield found
    finally:
        found.close()


def test_other_hosts_hear_the_names_of_the_operators_configuration(world: FarWorld) -> None:
    """TLS names and their proof, Host, and what a health check says: the same for every colour, before and after."""
    tls, plain = world.heard("tls.test"), world.heard("checked.test")
    assert tls.startswith("blue-kratos app.internal ") and plain.startswith("blue-one - ")
    until(lambda: world.checked("blue", "kratos") and world.checked("blue", "one"), "health checks")
    checks = {name: world.checked("blue", name) for name in ("kratos", "one")}
    assert {len(one) for one in checks.values()} == {1}
    world.app(state="adopted")
    assert (world.heard("tls.test"), world.heard("checked.test")) == (tls, plain)
    flips: list[dict[str, Any]] = [{"state": "live", "colour": "green", "token": 1}, {"state": "returned"}]
    for flip, colour in zip(flips, ("green", "blue")):
        assert world.app(**flip)["live"] == colour
        assert world.heard("tls.test") == tls.replace("blue", colour)
        assert world.heard("checked.test") == plain.replace("blue", colour)
    until(lambda: world.checked("green", "kratos") and world.checked("green", "one"), "health checks of green")
    for colour in HOSTS:
        assert {name: world.checked(colour, name) for name in checks} == checks
    world.app(state="undone")
    assert (world.heard("tls.test"), world.heard("checked.test")) == (tls, plain)


@pytest.mark.parametrize("world", ["caddyfile"], indirect=True)
def test_a_colour_of_several_upstreams_goes_on_without_one_of_them(world: FarWorld) -> None:
    world.app(state="adopted")

    def who() -> set[str]:
        return {world.heard("several.test").split(" ")[0] for _time in range(12)}

    until(lambda: who() == {"blue-two", "blue-three"}, "both of blue")
    world.app(state="live", colour="green")
    assert who() == {"green-two", "green-three"}
    world.end("green", "two")
    until(lambda: who() == {"green-three"}, "the one that is left")
    world.app(state="returned")
    assert who() == {"blue-two", "blue-three"}


@pytest.mark.parametrize("world", ["caddyfile"], indirect=True)
def test_a_colour_with_another_certificate_is_not_trusted(world: FarWorld, tmp_path: Path) -> None:
    world.app(state="adopted")
    world.end("green", "kratos")
    key, cert = certificate(tmp_path, "stranger.internal")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    address = next(one.green for one in world.upstreams if one.service == "kratos")
    world.serve("green", "kratos", address, context)
    with pytest.raises(BluegreenError, match=r"tls\.test/ says .*50[23]"):
        world.app(state="live", colour="green")
    assert world.app(state="returned")["live"] == "blue" and world.heard("tls.test").startswith("blue-kratos")
