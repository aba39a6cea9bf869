# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who gets the messages: a real HTTP server on loopback that keeps what is posted to it."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

from kit.loopback import Loopback

# Part of the address, as in Slack's: it must be found nowhere but in the request.
SECRET = "canary-hook-91c4"


class Receiver(Loopback):
    """``answers``: the statuses of the next requests, 200 behind them. ``silent``: it takes a request, says nothing."""

    def __init__(self, answers: list[int] | None = None, silent: bool = False) -> None:
        self.answers, self.silent = list(answers or []), silent
        self.bodies: list[dict[str, Any]] = []
        self.moments: list[float] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.moments.append(time.time())
                if receiver.silent:
                    time.sleep(30)
                status = receiver.answers.pop(0) if receiver.answers else 200
                if status == 200:
                    receiver.bodies.append({"path": self.path, **body})
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_said: Any) -> None:
                pass

        super().__init__(Handler)
        self.url = "http://127.0.0.1:%d/services/%s" % (self.port, SECRET)

    @property
    def texts(self) -> list[str]:
        return [str(one["text"]) for one in self.bodies]
