# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of a colour on the host, and a volume that a new release is the first to use, with real podman."""

from __future__ import annotations

import json
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from kit.compose_bench import GREEN, Bench, podman

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

pytestmark = pytest.mark.lab

BASE = {"blue": 21700, "green": 22700}
LOOPBACK: dict[str, Any] = {**GREEN, "publish": "loopback", "port_base": BASE}


def answer(port: int) -> str:
    with urllib.request.urlopen("http://127.0.0.1:%d/" % port, timeout=10) as response:
        return str(response.read().decode())


@pytest.mark.slow
def test_a_colour_answers_on_its_own_ports_of_the_host(bench: Bench) -> None:
    bench.run("adopted")
    _taken(bench)
    bench.run("started", **LOOPBACK)
    assert answer(22700).startswith("green") and answer(22702).startswith("green")
    published = json.loads(podman("container", "inspect", "bgtest-green_kratos_1"))[0]["HostConfig"]["PortBindings"]
    hosts = {(one["HostIp"], one["HostPort"]) for entry in published.values() for one in entry}
    assert hosts == {("127.0.0.1", "22700"), ("127.0.0.1", "22701")}
    assert not bench.run("started", **LOOPBACK)["changed"]
    assert bench.run("started", **{**LOOPBACK, "publish": "network"})["changed"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 22700))


def _taken(bench: Bench) -> None:
    """A port that is taken stops it before anything starts."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 22702))
        listener.listen()
        with pytest.raises(BluegreenError, match=r"127\.0\.0\.1:22702 for service hera cannot be had"):
            bench.run("started", **LOOPBACK)
    assert "bgtest-green" not in podman("ps", "-a", "--format", "{{.Names}}")


@pytest.mark.slow
def test_a_new_volume_of_a_release_is_made(bench: Bench) -> None:
    bench.run("adopted")
    file = Path(bench.source) / "compose.yml"
    text = file.read_text().replace('"cache:/cache"]', '"cache:/cache", "fresh:/fresh"]')
    label = '{labels: {olympus.bluegreen.test: "1"}}'
    file.write_text(text.replace("volumes: {cache:", "volumes: {fresh: %s, cache:" % label))
    bench.run("started", **GREEN)
    names = podman("volume", "ls", "-q").split()
    assert "bgtestop_fresh" in names and "bgtestop_cache" in names
