# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment small enough for one test process: two colours and an edge as real HTTP servers on loopback.

The edge decides by the real switch directory on every request, names the colour in a header and writes the access log
in the shape of Caddy's. Colours listen on the addresses that ``Networks`` computes for a range inside 127.0.0.0/8.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import Networks
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch

OLD, NEW = "v1-0000000000", "v2-1111111111"


class Quiet(BaseHTTPRequestHandler):
    """Closes after each answer and logs nothing on its own."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


class MiniEdge:
    """``share``: of the answers of a colour so many are errors. ``logging`` False: the edge stops writing its log."""

    def __init__(self, root: Path, port: int, network: int) -> None:
        self.root = root
        self.range = "127.%d.0.0/22" % network
        self.port = port
        self.state_dir = root / "state"
        self.switch = Switch(str(root / "olympus-bluegreen"))
        os.mkdir(self.switch.path)
        self.switch.install("blue")
        self.log = Path(self.switch.path) / "log" / "access.log"
        self.share = {"blue": 0.0, "green": 0.0}
        self.logging = True
        self.agents: list[str] = []
        self._count = 0
        self._lock = threading.Lock()
        self._servers: dict[str, ThreadingHTTPServer] = {}
        networks = Networks("mini", self.range, ("site",))
        self.addresses = {colour: networks.service_on_edge(colour, "site").ip for colour in ("blue", "green")}

    def __enter__(self) -> MiniEdge:
        for colour, ip in self.addresses.items():
            self._serve(colour, ip, self._colour_handler(colour))
        self._serve("edge", "127.0.0.1", self._edge_handler())
        return self

    def __exit__(self, *_exc: object) -> None:
        for name in list(self._servers):
            self.stop(name)

    def stop(self, name: str) -> None:
        server = self._servers.pop(name)
        server.shutdown()
        server.server_close()

    def _serve(self, name: str, ip: str, handler: type[BaseHTTPRequestHandler]) -> None:
        server = ThreadingHTTPServer((ip, self.port), handler)
        server.daemon_threads = True
        self._servers[name] = server
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def _colour_handler(self, colour: str) -> type[BaseHTTPRequestHandler]:
        class Handler(Quiet):
            def do_GET(self) -> None:
                self.answer(200, {"X-Olympus-Colour": colour})

        return Handler

    def _edge_handler(self) -> type[BaseHTTPRequestHandler]:
        edge = self

        class Handler(Quiet):
            def do_GET(self) -> None:
                begun = time.time()
                colour = edge.switch.read().live
                status = 500 if edge.fails(colour) else 200
                edge.write(begun, status, colour, str(self.headers.get("User-Agent", "")), self.path)
                self.answer(status, {"X-Bluegreen-Colour": colour})

        return Handler

    def fails(self, colour: str) -> bool:
        """Spread evenly: the k-th answer is an error when k * share passes a whole number."""
        with self._lock:
            self._count += 1
            return int(self._count * self.share[colour]) > int((self._count - 1) * self.share[colour])

    def write(self, begun: float, status: int, colour: str, agent: str, uri: str) -> None:
        self.agents.append(agent)
        if not self.logging:
            return
        at = time.time()
        line = {
            "ts": at,
            "duration": at - begun,
            "status": status,
            "request": {"host": "olympus.test", "uri": uri, "headers": {"User-Agent": [agent]}},
            "resp_headers": {"X-Bluegreen-Colour": [colour]},
        }
        with open(self.log, "a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")

    def cut_over(self, flip: str = "00112233aabbccdd") -> None:
        """What the cutover stage does to the switch."""
        token = self.switch.claim(0)
        self.switch.prepare(ReturnTo("blue", OLD, flip, time.time()), token)
        self.switch.flip("green", token)

    def params(self, **changes: Any) -> dict[str, Any]:
        """Options of release_watch for a watch of this deployment."""
        return {
            "state": "started",
            "deployment": "mini",
            "state_dir": str(self.state_dir),
            "release": NEW,
            "colour": "green",
            "project": "",
            "edge": {"address": "127.0.0.1", "port": self.port, "scheme": "http"},
            "switch_dir": self.switch.path,
            "services": {"site": {"kind": "site", "port": self.port, "ready": "/health", "ui": True}},
            "shared": [],
            "network_range": self.range,
            "publish": "network",
            "port_base": {},
            "public": [{"host": "olympus.test", "path": "/"}],
            "probes": {},
            "probe_secrets": {},
            "notify": {},
            "notify_url": "",
            "textfile": "",
            "probe": True,
            "skip": [],
            "window": 60.0,
            "interval": 0.5,
            "wait": 30.0,
            "baseline": 1800.0,
            "stack": {},
            "min_events": 20,
            "parameters": {},
            "since": 0,
            "patience": 0.0,
            "run": "",
            "timeout": 0.0,
            "order": "",
            "extend": "",
            "operator": "op at ctl",
            **changes,
        }

    @contextlib.contextmanager
    def load(self, rate: float) -> Iterator[None]:
        """Visitors, ``rate`` a second."""
        stop = threading.Event()
        http = DirectHttp()

        def visit() -> None:
            while not stop.wait(1 / rate):
                http.request("GET", "http://olympus.test/login?token=canary-query", connect=("127.0.0.1", self.port))

        visitor = threading.Thread(target=visit, daemon=True)
        visitor.start()
        try:
            yield
        finally:
            stop.set()
            visitor.join(5)
