# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The lab itself, for real: it converges, survives a crash, does what it says and leaves nothing behind.

Takes the machine's one lab: ends with it down. Run by itself, as root, with the images built.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

from olympus_lab import config, images, leftovers, mail, network, podman, project, stack, truth, web
from olympus_lab.progress import wait_for

pytestmark = pytest.mark.lab
LOGIN = config.HOSTS["ciam"][0]
PROBE = "probe@olympus.test"
JSON = {"Content-Type": "application/json", "Accept": "application/json"}


def _traces() -> list[str]:
    """Whatever on this machine speaks of the lab: by name, or by its network's addresses."""
    listings = (
        ["podman", "ps", "-a", "--format", "{{.Names}} {{.Labels}}"],
        ["podman", "network", "ls", "--format", "{{.Name}}"],
        ["podman", "volume", "ls", "--format", "{{.Name}}"],
        ["podman", "pod", "ls", "--format", "{{.Name}}"],
        ["ip", "route"],
        ["iptables-save"],
    )
    lines = [line for argv in listings for line in subprocess.check_output(argv, text=True).splitlines()]
    subnet = config.RANGE.removesuffix("0.0/16") + "0."
    # A lab of another slot may stand beside this one.
    mine = re.compile(re.escape(config.PROJECT) + r"(?!\d)")
    return [line for line in lines if mine.search(line) or subnet in line or f"blackhole {config.RANGE}" in line]


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    """A lab begun from nothing; down must leave no trace of it."""
    stack.down()
    assert _traces() == []
    stack.up()
    assert len(_traces()) > len(config.SERVICES)
    yield
    form = "{{range .Mounts}}{{.Name}}{{end}}"
    unnamed = podman.call(["container", "inspect", config.container("pgadmin"), "--format", form]).stdout.strip()
    stack.down()
    assert _traces() == []
    assert unnamed and podman.call(["volume", "exists", unnamed], check=False).returncode == 1
    assert not config.OPERATOR.exists()


def _ids() -> list[str]:
    return [stack.container_id(service) for service in config.SERVICES]


def _flow(kind: str, body: dict[str, object]) -> web.Answer:
    """An API flow at Kratos' own port: it is not public."""
    port = config.HOST_PORTS["ciam-kratos"][0]
    flow = web.local(port, f"/self-service/{kind}/api", headers=JSON).json()["id"]
    return web.local(port, f"/self-service/{kind}?flow={flow}", "POST", json.dumps(body).encode(), JSON)


def test_a_second_up_changes_nothing() -> None:
    before = _ids()
    stack.up()
    assert _ids() == before


def test_the_real_parts_say_who_they_are() -> None:
    release = config.RELEASES[0]
    for domain in config.DOMAINS:
        kratos, hydra = (config.HOST_PORTS[f"{domain}-{product}"][1] for product in ("kratos", "hydra"))
        assert web.local(kratos, "/admin/version").json() == {"version": release.kratos}
        assert web.local(hydra, "/version").json() == {"version": release.hydra}
    assert web.public(config.SITE_HOST, "/").headers["X-Olympus-Version"] == release.version


CLIENTS = {
    "ciam": ["probe", "site-ciam-client"],
    "iam": ["athena-ciam-client", "athena-iam-client", "pgadmin", "probe", "site-iam-client"],
}


def _clients(domain: str) -> list[str]:
    found = web.local(config.HOST_PORTS[f"{domain}-hydra"][1], "/admin/clients").json()
    return sorted(client["client_id"] for client in found)


def test_seed_made_identity_and_clients() -> None:
    secret = project.settings()
    body: dict[str, object] = {"method": "password", "identifier": PROBE}
    assert _flow("login", {**body, "password": secret["PROBE_PASSWORD"]}).json()["session"]["active"] is True
    assert _flow("login", {**body, "password": "not it"}).status == 400
    assert {domain: _clients(domain) for domain in config.DOMAINS} == CLIENTS


def test_one_shots_run_with_every_up_and_change_nothing_the_second_time() -> None:
    schema = {database: stack.psql("SELECT count(*) FROM pg_class", database) for database in config.DATABASES}
    for services in (config.MIGRATIONS, config.SEED):
        stack.run_once("again", services)
    assert {database: stack.psql("SELECT count(*) FROM pg_class", database) for database in config.DATABASES} == schema
    assert {domain: _clients(domain) for domain in config.DOMAINS} == CLIENTS


def test_the_database_is_18_and_every_client_of_it_speaks_tls() -> None:
    assert stack.psql("SHOW server_version_num")[0][0].startswith("18")
    rows = stack.psql("SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_port > 0")
    assert rows == [["t"]]


def test_a_client_verifies_the_database_by_a_ca_that_its_container_alone_has() -> None:
    dsn = project.settings()["PG_OLYMPUS_DSN"]
    ca = config.OPERATOR / "postgres" / "pg-ca.crt"

    def answer(*options: str) -> str:
        # The DSN travels by environment, as everywhere.
        run = ["run", "--rm", "-i", "--pull=never", "--network", config.NETWORK, "-e", "DSN", *options]
        argv = [
            "podman",
            *run,
            "--entrypoint",
            "sh",
            images.SHARED["postgres"],
            "-c",
            'exec psql "$DSN" -Atc "SELECT 18"',
        ]
        env = {**podman.environment(), "DSN": dsn}
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        return done.stdout.strip() or done.stderr.strip()

    assert "sslmode=verify-full" in dsn
    assert answer("-v", f"{ca}:/etc/ssl/certs/pg-ca.crt:ro") == "18"
    assert "/etc/ssl/certs/pg-ca.crt" in answer()
    stranger = config.OPERATOR / "postgres" / "server.crt"
    assert "certificate verify failed" in answer("-v", f"{stranger}:/etc/ssl/certs/pg-ca.crt:ro")


def test_the_shared_site_dials_coloured_services_by_name_and_keeps_its_count() -> None:
    before, heard = truth.shared()
    assert heard == {"IAM_HYDRA_INTERNAL_URL": (200, ""), "SITE_INTERNAL_URL": (200, "blue")}
    podman.call(["restart", "-t", "0", config.container("pgadmin")])
    wait_for("pgAdmin", lambda: "" if _answers(config.PGADMIN_HOST) else "nothing", 20)
    assert truth.shared()[0] > before


def _answers(host: str) -> bool:
    with contextlib.suppress(OSError):
        return web.public(host, "/misc/ping").status == 200
    return False


def test_a_mail_goes_through_the_real_courier_once() -> None:
    _flow("recovery", {"method": "code", "email": PROBE})
    wait_for("the mail", lambda: "" if mail.messages(PROBE) else "mail", 20)
    (message,) = mail.messages(PROBE)
    assert re.search(r"\b\d{6}\b", mail.text(message["id"]))
    wait_for("the courier's note", lambda: "pending" if mail.account()["pending"] else "", 20)
    assert mail.account() == {"queued": 1, "pending": 0, "caught": 1, "doubled": 0, "lost": 0}


def test_login_limit_and_private_path_are_enforced() -> None:
    statuses = [web.public(LOGIN, "/login", "POST", b"").status for _login in range(8)]
    assert statuses.count(429) >= 2
    assert statuses[0] != 429
    assert web.public(LOGIN, "/api/policy/password/x").status == 404


@pytest.mark.parametrize("service", [*config.ORY, *config.APPS, "postgres"])
def test_health_checks_pass(service: str) -> None:
    assert _health(service) == 0


def _health(service: str) -> int:
    return podman.call(["healthcheck", "run", config.container(service)], check=False).returncode


def test_health_checks_fail_without_the_database() -> None:
    database = config.container("postgres")
    podman.call(["stop", database])
    try:
        wait_for("unhealthy", lambda: "" if all(_health(service) for service in config.ORY) else "a failing check", 20)
    finally:
        podman.call(["start", database])
    wait_for("healthy again", lambda: ", ".join(service for service in config.ORY if _health(service)), 60)


def test_every_port_is_on_loopback_and_the_range_is_blocked() -> None:
    ports = [port for item in leftovers.containers() for port in item.get("Ports") or []]
    assert {port["host_ip"] for port in ports} == {config.LOOPBACK}
    assert network.is_blocked()
    assert network.reachable_here(f"{config.PREFIX}0.2")
    assert not network.reachable_here(f"{config.PREFIX}200.1")


@pytest.mark.slow
def test_up_after_a_crash_starts_anew() -> None:
    before = _ids()
    for name in map(config.container, config.SERVICES):
        pids = podman.call(["container", "inspect", name, "--format", "{{.State.ConmonPid}} {{.State.Pid}}"]).stdout
        for pid in map(int, pids.split()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    stack.up()
    assert not set(before) & set(_ids())
    assert stack.shortfall() == ""
