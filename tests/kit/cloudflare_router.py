# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake Cloudflare as the router of the public names: it forwards to origins, and watches their health.

A visitor is sent where the load balancer of the name said ``fake.delay`` seconds ago, to the first enabled endpoint of
that pool. What the origin answers is handed on as it is.
"""

from __future__ import annotations

import http.client
import threading
from types import TracebackType
from typing import Any

from kit.cloudflare_fake import Cloudflare
from kit.cloudflare_server import Handler, Server

# What belongs to one connection, and is said anew on the other.
HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "host")
SECONDS, EVERY = 10.0, 0.25


def ask(
    origin: dict[str, Any], method: str, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, bytes, dict[str, str]]:
    """One request to an endpoint. Raises OSError or HTTPException where it does not answer."""
    connection = http.client.HTTPConnection(origin["address"], origin.get("port") or 80, timeout=SECONDS)
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in HOP}
        return answer.status, answer.read(), kept
    finally:
        connection.close()


class Forwarding(Handler):
    def visited(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        pool, own = self.fake.route(self.headers["Host"].partition(":")[0], self.headers.get("Cookie", ""))
        alive = [one for one in (pool or {}).get("origins", []) if one.get("enabled", True)]
        if not alive:
            return 530, b"", {}
        passed = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        try:
            host = {"Host": self.headers["Host"]}
            status, text, headers = ask(alive[0], self.command, self.path, body, {**passed, **host})
        except (OSError, http.client.HTTPException):
            return 522, b"", {}
        return status, text, {**headers, **own}


class Router(Server):
    """``host``: the Host header that every monitor sends."""

    def __init__(self, fake: Cloudflare, host: str, port: int = 0) -> None:
        super().__init__(fake, Forwarding, port)
        self._fake, self._host = fake, host
        self._stopping = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Router:
        super().__enter__()
        self._watching.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._watching.join(SECONDS * 2)
        super().__exit__(kind, error, trace)

    def _watch(self) -> None:
        while not self._stopping.wait(EVERY):
            for name, pool in list(self._fake.state["pools"].items()):
                monitor = self._fake.state["monitors"].get(str(pool.get("monitor") or ""))
                if monitor:
                    self._fake.sick[name] = all(self._well(one, monitor) for one in pool["origins"])

    def _well(self, origin: dict[str, Any], monitor: dict[str, Any]) -> bool:
        try:
            return ask(origin, monitor["method"], monitor["path"], b"", {"Host": self._host})[0] == 200
        except (OSError, http.client.HTTPException):
            return False
