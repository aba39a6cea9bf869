# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A person's login through the edge by the preview, and many rounds of a watch: real Kratos and Hydra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from kit import hera_fakes as fakes
from kit import ory_native as native
from kit.health_native import HTTP, SECRETS, good, sessions, ui

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import write_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp, Http, Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.netns import network_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import journeys
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.checks import GatePlan
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Domain, Endpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.probe_origin import Edge as EdgeContainer
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.probe_origin import Standpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.through_edge import Through, through
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import look_probe
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import model as preflight
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import prober as prober_module
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.prober import LOGIN_RULE, PairedProber

SECRET = "0123456789abcdef0123456789abcdef"
RELEASE = "v1.5.0-0123456789"


class Edge(BaseHTTPRequestHandler):
    """What a Caddy with the switch does: the preview goes to green, all else to blue; each answer says which."""

    domains: Mapping[str, Domain]
    asked: list[tuple[str, str]]
    says: Mapping[str, str]
    limit: int

    def log_message(self, *_given: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        host = (self.headers["Host"] or "").split(":")[0]
        idle = self.headers.get("X-Bluegreen-Preview") == SECRET
        colour = "green" if idle else "blue"
        self.asked.append((self.command, self.path.split("?")[0]))
        posts = [path for method, path in self.asked if method == "POST" and path.startswith("/login")]
        at = self.domains[colour].endpoint(host, self.path)
        assert at is not None
        headers = {
            name: value for name, value in self.headers.items() if name not in ("X-Bluegreen-Preview", "Connection")
        }
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        if self.command == "POST" and self.path.startswith("/login") and len(posts) > self.limit:
            answer = Response(429, {})
        else:
            url = "http://%s%s" % (self.headers["Host"], self.path)
            given = {**headers, "X-Forwarded-Proto": "https"}
            answer = HTTP.request(self.command, url, headers=given, body=body, connect=at.address)
        self.send_response(answer.status)
        for name in ("location", "content-type"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        for line in answer.cookies:
            self.send_header("Set-Cookie", line)
        said = self.says.get(self.path.split("?")[0], colour)
        if said:
            self.send_header("X-Bluegreen-Colour", said)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_POST = do_GET


@contextmanager
def edge(
    colours: tuple[Domain, Domain], says: Mapping[str, str] | None = None, limit: int = 5
) -> Iterator[tuple[Any, Any]]:
    """(the edge's class, the way through it to green)."""
    about = {"domains": {"blue": colours[0], "green": colours[1]}, "asked": [], "says": says or {}, "limit": limit}
    handler = type("ThisEdge", (Edge,), about)
    with fakes.serve(handler) as port:
        headers = {"X-Bluegreen-Preview": SECRET}
        yield handler, Through(DirectHttp(), ("127.0.0.1", port), "http", "green", headers)


@contextmanager
def to_green(colours: tuple[Domain, Domain], **how: Any) -> Iterator[tuple[Domain, Any, Any, Any]]:
    """(green with a login page, its fake, the edge's class, the way): ``how`` is the edge's."""
    with ui(colours[1]) as (green, fake):
        pair = (colours[0], green)
        with edge(pair, **how) as (seen, way):
            yield green, fake, seen, way


def test_every_hop_goes_through_the_edge_to_the_idle_colour(colours: tuple[Domain, Domain]) -> None:
    with to_green(colours) as (green, fake, seen, way):
        result = journeys.code_flow(HTTP, green, SECRETS, 20, way)
    good(result)
    assert "(green, through the edge by the preview)" in result.detail
    paths = [path for _method, path in seen.asked]
    assert {"/oauth2/auth", "/login", "/consent", "/oauth2/token", "/userinfo"} <= set(paths)
    assert [one for one in seen.asked if one == ("POST", "/login")] == [("POST", "/login")] and len(fake.posts) == 1


@pytest.mark.parametrize("path", ["/oauth2/auth", "/login", "/oauth2/token", "/userinfo"])
@pytest.mark.parametrize("says", ["blue", ""])
def test_one_hop_of_another_colour_ends_it(colours: tuple[Domain, Domain], path: str, says: str) -> None:
    with to_green(colours, says={path: says}) as (green, _fake, _seen, way):
        before = sessions(green)
        result = journeys.code_flow(HTTP, green, SECRETS, 20, way)
        assert not result.ok and "%s: %s answered, green was meant" % (path, says or "no colour") in result.detail
        assert SECRET not in repr(result) and SECRET not in repr(way) and sessions(green) == before


def test_a_preview_that_is_not_taken_is_the_live_colours_answer(colours: tuple[Domain, Domain]) -> None:
    with to_green(colours) as (green, fake, _seen, way):
        result = journeys.code_flow(HTTP, green, SECRETS, 20, replace(way, headers={"X-Bluegreen-Preview": "f" * 32}))
    assert not result.ok and "blue answered, green was meant" in result.detail and not fake.posts


def test_the_edges_rate_limit_is_no_verdict(colours: tuple[Domain, Domain]) -> None:
    with to_green(colours, limit=0) as (green, _fake, _seen, way):
        result = journeys.code_flow(HTTP, green, SECRETS, 20, way)
    assert result.busy and not result.ok and "429" in result.detail


def test_preflight_logs_in_at_the_public_names_before_adopt(colours: tuple[Domain, Domain], tmp_path: Path) -> None:
    """Nothing is adopted, no address of a service is known: the edge is asked as a person asks it."""
    probe = {"hera": "ciam-hera", "login_host": native.LOGIN, "oauth_host": native.OAUTH}
    probe |= {"identifier": native.IDENTIFIER, "client_id": native.CLIENT, "redirect_uri": native.REDIRECT}

    def row(**how: Any) -> preflight.Row:
        with ui(colours[0], **how) as (blue, _fake):
            pair = (blue, colours[1])
            with edge(pair) as (_seen, way):
                wanted = preflight.PreflightInputs(
                    state_dir=str(tmp_path),
                    edge={"address": way.address[0], "port": way.address[1], "scheme": "http"},
                    probes={"ciam": probe},
                    probe_secrets={"ciam": {"password": native.PASSWORD, "client_secret": native.CLIENT_SECRET}},
                )
                seen = look_probe.probe(wanted, Podman(SubprocessRunner()), HTTP, network_of)
        (found,) = look_probe.rows(preflight.Observed(probes=seen), wanted)
        return found

    well = row()
    assert well.ok and well.check == "probe ciam" and well.found.startswith("login, code, token, userinfo, refresh")
    shut = row(captcha=True)
    assert (shut.ok, shut.level) == (False, "refuse") and "CAPTCHA is on" in shut.found
    assert shut.fix.endswith("bluegreen_checks: {skip: [code_flow]}")
    ill = row(refuses=True)
    assert (ill.ok, ill.level) == (False, "warn") and "came back" in ill.found


def state(tmp_path: Path, *markers: str) -> tuple[str, str]:
    """(state directory, switch directory) with green's release previewed."""
    switch = tmp_path / "switch"
    (switch / "preview").mkdir(parents=True)
    for name in markers:
        (switch / name).write_text("")
    (tmp_path / "stacks/green").mkdir(parents=True)
    write_json(str(tmp_path / "stacks/green/services.json"), {"release": RELEASE})
    (tmp_path / "releases" / RELEASE).mkdir(parents=True)
    (tmp_path / "releases" / RELEASE / "preview").write_text("X-Bluegreen-Preview: %s\n" % SECRET)
    return str(tmp_path), str(switch)


def test_when_the_way_leads_through_the_edge(tmp_path: Path) -> None:
    where, switch = state(tmp_path, "blue")
    caddy: dict[str, Any] = {"address": "127.0.0.1", "port": 8443, "ca": "/ca.pem"}

    def made(**changes: Any) -> Through | None:
        return through({**caddy, **changes}, where, switch, "green", None, lambda _ca, _source: HTTP)

    # Not before deploy has let the secret in.
    assert made() is None
    (tmp_path / "switch/preview" / SECRET).write_text("")
    found = made()
    assert found and found.address == ("127.0.0.1", 8443) and found.scheme == "https" and found.colour == "green"
    assert made(method="reload") is None and made(kind="cloudflare") is None
    assert through(caddy, where, "", "green", None) is None
    # What is live is not what a preview leads to.
    (tmp_path / "switch/green").write_text("")
    assert made() is None


def test_visitors_do_not_use_up_what_a_rate_limit_leaves_the_gate(tmp_path: Path) -> None:
    """Behind a published port all of them have one address; the edge sees the gate at one of its own."""
    where, switch = state(tmp_path, "blue", "preview/" + SECRET)

    class Who(BaseHTTPRequestHandler):
        def log_message(self, *_given: object) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            body = self.client_address[0].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def seen(edge: Mapping[str, Any], inside: EdgeContainer | None) -> str:
        way = through({"scheme": "http", **edge}, where, switch, "green", inside)
        assert way is not None
        return way.http.request("GET", "http://id.test/", connect=way.address).body.decode()

    with fakes.serve(Who) as port:
        container = EdgeContainer("edge", 1, (), {8443: port})
        asked = {seen({"port": 8443, "address": "192.0.2.1"}, container) for _gate in range(3)}
        asked |= {seen({"port": port, "kind": "native"}, None) for _gate in range(3)}
        assert len(asked) == 6 and "127.0.0.1" not in asked
        # A published port answers on loopback to this one alone.
        assert seen({"port": port}, None) == "127.0.0.1"


@dataclass(frozen=True)
class Table:
    """Where the services of both colours are, instead of our own networks."""

    at: Mapping[tuple[str, str], Endpoint]
    by_ports: bool = True

    def endpoint(self, colour: str, name: str, _service: Mapping[str, Any]) -> Endpoint:
        return self.at[colour, name]


@dataclass(frozen=True)
class Native(Config):
    table: Any = None

    def gate_plan(self, colour: str) -> GatePlan:
        return replace(super().gate_plan(colour), reach=self.table)


class Counting:
    """An Http that keeps what was posted as a password."""

    def __init__(self, http: Http) -> None:
        self.http, self.wrong, self.right = http, 0, 0

    def request(self, method: str, url: str, **given: Any) -> Response:
        body = (given.get("body") or b"").decode("utf-8", "replace")
        if method == "POST" and "password" in body:
            right = native.PASSWORD in body or native.PASSWORD.replace(" ", "+") in body
            self.right, self.wrong = self.right + right, self.wrong + (not right)
        return self.http.request(method, url, **given)


def watching(domains: tuple[Domain, Domain], tmp_path: Path, http: Http) -> PairedProber:
    probe = {
        "kratos": "ciam-kratos", "hydra": "ciam-hydra", "hera": "ciam-hera", "login_host": native.LOGIN,
        "oauth_host": native.OAUTH, "identifier": native.IDENTIFIER, "client_id": native.CLIENT,
        "redirect_uri": native.REDIRECT,
    }  # fmt: skip
    services = {name: {"kind": name.split("-")[1], "port": 1, "admin_port": 1, "domain": "ciam"} for name in
                ("ciam-kratos", "ciam-hydra", "ciam-hera")}  # fmt: skip
    at = {(one.side, end.service): end for one in domains for end in (one.kratos, one.hydra, one.hera) if end}
    config = Native(
        deployment="native", state_dir=str(tmp_path), release=RELEASE, colour="green", switch_dir=str(tmp_path),
        services=services, probes={"ciam": probe}, table=Table(at),
        probe_secrets={"ciam": {"password": native.PASSWORD, "client_secret": native.CLIENT_SECRET}},
    )  # fmt: skip
    return PairedProber(config, http, SystemClock(), Standpoint(Podman(SubprocessRunner()), "", {}))


def rounds(prober: PairedProber, count: int) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(12) as pool:
        prober._continuity.open()
        for tick in range(count):
            prober._round(pool, tick)
        prober._continuity.close()
    return prober.events()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that a busy machine makes slow is none that is refused."""
    monkeypatch.setattr(prober_module, "SECONDS", 30.0)


@pytest.mark.usefixtures("patient")
def test_a_watch_leaves_no_session_and_locks_nothing(colours: tuple[Domain, Domain], tmp_path: Path) -> None:
    """A login UI that locks at 5 wrong passwords, a watch of 60 rounds: none is sent, all are well, nothing is left."""
    counting = Counting(HTTP)
    with ui(colours[0], lockout=5) as (blue, old), ui(colours[1], lockout=5, remembers=True) as (green, new):
        before = sessions(green)
        told = rounds(watching((blue, green), tmp_path, counting), 60)
        assert sessions(green) == before
    pairs = [event for event in told if event["event"] == "pair"]
    logins = [event["checks"]["code_flow ciam-hydra"] for event in pairs if "code_flow ciam-hydra" in event["checks"]]
    assert logins == [[True, True]] * 4 and not any("why" in event for event in pairs)
    assert (counting.wrong, old.refused, new.refused) == (0, 0, 0) and counting.right > 30


@pytest.mark.usefixtures("patient")
def test_a_refused_login_ends_the_watch_before_it_locks(colours: tuple[Domain, Domain], tmp_path: Path) -> None:
    """Green refuses the right password, blue takes it: the rule is broken in each round, and needs three."""
    with ui(colours[0]) as (blue, _old), ui(colours[1], refuses=True, lockout=5) as (green, new):
        prober = watching((blue, green), tmp_path, HTTP)
        start = next(tick for tick in range(15) if any(pair.name == "code_flow" for pair in prober._due(tick)))
        told: list[dict[str, Any]] = []
        with ThreadPoolExecutor(12) as pool:
            for tick in range(start, start + 3):
                prober._round(pool, tick)
                told += prober.events()
        assert new.refused == 3
    broken = [event for event in told if event["event"] == "rule" and event["rule"] == LOGIN_RULE]
    assert [event["bad"] for event in broken] == [True] * 3 and "came back after its form was posted" in broken[0][
        "detail"
    ]
