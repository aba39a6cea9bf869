# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""health_gate from inside a real edge container's network: internal networks that the host must not speak to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.compose_bench import containers_conf, named, podman

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import Networks
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import (
    COMPOSE_PROJECT,
    COMPOSE_SERVICE,
    LABEL,
)

pytestmark = pytest.mark.lab
ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT = "bggate"
NETWORKS = Networks(DEPLOYMENT, "10.231.148.0/22", ("site", "athena"))
SERVICES = {"site": {"kind": "site", "port": 3000, "ui": True}, "athena": {"kind": "athena", "port": 3000}}
EDGE = "bggate-edge"


def clean_up() -> None:
    ids = podman("ps", "-aq", "--filter", "label=%s=%s" % (LABEL, DEPLOYMENT)).split()
    if ids:
        podman("rm", "-f", "-t", "0", *ids)
    for colour in ("blue", "green"):
        subprocess.run(["podman", "network", "rm", "-f", NETWORKS.edge_name(colour)], capture_output=True, check=False)


def start(name: str, network: str, ip: str, mac: str, *rest: str, service: str = "") -> None:
    labels = ["%s=%s" % (LABEL, DEPLOYMENT), "olympus.lab="]
    labels += ["%s=%s" % (COMPOSE_PROJECT, DEPLOYMENT), "%s=%s" % (COMPOSE_SERVICE, service)] if service else []
    given = [part for label in labels for part in ("--label", label)]
    place = ["--network", network, "--ip", ip, "--mac-address", mac, "--pull", "never"]
    podman("run", "-d", "--name", name, *given, *place, *rest)


@pytest.fixture(scope="module", autouse=True)
def _edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    containers_conf(tmp_path_factory.mktemp("containers"))
    clean_up()
    for colour in ("blue", "green"):
        options = ["--internal", "--disable-dns", "--subnet", NETWORKS.edge_subnet(colour)]
        podman("network", "create", *options, "--label", "%s=%s" % (LABEL, DEPLOYMENT), NETWORKS.edge_name(colour))
    for service in SERVICES:
        at = NETWORKS.service_on_edge("green", service)
        image = "ghcr.io/olympusoss/%s:v1.5.0" % service
        start("bggate-" + service, NETWORKS.edge_name("green"), at.ip, at.mac, image)
    at = NETWORKS.edge("blue")
    idle = ["localhost/olympus-lab/tools:lab", "sleep", "600"]
    start(EDGE, NETWORKS.edge_name("blue"), at.ip, at.mac, *idle, service="caddy")
    yield
    clean_up()


def gate(directory: Path, **given: Any) -> dict[str, Any]:
    params = {
        "deployment": DEPLOYMENT,
        "colour": "green",
        "services": SERVICES,
        "network_range": NETWORKS.range_,
        "project": DEPLOYMENT,
        "timeout": 20,
        **given,
    }
    arguments = directory / "arguments.json"
    arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": named(params)}))
    argv = [sys.executable, str(ROOT / "plugins" / "modules" / "health_gate.py"), str(arguments)]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_first_refused_then_passed_then_failed(tmp_path: Path) -> None:
    refused = gate(tmp_path)
    assert refused["failed"] and "10.231.149.16 (green site)" in refused["msg"] and "-t adopt" in refused["msg"]
    at = NETWORKS.edge("green")
    podman("network", "connect", "--ip", at.ip, "--mac-address", at.mac, NETWORKS.edge_name("green"), EDGE)
    passed = gate(tmp_path, expected_versions={"site": "1.5.0"})
    assert passed["passed"] and not passed.get("failed"), passed
    assert [(c["name"], c["service"]) for c in passed["checks"]] == [
        ("ready", "site"), ("ready", "athena"), ("version", "site"), ("version", "athena"), ("warm", "site"),
    ]  # fmt: skip
    wrong = gate(tmp_path, expected_versions={"site": "1.4.2"})
    assert wrong["failed"] and "1.4.2 was expected" in wrong["msg"] and "checks" not in wrong
    podman("stop", "-t", "0", "bggate-athena")
    down = gate(tmp_path, timeout=5, fail=False)
    assert not down.get("failed") and down["passed"] is False
    assert [c["service"] for c in down["checks"] if not c["ok"]] == ["athena", "athena"]
