# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Other hands: podman-compose, a deploy script, a power cut. Named by status, refused by stages, repaired by adopt."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from olympus_lab import config, podman, project, release, stack, truth
from olympus_lab.progress import LabError, wait_for

pytestmark = pytest.mark.lab
EDGE = config.container("caddy")
STANDS = bool(os.environ.get("LAB_STANDS"))


@pytest.fixture(scope="module")
def adopted() -> Iterator[None]:
    """Blue, adopted and live. LAB_STANDS=1: the lab stands as the tests want it, and stays."""
    if not STANDS:
        stack.up(fresh=True)
        release.must("hands-adopt", "adopt", {"version": "v1.4.2"}, quiet=True)
    yield
    if not STANDS:
        stack.down()


@pytest.fixture(scope="module")
def released(adopted: None) -> None:
    """Green at v1.5.0 and live, the adopted blue warm behind it."""
    if not STANDS:
        forth("migrate,deploy,cutover,watch")
    assert set(truth.in_public().values()) == {"green"}


def forth(tags: str) -> None:
    """Without visitors a verdict would take minutes: a watch that has seen too little is signed off."""
    short = {"window": 10, "interval": 1, "min_events": 1}
    done = release.play("hands-forth", tags, {"version": "v1.5.0", "bluegreen_watch": short}, quiet=True)
    assert "INCONCLUSIVE" in done.out, done.out[-3000:]
    release.must("hands-promote", "watch", {"bluegreen_watch_do": "promote"}, quiet=True)


def operator(*args: str) -> None:
    """podman-compose as the operator types it; what it says and returns is its own affair."""
    values = project.settings()
    env = {key: value for key, value in podman.environment().items() if key not in values}
    env.update(LAB_HTTPS_PORT=str(config.HTTPS_PORT), LAB_HTTP_PORT=str(config.HTTP_PORT))
    env.update(LAB_MAIL_PORT=str(config.MAIL_PORT), PATH=f"{config.VENV / 'bin'}:{os.environ['PATH']}")
    argv = [str(config.VENV / "bin/podman-compose"), "-p", config.PROJECT, "-f", config.COMPOSE_FILE, *args]
    subprocess.run(argv, env=env, cwd=config.OPERATOR, capture_output=True, check=False)


def containers(running: bool = False) -> list[str]:
    """Names of this lab's containers, the operator's and the collection's."""
    found = [
        one["Names"][0]
        for label in config.OWNED
        for one in podman.listing(["ps", *([] if running else ["-a"]), "--filter", f"label={label}"])
    ]
    return sorted(set(found))


def deploy_script() -> None:
    """The published one: an rsync of the Caddyfile, then every container but the database's is removed."""
    fresh = config.OPERATOR / "Caddyfile.rsync"
    fresh.write_text(project._template("Caddyfile"))
    fresh.rename(config.OPERATOR / "Caddyfile")
    while doomed := [name for name in containers() if name != config.container("postgres")]:
        podman.call(["rm", "-f", "-t", "0", *doomed], check=False)


def power_cut() -> None:
    """Every container of this lab killed at once: exited, off the network, no bridge, as a boot of the host finds it.

    (Killing the processes behind Podman's back is not it: then Podman goes on saying "running", see
    _compose/containers/observe.py.)
    """
    podman.call(["kill", "--signal", "KILL", *containers(True)], check=False)
    wait_for("nothing runs", lambda: ", ".join(containers(True)), 60)


def status() -> dict[str, Any]:
    """The JSON of ``--tags status``; it answers whatever happened."""
    done = release.play("hands-status", "status", quiet=True)
    assert done.rc == 0, done.out[-2000:]
    shown = [line for line in done.out.splitlines() if line.strip().startswith(("live ", "PROBLEM", "next "))]
    return {"screen": "\n".join(shown), "out": done.out}


def named(*words: str) -> str:
    screen = str(status()["out"])
    folded = " ".join(screen.split())
    missing = [word for word in words if word not in folded]
    assert not missing, "%s not in:\n%s" % (missing, screen[-3000:])
    return folded


def refused(tags: str = "cleanup") -> None:
    done = release.play("hands-refused", tags, {"version": "v1.6.0"}, quiet=True)
    assert done.rc != 0 and "changed outside this collection" in done.out


def repaired(live: str, **extra: Any) -> None:
    """Adopt fixes it, and a second one has nothing to do."""
    release.must("hands-repair", "adopt", extra, quiet=True)
    again = release.must("hands-again", "adopt", extra, quiet=True)
    assert "changed=0" in again.out.split("PLAY RECAP")[-1]
    wait_for(f"{live} public", lambda: "" if set(truth.in_public().values()) == {live} else "not yet", 20)


@pytest.mark.slow
def test_a_recreated_edge_is_named_and_repaired(adopted: None) -> None:
    before = stack.container_id("caddy")
    operator("up", "-d", "--force-recreate", "--no-deps", "caddy")
    assert stack.container_id("caddy") != before
    told = named(f"the edge {EDGE} was recreated and is off", "--tags adopt")
    assert "was recreated and is off" in told
    repaired("blue")


@pytest.mark.slow
def test_an_edited_env_makes_blue_no_way_back(released: None) -> None:
    """The public stays on green; blue's containers are other ones now, at another release."""
    env = config.OPERATOR / ".env"
    before = env.read_text()
    try:
        env.write_text(before.replace("_IMAGE_TAG=v1.4.2", "_IMAGE_TAG=v1.5.0"))
        operator("up", "-d")
        named("NOT POSSIBLE now: to blue", "beside our colours", "bluegreen_remove_unmanaged=true")
        refused()
        rollback = release.play("hands-rollback", "rollback", quiet=True)
        assert rollback.rc != 0 and truth.on_disk() == "green"
        repaired("green", bluegreen_remove_unmanaged=True)
        assert not [name for name in containers() if name == config.container("ciam-kratos")]
    finally:
        env.write_text(before)
    operator("up", "-d")
    repaired("green")
    named("rollback to blue")


@pytest.mark.slow
def test_a_deploy_script_wipes_everything_and_adopt_brings_green_back(released: None) -> None:
    deploy_script()
    named("the edge (service caddy) has no container any more", "green is live: the containers of ")
    refused()
    operator("up", "-d")
    named("does not run the switch", "green is live: the containers of", "makes them again")
    repaired("green")
    # The same images came back in blue's place: a rollback would work again.
    release.must("hands-back", "rollback", quiet=True)
    assert set(truth.in_public().values()) == {"blue"}
    forth("cutover,watch")


def boot() -> subprocess.CompletedProcess[str]:
    """What systemd runs: the unit's ExecStart, in the environment that it gives."""
    return subprocess.run(
        [str(config.STATE / "boot")], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_power_cut_and_the_boot_program(released: None) -> None:
    power_cut()
    with pytest.raises((OSError, LabError)):
        truth.in_public()
    # What podman's own unit does at boot: nothing for most of them.
    podman.call(["start", "--all", "--filter", "restart-policy=always"], check=False)
    done = boot()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "green is ready" in done.stdout
    assert set(truth.in_public().values()) == {"green"}
    named("rollback to blue", "last boot")
    # What needs nothing is left alone.
    again = boot()
    assert again.returncode == 0 and "start " not in again.stdout
    ledger = [json.loads(line) for line in (config.STATE / "ledger.jsonl").read_text().splitlines()]
    assert [one["ready"] for one in ledger if one["event"] == "boot"][-2:] == [True, True]


def own_ids() -> dict[str, str]:
    """Container -> id of what the operator's podman-compose made."""
    found = podman.listing(["ps", "--filter", f"label={config.OF_PROJECT}"])
    return {one["Names"][0]: one["Id"] for one in found}


@pytest.mark.slow
def test_undo_after_a_rollback_leaves_the_project_as_it_was(released: None) -> None:
    """Green, its networks and every word of ours are gone; none of the operator's containers was touched."""
    undo: dict[str, Any] = {"bluegreen_undo": True}
    early = release.play("hands-undo-early", "adopt", undo, quiet=True)
    assert early.rc != 0 and "--tags rollback, then undo" in " ".join(early.out.split())
    assert set(truth.in_public().values()) == {"green"}
    release.must("hands-undo-back", "rollback", quiet=True)
    own, all_of_them = own_ids(), containers()
    assert release.play("hands-undo-check", "adopt", undo, check=True, quiet=True).rc == 0
    assert containers() == all_of_them and set(truth.in_public().values()) == {"blue"}
    release.must("hands-undo", "adopt", undo, quiet=True)
    again = release.must("hands-undo-again", "adopt", undo, quiet=True)
    assert "changed=0" in again.out.split("PLAY RECAP")[-1]
    assert own_ids() == own and containers(True) == sorted(own)
    assert (config.OPERATOR / "Caddyfile").read_text() == project._template("Caddyfile")
    assert set(truth.in_public().values()) == {""}
    assert not podman.listing(["network", "ls", "--filter", f"label={config.OF_COLLECTION}"])
    release.must("hands-adopt-again", "adopt", {"version": "v1.4.2"}, quiet=True)
    forth("migrate,deploy,cutover,watch")


@pytest.mark.slow
def test_a_way_back_that_somebody_removed_is_made_again(released: None) -> None:
    """What the refusal names as the fix works: the kept release comes back in containers of ours."""
    gone = [config.container(name) for name in ("ciam-hera", "iam-hera")]
    podman.call(["rm", "-f", "-t", "0", "--depend", *gone])
    named("NOT POSSIBLE now: to blue")
    refusal = release.play("hands-no-way-back", "rollback", quiet=True)
    assert refusal.rc != 0 and "--tags rollback -e version=v1.4.2" in " ".join(refusal.out.split())
    assert set(truth.in_public().values()) == {"green"}
    release.must("hands-made-again", "rollback", {"version": "v1.4.2"}, quiet=True)
    assert set(truth.in_public().values()) == {"blue"}
    assert not set(own_ids()) & set(gone) and config.container("ciam-kratos") not in own_ids()
    undo = release.play("hands-undo-late", "adopt", {"bluegreen_undo": True}, quiet=True)
    assert undo.rc != 0 and "containers of ours" in " ".join(undo.out.split())
    forth("cutover,watch")


@pytest.mark.slow
def test_blue_that_comes_back_after_its_cleanup_is_a_stranger(released: None) -> None:
    """The operator's up -d makes the old containers again: old Kratos on the newer schema, with its own courier."""
    release.must("hands-cleanup", "cleanup", {"bluegreen_bake": 0}, quiet=True)
    operator("up", "-d")
    named("beside our colours", "send mail beside ours", "bluegreen_remove_unmanaged=true")
    refused("deploy")
    assert set(truth.in_public().values()) == {"green"}
    repaired("green")
    named("beside our colours")
    repaired("green", bluegreen_remove_unmanaged=True)
    assert not [name for name in containers() if name == config.container("ciam-kratos")]
