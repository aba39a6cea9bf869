# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools, their health and who stays pinned, as tables; and the API's client without a socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare import pools, steering
from ansible_collections.olympus.bluegreen.plugins.module_utils._cloudflare.api import Api, ApiError, Lost
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Response

WANTED: dict[str, Any] = {
    "name": "green",
    "origins": [{"name": "one", "address": "203.0.113.2", "port": None, "weight": None, "host": "login.example.com"}],
    "monitor": "m1",
}
RULED: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "kit" / "data" / "cloudflare_rule_affinity.json").read_text()
)
TIMED_OUT = {"healthy": False, "failure_reason": "TCP timeout"}


def test_a_pool_of_ours_says_so_and_is_its_own_plan() -> None:
    body = pools.created(WANTED, "olympus", "green")
    assert pools.ours(body, "olympus", "green") and not pools.ours(body, "other", "green")
    assert not pools.ours(body, "olympus", "blue") and not pools.ours({"description": None}, "olympus", "green")
    assert body["origins"] == [
        {"name": "one", "address": "203.0.113.2", "header": {"Host": ["login.example.com"]}, "enabled": True}
    ]
    assert pools.updated(body, WANTED) == {}


def test_an_update_keeps_what_nobody_configured() -> None:
    there = {
        **pools.created(WANTED, "olympus", "green"),
        "id": "p",
        "notification_filter": {"pool": {}},
        "monitor": "m0",
    }
    there["origins"] = [
        {**there["origins"][0], "enabled": False, "disabled_at": "2026-01-01", "virtual_network_id": "v"}
    ]
    assert pools.updated(there, WANTED) == {"monitor": "m1"}
    moved = {**WANTED, "monitor": "m0", "origins": [{**WANTED["origins"][0], "address": "203.0.113.3"}]}
    origin = pools.updated(there, moved)["origins"][0]
    assert (origin["address"], origin["enabled"], origin["virtual_network_id"]) == ("203.0.113.3", False, "v")
    assert "disabled_at" not in origin


def test_waking_draining_and_barring_are_done_once() -> None:
    pool: dict[str, Any] = {"enabled": True, "origins": [{"name": "a"}, {"name": "b", "enabled": True, "weight": 0.5}]}
    drained = {**pool, **pools.drained(pool)}
    assert [one["enabled"] for one in drained["origins"]] == [False, False] and pools.drained(drained) == {}
    barred = {**drained, **pools.barred(drained)}
    assert not barred["enabled"] and pools.barred(barred) == {} and pools.shape(barred) == "the pool is disabled"
    woken = {**barred, **pools.woken(barred)}
    assert woken["enabled"] and pools.woken(woken) == {} and pools.shape(woken) == ""
    assert woken["origins"][1]["weight"] == 0.5


@pytest.mark.parametrize(
    ("said", "good", "text"),
    [
        (None, None, "nothing is known"),
        ({"pop_health": {}}, None, "nothing is known"),
        ({"pop_health": {"Amsterdam, NL": {"healthy": True, "origins": []}}}, True, "0 of 1"),
        ({"pop_health": {"healthy": True, "origins": []}}, True, "0 of 1"),
        ({"pop_health": {"a": {"healthy": False, "origins": [{"203.0.113.2": TIMED_OUT}]}}}, False, "TCP timeout"),
        (
            {"pop_health": {"healthy": False, "origins": [{"ip": {"healthy": False, "failure_reason": "no"}}]}},
            False,
            ": no",
        ),
        ({"pop_health": {"a": {"healthy": True}, "b": {"healthy": True}, "c": {"healthy": False}}}, True, "1 of 3"),
        ({"pop_health": {"a": {"healthy": True}, "b": {"healthy": False}}}, False, "1 of 2"),
    ],
)
def test_health_is_what_most_places_say(said: Any, good: bool | None, text: str) -> None:
    told = pools.health(said)
    assert told[0] is good and text in told[1]


@pytest.mark.parametrize(
    ("lb", "affinity", "seconds", "text"),
    [
        ({}, "none", 0, "no session"),
        ({"session_affinity": ""}, "none", 0, "no session"),
        ({"session_affinity": "cookie"}, "cookie", 82800, "until 82800 s after they got their cookie"),
        ({"session_affinity": "ip_cookie", "session_affinity_ttl": 3600.0}, "ip_cookie", 3600, "ends them at once"),
        ({"session_affinity": "header"}, "header", 1800, "1800 s after their last request"),
        (
            {"session_affinity": "cookie", "session_affinity_attributes": {"drain_duration": 60}},
            "cookie",
            82800,
            "ends them after 60 s",
        ),
        ({"session_affinity": "cookie", "proxied": False, "ttl": 120}, "dns", 120, "for up to 120 s"),
        ({"proxied": False}, "dns", 30, "for up to 30 s"),
        # Rules: for which visitors they hold is not known, so the longest of all counts.
        (RULED, "cookie", 7200, 'cookie, by rule "sticky app") stay on their colour for up to 7200 s after they got'),
        (RULED, "cookie", 7200, "draining that colour ends them after 60 s"),
        (
            {
                "rules": [
                    {"overrides": {"session_affinity": "header"}},
                    {"overrides": {"session_affinity": "ip_cookie"}},
                ]
            },
            "ip_cookie",
            82800,
            "sessions (header, by rule number 1) stay on their colour for up to 1800 s after their last request",
        ),
        (
            {
                "session_affinity_ttl": 3600,
                "session_affinity_attributes": {"drain_duration": 90},
                "rules": [{"name": "r", "overrides": {"session_affinity": "cookie"}}],
            },
            "cookie",
            3600,
            "ends them after 90 s",
        ),
        (
            {
                "session_affinity": "cookie",
                "session_affinity_ttl": 1800,
                "rules": [
                    {"name": "long", "overrides": {"session_affinity_ttl": 86400}},
                    {"name": "drain", "overrides": {"session_affinity_attributes": {"drain_duration": 300}}},
                    {"name": "off", "disabled": True, "overrides": {"session_affinity_ttl": 604800}},
                ],
            },
            "cookie",
            86400,
            'until 1800 s after they got their cookie; sessions (cookie, by rule "long") stay on their colour for up to'
            " 86400 s after they got their cookie, while it is healthy; draining that colour ends them after 300 s",
        ),
        # A rule that takes the pins away holds for some only; one that only says how long pins no visitor.
        (
            {"session_affinity": "cookie", "rules": [{"overrides": {"session_affinity": "none"}}]},
            "cookie",
            82800,
            "sessions (cookie) stay",
        ),
        ({"rules": [{"overrides": {"session_affinity_ttl": 7200}}]}, "none", 0, "no session"),
        ({"rules": [{"disabled": True, "overrides": {"session_affinity": "cookie"}}]}, "none", 0, "no session"),
        ({"rules": [{"fixed_response": {"status_code": 410}, "condition": "x"}]}, "none", 0, "no session"),
        (
            {"proxied": False, "ttl": 60, "rules": [{"name": "r", "overrides": {"ttl": 300}}]},
            "dns",
            300,
            'for up to 300 s (rule "r")',
        ),
        ({"proxied": False, "ttl": 60, "rules": [{"overrides": {"ttl": 30}}]}, "dns", 60, "for up to 60 s"),
    ],
)
def test_who_stays_and_for_how_long(lb: dict[str, Any], affinity: str, seconds: int, text: str) -> None:
    told = steering.affinity(lb)
    assert (told["affinity"], told["seconds"]) == (affinity, seconds) and text in told["text"]
    assert steering.sticky(lb) == (affinity not in ("none", "dns"))


class Scripted:
    """Answers in order; the clock and the HTTP of one client."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.slept: list[float] = []

    def request(self, method: str, url: str, **_more: Any) -> Response:
        return self.answers.pop(0)

    def now(self) -> float:
        return 1000.0 + sum(self.slept)

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def client(self, **options: Any) -> Api:
        return Api(self, self, "https://api", "secret-token", **{"budget": 1200, "patience": 60.0, **options})


def answer(status: int = 200, result: Any = None, **headers: str) -> Response:
    body = {"success": status < 300, "errors": [] if status < 300 else [{"code": 1, "message": "no"}], "result": result}
    return Response(status, headers, json.dumps(body).encode())


def test_reads_are_repeated_and_writes_are_not() -> None:
    script = Scripted(
        answer(500), Response(0, error="reset"), answer(result=7), answer(502), Response(0, error="reset")
    )
    api = script.client()
    assert api.get("/x") == 7 and script.slept == [0.5, 1.0]
    for _lost in range(2):
        with pytest.raises(Lost):
            api.write("PATCH", "/x", {})
    assert script.answers == [] and api.used == 5


def test_a_429_is_waited_out_or_named() -> None:
    limited = {"retry-after": "20"}
    script = Scripted(answer(429, **limited), answer(result=1), answer(429, **limited), answer(result=2))
    api = script.client()
    assert api.get("/x") == 1 and api.write("PATCH", "/x", {}) == 2 and script.slept == [20.0, 20.0]
    script.answers = [answer(429, **{"retry-after": "21"})]
    for _again in range(2):
        with pytest.raises(ApiError, match="every call for 21 s more"):
            api.get("/x")
    assert api.used == 5, "nothing is sent while everything is refused"


def test_what_cloudflare_says_is_left_counts() -> None:
    script = Scripted(answer(ratelimit='"default";r=9;t=120'), answer(), answer())
    api = script.client(budget=100)
    assert api.left == 100
    api.get("/x")
    assert api.left == 9
    api.get("/x")
    assert api.left == 8
    with pytest.raises(BluegreenError, match=r"budget=100: a cutover takes up to 9 .* 8 are left"):
        api.require(9, "a cutover")
    assert script.client(budget=0).left == 0


def test_all_pages_of_a_list_and_a_server_that_ignores_them() -> None:
    def page(*ids: str) -> Response:
        body = {"success": True, "result": [{"id": one} for one in ids], "result_info": {"total_count": 3}}
        return Response(200, {}, json.dumps(body).encode())

    assert [one["id"] for one in Scripted(page("a", "b"), page("c")).client().list("/x")] == ["a", "b", "c"]
    assert len(Scripted(page("a", "b"), page("a", "b")).client().list("/x")) == 2


def test_an_error_never_has_the_token() -> None:
    body = {"success": False, "errors": [{"code": 1, "message": "bad secret-token"}]}
    script = Scripted(Response(400, {}, json.dumps(body).encode()), Response(0, error="secret-token"))
    for method in ("PATCH", "POST"):
        with pytest.raises(ApiError) as told:
            script.client().write(method, "/x", {})
        assert "secret-token" not in str(told.value)


def test_success_false_is_a_no_whatever_the_status() -> None:
    script = Scripted(Response(200, {}, b'{"success": false, "errors": [{"code": 7, "message": "no"}]}'))
    with pytest.raises(ApiError, match="code 7"):
        script.client().get("/x")
    with pytest.raises(Lost):
        Scripted(Response(200, {}, b"<html>")).client().write("PATCH", "/x", {})
