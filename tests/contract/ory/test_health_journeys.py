# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journeys against real Kratos (old and new on one database), real Hydra and the lab's Hera."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from kit import ory_native as native
from kit.health_native import HTTP, SECRETS, good, side

from ansible_collections.olympus.bluegreen.plugins.module_utils._health import journeys
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Domain, Endpoint, Secrets


@pytest.fixture(scope="module")
def sides(processes: native.Processes) -> Iterator[tuple[Domain, Domain]]:
    """Blue at the old Kratos, migrated under it, green at the new one: one database, as after `deploy`."""
    postgres = native.Postgres(processes)
    kratos, hydra = postgres.create("ciam_kratos"), postgres.create("ciam_hydra")
    found = []
    for name, version in (("blue", "v1.0.0"), ("green", "v1.3.1")):
        k = native.start_kratos(processes, "kratos-" + name, native.kratos(version), kratos)
        h = native.start_hydra(processes, "hydra-" + name, native.hydra(), hydra)
        found.append(side(name, k, h, native.start_hera(processes, "hera-" + name, k, h[1])))
        if name == "blue":
            native.seed(k[1], h[1])
    yield found[0], found[1]
    processes.stop()
    postgres.remove()


@pytest.mark.parametrize("name", sorted(journeys.ONE_SIDE))
@pytest.mark.parametrize("index", [0, 1], ids=["old", "new"])
def test_every_journey_of_one_side(sides: tuple[Domain, Domain], index: int, name: str) -> None:
    good(journeys.ONE_SIDE[name](HTTP, sides[index], SECRETS, 20))


@pytest.mark.parametrize("name", sorted(journeys.TWO_SIDES))
def test_every_journey_of_two_sides(sides: tuple[Domain, Domain], name: str) -> None:
    good(journeys.TWO_SIDES[name](HTTP, sides[1], sides[0], SECRETS, 20))


def test_the_code_flow_goes_all_the_way(sides: tuple[Domain, Domain]) -> None:
    result = journeys.code_flow(HTTP, sides[1], SECRETS)
    assert result.detail.startswith("login, code, token, userinfo, refresh, logout"), result.detail


@pytest.mark.parametrize("name", ["login", "code_flow"])
def test_a_wrong_password_fails_and_stays_secret(sides: tuple[Domain, Domain], name: str) -> None:
    result = journeys.ONE_SIDE[name](HTTP, sides[1], Secrets("wrong-and-secret", native.CLIENT_SECRET), 20)
    assert not result.ok and not result.busy
    assert "wrong-and-secret" not in repr(result)


@pytest.mark.parametrize("name", ["token", "code_flow"])
def test_a_wrong_client_secret_fails(sides: tuple[Domain, Domain], name: str) -> None:
    result = journeys.ONE_SIDE[name](HTTP, sides[1], Secrets(native.PASSWORD, "wrong-and-secret"), 20)
    assert not result.ok and "401" in result.detail
    assert "wrong-and-secret" not in repr(result)


def test_sessions_do_not_cross_to_another_database(sides: tuple[Domain, Domain], processes: native.Processes) -> None:
    """A green on an empty database of its own is healthy and useless: the crossing check says so."""
    postgres = native.Postgres(processes)
    try:
        k = native.start_kratos(processes, "kratos-lost", native.kratos("v1.3.1"), postgres.create("lost"))
        lost = replace(sides[1], kratos=Endpoint("ciam-kratos", ("127.0.0.1", k[0]), ("127.0.0.1", k[1])))
        good(journeys.ready(HTTP, lost.kratos, [("public", "/health/ready"), ("admin", "/admin/health/ready")]))
        result = journeys.sessions(HTTP, lost, sides[0], SECRETS, 20)
        assert not result.ok and "401" in result.detail
    finally:
        postgres.remove()


def test_keys_of_another_issuer_are_no_superset(sides: tuple[Domain, Domain], processes: native.Processes) -> None:
    postgres = native.Postgres(processes)
    try:
        h = native.start_hydra(processes, "hydra-lost", native.hydra(), postgres.create("lost"))
        lost = replace(sides[1], hydra=Endpoint("ciam-hydra", ("127.0.0.1", h[0]), ("127.0.0.1", h[1])))
        result = journeys.jwks(HTTP, lost, sides[0], SECRETS, 20)
        assert not result.ok and "missing" in result.detail
        assert not journeys.tokens(HTTP, lost, sides[0], SECRETS, 20).ok
    finally:
        postgres.remove()


def test_a_login_that_says_200_and_no_is_seen(sides: tuple[Domain, Domain], processes: native.Processes) -> None:
    blue = sides[0]
    admin = blue.hydra.admin or ("", 0)
    ports = (blue.kratos.address[1], blue.kratos.admin[1] if blue.kratos.admin else 0)
    port = native.start_hera(processes, "hera-broken", ports, admin[1], FAULT_BROKEN_LOGIN="1")
    broken = replace(blue, hera=Endpoint("ciam-hera", ("127.0.0.1", port)))
    result = journeys.code_flow(HTTP, broken, SECRETS, 20)
    assert not result.ok and 'came back after its form was posted and says "Invalid email or password' in result.detail


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"CAPTCHA_ENABLED": "true", "CAPTCHA_SITE_KEY": "k", "CAPTCHA_SECRET_KEY": "k"}, "CAPTCHA is on at the login"),
        ({"CAPTCHA_ENABLED": "true"}, "CAPTCHA is on at the login page"),
    ],
)
def test_what_keeps_a_probe_out_is_told(
    sides: tuple[Domain, Domain], processes: native.Processes, env: dict[str, str], why: str
) -> None:
    blue = sides[0]
    admin = blue.hydra.admin or ("", 0)
    ports = (blue.kratos.address[1], blue.kratos.admin[1] if blue.kratos.admin else 0)
    port = native.start_hera(processes, "hera-" + "-".join(env).lower(), ports, admin[1], **env)
    shut = replace(blue, hera=Endpoint("ciam-hera", ("127.0.0.1", port)))
    result = journeys.code_flow(HTTP, shut, SECRETS, 20)
    assert not result.ok and why in result.detail


def test_version_and_ready(sides: tuple[Domain, Domain]) -> None:
    hydra, kratos = sides[1].hydra, sides[1].kratos
    good(journeys.ready(HTTP, hydra, [("public", "/health/ready"), ("admin", "/health/ready")]))
    good(journeys.version(HTTP, kratos, ("admin", "/admin/version"), "1.3.1"))
    wrong = journeys.version(HTTP, sides[0].kratos, ("admin", "/admin/version"), "v1.3.1")
    assert not wrong.ok and "v1.0.0 answers, v1.3.1 was expected" in wrong.detail


def test_warm(sides: tuple[Domain, Domain]) -> None:
    hera = sides[1].hera
    assert hera is not None
    good(journeys.warm(HTTP, hera, "/login", 3))


def test_journeys_are_thread_safe(sides: tuple[Domain, Domain]) -> None:
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(journeys.login, HTTP, sides[n % 2], SECRETS, 20) for n in range(16)]
        jobs += [pool.submit(journeys.seen_flow, HTTP, sides[n % 2], SECRETS, 30) for n in range(4)]
    for job in jobs:
        good(job.result())


def test_a_rate_limit_is_no_verdict_and_nothing_is_retried(sides: tuple[Domain, Domain]) -> None:
    seen: list[str] = []

    class Limited(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(429)
            self.end_headers()

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Limited)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        limited = replace(sides[0], kratos=Endpoint("ciam-kratos", ("127.0.0.1", server.server_address[1])))
        result = journeys.login(HTTP, limited, SECRETS, 5)
    finally:
        server.shutdown()
        server.server_close()
    assert result.busy and not result.ok
    assert seen == ["/self-service/login/api"]
