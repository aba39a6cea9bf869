# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flips, the way back and draining against a real Caddy under load."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kit import caddy_native as native

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Fenced, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.traffic.traffic import Traffic
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch


@pytest.fixture
def world(tmp_path: Path) -> Iterator[native.World]:
    with native.world(tmp_path) as running:
        running.app(state="adopted")
        yield running


def colour_of(world: native.World, path: str = "/", method: str = "GET", **more: str) -> str:
    answer = world.ask(path, method, **more)
    return answer.headers.get("x-bluegreen-colour", "%d %s" % (answer.status, answer.error))


class Load:
    """Keep-alive clients that never retry. ``lost`` holds every request that got no complete answer or a 5xx."""

    def __init__(self, world: native.World, clients: int) -> None:
        self.world = world
        self.colours: list[str] = []
        self.lost: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]

    def _run(self, number: int) -> None:
        connection, sent = self.world.connection(), 0
        while not self._stop.is_set():
            method, path = ("POST", "/echo") if (sent + number) % 3 == 0 else ("GET", "/api/x")
            sent += 1
            try:
                connection.request(method, path, b"" if method == "POST" else None, {"Host": "site.test"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as exc:
                self.lost.append("%s %s: %r" % (method, path, exc))
                connection = self.world.connection()
                continue
            if answer.status >= 500:
                self.lost.append("%s %s: %d" % (method, path, answer.status))
            self.colours.append(answer.headers["X-Bluegreen-Colour"] or "")
        connection.close()

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_flips_under_load_lose_nothing(world: native.World) -> None:
    switch = Switch(world.edge.place().directory)
    with Load(world, 8) as load:
        for number in range(60):
            until = len(load.colours) + 40
            switch.flip("green" if number % 2 == 0 else "blue", 0)
            while len(load.colours) < until:
                time.sleep(0.001)
    assert load.lost == []
    assert min(load.colours.count(colour) for colour in ("blue", "green")) > 500
    assert world.edge.reloads() == 1


def test_the_load_would_see_a_loss(world: native.World) -> None:
    """Negative control: without the sentinel the same load counts 503s."""
    with Load(world, 4) as load:
        (world.marker / "ready").unlink()
        until = time.monotonic() + 5
        while not load.lost and time.monotonic() < until:
            time.sleep(0.01)
    assert load.lost and "503" in load.lost[0]


def test_without_sentinel_nobody_answers_and_the_rest_stays(world: native.World) -> None:
    (world.marker / "ready").unlink()
    answer = world.ask("/")
    assert (answer.status, answer.headers["x-bluegreen-reason"]) == (503, "no switch")
    assert world.ask("/teapot").status == 418
    assert world.ask("/internal/x", host="login.test").status == 404
    seen = world.app(state="read")
    assert "no sentinel" in seen["damage"] and seen["problems"]
    assert seen["findings"][0]["said"].startswith("the switch is damaged") and seen["findings"][0]["repair"] == "adopt"
    assert world.app(state="adopted")["changed"] and colour_of(world) == "blue"


def test_private_path_stays_hidden_in_both_colours(world: native.World) -> None:
    for colour in ("blue", "green"):
        world.app(state="live", colour=colour, token=9)
        answer = world.ask("/internal/secret", host="login.test")
        assert (answer.status, answer.body) == (404, b"")
        assert "x-bluegreen-colour" not in answer.headers
        assert world.ask("/", host="login.test").headers["x-frame-options"] == "DENY"


def test_only_pages_set_the_cookie_and_forms_follow_it(world: native.World) -> None:
    page = world.ask("/")
    assert "bluegreen=blue; Path=/; HttpOnly; Secure; SameSite=Lax" in page.cookies and "own=1" in page.cookies
    for path, host in (("/api/x", "site.test"), ("/_next/static/app-blue.js", "site.test")):
        assert world.ask(path, host=host).cookies == ("own=1",)
    assert world.ask("/self-service/x", host="login.test").cookies == ("own=1",)
    world.app(state="live", colour="green")
    for cookie, expected in (
        ("bluegreen=blue", "blue"),
        ("a=1; bluegreen=blue; b=2", "blue"),
        ("notbluegreen=blue", "green"),
    ):
        assert colour_of(world, "/login", "POST", Cookie=cookie) == expected
    assert world.ask("/login", "POST", body="blue", Cookie="bluegreen=blue").status == 200
    assert world.ask("/login", "POST", body="blue").status == 500
    assert colour_of(world, "/", Cookie="bluegreen=blue") == "green"
    assert colour_of(world, "/self-service/x", "POST", host="login.test", Cookie="bluegreen=blue") == "green"


def test_static_files_of_the_other_colour_are_found_while_it_is_warm(world: native.World) -> None:
    world.app(state="live", colour="green")
    old = world.ask("/_next/static/app-blue.js")
    assert (old.status, old.body, old.headers["x-bluegreen-colour"]) == (200, b"built by blue", "blue")
    assert old.cookies == ("own=1",)
    missing = world.ask("/missing")
    assert (missing.status, missing.body) == (404, b"no such thing on green")
    assert world.ask("/_next/static/nowhere.js").status == 404
    assert world.app(state="drained", colour="blue")["drained"]
    gone = world.ask("/_next/static/app-blue.js")
    assert (gone.status, gone.body) == (404, b"no such thing on green")


def test_live_confirms_at_every_public_name_and_again_changes_nothing(world: native.World) -> None:
    world.app(state="live", colour="green", token=3)
    tree = world.tree()
    again = world.app(state="live", colour="green", token=3)
    assert not again["changed"] and world.tree() == tree
    back = world.app(state="live", colour="blue", token=4)
    assert {(one["host"], one["colour"]) for one in back["observed"]} == {("login.test", "blue"), ("site.test", "blue")}
    assert 0 <= back["ms"] < 2000 and back["seen_at"] >= back["flipped_at"]
    assert back["return_to"]["colour"] == "green" and len(back["return_to"]["flip"]) == 16
    with pytest.raises(Fenced):
        world.app(state="live", colour="green", token=3)
    assert world.edge.reloads() == 1


def test_a_public_name_that_says_no_colour_is_known_before_the_flip(world: native.World) -> None:
    tree = world.tree()
    with pytest.raises(Refused, match=r"site\.test/teapot says no colour \(status 418\)"):
        world.app(state="live", colour="green", public=[{"host": "site.test", "path": "/teapot"}], confirm_timeout=0.3)
    assert world.tree() == tree


def test_not_adopted_is_refused(world: native.World) -> None:
    world.app(state="undone")
    for state in ("live", "drained"):
        with pytest.raises(Refused, match="adopt"):
            world.app(state=state, colour="green")


def test_return_needs_nothing_and_twice_is_once(world: native.World) -> None:
    with pytest.raises(Refused, match="nothing to roll back"):
        world.app(state="returned")
    world.app(state="live", colour="green", token=5)
    first = world.app(state="returned")
    assert (first["changed"], first["live"], first["token"], first["warm"]) == (True, "blue", 6, ["blue"])
    assert colour_of(world) == "blue"
    assert colour_of(world, "/login", "POST", Cookie="bluegreen=green") == "blue"
    assert world.ask("/_next/static/app-green.js").status == 200
    tree = world.tree()
    second = world.app(state="returned")
    assert (second["changed"], second["live"], world.tree()) == (False, "blue", tree)
    assert world.edge.reloads() == 1


def test_who_names_no_token_acts_as_of_now(world: native.World) -> None:
    """R8: role traffic alone had worked until the first rollback, which raises it."""
    world.app(state="live", colour="green", token=5)
    world.app(state="returned")
    assert world.app(state="live", colour="green", token=None)["live"] == "green"
    with pytest.raises(Fenced):
        world.app(state="live", colour="blue", token=0)


def test_a_rollback_stops_who_named_no_token(world: native.World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It came between this act's beginning and its flip."""
    world.app(state="live", colour="green", token=5)
    asked = Traffic.require_alive

    def meanwhile(traffic: Traffic, colour: str, config: Any) -> None:
        asked(traffic, colour, config)
        traffic.switch.rollback()

    with monkeypatch.context() as patched, pytest.raises(Fenced):
        patched.setattr(Traffic, "require_alive", meanwhile)
        world.app(state="live", colour="blue", token=None)
    assert colour_of(world) == "blue"


def test_return_refuses_a_dead_target_unless_forced(world: native.World) -> None:
    world.app(state="live", colour="green")
    dead = world.servers["blue"][2]
    dead.shutdown()
    dead.server_close()
    with pytest.raises(Refused, match=r"no connection to site \(127.0.2.3:"):
        world.app(state="returned")
    assert world.app(state="read")["live"] == "green"
    with pytest.raises(Refused, match="blue is not alive"):
        world.app(state="live", colour="blue")
    alive = [{"host": "login.test", "path": "/"}]
    assert world.app(state="returned", force=True, public=alive)["live"] == "blue"


@contextmanager
def websocket(world: native.World) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", world.edge.options.port)) as sock:
        sock.sendall(b"GET /ws HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert b" 101 " in sock.recv(4096)
        yield sock


def test_drain_waits_for_what_is_in_flight(world: native.World) -> None:
    ended: list[float] = []

    def end() -> None:
        ended.append(time.monotonic())
        native.GO_ON.set()

    native.GO_ON.clear()
    slow = threading.Thread(target=world.ask, args=("/slow",))
    slow.start()
    until = time.monotonic() + 5
    while not any(world.admin.requests().values()) and time.monotonic() < until:
        time.sleep(0.01)
    world.app(state="live", colour="green")
    threading.Timer(0.7, end).start()
    result = world.app(state="drained", colour="blue", deadline=20.0)
    # Twice zero, at least a second.
    assert result["drained"] and time.monotonic() - ended[0] > 0.9
    slow.join()
    assert set(result["open"]["blue"]["requests"].values()) == {0}


def test_an_open_websocket_survives_the_flip_and_is_not_drained(world: native.World) -> None:
    with websocket(world) as sock:
        world.app(state="live", colour="green")
        result = world.app(state="drained", colour="blue", deadline=1.5)
        assert result["drained"] is False
        assert sorted(result["open"]["blue"]["requests"].values()) == [0, 0, 1]
        assert sum(result["open"]["blue"]["connections"].values()) >= 1
        sock.sendall(b"still here")
    assert world.app(state="drained", colour="blue")["drained"]
    with pytest.raises(Refused, match="is live"):
        world.app(state="drained", colour="green")


def test_drained_in_check_mode_neither_waits_nor_retires(world: native.World) -> None:
    world.app(state="live", colour="green")
    tree = world.tree()
    result = world.app(check_mode=True, state="drained", colour="blue")
    assert (result["changed"], result["drained"], world.tree()) == (True, None, tree)


def test_read_names_a_disagreement(world: native.World) -> None:
    public = [{"host": "site.test", "path": "/teapot"}, {"host": "site.test", "path": "/"}]
    seen = world.app(state="read", public=public)
    assert (seen["live"], seen["adopted"], seen["plain_names"]) == ("blue", True, [])
    assert seen["problems"] == ["the switch says blue, site.test/teapot says no colour (status 418)"]
    assert [one["code"] for one in seen["findings"]] == ["public"] and {type(one) for one in seen["problems"]} == {str}
    world.edge.stop()
    assert "admin endpoint does not answer" in world.app(state="read")["problems"][0]


def test_our_own_requests_can_be_told_from_the_publics(world: native.World) -> None:
    world.app(state="read", public=[{"host": "site.test", "path": "/"}])
    text = (world.marker.parent / "log" / "access.log").read_text()
    assert '"User-Agent":["olympus-bluegreen"]' in text


VISITORS = (
    "X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP",
    "Fastly-Client-IP", "Cookie", "Authorization", "Proxy-Authorization", "X-Access-Token", "X-Session-Token",
    "X-Auth-Token", "X-API-Key", "Sec-WebSocket-Protocol", "Referer", "DPoP", "X-Forwarded-User", "Remote-Email",
    "Next-Router-State-Tree", "CF-Access-Jwt-Assertion", "X-Original-URL",
)  # fmt: skip


def test_the_log_names_no_visitor_and_holds_no_secret(world: native.World) -> None:
    told = {name: "canary-%d" % at for at, name in enumerate(VISITORS)}
    world.ask("/api/x?code=canary", **{**told, "User-Agent": "a visitor"})
    text = (world.marker.parent / "log" / "access.log").read_text()
    (line,) = [one for one in text.splitlines() if "a visitor" in one]
    assert "canary" not in text and "127.0.0.1" not in line and '"X-Bluegreen-Colour":["blue"]' in line
