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

from olympus_lab import config, leftovers, mail, network, podman, project, stack, web
from olympus_lab.progress import wait_for

pytestmark = pytest.mark.lab
LOGIN = "login.ciam.olympus.test"
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
    stack.down()
    assert _traces() == []
    assert not config.OPERATOR.exists()


def _ids() -> list[str]:
    return [stack.container_id(service) for service in config.SERVICES]


def _flow(kind: str, body: dict[str, object]) -> web.Answer:
    flow = web.public(LOGIN, f"/self-service/{kind}/api", headers=JSON).json()["id"]
    return web.public(LOGIN, f"/self-service/{kind}?flow={flow}", "POST", json.dumps(body).encode(), JSON)


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
    assert web.public("olympus.test", "/").headers["X-Olympus-Version"] == release.version


def test_seed_made_identity_and_client() -> None:
    secret = project.settings()
    body: dict[str, object] = {"method": "password", "identifier": "probe@olympus.test"}
    assert _flow("login", {**body, "password": secret["PROBE_PASSWORD"]}).json()["session"]["active"] is True
    assert _flow("login", {**body, "password": "not it"}).status == 400
    clients = web.local(config.HOST_PORTS["iam-hydra"][1], "/admin/clients").json()
    assert [client["client_id"] for client in clients] == ["probe"]


def test_a_mail_goes_through_the_real_courier_once() -> None:
    _flow("recovery", {"method": "code", "email": "probe@olympus.test"})
    wait_for("the mail", lambda: "" if mail.messages("probe@olympus.test") else "mail", 20)
    (message,) = mail.messages("probe@olympus.test")
    assert re.search(r"\b\d{6}\b", mail.text(message["id"]))
    wait_for("the courier's note", lambda: "pending" if mail.account()["pending"] else "", 20)
    assert mail.account() == {"queued": 1, "pending": 0, "caught": 1, "doubled": 0, "lost": 0}


def test_login_limit_and_private_path_are_enforced() -> None:
    statuses = [web.public(LOGIN, "/login", "POST", b"").status for _login in range(8)]
    assert statuses.count(429) >= 2
    assert statuses[0] != 429
    assert web.public(LOGIN, "/internal/x").status == 404


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
