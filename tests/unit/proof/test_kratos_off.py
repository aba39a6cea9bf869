# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kratos' configuration switches off is not asked for, and what it had before must not be gone."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from kit.loopback import Loopback

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Endpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.session import Failed
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.kratos import Kratos, Person

OFF = (400, '{"error": {"code": 400, "message": "not allowed"}}')
ANSWERS = {"/self-service/login/api": (200, '{"ui": {"action": "https://login.example.com/self-service/login"}}')}
KNOWN = Person("1", "a@example.com", {}, "x", registered=Person("2", "b@example.com", {}, "x"), recovery=("l", "c"))


class Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ANSWERS.get(self.path, OFF)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def at() -> Iterator[Endpoint]:
    with Loopback(Server) as server:
        yield Endpoint("Kratos v1", ("127.0.0.1", server.port), ("127.0.0.1", server.port))


@pytest.mark.parametrize("journey", ["registration", "recovery"])
def test_what_is_switched_off_is_not_offered(at: Endpoint, journey: str) -> None:
    assert Kratos(DirectHttp(), at).ask(journey) == "not offered"
    with pytest.raises(Failed, match=r"status (400|501)"):
        Kratos(DirectHttp(), at, KNOWN).ask(journey)


@pytest.mark.parametrize(
    "answer", [(500, "{}"), (400, '{"error": {"code": 500}}'), (404, '{"code": 500, "status": "broken"}')]
)
@pytest.mark.parametrize("journey", ["registration", "recovery"])
def test_a_failure_of_the_server_is_none_of_the_configuration(
    at: Endpoint, journey: str, answer: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ANSWERS, "/self-service/%s/api" % journey, answer)
    with pytest.raises(Failed):
        Kratos(DirectHttp(), at).ask(journey)
