# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks of docs/reuse.md meet: two versions of a small server, and a Caddy before the first one.

``python -m kit.reuse up``, ``down``, or ``serve PORT COLOUR VERSION``. It listens on the ports that the page prints, so
it starts only on the host of their own that tests/reuse makes (REUSE_ALONE); scenarios with Podman bring their own.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from kit.caddy_native import binary

PIDS = Path("/run/reuse.json")
CADDYFILE = Path("/etc/caddy/Caddyfile")
TEXT = """http://shop.example.com {
    reverse_proxy localhost:9001
}
""".replace("    ", "\t")
SERVERS = {9001: ("blue", "v1"), 9002: ("green", "v2")}


class Shop(BaseHTTPRequestHandler):
    """Says which one it is, at any path; /health is what a load balancer would ask."""

    colour = version = ""

    def do_GET(self) -> None:
        told = {"colour": self.colour, "version": self.version, "status": "ok"}
        data = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def serve(port: int, colour: str, version: str) -> None:
    handler = type("Bound", (Shop,), {"colour": colour, "version": version})
    ThreadingHTTPServer(("127.0.0.1", port), handler).serve_forever()


def start(name: str, *argv: str) -> int:
    with open("/run/%s.log" % name, "ab") as log:
        env = {**os.environ, "HOME": "/var/lib/caddy", "XDG_DATA_HOME": "/var/lib/caddy"}
        done = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True)
    return done.pid


def answering(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("nothing listens on port %d" % port)


def up() -> None:
    CADDYFILE.parent.mkdir(parents=True, exist_ok=True)
    CADDYFILE.write_text(TEXT)
    own = (sys.executable, "-m", "kit.reuse", "serve")
    pids = [start("shop-" + told[0], *own, str(port), *told) for port, told in SERVERS.items()]
    pids.append(start("caddy", binary(), "run", "--config", str(CADDYFILE)))
    PIDS.write_text(json.dumps(pids))
    for port in (*SERVERS, 80, 2019):
        answering(port)


def down() -> None:
    for pid in json.loads(PIDS.read_text()) if PIDS.exists() else []:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    PIDS.unlink(missing_ok=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), *sys.argv[3:5])
    elif os.environ.get("REUSE_ALONE"):
        {"up": up, "down": down}[sys.argv[1]]()
    else:
        print(
            "this host is not theirs: nothing is started",
        )
