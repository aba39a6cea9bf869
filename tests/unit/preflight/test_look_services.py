# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services asked at their ports over real sockets, and what is looked at where there is nothing to look for."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import look_services
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.look import Look, World
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.model import PreflightInputs

LABELS = {"com.docker.compose.project": "prod"}


@contextmanager
def listener(address: str) -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind((address, 0))
        sock.listen()
        yield int(sock.getsockname()[1])


def container(service: str, ip: str = "", pid: int = 0, **config: Any) -> dict[str, Any]:
    return {
        "Name": "prod_%s_1" % service,
        "State": {"Pid": pid},
        "Config": {"Labels": {**LABELS, "com.docker.compose.service": service}, **config},
        "NetworkSettings": {"Networks": {"prod": {"IPAddress": ip}} if ip else {}},
    }


def looked(raws: list[dict[str, Any]], entered: list[int] | None = None, **services: Any) -> dict[str, Any]:
    def enter(pid: int) -> Any:
        (entered if entered is not None else []).append(pid)
        return nullcontext()

    return look_services.services(raws, PreflightInputs(project="prod", services=services), enter)


def test_a_port_that_answers_is_asked_from_the_edges_network() -> None:
    entered: list[int] = []
    with listener("127.0.0.1") as port:
        raws = [container("web", "127.0.0.1", os.getpid()), container("caddy", "127.0.0.9", 4242)]
        found = looked(raws, entered, web={"port": port})
    assert found == {
        "web": {"running": True, "asked": {"port": port}, "closed": {}, "listening": [], "loopback": [], "said": {}}
    }
    assert entered == [4242]


def test_of_a_closed_port_it_is_seen_which_one_listens_and_which_the_container_names() -> None:
    with listener("127.0.0.1") as alone, listener("0.0.0.0") as reached, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        env = ["SERVE_PUBLIC_PORT=%d" % reached, "PORT=x", "SERVE_ADMIN_PORT=9"]
        raw = container("web", "127.0.0.1", os.getpid(), Env=env, ExposedPorts={"4433/tcp": {}, "1/udp": {}})
        found = looked([raw], web={"port": held.getsockname()[1], "admin_port": alone})["web"]
    assert found["closed"] == {"port": held_port(found)} and found["said"] == {"port": [reached, 4433]}
    assert reached in found["listening"] and alone in found["loopback"]


def held_port(found: dict[str, Any]) -> int:
    return int(found["asked"]["port"])


def test_one_that_does_not_run_and_one_without_a_port() -> None:
    assert looked([container("web"), container("job", pid=1)], web={"port": 1}, job={}) == {
        "web": {"running": False, "asked": {"port": 1}, "closed": {}}
    }


def test_a_published_port_is_asked_at_this_host() -> None:
    raw = container("web", "10.1.2.3", 7)
    raw["NetworkSettings"]["Ports"] = {"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "81/tcp": None}
    assert look_services.where(raw, 80, None, True) == look_services.At(0, "127.0.0.1", 8080)
    assert look_services.where(raw, 81, None, True) == look_services.At(7, "10.1.2.3", 81)
    raw["NetworkSettings"]["Ports"]["80/tcp"][0]["HostIp"] = "192.0.2.1"
    assert look_services.where(raw, 80, None, True) == look_services.At(7, "10.1.2.3", 80), "never another machine"


def test_of_a_container_in_the_hosts_network_only_what_it_names_is_its_own() -> None:
    with listener("0.0.0.0") as mine, listener("0.0.0.0") as another:
        raw = container("web", pid=os.getpid(), Env=["PORT=%d" % mine])
        raw["HostConfig"] = {"NetworkMode": "host"}
        reached, _alone = look_services.listening(raw, {"port": 1})
    assert mine in reached and another not in reached


class NoDatabase:
    def run(self, argv: Any, **_more: Any) -> Result:
        return Result(0, "[]" if "inspect" in argv else "", "")


@pytest.mark.parametrize(("targets", "asked"), [((), False), (({"name": "k", "service": "k"},), True)])
def test_postgresql_is_looked_for_only_where_there_is_a_schema(targets: Any, asked: bool) -> None:
    def none() -> Any:
        raise AssertionError

    wanted = PreflightInputs(project="prod", schema_targets=targets)
    seen = Look(World(Podman(NoDatabase()), none, DirectHttp()), wanted, {}).look()
    assert ("database" in seen.errors) is asked
