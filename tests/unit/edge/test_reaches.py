# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which coloured service an upstream reaches, by whatever name: asked of the network."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from kit.caddy_native import NativeEdge

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import resolve
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running import reaches
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import EdgeOptions, Place
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.reaches import Member, Reached, Reaches

KRATOS = Member("kratos", frozenset({"10.89.0.5", "fd00::5"}), (("", 3100, 4433), ("127.0.0.1", 3101, 4434)))
HERA = Member("hera", frozenset({"10.89.0.6"}), inside=frozenset({3000}))
NAMES = {"kratos": "10.89.0.5", "prod_kratos_1": "10.89.0.5", "auth.internal": "10.89.0.5", "other": "10.89.0.9"}


class Here(NativeEdge):
    """An edge that shares this host's network; nothing runs."""

    def __init__(self) -> None:
        self.options = EdgeOptions("/f")

    def place(self) -> Place:
        return Place("caddy", os.getpid(), "/nowhere", (0, 0))

    def network(self) -> Any:
        return nullcontext()


@pytest.fixture(autouse=True)
def hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: (address,) for name, address in NAMES.items()} | {"localhost": ("127.0.0.1", "::1")}
    monkeypatch.setattr(resolve, "of_process", lambda _pid: resolve.Resolver(known))


@pytest.mark.parametrize(
    ("dial", "wanted"),
    [
        ("kratos:4433", Reached("kratos", 4433, 3100)),
        ("KRATOS.:4433", Reached("kratos", 4433, 3100)),
        ("prod_kratos_1:4434", Reached("kratos", 4434, 3101)),
        ("auth.internal:80", Reached("kratos", 80)),
        ("10.89.0.5:4433", Reached("kratos", 4433, 3100)),
        ("tcp/[fd00::5]:4433", Reached("kratos", 4433, 3100)),
        ("localhost:3100", Reached("kratos", 4433, 3100, False)),
        (":3101", Reached("kratos", 4434, 3101, False)),
        ("127.0.0.1:3000", Reached("hera", 3000, 3000, False)),
        ("other:4433", None),
        ("unknown:4433", None),
        ("10.89.0.5", None),
        ("localhost:4433", None),
        ("unix//run/x.sock", None),
        ("{http.request.host}:80", None),
    ],
)
def test_every_spelling_of_a_service_is_the_service(dial: str, wanted: Reached | None) -> None:
    assert Reaches(lambda: (KRATOS, HERA)).asked(Here(), [dial]) == ({dial: wanted} if wanted else {})


def test_another_loopback_than_ours_is_not_this_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaches, "_shares_host", lambda _pid: False)
    assert Reaches(lambda: (KRATOS,)).asked(Here(), ["localhost:3100"]) == {}


CONTAINER = (Upstream("kratos", "10.1.0.2", "10.2.0.2"), Upstream("hera", "10.1.0.3", "10.2.0.3", ui=True))
NATIVE = (Upstream("kratos", "127.0.0.1:3100", "127.0.0.1:22000", written="localhost:3100"),)


@pytest.mark.parametrize(
    ("upstreams", "dial", "reached", "wanted"),
    [
        (CONTAINER, "KRATOS:4433", Reached("kratos", 4433), Upstream("kratos", "10.1.0.2", "10.2.0.2", alias="KRATOS")),
        (
            CONTAINER,
            "gateway:3100",
            Reached("hera", 3000, 3100, False),
            Upstream("hera", "10.1.0.3:3000", "10.2.0.3:3000", True, "gateway:3100"),
        ),
        (
            CONTAINER,
            "[fd00::5]:4433",
            Reached("kratos", 4433),
            Upstream("kratos", "10.1.0.2:4433", "10.2.0.2:4433", written="[fd00::5]:4433"),
        ),
        (
            NATIVE,
            "10.89.0.5:4433",
            Reached("kratos", 4433, 3100),
            Upstream("kratos", "127.0.0.1:3100", "127.0.0.1:22000", written="10.89.0.5:4433"),
        ),
        (CONTAINER, "kratos:4433", Reached("kratos", 4433), None),
    ],
)
def test_a_further_name_is_an_upstream_of_its_own(
    upstreams: tuple[Upstream, ...], dial: str, reached: Reached, wanted: Upstream | None
) -> None:
    assert reaches.aliases(upstreams, {dial: reached}) == ((wanted,) if wanted else ())


def test_one_that_has_no_other_colour_is_refused() -> None:
    with pytest.raises(Refused, match=r"dials auth:9000, which reaches kratos at its port 9000"):
        reaches.aliases(NATIVE, {"auth:9000": Reached("kratos", 9000)})
    with pytest.raises(Refused, match=r"take `edge: false` away"):
        reaches.aliases(CONTAINER, {"db:1": Reached("worker", 1)})


class Inspecting(SubprocessRunner):
    def run(self, argv: Any, **_more: Any) -> Result:
        if "ps" in argv:
            return Result(0, "1\n" if any("project=prod" in one for one in argv) else "", "")
        network = {"IPAddress": "10.89.0.5", "GlobalIPv6Address": "fd00::5", "Aliases": ["kratos"]}
        settings = {
            "Networks": {"prod_intranet": network},
            "Ports": {"4433/tcp": [{"HostIp": "", "HostPort": "3100"}], "4434/tcp": None},
        }
        labels = {"com.docker.compose.project": "prod", "com.docker.compose.service": "kratos"}
        found = {"Id": "1", "Name": "prod_kratos_1", "Config": {"Labels": labels}, "NetworkSettings": settings}

        return Result(0, json.dumps([found]), "")


def test_the_coloured_containers_are_read_off_podman() -> None:
    services: Mapping[str, Mapping[str, Any]] = {"kratos": {"port": 4433}}
    params = {"project": "prod", "deployment": "olympus", "services": services}
    found = reaches.of_deployment(Podman(Inspecting()), params).members
    assert found == (Member("kratos", frozenset({"10.89.0.5", "fd00::5"}), (("", 3100, 4433),)),)


def test_a_hosts_file_that_is_a_pipe_holds_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hosts")
    read = resolve._file
    path = "/proc/self/root"
    assert os.path.isdir(path) and read(os.getpid(), str(tmp_path / "hosts")) == ""


def route(*dials: str, **matcher: Any) -> dict[str, Any]:
    proxies = [{"handler": "reverse_proxy", "upstreams": [{"dial": dial}]} for dial in dials]
    return {"handle": proxies, **({"match": [matcher]} if matcher else {})}


GREEN = {"vars": {"{http.vars.bluegreen}": ["/green"]}}


@pytest.mark.parametrize(
    ("routes", "wanted"),
    [
        ([route("10.1.0.2:4433", **GREEN)], []),
        ([route("10.1.0.2:4433", **GREEN), route("other:1")], []),
        ([route("10.1.0.2:4433", **GREEN), route("auth.internal:80")], ["auth.internal:80"]),
        ([route("10.1.0.2:4433", "auth.internal:80", **GREEN)], ["auth.internal:80"]),
        ([route("kratos:4433", **GREEN)], ["kratos:4433"]),
        ([route("10.1.0.2:4433", **GREEN), route("10.1.0.2:4433")], ["10.1.0.2:4433"]),
    ],
)
def test_what_goes_past_the_switch_is_found_inside_of_our_routes_too(
    routes: list[dict[str, Any]], wanted: list[str]
) -> None:
    ours = Member("kratos", frozenset({"10.1.0.2"}))
    config = {"apps": {"http": {"servers": {"s": {"routes": routes}}}}}
    known = (*CONTAINER, Upstream("kratos", "10.1.0.2", "10.2.0.2", alias="10.1.0.2"))
    assert Reaches(lambda: (KRATOS, ours)).past(Here(), config, known) == wanted
