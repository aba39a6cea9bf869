# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lost record: numbers are read off what runs, and what can't be had again is named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kit.clocks import Clock

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import states
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.observe import Container, Containers
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import store
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import (
    Deployment,
    services_from,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.singletons import misplaced
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import rebuild
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.singletons import handover, holders
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.stack import remove
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result

LABEL = {"olympus.bluegreen.deployment": "olympus"}
GREEN = {**LABEL, "olympus.bluegreen.colour": "green", "olympus.bluegreen.kind": "service"}


def wanted(tmp_path: Path, **given: Any) -> Deployment:
    services = services_from({name: {"kind": "other", "port": 3000} for name in ("site", "hera", "kratos")})
    return Deployment("olympus", str(tmp_path), "prod", services=services, shared=("redis", "postgres"), **given)


def net(name: str, colour: str, subnet: str, internal: bool = False, of: str = "olympus") -> dict[str, Any]:
    given = {"olympus.bluegreen.deployment": of, "olympus.bluegreen.colour": colour}
    return {"name": name, "labels": given, "internal": internal, "subnets": [{"subnet": subnet}]}


NETS = [
    net("olympus-edge-green", "green", "10.231.17.0/24", internal=True),
    net("olympus-green.5f", "green", "10.231.19.0/24"),
    net("podman", "green", "10.88.0.0/16", of="another"),
]


class Told:
    def __init__(self, nets: list[dict[str, Any]], containers: Sequence[dict[str, Any]] = ()) -> None:
        self.nets, self.containers, self.copied = nets, list(containers), list[tuple[str, ...]]()

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        if argv[1:3] == ["network", "ls"]:
            return Result(0, "\n".join(one["name"] for one in self.nets), "")
        if argv[1:3] == ["network", "inspect"]:
            return Result(0, json.dumps(self.nets), "")
        if argv[1] == "cp":
            self.copied.append(tuple(argv[2:]))
            if argv[2].endswith(".yml"):
                Path(argv[3]).write_text("kept")
            else:
                Path(argv[3]).mkdir()
            return Result(0, "", "")
        return Result(0, "x" if argv[1] == "ps" else json.dumps(self.containers), "")


def running(service: str, ip: str, name: str = "olympus-edge-green") -> Container:
    return Container(
        service, "olympus-green_%s_1" % service, service, "olympus-green", "i", "r", "", "running",
        labels=GREEN, networks={name: (ip, "")},
    )  # fmt: skip


def test_numbers_are_those_of_what_runs_and_of_the_hosts_files(tmp_path: Path) -> None:
    """Also of a service that does not run now, of one that no setting names, and of a network that was renamed."""
    asked = wanted(tmp_path)
    hosts = ["hera:10.231.19.16", "kratos:10.231.19.17", "postgres:10.231.19.3", "db.example.org:host-gateway"]
    raw = {"Config": {"Labels": GREEN}, "HostConfig": {"ExtraHosts": hosts}}
    world = Containers(asked, [running("hera", "10.231.17.16"), running("old", "10.231.17.18"), running("x", "")])
    found = rebuild.numbers_in_use(Podman(Told(NETS, [raw])), asked, world)
    assert found is not None
    assert found.services == {"hera": 16, "old": 18, "kratos": 17} and found.shared == {"postgres": 3}
    assert found.networks == {"green": "olympus-green.5f"} and found.range_ == asked.network_range


def test_no_network_of_ours_is_no_record(tmp_path: Path) -> None:
    assert rebuild.numbers_in_use(Podman(Told(NETS[2:])), wanted(tmp_path), Containers(wanted(tmp_path), [])) is None


def test_another_range_than_theirs_is_refused_with_theirs(tmp_path: Path) -> None:
    asked = wanted(tmp_path, network_range="10.50.0.0/20")
    with pytest.raises(Refused, match=r"begins at 10\.231\.16\.0.*set bluegreen_network_range to 10\.231\.16\.0/20"):
        rebuild.numbers_in_use(Podman(Told(NETS)), asked, Containers(asked, []))


def test_the_ports_that_blue_publishes_are_kept(tmp_path: Path) -> None:
    asked = wanted(tmp_path, publish="127.0.0.1")
    labels = {**GREEN, "olympus.bluegreen.colour": "blue", "olympus.bluegreen.service": "site"}
    raw = {"Config": {"Labels": labels}, "HostConfig": {"PortBindings": {"3000/tcp": [{"HostPort": "2000"}]}}}
    found = rebuild.numbers_in_use(Podman(Told(NETS, [raw])), asked, Containers(asked, []))
    assert found is not None and found.published == {"site": (2000, 0)}


def test_files_that_are_still_mounted_are_saved_and_directories_named(tmp_path: Path) -> None:
    asked = wanted(tmp_path)
    home = tmp_path / "releases/v1-0/source"
    mounts = [
        {"Source": str(home / "kratos.yml"), "Destination": "/etc/kratos.yml"},
        {"Source": str(home / "web"), "Destination": "/etc/web"},
        {"Source": "/opt/elsewhere", "Destination": "/x"},
    ]
    told = Told([], [{"Id": "a" * 64, "Name": "olympus-green_kratos_1", "Mounts": mounts}])
    (line,) = rebuild.salvage(Podman(told), asked, ["a" * 64])
    assert (home / "kratos.yml").read_text() == "kept" and not (home / "web").exists()
    assert str(home / "web") in line and len(told.copied) == 2


def test_a_courier_whose_file_was_lost_is_not_ended(tmp_path: Path) -> None:
    asked = replace(wanted(tmp_path), services=services_from({"kratos": {"kind": "kratos", "port": 1}}))
    store.write_stack(asked, "green", {"release": "v1-0", "adopted": False, "services": {"kratos": {}}})
    store.write_stack(asked, "blue", {"release": "", "adopted": False, "services": {}})
    labels = {**GREEN, "olympus.bluegreen.kind": "singleton", "olympus.bluegreen.config": "f00"}
    sender = Container("c", "c", "kratos-courier", "olympus-green", "i", "r", "", "running", labels=labels)
    (seen,) = holders.look(Containers(asked, [sender]))
    assert misplaced(seen, "green") == () and misplaced(seen, "blue") != ()


def test_nothing_is_made_again_where_nothing_of_ours_is(tmp_path: Path) -> None:
    asked = wanted(tmp_path)
    assert not rebuild.rebuild(Context(asked, Podman(Told([])), Clock())).plan.changed


def test_no_state_but_adopt_goes_by_a_record_that_was_lost(tmp_path: Path) -> None:
    """A courier would be ended, and a service would get another one's address."""
    context = Context(replace(wanted(tmp_path), colour="blue", live_colour="green"), Podman(Nothing()), Clock())
    acts: list[Any] = [
        lambda: handover.hand_over(context, lambda: "green"),
        lambda: remove.absent(context),
        lambda: states.answer(context, "started", check_mode=True),
    ]
    for act in acts:
        with pytest.raises(Refused, match=r"the record of green was lost.*run adopt"):
            act()


class Nothing:
    """Podman with one container of green; whatever would change something fails the test."""

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        assert argv[1] in ("ps", "container", "network"), argv
        raw = {"Id": "a", "Name": "olympus-green_site_1", "State": {"Status": "running"}, "Config": {"Labels": GREEN}}
        return Result(0, "a" if argv[1] == "ps" else json.dumps([raw]) if argv[1] == "container" else "", "")
