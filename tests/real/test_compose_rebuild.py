# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state directory is lost while green is live and blue was cleaned up (REVIEW B4): adopt makes it again."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from kit.compose_bench import DEPLOYMENT, GREEN, PROJECT, TEST_LABEL, Bench, podman

from ansible_collections.olympus.bluegreen.plugins.module_utils._boot import record, run
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch

pytestmark = pytest.mark.lab
# Numbers by today's order would be others.
TURNED = {"hera": {"kind": "hera", "port": 8080}, "kratos": {"kind": "kratos", "port": 8080, "admin_port": 8081}}
NOW: dict[str, Any] = {"live_colour": "green", "wake": ["green", "blue"], "services": TURNED}
FILES = ("addresses.json", "stacks/green/services.json", "stacks/green/compose.yml")


def green_alone(bench: Bench, switch: Switch) -> None:
    """Green went live, blue was cleaned up, and green has the courier."""
    bench.run("adopted")
    bench.run("started", **GREEN, switch=switch)
    token = switch.claim(0)
    switch.prepare(ReturnTo("blue", "a", "1" * 16, 1.0), token)
    switch.flip("green", token)
    switch.unclaim(token)
    bench.run("absent", colour="blue", live_colour="green", switch=switch)
    bench.run("handed_over", live="green", switch=switch)


def running() -> dict[str, tuple[str, str]]:
    """Container of ours -> (id, when it was started)."""
    names = podman("ps", "--filter", "label=olympus.bluegreen.deployment=" + DEPLOYMENT, "--format", "{{.Names}}")
    raws = [json.loads(podman("container", "inspect", name))[0] for name in names.split()]
    return {raw["Name"]: (raw["Id"], raw["State"]["StartedAt"]) for raw in raws}


def reboot() -> None:
    """As far as podman sees it: nothing runs."""
    for label in (TEST_LABEL + "=1", "com.docker.compose.project=" + PROJECT):
        ids = podman("ps", "-q", "--filter", "label=" + label).split()
        if ids:
            podman("stop", "-t", "1", *ids)


def test_adopt_makes_the_record_again_and_a_reboot_brings_green_back(bench: Bench, switch: Switch) -> None:
    green_alone(bench, switch)
    before, here = {name: (bench.state_dir / name).read_text() for name in FILES}, running()
    assert len(here) == 3
    shutil.rmtree(bench.state_dir)

    planned = bench.run("adopted", check=True, switch=switch, **NOW)
    assert planned["steps"][0] == "rebuild-addresses 10.231.128.0/22" and not bench.state_dir.exists()
    done = bench.run("adopted", switch=switch, **NOW)
    assert {name: (bench.state_dir / name).read_text() for name in FILES} == before
    assert running() == here and done["off_networks"] == [] and done["unmanaged"] == []
    green = done["colours"]["green"]
    assert (green["running"], green["drift"], green["edited"]) == (True, [], [])
    assert not bench.run("adopted", switch=switch, **NOW)["changed"]
    assert bench.run("handed_over", live="green", switch=switch, services=TURNED)["steps"] == []

    reboot()
    assert running() == {}
    boot = record.made({**bench.params("read"), "edge": {}}, switch.path)
    run.Boot(boot, SubprocessRunner(), SystemClock(), lambda line: None, patience=1.0).run()
    assert set(running()) == set(here)


@pytest.mark.slow
def test_files_that_were_edited_since_are_said_and_nothing_is_ended(bench: Bench, switch: Switch) -> None:
    green_alone(bench, switch)
    here = running()
    shutil.rmtree(bench.state_dir)
    (bench.source / "extra.env").write_text("FROM_FILE=later\n")

    told = " ".join(bench.run("adopted", switch=switch, **NOW)["messages"])
    assert "gives other files by now" in told and "can't start again without" in told
    assert bench.run("handed_over", live="green", switch=switch)["steps"] == []
    assert running() == here and bench.run("read")["colours"]["green"]["drift"] == []
    # The next release makes all of it whole.
    bench.run("started", colour="blue", live_colour="green", version="c", switch=switch)
    assert bench.run("read")["colours"]["blue"]["running"]
