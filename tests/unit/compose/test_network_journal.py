# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a killed run was joining is taken off again where podman can tell nothing of it, and only there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import networks
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import process
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import CommandError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import Address
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Step
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import HALF_JOINED, Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result


class Asked:
    def __init__(self, half: bool) -> None:
        self.half, self.changes = half, list[tuple[str, ...]]()

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        if "inspect" in argv:
            return Result(125, "[]", "Error: %s: asked to join 2" % HALF_JOINED) if self.half else Result(0, "[{}]", "")
        self.changes.append(tuple(argv))
        return Result(125, "", "no such device")


class Killed(BaseException):
    pass


def killed(wanted: Deployment) -> None:
    with pytest.raises(Killed), networks.recorded(wanted, "prod_postgres_1", "olympus-green"):
        raise Killed


@pytest.mark.parametrize("half", [True, False], ids=["half joined", "whole"])
def test_a_killed_run_is_settled_once(half: bool, tmp_path: Path) -> None:
    wanted, asked = Deployment("olympus", str(tmp_path)), Asked(half)
    killed(wanted)
    for _twice in range(2):
        networks.settle(Podman(asked), wanted)
    assert asked.changes == [("podman", "network", "disconnect", "olympus-green", "prod_postgres_1")] * half
    assert list(tmp_path.iterdir()) == []


def test_what_was_joined_leaves_nothing(tmp_path: Path) -> None:
    wanted = Deployment("olympus", str(tmp_path))
    with networks.recorded(wanted, "a", "b"):
        assert (tmp_path / "joining-a-b.json").exists()
    assert list(tmp_path.iterdir()) == []


def test_no_space_is_no_reason_not_to_join(tmp_path: Path) -> None:
    with networks.recorded(Deployment("olympus", str(tmp_path / "gone")), "a", "b"):
        pass


def test_each_join_has_a_note_of_its_own(tmp_path: Path) -> None:
    """A boot and a stage join the same database to two networks; the one that ends takes no note of the other away."""
    wanted = Deployment("olympus", str(tmp_path))
    killed(wanted)
    with (
        networks.recorded(wanted, "prod_postgres_1", "olympus-blue"),
        networks.recorded(wanted, "prod_caddy_1", "olympus-x"),
    ):
        pass
    asked = Asked(half=True)
    networks.settle(Podman(asked), wanted)
    assert asked.changes == [("podman", "network", "disconnect", "olympus-green", "prod_postgres_1")]


@pytest.mark.parametrize("alive", [True, False])
def test_what_a_living_process_is_joining_is_left_to_it(alive: bool, tmp_path: Path) -> None:
    wanted, asked = Deployment("olympus", str(tmp_path)), Asked(half=True)
    killed(wanted)
    (path,) = tmp_path.iterdir()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        by = process.identity(other.pid)
        path.write_text(json.dumps({**json.loads(path.read_text()), "by": by}))
        if not alive:
            other.kill()
            other.wait()
        networks.settle(Podman(asked), wanted)
        other.kill()
    assert bool(asked.changes) != alive and path.exists() == alive


def test_a_note_of_the_version_before_is_settled(tmp_path: Path) -> None:
    note = {"v": 1, "container": "prod_postgres_1", "network": "olympus-green"}
    (tmp_path / "joining.json").write_text(json.dumps(note))
    asked = Asked(half=True)
    networks.settle(Podman(asked), Deployment("olympus", str(tmp_path)))
    assert asked.changes and os.listdir(tmp_path) == []


class Second:
    """Podman that another process was faster with: the container is on the network already, at ``ip``."""

    def __init__(self, ip: str) -> None:
        self.ip = ip

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        if argv[1] == "network":
            return Result(125, "", "Error: container a is already connected to network olympus-blue")
        place = {"IPAddress": self.ip, "MacAddress": "0A:58:0A:E7:10:03"}
        return Result(0, json.dumps([{"Id": "a", "NetworkSettings": {"Networks": {"olympus-blue": place}}}]), "")


@pytest.mark.parametrize(("ip", "right"), [("10.231.16.3", True), ("10.231.16.9", False)])
def test_who_comes_second_finds_it_joined(ip: str, right: bool, tmp_path: Path) -> None:
    wanted, member = (
        Deployment("olympus", str(tmp_path)),
        networks.Member("a", "olympus-blue", Address("10.231.16.3", "0a:58:0a:e7:10:03")),
    )
    step = Step("connect", "a", "olympus-blue")
    if right:
        networks.do(Podman(Second(ip)), wanted, [member], step)
        assert os.listdir(tmp_path) == []
    else:
        with pytest.raises(CommandError, match="already connected"):
            networks.do(Podman(Second(ip)), wanted, [member], step)
