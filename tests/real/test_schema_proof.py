# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""schema_proof with the vendors' programs: what passes, what breaks, what can't be judged, and that nothing is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.compose_bench import named, podman
from kit.migrate_bench import (
    DEPLOYMENT,
    HYDRA,
    KRATOS_NEW,
    KRATOS_OLD,
    NETWORK,
    PASSWORD,
    SERVER,
    Watched,
    kill,
    ours,
    query,
    until,
)
from kit.proof_bench import Bench, hydra, kept, kratos, log, no_more_live, production, written

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import KIND, LABEL

pytestmark = pytest.mark.lab
HOP = "kratos v1.0.0 -> v1.3.1"
MODULE = Path(__file__).resolve().parents[2] / "plugins" / "modules" / "schema_proof.py"


@pytest.fixture(scope="module", autouse=True)
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with production(tmp_path_factory.mktemp("containers")):
        yield


@pytest.fixture(autouse=True)
def _live() -> Iterator[None]:
    yield
    no_more_live()


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


def networks() -> list[str]:
    label = "label=%s=%s" % (LABEL, DEPLOYMENT)
    return [name for name in podman("network", "ls", "-q", "--filter", label).split() if name != NETWORK]


def test_a_hop_that_rolls_passes_and_production_is_not_written_to(tmp_path: Path, state_dir: Path) -> None:
    bench = Bench(tmp_path, state_dir, kratos("ciam-kratos", KRATOS_OLD, KRATOS_NEW))
    since, runner = len(log()), Watched()
    told = bench.run(runner)["targets"]["ciam_kratos"]
    assert (told["verdict"], told["hop"], told["reasons"]) == ("SAFE_IF_EXERCISED", HOP, [])
    assert (told["untried"], told["in_flight"], told["journeys"]) == ([], [], 61)
    # What no journey of Kratos reads: the courier's channel, four columns of verification. And an index is gone.
    open_ones = sorted(one["name"] for one in told["objects"] if one["verdict"] != "SAFE")
    assert len(open_ones) == 6 and told["exercised"] == [9, 15] and "public.courier_messages.channel" in open_ones
    assert {one["table"] for one in told["locks"] if one["mode"] == "AccessExclusiveLock"} >= {"public.identities"}
    assert any("ADD COLUMN available_aal" in one["sql"] for one in told["statements"])
    assert "public.identity_credential_types" in told["rows"] and told["started"] != told["rehearsed"]
    assert (told["before"]["count"], told["after"]["count"]) == (295, 315)
    assert written(since) == [] and len(bench.versions("ciam_kratos")) == 295
    assert ours() == [SERVER, "bgmig-ciam-kratos"] and networks() == []
    assert PASSWORD not in repr((runner.seen, told, kept(state_dir, "ciam_kratos")))


def test_the_rerun_of_a_release_takes_over_what_passed(tmp_path: Path, state_dir: Path) -> None:
    """Also where its migration was killed half way: production's state is then that of no image."""
    bench = Bench(tmp_path, state_dir, kratos("ciam-kratos", KRATOS_OLD, KRATOS_NEW))
    assert kept(state_dir, "ciam_kratos")["verdict"] == "SAFE_IF_EXERCISED"
    runner = Watched()
    assert bench.run(runner)["targets"]["ciam_kratos"]["verdict"] == "SAFE_IF_EXERCISED"
    assert not [argv for argv in runner.seen if "network" in argv and "create" in argv]


@pytest.mark.slow
def test_a_state_that_no_image_makes_is_proven_as_it_is(tmp_path: Path, state_dir: Path) -> None:
    """And an operator can let through what the policy holds back, by name and for a time."""
    bench = Bench(tmp_path, state_dir, kratos("iam-kratos", KRATOS_OLD, KRATOS_NEW, 7000))
    query("INSERT INTO schema_migration (version, version_self) VALUES ('20200101000000000001', 0)", "iam_kratos")
    query("ALTER TABLE networks ADD COLUMN edited_by_hand int NOT NULL DEFAULT 7", "iam_kratos")
    since, strict = len(log()), {"SAFE_IF_EXERCISED": "ask"}
    with pytest.raises(Refused, match=r"iam_kratos: SAFE_IF_EXERCISED \(kratos v1\.0\.0 -> v1\.3\.1\)"):
        bench.run(policy=strict)
    assert written(since) == [] and networks() == []
    accepted = {"target": "iam_kratos", "hop": HOP, "reason": "seen by hand", "expires": "2999-01-01"}
    told = bench.run(policy=strict, accept=[accepted], operator="ann")["targets"]["iam_kratos"]
    assert told["accepted"] == {"by": "ann", "reason": "seen by hand", "expires": "2999-01-01"}
    with pytest.raises(Refused, match=r"ended with 2020-01-01"):
        bench.run(policy=strict, accept=[{**accepted, "expires": "2020-01-01"}])


@pytest.mark.slow
def test_the_oldest_hydra_is_refused(tmp_path: Path, state_dir: Path) -> None:
    from olympus_lab import images

    bench = Bench(tmp_path, state_dir, hydra("ciam-hydra", images.on_demand("hydra", "v1.11.10"), HYDRA))
    since = len(log())
    with pytest.raises(Refused, match=r"ciam_hydra: BREAKS \(hydra v1\.11\.10 -> v2\.3\.0\).*SQLSTATE .*hydra_"):
        bench.run()
    assert written(since) == [] and len(bench.versions("ciam_hydra")) == 55
    assert networks() == []


# What is there when it is killed: the network, or a container in a state.
POINTS = [
    ("network", ""),
    ("server", "created"),
    ("server", "running"),
    ("ciam_kratos-pg-dump", "created"),
    ("ciam_kratos_rehearsal-migrate", "running"),
    ("ciam_kratos-old", "created"),
    ("ciam_kratos-old", "running"),
    ("ciam_kratos-migrate", "running"),
    ("ciam_kratos-new", "created"),
    ("ciam_kratos-new", "running"),
]


def trial() -> dict[str, str]:
    """Container of a trial -> state, and its network."""
    label = "label=%s=schema-proof" % KIND
    told = podman("ps", "-a", "--filter", label, "--format", "{{.Names}} {{.Pid}}").splitlines()
    found = {name: "running" if pid != "0" else "" for name, pid in (line.split() for line in told)}
    return {**found, **{name + "-network": "" for name in networks()}}


def reached(what: str, state: str) -> bool:
    # A container is created and running within moments: whoever is further is there as well.
    there = {name: told for name, told in trial().items() if name.endswith("-" + what)}
    return bool(there) and (state != "running" or "running" in there.values())


@pytest.mark.parametrize("point", [6, *(pytest.param(n, marks=pytest.mark.slow) for n in (0, 1, 2, 3, 4, 5, 7, 8, 9))])
def test_killed_at_ten_points_it_leaves_nothing(point: int, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    bench = Bench(tmp_path, state, kratos("ciam-kratos", KRATOS_OLD, KRATOS_NEW))
    arguments = tmp_path / "arguments.json"
    arguments.touch(0o600)
    arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": named(bench.params())}))
    env = {**os.environ, "PYTHONPATH": str(MODULE.parents[2] / "collections")}
    words = [sys.executable, str(MODULE), str(arguments)]
    process = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    until("point %d" % point, lambda: reached(*POINTS[point]), 90)
    assert process.poll() is None
    kill(process)
    until("nothing of it", lambda: trial() == {} and not list(state.glob("olympus-bluegreen-*")), 60)
    assert ours() == [SERVER, "bgmig-ciam-kratos"] and len(bench.versions("ciam_kratos")) == 295
