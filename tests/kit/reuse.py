# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks of docs/reuse.md meet: two versions of a small server, and a Caddy before the first one.

``python -m kit.reuse up`` and ``down``; ``cloudflare`` starts an API with a load balancer before both. It listens on the
ports that the page prints, so it starts only on the host of their own that tests/reuse makes (REUSE_ALONE). Scenarios
with Podman bring their own.
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
from kit.cloudflare_fake import TOKEN, Cloudflare
from kit.cloudflare_kit import origin
from kit.cloudflare_router import Router

PIDS = Path("/run/reuse.json")
CADDYFILE = Path("/etc/caddy/Caddyfile")
TEXT = """http://shop.example.com {
    reverse_proxy localhost:9001
}
""".replace("    ", "\t")
HOST, CLOUDFLARE, TOKEN_FILE = "shop.example.com", 8088, Path("/etc/cloudflare-token")
OWN = (sys.executable, "-m", "kit.reuse")
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
        self.send_header("X-Shop-Colour", self.colour)
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


def remember(*pids: int) -> None:
    known = json.loads(PIDS.read_text()) if PIDS.exists() else []
    PIDS.write_text(json.dumps([*known, *pids]))


def up() -> None:
    CADDYFILE.parent.mkdir(parents=True, exist_ok=True)
    CADDYFILE.write_text(TEXT)
    for port, told in SERVERS.items():
        remember(start("shop-" + told[0], *OWN, "serve", str(port), *told))
    remember(start("caddy", binary(), "run", "--config", str(CADDYFILE)))
    for port in (*SERVERS, 80, 2019):
        answering(port)


def down() -> None:
    for pid in json.loads(PIDS.read_text()) if PIDS.exists() else []:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    PIDS.unlink(missing_ok=True)


def cloudflare() -> None:
    TOKEN_FILE.write_text(TOKEN)
    TOKEN_FILE.chmod(0o600)
    remember(start("cloudflare", *OWN, "be-cloudflare"))
    answering(CLOUDFLARE)


def be_cloudflare() -> None:
    """Two pools and a load balancer, made by somebody else."""
    fake = Cloudflare()
    monitor = fake.put("monitors", type="http", path="/health", expected_codes="200")
    pools = [
        fake.put(
            "pools", name="shop-" + told[0], monitor=monitor, origins=[{**origin("one", "127.0.0.1"), "port": port}]
        )
        for port, told in SERVERS.items()
    ]
    fake.put("load_balancers", name=HOST, default_pools=pools[:1], fallback_pool=pools[0])
    with Router(fake, HOST, CLOUDFLARE):
        signal.pause()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), *sys.argv[3:5])
    elif os.environ.get("REUSE_ALONE"):
        {"up": up, "down": down, "cloudflare": cloudflare, "be-cloudflare": be_cloudflare}[sys.argv[1]]()
    else:
        print("this host is not theirs: nothing is started")
