# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets over real sockets: HTTP, TLS, TCP and PostgreSQL for the gate, and a watch that asks nothing but targets."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from kit import ory_native as native
from kit.miniedge import MiniEdge
from kit.miniwatch import call, events, mini, until, verdict
from kit.ports import free_port
from kit.postgres_tls import PASSWORD, SQL, authority, openssl

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import gate

PARAMS: dict[str, Any] = {
    **{name: option.get("default") for name, option in gate.GATE.options.items()},
    "deployment": "shop",
    "state_dir": "/nowhere",
    "timeout": 2,
}


class NoPodman:
    """There is none on this host."""

    def run(self, argv: Any, **_given: Any) -> Result:
        raise AssertionError("podman was asked: %s" % (argv,))


def passed(*targets: dict[str, Any], **more: Any) -> tuple[bool, dict[str, str]]:
    """Whether the gate passed, and what it says of each target."""
    podman = Podman(NoPodman())
    found = gate.gate(
        {**PARAMS, **more, "targets": targets}, False, gate.GateInputs(DirectHttp(), podman, SystemClock())
    )
    return found["passed"], {one["service"]: one["detail"] for one in found["checks"]}


class Shop(BaseHTTPRequestHandler):
    """Says which Host it was asked for."""

    def log_message(self, *_args: object) -> None:
        pass

    def do_GET(self) -> None:
        body = json.dumps({"host": self.headers["Host"], "version": "v2", "database": {"up": True}}).encode()
        self.send_response(200 if self.path == "/health" else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def shop(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def test_a_url_by_its_host_body_version_and_json() -> None:
    with shop() as port:
        url = "http://127.0.0.1:%d/health" % port
        web = {"name": "web", "url": url, "host": "shop.test", "body": '"shop.test"', "version": "v2"}
        asked = {"name": "json", "url": url, "json": {"host": "127.0.0.1:%d" % port, "database.up": "true"}}
        ill = {"name": "ill", "url": url.replace("health", "ill")}
        assert passed(web, asked) == (True, {"web": "status 200, version v2", "json": "status 200"})
        assert passed({**ill, "status": 503}) == (True, {"ill": "status 503"})
        well, said = passed(web, ill, timeout=1)
        assert not well and said == {"web": "status 200, version v2", "ill": "status 503, not 200"}
        assert passed({**ill, "url": {"blue": ill["url"], "green": url}}, colour="green")[0]


def test_the_certificate_has_to_be_the_hosts(tmp_path: Path) -> None:
    authority(tmp_path, "ca")
    names = tmp_path / "names"
    names.write_text("subjectAltName=DNS:shop.test")
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=shop.test"]
    openssl(tmp_path, *new, "-keyout", "shop.key", "-out", "shop.csr")
    sign = ["x509", "-req", "-days", "2", "-in", "shop.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
    openssl(tmp_path, *sign, "-extfile", "names", "-out", "shop.crt")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "shop.crt", tmp_path / "shop.key")
    with shop(context) as port:
        web = {"name": "web", "url": "https://127.0.0.1:%d/health" % port, "ca": str(tmp_path / "ca.crt")}
        assert passed({**web, "host": "shop.test"})[0]
        well, said = passed({**web, "host": "other.test"}, timeout=1)
        assert not well and "certificate" in said["web"].lower()
        assert passed({**web, "ca": "", "verify": False})[0]


def test_it_waits_until_a_port_is_open() -> None:
    port = free_port()
    held: list[socket.socket] = []
    late = threading.Timer(0.7, lambda: held.append(socket.create_server(("127.0.0.1", port))))
    late.start()
    assert passed({"name": "queue", "tcp": "127.0.0.1:%d" % port}, timeout=10) == (True, {"queue": "connected"})
    held[0].close()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[native.Postgres]:
    processes = native.Processes(tmp_path_factory.mktemp("logs"))
    server = native.Postgres(processes)
    server.execute("postgres", SQL)
    yield server
    processes.stop()
    server.remove()


def test_postgresql_by_its_port_and_by_a_dsn_in_a_file(postgres: native.Postgres, tmp_path: Path) -> None:
    file, at = tmp_path / "dsn", "127.0.0.1:%d" % postgres.port
    file.write_text("postgres://k:%s@%s/postgres\n" % (PASSWORD, at))
    both = {"name": "port", "postgres": at}, {"name": "login", "dsn_file": str(file)}
    assert passed(*both, timeout=10) == (
        True, {"port": "PostgreSQL takes sessions", "login": "logged in to PostgreSQL and asked"},
    )  # fmt: skip
    file.write_text("postgres://k:%s@%s/nothing" % (PASSWORD, at))
    well, said = passed(both[1], timeout=1)
    assert not well and 'database "nothing" does not exist' in said["login"] and PASSWORD not in said["login"]
    file.write_text("this is no DSN but a secret: %s" % PASSWORD)
    well, said = passed(both[1], timeout=1)
    assert not well and said["login"] == "the DSN of login names no PostgreSQL database"


@pytest.mark.parametrize(
    ("says", "wrong"),
    [
        (b"E\0\0\0\x20SFATAL\0C57P03\0Mstarting\0\0", "PostgreSQL takes no session now (57P03)"),
        (b"E\0\0\0\x20SFATAL\0C53300\0Mfull\0\0", "PostgreSQL takes no session now (53300)"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not PostgreSQL"),
        (b"", "it hangs up"),
    ],
)
def test_what_is_no_postgresql_that_takes_sessions(says: bytes, wrong: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    peer = server.accept()[0]
                except OSError:
                    return
                with peer:
                    peer.recv(100)
                    peer.sendall(says)

        threading.Thread(target=serve, daemon=True).start()
        at = "127.0.0.1:%d" % server.getsockname()[1]
        assert passed({"name": "db", "postgres": at}, timeout=0) == (False, {"db": wrong})
        server.shutdown(socket.SHUT_RDWR)


# The watch


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[MiniEdge]:
    with mini(tmp_path) as running:
        yield running


def watched(edge: MiniEdge, **more: Any) -> dict[str, Any]:
    """Options of a watch that knows nothing but targets."""
    each = {colour: "http://%s:%d/" % (ip, edge.port) for colour, ip in edge.addresses.items()}
    targets = [{"name": "web", "url": each}, {"name": "edge", "tcp": "127.0.0.1:%d" % edge.port}]
    return {
        "services": {},
        "network_range": "10.231.16.0/20",
        "targets": targets,
        "window": 8.0,
        "min_events": 5,
        **more,
    }


def test_a_killed_release_is_rolled_back(edge: MiniEdge) -> None:
    call(edge, **watched(edge, window=60.0))
    edge.cut_over()
    until(lambda: len(events(edge, "pair")) > 1, 20, "probes of the new colour")
    edge.stop("green")
    found = verdict(edge, 30)
    assert (found["verdict"], found["rolled_back"]["to"], edge.switch.read().live) == ("FAIL", "blue", "blue")
    assert any("web" in reason for reason in found["reasons"]), found["reasons"]


def test_a_good_release_passes_by_targets_and_no_login_is_missed(edge: MiniEdge) -> None:
    call(edge, **watched(edge))
    edge.cut_over()
    found = verdict(edge, 40)
    assert found["verdict"] in ("PASS", "PASS_SYNTHETIC_ONLY", "INCONCLUSIVE"), found["reasons"]
    assert found["evidence"]["pairs"]["ok"] > 3 and not found["evidence"]["untested"]
    assert "login" not in str(found["reasons"])


def test_a_version_is_asked_of_the_new_colour_alone(edge: MiniEdge) -> None:
    given = watched(edge)
    given["targets"][0]["version"] = "v2"
    call(edge, **given)
    edge.cut_over()
    found = verdict(edge, 40)
    assert found["verdict"] == "FAIL" and "does not name version v2" in str(found["reasons"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"targets": []}, "services, targets not given"),
        ({"targets": [{"name": "web", "url": "http://shop.test/"}]}, "no target names an address of each colour"),
        ({"targets": [{"name": "web", "url": {"green": "http://shop.test/"}}]}, "url names no address of blue"),
        ({"release": "../v2"}, "not a release id"),
    ],
)
def test_what_is_refused_before_a_watcher_starts(edge: MiniEdge, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BluegreenError, match=said):
        call(edge, **watched(edge, **changes))
    assert not (edge.state_dir / "watch.json").exists()
