# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A native edge's upstreams: from what containers publish, from the operator's word, the same in both lives of blue."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import addresses
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import PORT_BASE, networks
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.options import Reached, reached
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running import native_ports
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.find import edge_options

SERVICES = {"kratos": {"port": 4433, "admin_port": 4434}, "hera": {"port": 3000, "ui": True}}


class Containers:
    """Podman's answers for a project whose containers publish ``ports``: service -> {inside: (address, port)}."""

    def __init__(self, ports: Mapping[str, Mapping[int, tuple[str, int]]]) -> None:
        self.ports = ports

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        if argv[1] == "ps":
            return Result(0, "\n".join(self.ports), "")
        found = [
            {
                "Config": {"Labels": {"com.docker.compose.service": name}},
                "NetworkSettings": {
                    "Ports": {
                        "%d/tcp" % inside: [{"HostIp": ip, "HostPort": str(port)}] for inside, (ip, port) in one.items()
                    }
                },
            }
            for name, one in self.ports.items()
        ]
        return Result(0, json.dumps(found), "")


class Adopted(Containers):
    """Nothing of blue is ours yet."""

    def run(self, argv: Sequence[str], **more: Any) -> Result:
        if argv[1] == "ps" and any("olympus.bluegreen" in word for word in argv):
            return Result(0, "", "")
        return super().run(argv, **more)


RUNNING = Containers({"kratos": {4433: ("", 3101), 4434: ("127.0.0.1", 3102)}, "hera": {3000: ("0.0.0.0", 3100)}})
GONE = Containers({})


def ask(tmp_path: Path, podman: Containers, state: str = "adopted", publish: Any = "loopback", **given: str) -> Reached:
    kind = given.pop("kind", "native")
    params = {
        "deployment": "olympus", "state_dir": str(tmp_path), "network_range": "10.231.16.0/20", "shared": [],
        "services": SERVICES, "project": "prod", "publish": publish, "upstreams": [], "port_base": {}, "state": state,
        "edge": {"kind": kind, "upstreams": given},
    }  # fmt: skip
    return reached(params, Podman(podman))


def test_blue_is_dialled_at_the_same_port_before_and_after_its_cleanup(tmp_path: Path) -> None:
    first = ask(tmp_path, RUNNING)
    dials = {one.written: (one.service, one.blue, one.green) for one in first.upstreams}
    assert dials["localhost:3100"] == ("hera", "127.0.0.1:3100", "127.0.0.1:22002")
    assert dials["127.0.0.1:3102"] == ("kratos", "127.0.0.1:3102", "127.0.0.1:22001")
    assert first.record and first.record.published == {"kratos": (3101, 3102), "hera": (3100, 0)}
    addresses.write(str(tmp_path), first.record)
    assert ask(tmp_path, GONE, "returned") == Reached(first.upstreams)
    nets = networks("olympus", str(tmp_path), "10.231.16.0/20", SERVICES, [])
    assert nets.published("blue", "hera", PORT_BASE) == (3100, 21003) and nets.published(
        "green", "hera", PORT_BASE
    ) == (22002, 22003)


def test_the_operators_word_adds_to_what_is_seen(tmp_path: Path) -> None:
    found = ask(tmp_path, GONE, **{"edge.internal:3100": "hera:3000"})
    dials = {one.written: one.blue for one in found.upstreams}
    assert dials["edge.internal:3100"] == dials[":3100"] == "127.0.0.1:3100"


@pytest.mark.parametrize(
    ("podman", "publish", "given", "said"),
    [
        (RUNNING, "network", {}, "bluegreen_publish: loopback"),
        (GONE, "loopback", {}, "edge.upstreams"),
        (GONE, "loopback", {"localhost:3100": "hera:9999"}, "service:port of a coloured service"),
        (Containers({"hera": {3000: ("10.0.0.5", 3100)}}), "loopback", {}, "bluegreen_publish: 10.0.0.5"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, podman: Containers, publish: str, given: dict[str, str], said: str) -> None:
    with pytest.raises(BluegreenError, match=said):
        ask(tmp_path, podman, "adopted", publish, **given)


def test_an_address_that_both_colours_have_is_right(tmp_path: Path) -> None:
    podman = Containers({"hera": {3000: ("10.0.0.5", 3100)}})
    found = ask(tmp_path, podman, publish="10.0.0.5").upstreams
    assert {one.blue for one in found} == {"10.0.0.5:3100"} and "10.0.0.5:3100" in {one.written for one in found}
    with pytest.raises(Refused):
        native_ports.where("network")


def test_colours_on_hosts_of_their_own(tmp_path: Path) -> None:
    hosts = {"blue": "192.0.2.10", "green": "192.0.2.11"}
    found = ask(tmp_path, GONE, publish=hosts, **{"app.internal:3100": "hera:3000"}).upstreams
    dials = {one.written: (one.blue, one.green) for one in found}
    # A port of the edge's own host is none of theirs.
    assert dials == dict.fromkeys(("192.0.2.10:3100", "app.internal:3100"), ("192.0.2.10:3100", "192.0.2.11:22002"))
    for wrong, said in (({"blue": "192.0.2.10"}, "for each colour"), ({**hosts, "green": "0.0.0.0"}, "everywhere")):
        with pytest.raises(BluegreenError, match=said):
            ask(tmp_path, GONE, publish=wrong, **{"app.internal:3100": "hera:3000"})


def test_what_adopted_blue_publishes_since_is_recorded_when_it_is_adopted_again(tmp_path: Path) -> None:
    first = ask(tmp_path, Containers({"kratos": {4433: ("", 3101)}})).record
    assert first and first.published == {"kratos": (3101, 0)}
    addresses.write(str(tmp_path), first)
    assert ask(tmp_path, RUNNING, "read").record is None
    again = ask(tmp_path, Adopted(RUNNING.ports)).record
    assert again and again.published == {"kratos": (3101, 3102), "hera": (3100, 0)}
    # Containers of ours: what else publishes these ports is a stranger.
    assert ask(tmp_path, RUNNING).record is None


def test_a_container_reaches_no_published_port(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"an edge container .*kind: native"):
        ask(tmp_path, RUNNING, kind="container")


def test_a_native_edge_sees_what_this_host_sees() -> None:
    options = edge_options({"kind": "native", "caddyfile": "/etc/caddy/Caddyfile", "mount": "/config"})
    assert (options.mount, options.config_path) == ("/var/lib/olympus-bluegreen-edge", "/etc/caddy/Caddyfile")
    for name, value in (("kind", "docker"), ("source", "toml"), ("switch_dir", "edge")):
        with pytest.raises(BluegreenError, match="edge." + name):
            edge_options({"kind": "native", name: value})
