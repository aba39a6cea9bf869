# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""podman_compose_release against real podman and podman-compose: does what it says, touches nothing else."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from kit.compose_bench import CANARY, GREEN, IMAGES, PROJECT, Bench, facts, nets, ours, podman

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused

pytestmark = pytest.mark.lab


def test_check_mode_changes_nothing(bench: Bench) -> None:
    before = facts(), nets()
    assert bench.run("adopted", check=True)["changed"]
    assert (facts(), nets()) == before
    assert not bench.state_dir.exists()
    bench.run("adopted")
    files = sorted(str(path) for path in bench.state_dir.rglob("*"))
    containers = facts(), ours()
    assert bench.run("started", check=True, **GREEN)["steps"]
    assert (facts(), ours()) == containers
    assert sorted(str(path) for path in bench.state_dir.rglob("*")) == files


def test_a_whole_life(bench: Bench) -> None:
    operator = facts()
    assert bench.run("adopted")["colours"]["blue"]["running"]
    assert facts() == operator, "adopt recreated something"
    assert not bench.run("adopted")["changed"]
    started = bench.run("started", **GREEN)
    assert started["services"]["hera"]["state"] == started["services"]["kratos"]["state"] == "running"
    assert list(started["release"]["changed"]["images"]) == ["hera"]
    assert started["release"]["same_schema"] == ["kratos"]
    assert not bench.run("started", **GREEN)["changed"]
    assert facts() == operator, "starting green touched the operator's project"
    through_edge = podman("exec", PROJECT + "_caddy_1", "wget", "-qO-", "http://10.231.129.16:8080/")
    assert through_edge.startswith("green") and "--watch-courier" not in through_edge
    by_name = podman("exec", "bgtest-green_hera_1", "wget", "-qO-", "http://kratos:8080/")
    assert by_name == through_edge
    _courier(bench)
    _blue_goes(bench)


def _courier(bench: Bench) -> None:
    first = bench.run("handed_over", live="green")
    assert not first["changed"] and "until its cleanup" in first["messages"][0]
    assert places(first) == {"kratos-courier": ["project running"]}


def places(answer: dict[str, Any]) -> dict[str, list[str]]:
    """Singleton -> where it is."""
    return {one["name"]: ["%s %s" % (h["place"], h["state"]) for h in one["holders"]] for one in answer["singletons"]}


def _blue_goes(bench: Bench) -> None:
    with pytest.raises(Refused):
        bench.run("absent", colour="blue", live_colour="blue")
    gone = bench.run("absent", colour="blue", live_colour="green")
    # seed has run to its end and podman wants it removed before the hera that it was started after.
    assert set(gone["removed"]) == {PROJECT + "_" + name + "_1" for name in ("kratos", "hera", "seed")}
    assert set(facts()) == {PROJECT + "_db_1", PROJECT + "_caddy_1"}
    assert "bgtestop_cache" in podman("volume", "ls", "-q").split()
    assert not bench.run("absent", colour="blue", live_colour="green")["changed"]
    assert places(bench.run("handed_over", live="green")) == {"kratos-courier": ["green running"]}
    assert not bench.run("handed_over", live="green")["changed"]
    again: dict[str, Any] = {"colour": "blue", "live_colour": "green", "version": "c", "images": IMAGES}
    assert bench.run("started", **again)["services"]["hera"]["state"] == "running"
    assert not bench.run("handed_over", live="green")["changed"]
    moved = bench.run("handed_over", live="blue")
    assert moved["steps"] == ["end bgtest-green_kratos-courier_1 kratos-courier", "start kratos-courier blue"]
    assert places(moved) == {"kratos-courier": ["blue running"]}


@pytest.mark.slow
def test_another_release_in_the_same_colour_replaces_its_containers(bench: Bench) -> None:
    bench.run("adopted")
    first = bench.run("started", **GREEN)
    second = bench.run("started", **{**GREEN, "version": "c"})
    assert second["release"]["id"] != first["release"]["id"]
    assert second["colours"]["green"]["drift"] == []
    assert any(step.startswith("remove") for step in second["steps"])
    back = bench.run("started", **GREEN, release=first["release"]["id"])
    assert back["services"] == first["services"]
    (bench.source / "web" / "serve.sh").write_text("edited later")
    (bench.source / ".env").write_text("DSN=other\n")
    assert not bench.run("started", **GREEN, release=first["release"]["id"])["changed"]


@pytest.mark.slow
def test_a_container_that_stopped_is_made_again(bench: Bench) -> None:
    bench.run("adopted")
    bench.run("started", **GREEN)
    podman("stop", "bgtest-green_hera_1")
    assert bench.run("read")["colours"]["green"]["running"] is False
    again = bench.run("started", **GREEN)["steps"]
    assert again == ["remove bgtest-green_hera_1", "up hera", "connect bgtest-green_hera_1 bgtest-edge-green"]
    assert not bench.run("started", **GREEN)["changed"]


@pytest.mark.slow
def test_the_order_of_the_services_moves_no_address(bench: Bench) -> None:
    """Also after a trip through sorted JSON. Another range is refused until the adoption is undone."""
    bench.run("adopted")
    first = bench.run("started", **GREEN)
    services = {"hera": {"kind": "hera", "port": 8080}, "kratos": {"kind": "kratos", "port": 8080, "admin_port": 8081}}
    for state, given in (("adopted", {}), ("started", GREEN)):
        again = bench.run(state, services=services, **given)
        assert not again["changed"] and again["off_networks"] == []
    assert again["services"] == first["services"]
    with pytest.raises(BluegreenError, match=r"bluegreen_network_range='10.231.132.0/22'.*made from 10.231.128.0/22"):
        bench.run("read", network_range="10.231.132.0/22")
    bench.run("absent", colour="green", live_colour="blue")
    bench.run("adopted", undo=True)
    moved = bench.run("adopted", network_range="10.231.132.0/22")
    assert moved["networks"]["bgtest-edge-blue"]["subnet"] == "10.231.132.0/24"


@pytest.mark.slow
def test_undo_leaves_the_project_as_it_was(bench: Bench) -> None:
    before = facts(), nets()
    bench.run("adopted")
    bench.run("started", **GREEN)
    with pytest.raises(Refused):
        bench.run("adopted", undo=True)
    bench.run("absent", colour="green", live_colour="blue")
    assert bench.run("adopted", undo=True)["changed"]
    assert (facts(), nets()) == before
    assert not bench.run("adopted", undo=True)["changed"]


def test_undo_leaves_no_copy_of_a_secret_and_the_same_release_can_be_adopted_again(bench: Bench) -> None:
    """The history stays, and is still there when the very same release comes again (R25)."""
    release = bench.run("adopted")["release"]["id"]
    folder = bench.state_dir / "releases" / release
    (folder / "verdict.json").write_text("{}")
    assert any(CANARY.encode() in path.read_bytes() for path in bench.state_dir.rglob("*") if path.is_file())
    done = bench.run("adopted", undo=True)
    assert [step.split()[0] for step in done["steps"]][-2:] == ["remove-copies", "remove-stacks"] and done["messages"]
    left = [path for path in bench.state_dir.rglob("*") if path.is_file()]
    assert left == [folder / "verdict.json"] and not bench.run("adopted", undo=True)["changed"]
    assert bench.run("adopted")["release"]["id"] == release and (folder / "source/.env").exists()
    assert (folder / "verdict.json").exists() and not bench.run("adopted")["changed"]


@pytest.mark.slow
def test_what_adopt_has_said_of_the_files_is_not_said_in_every_stage(bench: Bench) -> None:
    said = bench.run("adopted")["messages"]
    first = bench.run("started", **GREEN)["messages"]
    assert said and not set(said) & set(first)


def test_what_is_not_ours_is_named(bench: Bench) -> None:
    bench.run("adopted")
    podman("network", "disconnect", "bgtest-edge-blue", PROJECT + "_caddy_1")
    podman("rm", "-f", "--depend", PROJECT + "_hera_1")
    bench.operator_up()
    seen = bench.run("read")
    assert [entry["service"] for entry in seen["unmanaged"]] == ["hera"]
    assert seen["unmanaged"][0]["replaces_adopted"] and seen["colours"]["blue"]["services"]["hera"]["state"] == "absent"
    assert seen["shared"]["caddy"] == {
        "container": PROJECT + "_caddy_1", "state": "running", "recreated": False, "edge": True,
    }  # fmt: skip
    assert any(
        one["container"].endswith("caddy_1") and one["network"] == "bgtest-edge-blue" for one in seen["off_networks"]
    )
    repaired = bench.run("adopted")
    assert repaired["changed"] and not repaired["off_networks"] and not repaired["unmanaged"]


@pytest.mark.slow
def test_a_repair_starts_what_was_stopped_and_makes_again_what_is_gone(bench: Bench) -> None:
    """Blue's and green's, the edge and the database; at their addresses, and nothing that runs is touched."""
    bench.run("adopted")
    bench.run("started", **GREEN)
    before = dict(bench.run("read")["colours"])
    podman("stop", "-t", "0", *(PROJECT + name for name in ("_caddy_1", "_db_1", "_hera_1")))
    podman("rm", "-f", "bgtest-green_hera_1")
    wake: dict[str, Any] = {"live_colour": "green", "wake": ["green", "blue"]}
    assert bench.run("adopted", check=True, **wake)["steps"]
    done = bench.run("adopted", **wake)
    assert "up hera green" in done["steps"] and "start %s_db_1" % PROJECT in done["steps"]
    assert done["off_networks"] == [] and done["colours"] == before
    assert not bench.run("adopted", **wake)["changed"]


@pytest.mark.slow
def test_strangers_after_a_cleanup_are_no_colour_and_go_only_when_told(bench: Bench) -> None:
    bench.run("adopted")
    bench.run("started", **GREEN)
    live: dict[str, Any] = {"live_colour": "green", "wake": ["green"]}
    bench.run("absent", colour="blue", live_colour="green")
    bench.operator_up()
    assert len(bench.run("read")["unmanaged"]) == 2
    done = bench.run("adopted", **live)
    assert len(done["unmanaged"]) == 2 and not done["colours"]["blue"]["adopted"]
    assert not bench.run("adopted", remove_unmanaged=True, **live)["unmanaged"]
    assert bench.run("read")["colours"]["green"]["running"]


def test_a_service_that_is_missing_or_stopped_is_named(bench: Bench) -> None:
    podman("stop", PROJECT + "_hera_1")
    with pytest.raises(BluegreenError, match="hera is not running"):
        bench.run("adopted")
    podman("rm", "-f", "--depend", PROJECT + "_hera_1")
    with pytest.raises(BluegreenError, match="no container of service hera"):
        bench.run("adopted")


def test_an_image_that_is_missing_is_named_before_anything_starts(bench: Bench) -> None:
    bench.run("adopted")
    with pytest.raises(BluegreenError, match=r"bluegreen_images=.*service hera: no such image") as caught:
        bench.run("started", **{**GREEN, "version": "v9"})
    assert "localhost/bgtest/box:1v9" in str(caught.value)
    assert not bench.run("read")["colours"]["green"]["services"]


def test_a_taken_range_is_refused(bench: Bench) -> None:
    podman("network", "create", "--label", "olympus.bluegreen.test=1", "--subnet", "10.231.130.0/25", "bgtest-other")
    with pytest.raises(Refused, match="taken by"):
        bench.run("adopted")


def test_no_secret_on_a_command_line_or_in_an_answer(bench: Bench) -> None:
    """Every process of the machine is looked at while green starts, and everything that the module returns."""
    bench.run("adopted")
    seen: set[str] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                except OSError:
                    continue
                if "5ecret" in line:
                    seen.add(line[:200])
            time.sleep(0)

    watcher = threading.Thread(target=watch)
    watcher.start()
    # A control: a line that the watch has to find, or it proves nothing.
    control = subprocess.Popen(["sh", "-c", "sleep 1; : bgtest-green control-5ecret"])
    results = [bench.run("started", **GREEN), bench.run("started", check=True, **{**GREEN, "version": "c"})]
    control.wait()
    stop.set()
    watcher.join()
    assert any("control-5ecret" in line for line in seen)
    assert {line for line in seen if "control-5ecret" not in line} == set()
    assert "5ecret" not in json.dumps(results)
    inspected = json.loads(podman("container", "inspect", "bgtest-green_kratos_1"))[0]["Config"]
    assert "5ecret" not in json.dumps(inspected["CreateCommand"])
    assert "DSN=postgres://u:%s@db/x" % CANARY in inspected["Env"]
    assert (bench.state_dir / "stacks/green/compose.yml").stat().st_mode & 0o777 == 0o600
