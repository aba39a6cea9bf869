# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL container on a network of its own, and ory_migrate against it with the lab's images."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import dsn, postgres
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.netns import network_of
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Plan
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import (
    COMPOSE_PROJECT,
    COMPOSE_SERVICE,
    LABEL,
    Podman,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result, SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import migrate, options
from kit.compose_bench import containers_conf, named, podman
from kit.recording import Recording

DEPLOYMENT = "bgmig"
NETWORK = "bgmig-green"
SUBNET = "10.231.144.0/24"
ADDRESS = "10.231.144.3"
SERVER = "bgmig-postgres"
POD = "pod_bgmig"
IMAGE = "docker.io/postgres:18-alpine"
PASSWORD = "only-for-this-test-%s" % os.urandom(8).hex()
KRATOS_OLD, KRATOS_NEW = "docker.io/oryd/kratos:v1.0.0", "docker.io/oryd/kratos:v1.3.1"
HYDRA = "docker.io/oryd/hydra:v2.3.0"
MODULE = Path(__file__).resolve().parents[2] / "plugins" / "modules" / "ory_migrate.py"


class Watched(Recording):
    """``before`` is called with each command line before it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[list[str]], None] = lambda argv: None

    def run(self, argv: Sequence[str], **given: Any) -> Result:
        self.before(list(argv))
        return super().run(argv, **given)


def ours() -> list[str]:
    return podman("ps", "-a", "--filter", "label=%s=%s" % (LABEL, DEPLOYMENT), "--format", "{{.Names}}").split()


def clean_up() -> None:
    for name in sorted(ours(), key=len, reverse=True):
        subprocess.run(["podman", "rm", "-f", "-t", "0", name], capture_output=True, check=False)
    subprocess.run(["podman", "pod", "rm", "-f", POD], capture_output=True, check=False)
    subprocess.run(["podman", "network", "rm", "-f", NETWORK], capture_output=True, check=False)


def start_server(directory: Path) -> None:
    """The database as the collection meets it: one container with a fixed address on an internal network."""
    containers_conf(directory)
    clean_up()
    label = "%s=%s" % (LABEL, DEPLOYMENT)
    podman("network", "create", "--internal", "--disable-dns", "--subnet", SUBNET, "--label", label, NETWORK)
    env = {**os.environ, "POSTGRES_USER": "olympus", "POSTGRES_PASSWORD": PASSWORD}
    # As podman-compose makes it: in a pod without a container of its own.
    podman("pod", "create", "--infra=false", "--share=", "--name", POD)
    argv = ["podman", "run", "-d", "--name", SERVER, "--pod", POD, "--label", label]
    argv += ["--network", NETWORK, "--ip", ADDRESS]
    # The image says that it is the lab's; this container must outlive a lab that is made anew beside it.
    argv += ["--label", "olympus.lab=", "--label", "%s=%s" % (COMPOSE_PROJECT, DEPLOYMENT)]
    argv += ["--label", COMPOSE_SERVICE + "=postgres", "--pull", "never"]
    argv += ["--env", "POSTGRES_USER", "--env", "POSTGRES_PASSWORD", IMAGE]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    until("PostgreSQL", lambda: query("SELECT 1") is not None)


def until(what: str, check: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if check():
                return
        except Exception as exc:
            if time.monotonic() > end:
                raise AssertionError(what) from exc
        assert time.monotonic() < end, what
        time.sleep(0.05)


def session(name: str = "postgres", application: str = "test") -> postgres.Db:
    """A session of the test's own, in the database's network."""
    podman_ = Podman(SubprocessRunner())
    found = podman_.one("container", SERVER) or {}
    url = dsn.parse("postgres://olympus:%s@postgres:5432/%s?sslmode=disable" % (PASSWORD, name))
    keywords = {**url.keywords, "hostaddr": "127.0.0.1", "application_name": application}
    return postgres.connect(keywords, lambda: network_of(found["State"]["Pid"]))


def query(sql: str, name: str = "postgres") -> list[tuple[Any, ...]]:
    db = session(name)
    try:
        return db.query(sql)
    finally:
        db.close()


def create(name: str) -> str:
    query("DROP DATABASE IF EXISTS %s WITH (FORCE)" % name)
    query("CREATE DATABASE " + name)
    return name


class Bench:
    """One schema target in a database of its own; the state directory may be shared for its cache."""

    def __init__(self, directory: Path, state_dir: Path, product: str, name: str) -> None:
        self.directory, self.state_dir, self.product = directory, state_dir, product
        self.database = create(name)
        self.runner = Watched()
        self.file = directory / "compose.yml"

    def params(self, image: str, **given: Any) -> dict[str, Any]:
        command = "serve -c /etc/config/%s.yml" % self.product
        (self.directory / (self.product + ".yml")).write_text("{}\n")
        service = {
            "image": podman("image", "inspect", "--format", "{{.Id}}", image).strip(),
            "command": "serve" if self.product == "kratos" else command + " all",
            "environment": {
                "DSN": "postgres://olympus:%s@postgres:5432/%s?sslmode=disable&max_conns=8" % (PASSWORD, self.database),
                "SQA_OPT_OUT": "true",
                "SECRETS_SYSTEM": PASSWORD,
                "HOME": "/tmp",
            },
            "extra_hosts": ["postgres:" + ADDRESS],
            "volumes": ["%s:/etc/config:ro" % self.directory],
        }
        self.directory.chmod(0o755)
        self.file.touch(0o600)
        self.file.write_text(yaml.safe_dump({"services": {"ory": service}}))
        defaults = {name: spec["default"] for name, spec in options.MIGRATE.options.items() if "default" in spec}
        target = {"name": self.database, "product": self.product, "service": "ory", "database": self.database}
        return {
            **defaults,
            "deployment": DEPLOYMENT,
            "state_dir": str(self.state_dir),
            "target": target,
            "compose_file": str(self.file),
            "network": NETWORK,
            "project": DEPLOYMENT,
            "database_service": "postgres",
            **given,
        }

    def run(self, image: str, check_mode: bool = False, **given: Any) -> tuple[dict[str, Any], Plan, list[str]]:
        world = migrate.World(Podman(self.runner), SystemClock())
        return options.run(self.params(image, **given), check_mode, world)

    def talker(self, name: str) -> Callable[[str], object]:
        """A container that says what the call is given, in its own log."""
        label = "%s=%s" % (LABEL, DEPLOYMENT)
        argv = ["run", "-d", "--name", name, "--label", label, "--label", "olympus.lab=", "--pull", "never"]
        podman(*argv, "--network", "none", "--entrypoint", "sleep", IMAGE, "600")
        return lambda text: podman("exec", name, "sh", "-c", 'printf "%s\\n" "$1" > /proc/1/fd/1', "sh", text)

    def versions(self) -> frozenset[str]:
        db = session(self.database)
        try:
            return postgres.applied(db)
        finally:
            db.close()


def module(bench: Bench, params: Mapping[str, Any]) -> subprocess.Popen[str]:
    """The module in a process of its own, with its arguments in a file."""
    arguments = bench.directory / "arguments.json"
    arguments.touch(0o600)
    arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": named(params)}))
    env = {**os.environ, "PYTHONPATH": str(MODULE.parents[2] / "collections")}
    argv = [sys.executable, str(MODULE), str(arguments)]
    return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(10)
