# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small shop for the reuse scenarios: two versions of it, a Caddy in front and visitors, all processes of this host.

``python -m kit.shop up|down|kill DIRECTORY [NAME]``; ``kill-when-live`` waits until the switch says green. Standard
library only.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[2]
HOST, EDGE, ADMIN = "shop.example.com", 19180, 19119
COLOURS = {"blue": (19101, "v1"), "green": (19102, "v2")}
# Visitors of a second; a watch of half a minute has enough of them for a PASS.
RATE = 40
CADDYFILE = """{
	admin localhost:%d
	auto_https off
}

http://%s:%d {
	reverse_proxy localhost:%d
}
"""


def serve(colour: str) -> None:
    """One version of the shop."""
    port, version = COLOURS[colour]
    body = json.dumps({"shop": "open", "version": version, "database": {"up": True}}).encode()

    class Shop(BaseHTTPRequestHandler):
        def log_message(self, *_args: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200 if self.headers.get("Host", "").startswith((HOST, "127.0.0.1")) else 421)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    ThreadingHTTPServer(("127.0.0.1", port), Shop).serve_forever()


def visit() -> None:
    while True:
        with suppress(OSError):
            asked()
        time.sleep(1 / RATE)


def asked() -> tuple[str, str]:
    """What the public is answered: colour and version."""
    request = Request("http://127.0.0.1:%d/" % EDGE, headers={"Host": "%s:%d" % (HOST, EDGE)})
    with urlopen(request, timeout=5) as answer:
        return answer.headers.get("X-Bluegreen-Colour", ""), json.load(answer)["version"]


def up(where: Path) -> None:
    where.mkdir(parents=True, exist_ok=True)
    down(where)
    caddyfile = where / "Caddyfile"
    caddyfile.write_text(CADDYFILE % (ADMIN, HOST, EDGE, COLOURS["blue"][0]))
    for colour in COLOURS:
        start(where, colour, sys.executable, "-m", "kit.shop", "serve", colour)
    binary = os.environ.get("LAB_CADDY") or str(ROOT / "build" / "lab" / "bin" / "caddy")
    start(where, "caddy", binary, "run", "--config", str(caddyfile), "--adapter", "caddyfile")
    deadline = time.monotonic() + 20
    while True:
        with suppress(URLError, OSError):
            asked()
            break
        if time.monotonic() > deadline:
            raise SystemExit("the shop does not answer: %s" % (where / "caddy.log").read_text()[-500:])
        time.sleep(0.1)
    start(where, "visitors", sys.executable, "-m", "kit.shop", "visit")


def start(where: Path, name: str, *argv: str) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), "HOME": str(where), "XDG_DATA_HOME": str(where / "data")}
    with (where / (name + ".log")).open("ab") as log:
        made = subprocess.Popen(argv, cwd=where, env=env, stdout=log, stderr=log, start_new_session=True)
    (where / (name + ".pid")).write_text(str(made.pid))


def kill(where: Path, name: str) -> None:
    file = where / (name + ".pid")
    if file.exists():
        with suppress(ProcessLookupError):
            os.kill(int(file.read_text()), signal.SIGKILL)
        file.unlink()


def kill_when_live(where: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (where / "switch" / "olympus-bluegreen" / "switch" / "green").exists():
            time.sleep(3)
            kill(where, "green")
            return
        time.sleep(0.1)


def down(where: Path) -> None:
    for file in where.glob("*.pid"):
        kill(where, file.stem)


def main(argv: Sequence[str]) -> None:
    what, given = argv[0], argv[1:]
    if what == "serve":
        serve(given[0])
    elif what == "visit":
        visit()
    elif what == "asked":
        print(*asked())
    elif what == "start":
        start(Path(given[0]), given[1], sys.executable, "-m", "kit.shop", "serve", given[1])
    elif what == "kill-when-live":
        start(Path(given[0]), "killer", sys.executable, "-m", "kit.shop", "wait-and-kill", given[0])
    elif what == "wait-and-kill":
        kill_when_live(Path(given[0]))
    elif what == "kill":
        kill(Path(given[0]), given[1])
    else:
        {"up": up, "down": down}[what](Path(given[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
