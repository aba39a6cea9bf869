# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of no colour that depend on coloured ones: who they are, and how each is made again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from kit.clocks import Clock

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import (
    create_command,
    dependents,
    networks,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.observe import (
    BEFORE,
    Container,
    Containers,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import (
    Deployment,
    services_from,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result

SECRET = "5ecret-value"
VOLUME = "d" * 64
MADE = [
    "podman", "--log-level", "error", "run", "--name=prod_pgadmin_1", "-d",
    "--requires=prod_iam-hydra_1,prod_postgres_1",
    "--label", "com.docker.compose.service=pgadmin", "-e", "PGADMIN_PASSWORD=" + SECRET, "--env=HTTP_PROXY=" + SECRET,
    "--env-file", "/opt/prod/pg.env", "-v", "/opt/prod/servers.json:/pgadmin4/servers.json:ro",
    "-v", "/var/lib/pgadmin",
    "--mount", "type=volume,destination=/scratch",
    "--net", "prod_intranet", "--network-alias", "pgadmin", "-p", "5433:80", "-it",
    "--restart", "unless-stopped", "--replace", "dpage/pgadmin4:9.14.0", "sh", "-e", "/entrypoint.sh",
]  # fmt: skip


def raw(made: list[str] | None = None, **given: Any) -> dict[str, Any]:
    volumes = [("/var/lib/pgadmin", VOLUME), ("/scratch", "e" * 64), ("/from/image", "f" * 64)]
    return {
        "Name": "prod_pgadmin_1",
        "ImageName": "docker.io/dpage/pgadmin4:9.14.0",
        "Image": "a" * 64,
        "Config": {
            "CreateCommand": MADE if made is None else made,
            "Env": ["PGADMIN_PASSWORD=" + SECRET, "HTTP_PROXY=" + SECRET, "FROM_FILE=1", "PATH=/bin", "OF_IMAGE=1",
                    "HOSTNAME=abc", "container=podman"],
        },
        "Mounts": [{"Type": "volume", "Destination": place, "Name": name, "RW": True} for place, name in volumes]
        + [{"Type": "bind", "Destination": "/pgadmin4/servers.json", "Source": "/opt/prod/servers.json"}],
        **given,
    }  # fmt: skip


def test_it_is_made_again_without_the_dependency_and_with_its_data() -> None:
    argv = create_command.arguments(raw(), "prod_pgadmin_1", ["prod_iam-hydra_1"])
    assert argv == [
        "create", "--name", "prod_pgadmin_1", "--requires=prod_postgres_1",
        "--label=com.docker.compose.service=pgadmin",
        "-v", "/opt/prod/servers.json:/pgadmin4/servers.json:ro", "--net=prod_intranet", "--network-alias=pgadmin",
        "-p", "5433:80", "-i", "-t", "--restart=unless-stopped",
        "--volume", VOLUME + ":/var/lib/pgadmin", "--volume", "e" * 64 + ":/scratch",
        "--volume", "f" * 64 + ":/from/image",
        "a" * 64, "sh", "-e", "/entrypoint.sh",
    ]  # fmt: skip
    assert SECRET not in json.dumps(argv)
    found = create_command.environment(raw(), {"Config": {"Env": ["PATH=/bin", "OF_IMAGE=1"]}})
    assert found == {"PGADMIN_PASSWORD": SECRET, "HTTP_PROXY": SECRET, "FROM_FILE": "1"}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ([], "does not know the command"),
        ([*MADE[:-4], "another/image", "sh"], "can't be read"),
        ([*MADE[:4], "--rm", *MADE[4:]], "goes away when it ends"),
        ([*MADE[:4], "--network", "container:prod_iam-hydra_1", *MADE[4:]], "uses network of that container"),
        ([*MADE[:4], "--volumes-from", "prod_iam-hydra_1:ro", *MADE[4:]], "uses volumes-from of that container"),
    ],
)
def test_one_that_cannot_be_made_again_is_refused_without_a_word_of_its_command(made: list[str], why: str) -> None:
    with pytest.raises(Refused, match=why) as failed:
        create_command.arguments(raw(made), "n", ["prod_iam-hydra_1"])
    assert SECRET not in str(failed.value) and "prod_pgadmin_1" in str(failed.value)


def one(name: str, *needs: str, state: str = "running", restart: str = "always") -> Container:
    service = name[len("prod_") :].partition("_")[0]
    return Container(
        name, name, service, "prod", "i", "r", "", state, restart=restart, needs=needs,
        labels={"com.docker.compose.service": service},
    )  # fmt: skip


HYDRA, POSTGRES = one("prod_hydra_1", "prod_postgres_1"), one("prod_postgres_1")
PGADMIN, EXPORTER = one("prod_pgadmin_1", "prod_hydra_1"), one("prod_exporter_1", "prod_pgadmin_1")
SEED = one("prod_seed_1", "prod_hydra_1", state="exited", restart="no")
STOPPED = one("prod_stopped_1", "prod_hydra_1", state="exited")


class Told:
    """Podman that knows how each was made."""

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        made = ["podman", "run", "--requires=prod_hydra_1", "box"]
        return Result(0, json.dumps([raw(made, Name=name, ImageName="box") for name in argv[3:]]), "")


def wanted(tmp_path: Path, **given: Any) -> Deployment:
    services = services_from({"hydra": {"kind": "hydra", "port": 5002, "admin_port": 5003}})
    return Deployment("olympus", str(tmp_path), "prod", services=services, colour="blue", live_colour="green", **given)


@pytest.mark.parametrize(
    ("world", "again", "removed"),
    [
        ([HYDRA, POSTGRES], [], []),
        ([HYDRA, SEED], [], []),
        ([HYDRA, PGADMIN], ["prod_pgadmin_1"], ["prod_pgadmin_1"]),
        ([EXPORTER, PGADMIN, HYDRA], ["prod_pgadmin_1", "prod_exporter_1"], ["prod_exporter_1", "prod_pgadmin_1"]),
        ([HYDRA, STOPPED, SEED], ["prod_stopped_1"], ["prod_stopped_1"]),
        ([HYDRA, one("prod_pgadmin_1" + BEFORE, "prod_hydra_1", state="exited", restart="no"), one("prod_pgadmin_1")],
         ["prod_pgadmin_1"], ["prod_pgadmin_1" + BEFORE]),
    ],
    ids=["none", "ended", "one", "a chain", "stopped", "half done"],
)  # fmt: skip
def test_who_is_made_again(tmp_path: Path, world: list[Container], again: list[str], removed: list[str]) -> None:
    context = Context(wanted(tmp_path), Podman(Told()), SystemClock())
    steps, olds = dependents.steps(context, Containers(context.wanted, world), [HYDRA])
    assert ([step.target for step in steps], [c.name for c in olds]) == (again, removed)
    assert all(step.detail == "hydra" for step in steps)


def test_the_operator_may_keep_them_and_is_told_early(tmp_path: Path) -> None:
    keeping = Context(wanted(tmp_path, dependents="keep"), Podman(Told()), SystemClock())
    with pytest.raises(Refused, match=r"depends on blue.*Fix: set bluegreen_dependents to recreate"):
        dependents.steps(keeping, Containers(keeping.wanted, [HYDRA, PGADMIN]), [HYDRA])
    assert "cleanup refuses" in dependents.notices(Containers(keeping.wanted, [HYDRA, PGADMIN]), [HYDRA])[0]
    world = Containers(wanted(tmp_path), [HYDRA, PGADMIN, EXPORTER])
    told = dependents.notices(world, [HYDRA])
    assert len(told) == 2 and told[0].startswith("prod_pgadmin_1 depends on hydra: cleanup recreates it")
    assert dependents.as_read(world)[0] == {"container": "prod_pgadmin_1", "needs": ["hydra"]}


def test_the_one_in_its_place_is_the_service_s(tmp_path: Path) -> None:
    old, new = one("prod_pgadmin_1" + BEFORE), one("prod_pgadmin_1")
    assert Containers(wanted(tmp_path), [old, new]).of_project("pgadmin") == new
    assert Containers(wanted(tmp_path), [old]).of_project("pgadmin") == old


def relay(labels: Mapping[str, str]) -> Container:
    return Container("r", "olympus-relay", "", "", "i", "", "", "running", labels=labels)


def test_the_relay_has_its_own_place_on_the_networks_of_the_colours(tmp_path: Path) -> None:
    asked = wanted(tmp_path)
    ours = {"olympus.bluegreen.deployment": "olympus", "olympus.bluegreen.kind": "relay"}
    members = networks.relay_members(Containers(asked, [relay(ours)]), ("green",))
    taken = {asked.nets.edge("green"), asked.nets.service_on_edge("green", "hydra")}
    assert [m.network for m in members] == ["olympus-edge-green"] and not taken & {m.address for m in members}
    assert networks.relay_members(Containers(asked, [relay({})]), ("green",)) == []


def test_the_edge_is_never_made_again(tmp_path: Path) -> None:
    context = Context(wanted(tmp_path, edge_service="caddy"), Podman(Told()), SystemClock())
    world = Containers(context.wanted, [HYDRA, one("prod_caddy_1", "prod_hydra_1")])
    with pytest.raises(Refused, match="the edge prod_caddy_1 depends on hydra"):
        dependents.steps(context, world, [HYDRA])
    assert "cleanup refuses" in dependents.notices(world, [HYDRA])[0]


class Restarting:
    """Podman that made a container whose process ends at once, and starts it again and again."""

    def __init__(self, pids: Sequence[int]) -> None:
        self.pids, self.did = list(pids), list[str]()

    def run(self, argv: Sequence[str], **_more: Any) -> Result:
        self.did.append(" ".join(argv[1:]))
        if argv[1:3] != ["container", "inspect"]:
            return Result(0, "", "")
        pid = self.pids.pop(0) if len(self.pids) > 1 else self.pids[0]
        state = {"Status": "running" if pid else "exited", "Pid": pid}
        return Result(0, json.dumps([{"Id": "a", "Name": argv[3], "State": state}]), "")


@pytest.mark.parametrize(("pids", "stays"), [([7], True), ([7, 0, 8], False), ([7, 7, 8], False), ([0], False)])
def test_one_that_is_started_again_and_again_does_not_run(tmp_path: Path, pids: list[int], stays: bool) -> None:
    podman = Restarting([0, *pids])
    context = Context(wanted(tmp_path), Podman(podman), Clock())
    if stays:
        dependents._swap(context, "prod_pgadmin_1", "prod_pgadmin_1" + BEFORE)
    else:
        with pytest.raises(BluegreenError, match="it ended at once; the old container runs again"):
            dependents._swap(context, "prod_pgadmin_1", "prod_pgadmin_1" + BEFORE)
    back = "rename prod_pgadmin_1%s prod_pgadmin_1" % BEFORE
    assert (back in podman.did) != stays
