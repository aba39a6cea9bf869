# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sockets of the fake Cloudflare: one port for the API and, by their Host header, for the public names."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler

from kit.cloudflare_fake import Cloudflare, Request
from kit.loopback import Loopback

PREFIX = "/client/v4"


class Handler(BaseHTTPRequestHandler):
    fake: Cloudflare
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: the second one would wait for the delayed ACK of the first.
    wbufsize = 65536

    def log_message(self, *args: object) -> None:
        pass

    def _any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        if not self.path.startswith(PREFIX):
            return self._say(*self.visited(raw))
        body = json.loads(raw) if raw else None
        request = Request(self.command, self.path[len(PREFIX) :], body, headers=dict(self.headers.items()))
        answer = self.fake.answer(request, self.headers.get("Authorization", "").replace("Bearer ", ""))
        if answer is None:
            self.close_connection = True
            return None
        status, envelope, headers = answer
        return self._say(status, json.dumps(envelope).encode(), {"Content-Type": "application/json", **headers})

    def visited(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        """The answer to a visitor of a public name."""
        status, headers = self.fake.visit(self.headers["Host"], self.headers.get("Cookie", ""))
        return status, b"", headers

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any


class Server(Loopback):
    """``port`` on 127.0.0.1 while it is entered; ``url`` is the API's base address."""

    def __init__(self, fake: Cloudflare, kind: type[Handler] = Handler, port: int = 0) -> None:
        super().__init__(type("Bound", (kind,), {"fake": fake}), port)
        self.url = "http://127.0.0.1:%d%s" % (self.port, PREFIX)
