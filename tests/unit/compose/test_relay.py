# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The relay: its configuration, when it is wanted, and what it is called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.observe import Container, Containers
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import store
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import (
    Deployment,
    services_from,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.stack import relay
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.relay_config import SWITCH, Target, config
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch

BOTH = {"blue": "10.0.0.16:3000", "green": "10.0.1.16:3000"}


def test_services_that_share_a_port_are_told_apart_by_name() -> None:
    hera, site = Target(("hera", "login"), 3000, BOTH), Target(("site",), 3000, BOTH)
    servers = config([hera, site, Target(("kratos",), 5001, BOTH)])["apps"]["http"]["servers"]
    assert {one["listen"][0] for one in servers.values()} == {":3000", ":5001"}
    routes = servers["port3000"]["routes"]
    assert [route.get("match") for route in routes] == [[{"host": ["hera", "login"]}], [{"host": ["site"]}], None]
    assert routes[-1]["handle"][0]["status_code"] == 421
    assert "match" not in servers["port5001"]["routes"][0]


def test_it_asks_the_switch_as_the_edge_does_and_nothing_else() -> None:
    whole = config([Target(("hera",), 3000, BOTH)])
    asks = whole["apps"]["http"]["servers"]["port3000"]["routes"][0]["handle"][0]["routes"]
    files = [one["match"][0]["file"] for one in asks[:2]]
    assert files == [{"root": SWITCH, "try_files": ["green"]}, {"root": SWITCH, "try_files": ["ready"]}]
    assert [one["handle"][0]["upstreams"][0]["dial"] for one in asks[:2]] == [BOTH["green"], BOTH["blue"]]
    assert asks[2]["handle"][0]["status_code"] == 503 and "match" not in asks[2]
    assert whole["admin"]["disabled"] and "tls" not in whole["apps"]
    assert all(one["automatic_https"]["disable"] for one in whole["apps"]["http"]["servers"].values())


class Here:
    """Podman with an image that has a Caddy, or none."""

    def __init__(self, caddy: bool = True) -> None:
        self.rc, self.asked = 0 if caddy else 127, list[str]()

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        self.asked.append(" ".join(argv))
        return Result(0, "[]", "") if "inspect" in argv else Result(self.rc, "", "")


EDGE = Container("e" * 64, "prod_caddy_1", "caddy", "prod", "caddy-id", "caddy", "", "running")
HERA = Container(
    "a" * 64, "prod_hera_1", "hera", "prod", "i", "h", "", "running",
    networks={"prod_intranet": ("10.9.0.4", ""), "olympus-edge-blue": ("10.231.16.16", "")},
    aliases={"prod_intranet": ("hera", "login", "a" * 12)},
)  # fmt: skip


@pytest.fixture
def context(tmp_path: Path) -> Context:
    switch = Switch(str(tmp_path / "switch"))
    services = services_from({"hera": {"port": 3000}, "kratos": {"kind": "kratos", "port": 5000, "admin_port": 5001}})
    wanted = Deployment("olympus", str(tmp_path / "state"), "prod", services=services, edge_service="caddy")
    return Context(wanted, Podman(Here()), SystemClock(), switch=lambda: switch)


def test_it_takes_over_every_name_of_the_adopted_containers(context: Context) -> None:
    found, steps, told = relay.plan(context, Containers(context.wanted, [EDGE, HERA]))
    assert found and not told and [step.action for step in steps] == ["record-names", "write-relay", "run-relay"]
    names = {"hera": ["hera", "prod_hera_1", "login"], "kratos": ["kratos"]}
    assert found.names == {"prod_intranet": names} and found.image == "caddy-id"
    for step in steps:
        assert relay.do(context, found, step) if step.action != "run-relay" else True
    # The containers are gone: the record knows their names.
    again, steps, _told = relay.plan(context, Containers(context.wanted, [EDGE]))
    assert again == found and [step.action for step in steps] == ["run-relay"]
    text = Path(context.wanted.path("relay", "caddy.json"))
    assert text.stat().st_mode & 0o777 == 0o644 and text.parent.stat().st_mode & 0o777 == 0o755
    servers = json.loads(text.read_text())["apps"]["http"]["servers"]
    assert sorted(servers) == ["port3000", "port5000", "port5001"]
    given = relay._arguments(context.wanted, found)
    assert "prod_intranet:alias=hera,alias=prod_hera_1,alias=login,alias=kratos" in given
    assert given[given.index("--restart") + 1] == "always"
    assert "olympus-edge-green:ip=10.231.17.3,mac=0a:58:0a:e7:11:03" in given


def test_without_a_caddy_to_run_it_the_operator_is_told(context: Context) -> None:
    for there, podman in (([HERA], Here()), ([EDGE, HERA], Here(caddy=False))):
        asked = Context(context.wanted, Podman(podman), SystemClock(), switch=context.switch)
        found, steps, told = relay.plan(asked, Containers(context.wanted, there))
        assert found is None and steps == [] and "lead nowhere" in told[0] and "Fix:" in told[0]


def test_a_stranger_by_its_name_is_refused(context: Context) -> None:
    stranger = Container("s", "olympus-relay", "", "", "i", "", "", "running")
    with pytest.raises(Refused, match="not managed by this deployment"):
        relay.plan(context, Containers(context.wanted, [EDGE, HERA, stranger]))


def test_it_is_due_when_the_adopted_containers_are_gone(context: Context) -> None:
    wanted = context.wanted
    assert not relay.due(wanted) and relay.report(Containers(wanted, [])) == {}
    store.make_dirs(wanted, "stacks", "blue")
    store.write_stack(wanted, "blue", {"adopted": True, "services": {}})
    assert not relay.due(wanted)
    store.forget_adopted(wanted, "blue")
    store.write_stack(wanted, "green", {"adopted": False, "services": {}})
    assert relay.due(wanted)
    found, steps, _told = relay.plan(context, Containers(wanted, [EDGE, HERA]))
    assert relay.do(context, found, steps[0])
    assert relay.report(Containers(wanted, []))["relay"]["state"] == "absent"
