# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cleanup of an adopted colour that others in the project depend on and dial by its plain names, on real podman."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.compose_bench import CANARY, GREEN, IMAGES, PROJECT, Bench, Crash, CrashingRunner, clean_up, facts, podman

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch

pytestmark = pytest.mark.lab
CADDY = "ghcr.io/olympusoss/caddy:latest"
EDGE = (
    """  caddy:
    image: %s
    command: [caddy, respond, --listen, ":8080", the edge]
"""
    % CADDY
)
# As pgAdmin at the published stack: its own site, its data in an anonymous volume, a dependency on a coloured service.
CONSOLE = """
  console:
    image: localhost/bgtest/box:1a
    entrypoint: [sh, /etc/web/serve.sh]
    command: [console, "-e", "x"]
    environment: {SITE: "http://hera:8080", TOKEN: "${DSN}", HTTP_PROXY: "http://nowhere"}
    volumes: ["./web:/etc/web:ro", "/var/lib/console"]
    ports: ["127.0.0.1:18933:8080"]
    networks: {intranet: {aliases: [admin]}}
    depends_on: [hera, db]
    labels: {olympus.bluegreen.test: "1"}
    restart: unless-stopped
  helper:
    image: localhost/bgtest/box:1a
    command: [sh, -c, "trap 'exit 0' TERM; sleep 1000 & wait"]
    networks: [intranet]
    depends_on: [console]
    labels: {olympus.bluegreen.test: "1"}
    restart: always
volumes:"""
BLUE: dict[str, Any] = {"colour": "blue", "live_colour": "green"}
ASK = "timeout 5 wget -qO- http://%s:%d/"
DATA = "/var/lib/console/data"
NEW = PROJECT + "_console_1"


@pytest.fixture
def switch(tmp_path: Path) -> Switch:
    made = Switch(str(tmp_path / "switch"))
    made.install("blue", (os.getuid(), os.getgid()))
    return made


@pytest.fixture
def life(compose_machine: None, tmp_path: Path, switch: Switch) -> Iterator[Bench]:
    """Adopted, and green is live."""
    if subprocess.run(["podman", "image", "exists", CADDY], check=False).returncode:
        pytest.skip("no image of the lab's Caddy: make lab-images")
    bench = Bench(tmp_path)
    path = bench.source / "compose.yml"
    text = path.read_text()
    edge = text[text.index("  caddy:") : text.index("    networks", text.index("  caddy:"))]
    path.write_text(text.replace(edge, EDGE).replace("\nvolumes:", CONSOLE, 1))
    bench.operator_up()
    podman("exec", NEW, "sh", "-c", "echo kept >" + DATA)
    told = bench.run("adopted", switch=switch)["messages"]
    assert any("console_1 depends on hera, kratos: cleanup recreates it" in line for line in told), told
    bench.run("started", switch=switch, **GREEN)
    flip(switch, "green")
    yield bench
    clean_up()


def flip(switch: Switch, colour: str) -> None:
    token = switch.claim(0)
    switch.flip(colour, token)
    switch.unclaim(token)


def asked(name: str, port: int = 8080) -> str:
    return podman("exec", PROJECT + "_db_1", "sh", "-c", ASK % (name, port))


def inspected(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(podman("container", "inspect", name))[0]
    return found


def hardware() -> str:
    """Address of the project's bridge, at which the DNS server answers."""
    link = json.loads(podman("network", "inspect", PROJECT + "_intranet"))[0]["network_interface"]
    return Path("/sys/class/net", link, "address").read_text()


def is_whole(before: dict[str, Any]) -> None:
    """The console runs without the dependency and is the same otherwise."""
    now = inspected(NEW)
    assert now["State"]["Status"] == "running" and podman("exec", NEW, "cat", DATA) == "kept"
    assert now["Dependencies"] == [inspected(PROJECT + "_db_1")["Id"]]
    for key in ("Labels", "Cmd", "Entrypoint"):
        assert now["Config"][key] == before["Config"][key]
    own = {"HOSTNAME=" + before["Id"][:12], "HOSTNAME=" + now["Id"][:12]}
    assert set(now["Config"]["Env"]) - own == set(before["Config"]["Env"]) - own
    assert now["HostConfig"]["RestartPolicy"] == before["HostConfig"]["RestartPolicy"]
    assert now["HostConfig"]["PortBindings"] == before["HostConfig"]["PortBindings"]
    assert {m["Destination"]: m.get("Name") for m in now["Mounts"]} == {
        m["Destination"]: m.get("Name") for m in before["Mounts"]
    }
    assert not any(CANARY in word for word in now["Config"]["CreateCommand"])
    assert {"console", "admin"} <= set(now["NetworkSettings"]["Networks"][PROJECT + "_intranet"]["Aliases"])
    assert asked("admin")
    assert set(inspected(PROJECT + "_helper_1")["Dependencies"]) == {now["Id"], *now["Dependencies"]}
    assert not podman("ps", "-aq", "--filter", "name=before-bluegreen")


def test_cleanup_goes_through_at_the_first_try_and_plain_names_lead_to_live(life: Bench, switch: Switch) -> None:
    before, edge, bridge = inspected(NEW), inspected(PROJECT + "_caddy_1"), hardware()
    done = life.run("absent", switch=switch, **BLUE)
    assert set(done["removed"]) == {PROJECT + "_" + name + "_1" for name in ("kratos", "hera", "seed")}
    is_whole(before)
    assert not life.run("absent", switch=switch, **BLUE)["changed"]
    assert inspected(PROJECT + "_caddy_1")["State"] == edge["State"]
    for name in ("hera", "login", "kratos", PROJECT + "_hera_1"):
        assert asked(name).startswith("green"), name
    assert life.run("read")["shared"]["relay"]["state"] == "running"
    assert life.run("adopted", switch=switch, live_colour="green")["unmanaged"] == []
    life.run("handed_over", live="green")
    life.run("started", switch=switch, **BLUE, version="c", images=IMAGES)
    _flips(switch)
    for _again in range(3):
        podman("rm", "-f", "-t", "0", "bgtest-relay")
        assert life.run("read")["shared"]["relay"]["state"] == "absent"
        assert "run-relay bgtest-relay" in life.run("adopted", switch=switch, live_colour="green")["steps"]
        assert asked("hera").startswith("green")
    assert not life.run("adopted", switch=switch, live_colour="green")["changed"]
    assert hardware() == bridge


def _flips(switch: Switch) -> None:
    """20 of them under a client that dials the plain name: nothing is lost, and no network is joined or left."""
    loop = "while [ ! -e /stop ]; do %s >>/seen || echo lost >>/seen; done" % (ASK % ("hera", 8080))
    podman("exec", "-d", PROJECT + "_db_1", "sh", "-c", loop)
    places = podman("network", "inspect", PROJECT + "_intranet"), inspected("bgtest-relay")["State"]
    for number in range(20):
        flip(switch, ("blue", "green")[number % 2])
        time.sleep(0.2)
    podman("exec", PROJECT + "_db_1", "touch", "/stop")
    assert (podman("network", "inspect", PROJECT + "_intranet"), inspected("bgtest-relay")["State"]) == places
    seen = podman("exec", PROJECT + "_db_1", "cat", "/seen").splitlines()
    assert len(seen) > 60 and {line.split()[0] for line in seen} == {"blue", "green"}


def test_a_refused_cleanup_has_cut_nothing(life: Bench, switch: Switch) -> None:
    before, marks = facts(), sorted(os.listdir(switch.path + "/switch"))
    with pytest.raises(Refused, match="depends on blue"):
        life.run("absent", check=True, switch=switch, dependents="keep", **BLUE)
    told = life.run("adopted", switch=switch, live_colour="green", dependents="keep")["messages"]
    assert any("cleanup refuses" in line for line in told)
    serve = life.source / "web" / "serve.sh"
    copy = next(life.state_dir.glob("releases/b-*/source/web/serve.sh"))
    broken = serve.read_text().replace("exit 0 ;;", "exit 9 ;;")
    copy.write_text(broken)
    with pytest.raises(Refused, match="kratos-courier can't start") as failed:
        life.run("absent", check=True, switch=switch, **BLUE)
    assert CANARY not in str(failed.value)
    assert (facts(), sorted(os.listdir(switch.path + "/switch"))) == (before, marks)
    serve.write_text(broken)
    with pytest.raises(Refused, match="kratos-courier can't start"):
        life.run("started", switch=switch, **{**GREEN, "version": "c"})
    assert facts() == before


def test_one_that_does_not_start_again_is_the_old_one(life: Bench, switch: Switch) -> None:
    before = inspected(NEW)
    serve = life.source / "web" / "serve.sh"
    serve.write_text("exit 1\n")
    with pytest.raises(BluegreenError, match=r"console_1, recreated, does not start: .*the old container runs again"):
        life.run("absent", switch=switch, **BLUE)
    now = inspected(NEW)
    assert now["Id"] == before["Id"]


@pytest.mark.slow
def test_a_cleanup_converges_from_every_crash(life: Bench, switch: Switch) -> None:
    """It dies after the first changing command, its rerun after the second, and so on: one cleanup, cut many times."""
    before, crashes = inspected(NEW), 0
    for after in [1, 2, 3, 1, 2, 1, 1, 2, 3, 1, 4, 2, 1, 3]:
        try:
            life.run("absent", switch=switch, runner=Dying(after), **BLUE)
            break
        except Crash:
            crashes += 1
    life.run("absent", switch=switch, **BLUE)
    assert crashes > 8
    is_whole(before)
    assert not life.run("absent", switch=switch, **BLUE)["changed"]
    assert asked("hera").startswith("green")


class Dying(CrashingRunner):
    CHANGES = (*CrashingRunner.CHANGES, "rename", "stop", "start", "run")
