# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every name that Podman's own name server knows of a service leads to that service."""

from __future__ import annotations

import pytest
from kit.compose_bench import DEPLOYMENT, PROJECT, Bench

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import EdgeOptions
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.container import PodmanEdge
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.reaches import of_deployment

pytestmark = pytest.mark.lab
SERVICES = {"kratos": {"port": 8080}, "hera": {"port": 80}}


def test_a_service_is_known_by_all_of_its_names(bench: Bench) -> None:
    podman = Podman(SubprocessRunner())
    # Without a mount, as this edge is no Caddy and has no switch.
    edge = PodmanEdge(podman, PROJECT, EdgeOptions("/f", mount="", method="reload"))
    (kratos,) = podman.containers({"com.docker.compose.service": "kratos", "com.docker.compose.project": PROJECT})
    address = next(iter(kratos["NetworkSettings"]["Networks"].values()))["IPAddress"]
    names = ["kratos", "KRATOS", "kratos.", "kratos.dns.podman", kratos["Name"], kratos["Name"].upper(), address]
    others = ["db:5432", "nothing:8080", "localhost:18931", "%s.5:8080" % address.rpartition(".")[0]]
    reaches = of_deployment(podman, {"project": PROJECT, "deployment": DEPLOYMENT, "services": SERVICES})
    found = reaches.asked(edge, [*("%s:8080" % name for name in names), "login:80", *others])
    reached = {dial: one.service for dial, one in found.items()}
    assert reached == {**{"%s:8080" % name: "kratos" for name in names}, "login:80": "hera"}
