# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny real deployment for podman_compose_release: busybox services, own labels, own network range."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import wanted_from
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.options import SPEC
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.states import answer
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, Runner, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch

ROOT = Path(__file__).resolve().parents[2]
TEST_LABEL = "olympus.bluegreen.test"
DEPLOYMENT = "bgtest"
PROJECT = "bgtestop"
RANGE = "10.231.128.0/22"
CANARY = "canary-5ecret-$x"
# A tag without a digit is one that can move.
IMAGES = {"hera": "localhost/bgtest/box:1{version}"}
GREEN: dict[str, Any] = {"colour": "green", "live_colour": "blue", "version": "b", "images": IMAGES}
OLD: dict[str, Any] = {"colour": "green", "live_colour": "blue"}
COMPOSE = """
services:
  db:
    image: localhost/bgtest/box:1a
    command: [sh, -c, "trap 'exit 0' TERM; sleep 1000 & wait"]
    networks: [intranet]
    labels: {olympus.bluegreen.test: "1"}
    restart: unless-stopped
  caddy:
    image: localhost/bgtest/box:1a
    command: [sh, -c, "trap 'exit 0' TERM; sleep 1000 & wait"]
    networks: [intranet]
    labels: {olympus.bluegreen.test: "1"}
    restart: unless-stopped
  kratos:
    image: localhost/bgtest/box:1${TAG:-a}
    entrypoint: [sh, /etc/web/serve.sh]
    command: serve -c /etc/config/kratos.yml --watch-courier
    environment: ["DSN=${DSN}", PLAIN=1]
    env_file: [./extra.env]
    ports: ["127.0.0.1:18931:8080"]
    volumes: ["./web:/etc/web:ro", "cache:/cache"]
    networks: [intranet]
    depends_on: [db]
    labels: {olympus.bluegreen.test: "1"}
    restart: unless-stopped
  hera:
    image: localhost/bgtest/box:1${TAG:-a}
    entrypoint: [sh, /etc/web/serve.sh]
    environment: {KRATOS: "http://kratos:8080", PRICE: "5$$"}
    volumes: ["./web:/etc/web:ro"]
    networks: {intranet: {aliases: [login]}}
    depends_on: [kratos]
    labels: {olympus.bluegreen.test: "1"}
  seed:
    image: localhost/bgtest/box:1a
    command: [sh, -c, "exit 0"]
    networks: [intranet]
    depends_on: [hera]
    labels: {olympus.bluegreen.test: "1"}
volumes: {cache: {labels: {olympus.bluegreen.test: "1"}}}
networks:
  intranet:
    labels: {olympus.bluegreen.test: "1"}
    ipam: {config: [{subnet: 10.231.140.0/24}]}
"""
SERVE = """#!/bin/sh
trap 'exit 0' TERM
case "$*" in *--help) exit 0 ;; esac
mkdir -p /www
echo "$BLUEGREEN_COLOUR $DSN $*" > /www/index.html
httpd -f -p 8080 -h /www &
wait
"""


def named(params: Mapping[str, Any]) -> dict[str, Any]:
    """As a module takes them: the deployment by its name alone."""
    return {**{key: value for key, value in params.items() if key != "deployment"}, "name": params["deployment"]}


def podman(*args: str, ok: bool = True) -> str:
    done = subprocess.run(["podman", *args], capture_output=True, text=True, check=False, timeout=180)
    if ok and done.returncode != 0:
        raise RuntimeError("podman %s: %s" % (" ".join(args), done.stderr))
    return done.stdout.strip()


def containers_conf(directory: Path) -> None:
    """Podman as a host with hybrid cgroups needs it; a configuration that is already chosen stays."""
    if "CONTAINERS_CONF" in os.environ:
        return
    path = directory / "containers.conf"
    path.write_text(
        '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
        '[engine]\nruntime = "runc"\n[network]\nnetwork_backend = "netavark"\n'
    )
    os.environ["CONTAINERS_CONF"] = str(path)


def build_images(directory: Path) -> None:
    shutil.copy("/usr/bin/busybox", directory / "busybox")
    (directory / "Containerfile").write_text(
        'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox","--install","-s","/bin"]\n'
        "LABEL %s=1\n" % TEST_LABEL
    )
    for tag in ("a", "b", "c"):
        podman(
            "build", "-q", "--network", "none", "--label", "mark=" + tag, "-t", "localhost/bgtest/box:1" + tag,
            str(directory),
        )  # fmt: skip


def remove_containers(label: str) -> None:
    """Those with ``label``. A removal takes its dependents along, which may be named already: that is no error."""
    while ids := podman("ps", "-aq", "--filter", "label=" + label).split():
        podman("rm", "-f", "-i", "--depend", "-t", "0", *ids)


def clean_up() -> None:
    """Everything of this test, by label and name, nothing else."""
    remove_containers(TEST_LABEL + "=1")
    for label in (TEST_LABEL + "=1", "olympus.bluegreen.deployment=" + DEPLOYMENT):
        for name in podman("network", "ls", "-q", "--filter", "label=" + label).split():
            podman("network", "rm", "-f", name)
    volumes = podman("volume", "ls", "-q", "--filter", "label=%s=1" % TEST_LABEL).split()
    if volumes:
        podman("volume", "rm", *volumes)


def remove_images() -> None:
    images = podman("images", "-q", "--filter", "label=%s=1" % TEST_LABEL).split()
    if images:
        podman("rmi", "-f", *dict.fromkeys(images))


class Crash(BaseException):
    """The module's process dies here."""


class CrashingRunner:
    """Runs commands for real; dies right after the n-th one that changes something."""

    CHANGES: tuple[str, ...] = ("create", "rm", "connect", "disconnect", "up", "pull")

    def __init__(self, after: int) -> None:
        self.left = after
        self.inner: Runner = SubprocessRunner()

    def run(self, argv: Sequence[str], **given: Any) -> Result:
        result = self.inner.run(argv, **given)
        if any(word in self.CHANGES for word in argv[1:]) and "--help" not in argv:
            self.left -= 1
            if self.left == 0:
                raise Crash
        return result


class Bench:
    def __init__(self, directory: Path) -> None:
        self.source = directory / "operator"
        self.state_dir = directory / "state"
        (self.source / "web").mkdir(parents=True)
        (self.source / "compose.yml").write_text(COMPOSE)
        (self.source / ".env").write_text("DSN='postgres://u:%s@db/x'\n" % CANARY)
        (self.source / "extra.env").write_text("FROM_FILE='%s'\n" % (CANARY + "-file"))
        (self.source / "web" / "serve.sh").write_text(SERVE)
        beside = ROOT / ".venv" / "bin" / "podman-compose"
        self.podman_compose = os.environ.get("PODMAN_COMPOSE") or (str(beside) if beside.exists() else "podman-compose")

    def operator_up(self) -> None:
        subprocess.run(
            [self.podman_compose, "-p", PROJECT, "up", "-d"], cwd=self.source, check=True, capture_output=True
        )

    def params(self, state: str, **given: Any) -> dict[str, Any]:
        return {
            **{name: option.get("default") for name, option in SPEC.options.items()},
            "state": state,
            "undo": False,
            "deployment": DEPLOYMENT,
            "state_dir": str(self.state_dir),
            "project": PROJECT,
            "source": str(self.source),
            "compose_files": ["compose.yml"],
            "colour": None,
            "live_colour": None,
            "wake": [],
            "remove_unmanaged": False,
            "version": "v1",
            "release": "",
            "images": {},
            "services": {
                "kratos": {"kind": "kratos", "port": 8080, "admin_port": 8081},
                "hera": {"kind": "hera", "port": 8080},
            },
            "shared": ["db"],
            "singletons": {},
            "edge_service": "caddy",
            "network_range": RANGE,
            "publish": "network",
            "port_base": {},
            "podman_compose": self.podman_compose,
            "dependents": "recreate",
            **given,
        }

    def run(
        self,
        state: str,
        check: bool = False,
        runner: Runner | None = None,
        live: str = "",
        switch: Switch | None = None,
        token: int = 0,
        **given: Any,
    ) -> dict[str, Any]:
        """What the module does, without Ansible around it. ``live``: what the switch says, for a handover."""
        params = self.params(state, **given)
        engine = Podman(runner or SubprocessRunner())
        context = Context(wanted_from(params), engine, SystemClock(), lambda: live, lambda: switch, token=token)
        return answer(context, "undone" if params["undo"] else state, check, params["release"])


def facts() -> dict[str, tuple[str, str]]:
    """Container name -> (id, process): unchanged means that nothing was recreated or restarted."""
    names = podman("ps", "-a", "--filter", "label=com.docker.compose.project=" + PROJECT, "--format", "{{.Names}}")
    found = {}
    for name in names.split():
        raw: dict[str, Any] = json.loads(podman("container", "inspect", name))[0]
        found[name] = (raw["Id"], str(raw["State"]["Pid"]))
    return found


def nets() -> list[str]:
    """This test's own networks: the machine may be shared."""
    return [name for name in podman("network", "ls", "--format", "{{.Name}}").split() if name.startswith("bgtest")]


def ours() -> str:
    return podman("ps", "-aq", "--filter", "label=olympus.bluegreen.test=1")


def green() -> str:
    """This test's own: another deployment may stand on the same machine."""
    mine = ("--filter", "label=olympus.bluegreen.deployment=" + DEPLOYMENT)
    return podman("ps", *mine, "--filter", "label=olympus.bluegreen.colour=green", "--format", "{{.ID}}")
