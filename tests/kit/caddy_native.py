# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Caddy on loopback in front of tiny backends: blue ones on 127.0.2.x, green ones on 127.0.3.x."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp, Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import EdgeOptions, Place
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.states import App
from kit.ports import free_port, one_listens

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("kratos", "hera", "site")
ADDRESS = {"blue": "127.0.2.%d", "green": "127.0.3.%d"}


# Debian 12 ships the oldest Caddy that is supported; `make caddy-old` fetches it.
CADDIES = ("current", "2.6.2")
# What test_caddy_kinds and test_caddy_methods ask of the old one in make test, the others ask in make test-all.
CADDIES_IN_TURN = ("current", pytest.param("2.6.2", marks=pytest.mark.slow))


def binary(which: str = "current") -> str:
    """``current``: LAB_CADDY, the lab's own build or the one on the PATH; without any the test fails: it must not pass
    unseen. ``2.6.2``: LAB_CADDY_OLD or what `make caddy-old` fetched; without any the test is skipped and says so."""
    built = ROOT / "build" / "lab" / "bin"
    if which != "current":
        found = os.environ.get("LAB_CADDY_OLD") or str(built / ("caddy-" + which))
        if not os.path.exists(found):
            pytest.skip("NO CADDY %s: run `make caddy-old`, or name one in LAB_CADDY_OLD" % which)
        return found
    own = built / "caddy"
    there = os.environ.get("LAB_CADDY") or (str(own) if own.exists() else shutil.which("caddy"))
    if there:
        return there
    if os.environ.get("OLYMPUS_WITHOUT_CADDY"):
        pytest.skip("OLYMPUS_WITHOUT_CADDY is set")
    raise AssertionError("no Caddy: run `make lab`, or name one in LAB_CADDY, or set OLYMPUS_WITHOUT_CADDY=1")


# What the module would be given where a test says nothing else.
OPTIONS: Mapping[str, Any] = {
    "project": "prod",
    "public": [], "colour": None, "release": "", "token": 0, "force": False, "keep_sticky": False, "assume_live": "",
    "accept_pending": False,
    "deadline": 5.0, "seen": {}, "confirm_timeout": 10.0,
}  # fmt: skip


# What /slow waits for.
GO_ON = threading.Event()
# What a backend says that it was told.
HEARD = ("Host", "X-Via", "X-Forwarded-Uri", "X-Bluegreen-Preview")


class Backend(BaseHTTPRequestHandler):
    """Pages, an API, per-build assets, a form that only its own build accepts, something slow, something upgraded."""

    protocol_version = "HTTP/1.1"
    colour = ""

    def log_message(self, *args: object) -> None:
        pass

    def handle(self) -> None:
        # A proxy may drop a connection that it keeps for later.
        with suppress(ConnectionError):
            super().handle()

    def _say(self, status: int, kind: str, body: str) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Set-Cookie", "own=1")
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        if self.path.startswith("/api"):
            self._say(200, "application/json", json.dumps({"colour": self.colour}))
        elif self.path.startswith("/headers"):
            heard = {name: self.headers[name] for name in HEARD if name in self.headers}
            self._say(200, "application/json", json.dumps({"colour": self.colour, "path": self.path, **heard}))
        elif self.path == "/_next/static/app-%s.js" % self.colour:
            self._say(200, "text/javascript", "built by " + self.colour)
        elif self.path.startswith("/whoami"):
            self._say(401, "text/plain", "nobody")
        elif self.path.startswith("/leave"):
            self._say(302, "text/plain", "elsewhere")
        elif self.path.startswith(("/_next/", "/missing")):
            self._say(404, "text/html; charset=utf-8", "no such thing on " + self.colour)
        elif self.path.startswith("/slow"):
            GO_ON.wait(30)
            self._say(200, "text/plain", self.colour)
        elif self.path == "/ws":
            self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            while self.connection.recv(64):
                pass
            self.close_connection = True
        else:
            self._say(200, "text/html; charset=utf-8", "page of " + self.colour)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        known = body in ("", self.colour)
        self._say(200 if known else 500, "text/plain", "%s took %s" % (self.colour, body))


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def backends() -> Iterator[tuple[int, Mapping[str, list[Server]]]]:
    """The port that all listen on, and the servers of each colour in the order of SERVICES."""
    port = free_port()
    servers: dict[str, list[Server]] = {colour: [] for colour in ADDRESS}
    for colour, address in ADDRESS.items():
        handler = type(colour, (Backend,), {"colour": colour})
        for number in range(1, len(SERVICES) + 1):
            server = Server((address % number, port), handler)
            servers[colour].append(server)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield port, servers
    finally:
        for server in servers["blue"] + servers["green"]:
            server.shutdown()
            server.server_close()


class NativeEdge:
    """An Edge (see _edge/running/base.py) that is a process of this host."""

    def __init__(self, directory: Path, caddyfile: str, port: int, admin: int, caddy: str = "current") -> None:
        self.directory = directory
        self.binary = binary(caddy)
        self.path = directory / "Caddyfile"
        self.path.write_text(caddyfile)
        self.options = EdgeOptions(
            caddyfile=str(self.path),
            config_path=str(self.path),
            mount=str(directory / "config"),
            state_dir=str(directory / "state"),
            port=port,
            scheme="http",
            admin="localhost:%d" % admin,
        )
        (directory / "config").mkdir()
        self.process: subprocess.Popen[bytes] | None = None
        self.prefix: list[str] = []
        self.flags = ["--adapter", "caddyfile"]
        self.log = directory / "caddy.log"
        self.env = {"HOME": str(directory), "XDG_DATA_HOME": str(directory / "data")}

    def start(self) -> None:
        command = [*self.prefix, self.binary, "run", "--config", str(self.path), *self.flags]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log, env={**os.environ, **self.env})
        until = time.monotonic() + 10
        while True:
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", int(self.options.admin.split(":")[1]))) == 0:
                    return
            assert self.process.poll() is None and time.monotonic() < until, self.log.read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def place(self) -> Place:
        mount = Path(self.options.mount)
        pid = self.process.pid if self.process else 0
        return Place("caddy", pid, str(mount / "olympus-bluegreen"), (os.getuid(), os.getgid()))

    def caddy(self, *args: str, stdin: str | None = None) -> Result:
        return SubprocessRunner().run([self.binary, *args], stdin=stdin, env=self.env, cwd=str(self.directory))

    def network(self) -> AbstractContextManager[None]:
        return nullcontext()

    def seen_caddyfile(self) -> bytes | None:
        return self.path.read_bytes()

    def exported(self) -> Sequence[str]:
        return ()

    def hidden(self, directory: str) -> str:
        return ""

    def reloads(self) -> int:
        """How often somebody sent a configuration, by Caddy's own log."""
        entries = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return sum(entry.get("uri") == "/load" and entry.get("method") == "POST" for entry in entries)


class World:
    """Everything a test needs: ``app(state=...)`` is the module without Ansible."""

    def __init__(self, edge: NativeEdge, port: int, servers: Mapping[str, list[Server]]) -> None:
        self.edge = edge
        self.servers = servers
        self.upstreams = tuple(
            Upstream(name, ADDRESS["blue"] % number, ADDRESS["green"] % number, ui=name != "kratos")
            for number, name in enumerate(SERVICES, 1)
        )
        self.admin = Admin(edge)
        self.backend_port = port
        self.marker = Path(edge.place().directory) / "switch"
        self.earlier = ""

    def app(self, check_mode: bool = False, **params: Any) -> dict[str, Any]:
        given = {**OPTIONS, "state_dir": str(self.edge.directory / "state"), **params}
        app = App(given, self.edge, self.admin, self.upstreams, DirectHttp(), SystemClock(), check_mode)
        result = app.run()
        one_listens(self.edge.options.port)
        return result

    def ask(self, path: str, method: str = "GET", host: str = "site.test", body: str = "", **headers: str) -> Response:
        data = body.encode() if method == "POST" else None
        where = (self.edge.options.address, self.edge.options.port)
        return DirectHttp().request(method, "http://%s%s" % (host, path), connect=where, headers=headers, body=data)

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.edge.options.address, self.edge.options.port, timeout=10)

    def tree(self) -> dict[str, tuple[int, int, bytes]]:
        """Every file that a run may touch: inode, time of change, content."""
        places = [self.edge.path, *Path(self.edge.options.mount).rglob("*")]
        return {
            str(one): (one.stat().st_ino, one.stat().st_ctime_ns, one.read_bytes() if one.is_file() else b"")
            for one in places
            if one.name != "access.log"
        }


CADDYFILE = """{
    admin localhost:%(admin)d
    http_port %(port)d
    auto_https off
}

(common) {
    header X-Frame-Options DENY
}

http://login.test {
    import common
    @private path /internal/*
    respond @private 404

    @kratos path /self-service/* /sessions/*
    reverse_proxy @kratos kratos:%(backend)d
    reverse_proxy hera:%(backend)d
}

# what is not coloured must not change
http://site.test {
    import common
    respond /teapot 418
    reverse_proxy site:%(backend)d {
        header_up X-Kept yes
    }
}
""".replace("    ", "\t")


@contextmanager
def world(directory: Path, caddyfile: str = CADDYFILE, caddy: str = "current") -> Iterator[World]:
    with backends() as (backend, servers):
        port, admin = free_port(), free_port()
        text = caddyfile % {"admin": admin, "port": port, "backend": backend}
        edge = NativeEdge(directory, text, port, admin, caddy)
        edge.start()
        try:
            yield World(edge, backend, servers)
        finally:
            edge.stop()
