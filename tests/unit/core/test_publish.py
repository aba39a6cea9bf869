# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of a colour on the host: the arithmetic, what is refused, and what the rendered file says."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment, Service
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release.render import Renderer
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import addresses, publish
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import PORT_BASE, Networks

SERVICES = (Service("kratos", "kratos", 4433, 4434), Service("hera", "hera", 3000), Service("worker"))
KRATOS = {"image": "k", "command": ["serve", "--watch-courier"], "ports": ["4433:4433"]}
PROJECT: dict[str, Any] = {"services": {"kratos": KRATOS, "hera": {"image": "h"}, "worker": {"image": "w"}}}


def ports(given_publish: str, colour: str = "green", base: dict[str, int] | None = None) -> dict[str, Any]:
    wanted = Deployment(
        "olympus", "/nonexistent", "prod", "/nonexistent", services=SERVICES, colour=colour,
        publish=publish.address(given_publish), port_base=publish.bases(base or {}),
    )  # fmt: skip
    images = {name: name for name in wanted.names}
    services = Renderer(wanted, "v1-0123456789", images, PROJECT, "/nonexistent").render()["services"]
    return {name: value.get("ports") for name, value in services.items()}


def test_only_the_colours_own_services_are_published() -> None:
    assert set(ports("network").values()) == {None}
    assert ports("loopback") == {
        "kratos": ["127.0.0.1:22000:4433", "127.0.0.1:22001:4434"],
        "hera": ["127.0.0.1:22002:3000"],
        "worker": None,
        "kratos-courier": None,
    }
    assert ports("192.0.2.7", "blue")["hera"] == ["192.0.2.7:21002:3000"]
    assert ports("loopback", base={"green": 30000})["hera"] == ["127.0.0.1:30002:3000"]


def test_a_recorded_number_decides_not_the_order() -> None:
    recorded = addresses.Addresses("10.231.16.0/20", {"hera": 20, "kratos": 16})
    nets = Networks("olympus", "10.231.16.0/20", ("hera", "kratos"), (), recorded)
    assert nets.published("blue", "hera", PORT_BASE) == (21008, 21009) and nets.published(
        "green", "kratos", PORT_BASE
    ) == (22000, 22001)


@given(st.lists(st.integers(0, 175), min_size=2, max_size=40, unique=True))
def test_no_two_services_of_the_colours_share_a_port(numbers: list[int]) -> None:
    names = tuple("s%d" % number for number in numbers)
    recorded = addresses.Addresses("10.0.0.0/20", {name: 16 + n for name, n in zip(names, numbers)})
    nets = Networks("olympus", "10.0.0.0/20", names, (), recorded)
    found = [port for colour in ("blue", "green") for name in names for port in nets.published(colour, name, PORT_BASE)]
    assert len(set(found)) == len(found) and max(found) < 65536


@pytest.mark.parametrize("value", ["host", "0.0.0.0", "::1", "224.0.0.1", "", "localhost", "10.0.0.1:80"])
def test_a_wrong_address_is_refused(value: str) -> None:
    with pytest.raises(BluegreenError) as caught:
        publish.address(value)
    assert caught.value.option == "publish" and caught.value.fix


@pytest.mark.parametrize(
    "value",
    [
        {"blue": 80},
        {"blue": "many"},
        {"blue": 21900},
        {"green": 65500},
        {"blue": 22000},
        {"red": 23000},
        {"blue": None},
    ],
)
def test_a_wrong_base_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(BluegreenError, match="no room for two colours") as caught:
        publish.bases(value)
    assert caught.value.option == "port_base" and "bluegreen_port_base" in caught.value.fix


def test_a_taken_port_is_named() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(BluegreenError, match=r"127\.0\.0\.1:%d for service hera cannot be had" % port):
            publish.refuse_taken([("hera", "127.0.0.1:%d:3000" % port)])
    publish.refuse_taken([("hera", "127.0.0.1:%d:3000" % port)])


def test_an_address_of_another_host_is_named() -> None:
    with pytest.raises(BluegreenError, match=r"192\.0\.2\.7:22000 for service hera cannot be had"):
        publish.refuse_taken([("hera", "192.0.2.7:22000:3000")])
