# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The socket of the fake AWX on loopback."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from kit.awx_fake import Awx
from kit.loopback import Loopback

PREFIX = "/api/v2/"


class Handler(BaseHTTPRequestHandler):
    fake: Awx
    token: str
    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def log_message(self, *args: object) -> None:
        pass

    def _any(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = urlsplit(self.path)
        if self.headers.get("Authorization") != "Bearer " + self.token:
            return self._say(401, {"detail": "Authentication credentials were not provided."})
        if not asked.path.startswith(PREFIX) or not asked.path.endswith("/"):
            return self._say(404, {"detail": "Not found."})
        body = json.loads(raw) if raw else None
        return self._say(*self.fake.answer(self.command, asked.path[len(PREFIX) :], dict(parse_qsl(asked.query)), body))

    def _say(self, status: int, body: object) -> None:
        raw = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1",
            "Content-Type": "application/json", "Content-Length": str(len(raw)),
        }.items():  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any


class Server(Loopback):
    """``url`` while it is entered."""

    def __init__(self, fake: Awx, token: str) -> None:
        super().__init__(type("Bound", (Handler,), {"fake": fake, "token": token}))
        self.url = "http://127.0.0.1:%d" % self.port
