# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From where a colour is asked and at which address: by its edge network, or by what is published on this host."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from kit.clocks import Clock
from kit.gate_bench import PARAMS, Edge

from ansible_collections.olympus.bluegreen.plugins.module_utils._boot import install as boot
from ansible_collections.olympus.bluegreen.plugins.module_utils._boot import record
from ansible_collections.olympus.bluegreen.plugins.module_utils._boot.run import unready
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import addresses
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._health import checks, gate
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Endpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.probe_origin import Standpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config

BY_PORTS = {"publish": "127.0.5.1", "port_base": {"blue": 31000, "green": 32000}}
RECORD = addresses.Addresses("10.231.148.0/22", {"ciam-kratos": 16, "ciam-hydra": 17, "ciam-hera": 18, "site": 19})


def endpoint(colour: str, name: str, **given: Any) -> Endpoint:
    return checks.endpoint(gate.gate_plan({**PARAMS, **given}), colour, name)


def test_by_network_a_service_has_its_own_ports_at_its_own_address() -> None:
    found = endpoint("green", "ciam-kratos")
    assert (found.address, found.admin) == (("10.231.149.16", 4433), ("10.231.149.16", 4434))
    assert endpoint("green", "site").admin is None


def test_by_ports_it_has_those_of_its_colour() -> None:
    found = endpoint("green", "ciam-hydra", **BY_PORTS)
    assert (found.address, found.admin) == (("127.0.5.1", 32002), ("127.0.5.1", 32003))
    assert endpoint("blue", "site", publish="loopback").address == ("127.0.0.1", 21006)
    assert endpoint("blue", "site", publish="loopback").admin is None


def test_blue_has_the_ports_that_the_operator_published(tmp_path: Path) -> None:
    record = addresses.Addresses(RECORD.range_, RECORD.services, {}, {"ciam-kratos": (3100, 3101), "site": (2000, 0)})
    addresses.write(str(tmp_path), record)
    given = {**BY_PORTS, "state_dir": str(tmp_path)}
    kratos = endpoint("blue", "ciam-kratos", **given)
    assert (kratos.address[1], kratos.admin and kratos.admin[1]) == (3100, 3101)
    assert endpoint("blue", "site", **given).address[1] == 2000
    assert endpoint("green", "site", **given).address[1] == 32006


def test_the_watcher_asks_where_the_gate_asks(tmp_path: Path) -> None:
    told = {name: PARAMS[name] for name in ("services", "network_range", "probes", "probe_secrets")}
    about = {
        "deployment": "olympus",
        "state_dir": str(tmp_path),
        "release": "v2",
        "colour": "green",
        "switch_dir": "/s",
    }
    config = Config.of({**told, **about, **BY_PORTS})
    config.write(str(tmp_path / "config.json"))
    config = Config.of(json.loads((tmp_path / "config.json").read_text()))
    for colour in ("blue", "green"):
        assert checks.addresses(config.gate_plan(colour)) == {"127.0.5.1": "%s site" % colour}
        for name in ("ciam-kratos", "site"):
            given = {**BY_PORTS, "state_dir": str(tmp_path)}
            assert checks.endpoint(config.gate_plan(colour), colour, name) == endpoint(colour, name, **given)
    assert config.watches_containers and not Config.of({**told, **about}).watches_containers


class NoPodman:
    def run(self, argv: Any, **given: Any) -> Result:
        raise AssertionError("podman was asked: %s" % (argv,))


class Ready:
    """Answers every question, and keeps whom it was asked of."""

    def __init__(self) -> None:
        self.asked: set[tuple[str, int] | None] = set()

    def request(self, method: str, url: str, **given: Any) -> Response:
        self.asked.add(given.get("connect"))
        return Response(200, body=b'{"status":"ok"}')


def test_a_gate_by_ports_speaks_from_the_host_and_asks_no_edge_container() -> None:
    http, never = Ready(), nullcontext
    world = gate.GateInputs(http, Podman(NoPodman()), Clock(), lambda pid: never())
    told = gate.gate({**PARAMS, **BY_PORTS, "against": "", "checks": ["ready"]}, False, world)
    assert told["passed"], told["checks"]
    assert http.asked == {("127.0.5.1", 32000 + more) for more in (0, 1, 2, 3, 4, 6)}


def test_what_is_no_address_of_this_machine_is_never_asked() -> None:
    http = Ready()
    world = gate.GateInputs(http, Podman(NoPodman()), Clock())
    with pytest.raises(Refused, match=r"192\.0\.2\.9 .*publish") as told:
        gate.gate({**PARAMS, **BY_PORTS, "publish": "192.0.2.9", "against": "", "checks": ["ready"]}, False, world)
    assert "bluegreen_publish: loopback" in str(told.value) and not http.asked
    with pytest.raises(BluegreenError, match="everywhere"):
        endpoint("blue", "site", publish="0.0.0.0")


def test_an_edge_that_was_restarted_is_entered_again() -> None:
    entered: list[int] = []

    def enter(pid: int) -> Any:
        entered.append(pid)
        return nullcontext()

    standpoint = Standpoint(Podman(Edge(2**22 + 1, "10.231.148.2")), "e", {"10.231.148.16": "blue site"}, enter)
    with standpoint.enter():
        assert entered == [2**22 + 1]
        with pytest.raises(BluegreenError, match="restarted"):
            standpoint.check()
    host = Standpoint(Podman(NoPodman()), "", {"127.0.0.1": "blue site"})
    with host.enter():
        host.check()


def test_a_boot_asks_as_the_gate_does_and_never_from_elsewhere(tmp_path: Path) -> None:
    """Where the edge's container is gone nobody is asked: from the host a question would leave by the default route."""
    given = {name: PARAMS[name] for name in ("services", "network_range", "project")}
    about = {"deployment": "olympus", "state_dir": str(tmp_path), "source": "/src", "edge": {}, **given}
    params = {**{name: one.get("default") for name, one in boot.SPEC.options.items()}, **about}
    clock = Clock()
    absent = Context(record.made(params, "/s").wanted, Podman(Absent()), clock)
    with pytest.raises(BluegreenError, match="no container of it"):
        unready(absent, PARAMS["services"], "green", 1)
    by_ports = Context(record.made({**params, **BY_PORTS}, "/s").wanted, Podman(NoPodman()), clock)
    assert len(unready(by_ports, PARAMS["services"], "green", 0.1)) == 4


class Absent:
    def run(self, argv: Any, **given: Any) -> Result:
        return Result(0, "", "")
