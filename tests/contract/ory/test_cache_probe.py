# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How old a cache is, asked over sockets: two services that cache one setting for different times."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import cache
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import CheckResult, Endpoint

PROBE = {"write": {"service": "admin", "path": "/s"}, "read": [{"service": "ui", "path": "/s"}], "field": "probe"}


class Setting:
    """One value, and what a reader with a cache of ``ttl`` seconds says about it."""

    def __init__(self, ttl: float) -> None:
        self.value, self.ttl = "old", ttl
        self.cached, self.until = "old", time.monotonic() + ttl

    def read(self) -> str:
        if time.monotonic() >= self.until:
            self.cached, self.until = self.value, time.monotonic() + self.ttl
        return self.cached


@contextmanager
def service(setting: Setting, status: int = 200) -> Iterator[tuple[str, int]]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def _say(self, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self._say({"probe": setting.read()})

        def do_POST(self) -> None:
            setting.value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["probe"]
            self._say({})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield ("127.0.0.1", int(server.server_address[1]))
    finally:
        server.shutdown()
        server.server_close()


def asked(real_ttl: float, believed_ttl: float, status: int = 200) -> CheckResult:
    wanted = cache.parse(PROBE, believed_ttl, ["admin", "ui"])
    assert wanted is not None
    with service(Setting(real_ttl), status) as address:
        at = Endpoint("ui", address)
        return cache.seen(DirectHttp(), wanted, Endpoint("admin", address), {"ui of green": at}, believed_ttl + 1)


def test_a_cache_is_waited_for_no_longer_than_it_lasts() -> None:
    started = time.monotonic()
    found = asked(0.6, 5)
    assert found.ok and "seen by ui of green after" in found.detail
    assert 0.5 <= time.monotonic() - started < 3


def test_a_cache_that_is_older_than_it_may_be_is_named() -> None:
    found = asked(60, 1)
    assert not found.ok and "ui of green still shows the old setting after" in found.detail


def test_a_writer_that_refuses_is_named() -> None:
    found = asked(0, 1, 503)
    assert not found.ok and "writing the setting at admin" in found.detail


@pytest.mark.parametrize(
    ("given", "ttl", "words"),
    [
        ({**PROBE, "field": ""}, 60, "write: {service, path}"),
        ({**PROBE, "speed": 1}, 60, "speed"),
        ({**PROBE, "write": {"service": "admin"}}, 60, "a place is"),
        ({**PROBE, "write": {"service": "nobody", "path": "/"}}, 60, "nobody"),
        (PROBE, 0, "cache_ttl"),
    ],
)
def test_what_is_refused(given: dict[str, Any], ttl: float, words: str) -> None:
    with pytest.raises(BluegreenError, match=words):
        cache.parse(given, ttl, ["admin", "ui"])
