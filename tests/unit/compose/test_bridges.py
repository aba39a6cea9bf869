# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bridges keep their hardware address, and that it is asked for once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import networks
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.observe import Container, Containers
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result

NETWORKS = {"prod_intranet": "podman1", "theirs": "podman2", "not_up": "podman3", "olympus-egress": "podman4"}


class Host:
    """Podman's networks, and ``ip``."""

    def __init__(self, rc: int = 0) -> None:
        self.rc, self.set = rc, list[str]()

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        if argv[0] == "ip":
            self.set.append(" ".join(argv))
            return Result(self.rc, "", "Operation not permitted" if self.rc else "")
        if argv[1:3] == ["network", "ls"]:
            return Result(0, "\n".join(NETWORKS), "")
        found = [{"name": name, "network_interface": NETWORKS[name]} for name in NETWORKS]
        return Result(0, json.dumps(found), "")


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for link in ("podman1", "podman2", "podman4"):
        (tmp_path / link).mkdir()
        (tmp_path / link / "addr_assign_type").write_text("1\n")
        (tmp_path / link / "address").write_text("0a:00:00:00:00:%s\n" % link[-1:].zfill(2))
    ours = {"olympus.bluegreen.deployment": "olympus"}
    theirs = Container("t", "t", "web", "other", "i", "r", "", "running", networks={"theirs": ("", "")})
    pgadmin = Container("p", "p", "pgadmin", "prod", "i", "r", "", "running", networks={
        "prod_intranet": ("", ""), "not_up": ("", "")})  # fmt: skip
    hera = Container("h", "h", "hera", "", "i", "r", "", "running", labels=ours, networks={"olympus-egress": ("", "")})
    monkeypatch.setattr(networks, "LINKS", str(tmp_path))
    monkeypatch.setattr(Containers, "look", lambda _podman, wanted: Containers(wanted, [theirs, pgadmin, hera]))
    return tmp_path


def hold(podman: Podman, wanted: Deployment) -> None:
    networks.hold_bridges(podman, Containers.look(podman, wanted), networks.existing(podman))


def test_the_address_that_a_bridge_has_is_set_and_only_once(links: Path) -> None:
    host, wanted = Host(), Deployment("olympus", str(links), "prod")
    hold(Podman(host), wanted)
    assert host.set == [
        "ip link set dev podman1 address 0a:00:00:00:00:01",
        "ip link set dev podman4 address 0a:00:00:00:00:04",
    ]
    for link in ("podman1", "podman4"):
        (links / link / "addr_assign_type").write_text("3\n")
    hold(Podman(host), wanted)
    assert len(host.set) == 2


def test_a_host_that_refuses_is_an_error(links: Path) -> None:
    with pytest.raises(BluegreenError, match="ip link set"):
        hold(Podman(Host(2)), Deployment("olympus", str(links), "prod"))
