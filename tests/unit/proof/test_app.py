# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the proof asks of an application that is no Ory: an answer has to stay of its kind, whatever it looks like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler

import pytest
from kit.loopback import Loopback

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Endpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.session import Failed
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.replay.app import App, Asked
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.oneshot import Finished

ANSWERS: dict[str, tuple[int, str, str]] = {}
PAGE = "status 200, text/html"


class Shop(BaseHTTPRequestHandler):
    """Path -> status, where it leads, body."""

    def do_GET(self) -> None:
        status, to, body = ANSWERS.get(self.path, (200, "", "hello"))
        self.send_response(status)
        if to:
            self.send_header("Location", to)
        self.send_header("Content-Type", "application/json" if body.startswith("{") else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def at() -> Iterator[Endpoint]:
    ANSWERS.clear()
    with Loopback(Shop) as server:
        yield Endpoint("shop", ("127.0.0.1", server.port))


def shop(at: Endpoint, known: Mapping[str, str] | None = None, rc: int = 0) -> App:
    asked = Asked("/health", ("/", "/orders"), ("shop", "check"))
    return App(DirectHttp(), at, known, asked, lambda: Finished(rc, "", "a row: secret"))


def asked(app: App) -> dict[str, str]:
    """Journey -> what failed."""
    found = {}
    for name in app.journeys:
        try:
            app.ask(name)
        except Failed as exc:
            found[name] = str(exc)
    return found


def test_all_that_is_asked(at: Endpoint) -> None:
    app = shop(at)
    assert app.journeys == ("ready", "page /", "page /orders", "command") and app.core == ("ready",)
    assert asked(app) == {} and app.left() == dict.fromkeys(("/health", "/", "/orders"), PAGE)
    assert asked(shop(at, app.left())) == {}
    assert list(app.crossing) == list(app.journeys) and app.cross("command", {}) == "the command ended with 0"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((500, "", "panic"), "status 500"),
        ((404, "", ""), "GET /orders: status 404, text/html; it was status 200, text/html before"),
        ((302, "/error?x=1", ""), "status 302, redirected to the error page /error"),
        ((302, "/login?error=server_error", ""), "status 302, redirected with error server_error"),
        (
            (303, "https://shop.example.com/login", ""),
            "GET /orders: status 303 to /login; it was status 200, text/html before",
        ),
        ((200, "", "{}"), "GET /orders: status 200, application/json; it was status 200, text/html before"),
        ((200, "", '{"code": 500, "status": "broken"}'), "status 200, the body holds code 500 (broken)"),
    ],
)
def test_a_page_that_is_not_what_it_was(at: Endpoint, answer: tuple[int, str, str], why: str) -> None:
    before = shop(at)
    assert asked(before) == {}
    ANSWERS["/orders"] = answer
    assert asked(shop(at, before.left())) == {"page /orders": why}


def test_what_was_refused_before_may_be_refused_again(at: Endpoint) -> None:
    ANSWERS["/orders"] = (401, "", "")
    before = shop(at)
    assert asked(before) == {} and asked(shop(at, before.left())) == {}


def test_a_command_that_fails_is_told_without_its_words(at: Endpoint) -> None:
    assert asked(shop(at, rc=3)) == {"command": "the command ended with 3"}


def test_without_a_path_of_readiness_the_first_page_is_the_core(at: Endpoint) -> None:
    app = App(DirectHttp(), at, None, Asked())
    assert (app.journeys, app.core) == (("page /",), ("page /",))


@pytest.mark.parametrize(("path", "up"), [("/health", False), ("", True), ("/", True)])
def test_it_is_up_when_its_path_says_so_or_when_it_answers(at: Endpoint, path: str, up: bool) -> None:
    ANSWERS["/health"] = (503, "", "")
    assert Asked(path).is_up(DirectHttp(), at).ok is up
    assert not Asked(path).is_up(DirectHttp(), Endpoint("shop", ("127.0.0.1", 1))).ok
