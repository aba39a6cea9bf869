# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Kratos courier is seen to start against a throw-away PostgreSQL, or refused; the one at work stays."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.compose_bench import CANARY, DEPLOYMENT, PROJECT, TEST_LABEL, Bench, clean_up, facts, podman
from kit.recording import Recording

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused

pytestmark = [pytest.mark.lab, pytest.mark.slow]
KRATOS, POSTGRES = "docker.io/oryd/kratos:v1.3.1", "docker.io/library/postgres:18-alpine"
COMPOSE = """
services:
  postgres:
    image: %s
    environment: {POSTGRES_USER: u, POSTGRES_PASSWORD: "${PASSWORD}"}
    networks: [intranet]
    labels: {olympus.bluegreen.test: "1", olympus.lab: ""}
  caddy:
    image: localhost/bgtest/box:1a
    command: [sh, -c, "trap 'exit 0' TERM; sleep 1000 & wait"]
    networks: [intranet]
    labels: {olympus.bluegreen.test: "1"}
  kratos:
    image: %s
    entrypoint: [sh, /check.sh, kratos, DSN, --]
    command: [kratos, serve, -c, /etc/config/kratos.yml, --watch-courier]
    environment: ["DSN=postgres://u:${PASSWORD}@postgres/postgres?sslmode=disable"]
    volumes: ["./check.sh:/check.sh:ro", "./kratos:/etc/config"]
    networks: [intranet]
    depends_on: [postgres]
    labels: {olympus.bluegreen.test: "1", olympus.lab: ""}
networks:
  intranet:
    labels: {olympus.bluegreen.test: "1"}
    ipam: {config: [{subnet: 10.231.140.0/24}]}
""" % (POSTGRES, KRATOS)
# As the published stack's: refuses an empty variable and becomes what follows.
CHECK = """#!/bin/sh
shift
while [ "$1" != -- ]; do eval "[ -n \\"\\$$1\\" ]" || exit 64; shift; done
shift
exec "$@"
"""
CONFIG = """
serve: {public: {base_url: "http://kratos:4433/"}, admin: {base_url: "http://kratos:4434/"}}
selfservice: {default_browser_return_url: "http://kratos/"}
identity: {default_schema_id: default, schemas: [{id: default, url: "file:///etc/config/identity.json"}]}
courier: {smtp: {connection_uri: "smtp://u:%s@mail:25/"}}
secrets: {cookie: ["%s"]}
""" % (CANARY, CANARY * 2)
SCHEMA = {"type": "object", "properties": {"traits": {"type": "object", "properties": {"email": {"type": "string"}}}}}
PASSWORD = CANARY.replace("$", "")
NAME = DEPLOYMENT + "-proof-courier"


class Stack(Bench):
    """The operator's project with a real Kratos, courier inside, on a real PostgreSQL."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        (self.source / "kratos").mkdir()
        for name, text in {
            "compose.yml": COMPOSE,
            ".env": "PASSWORD='%s'\n" % PASSWORD,
            "check.sh": CHECK,
            "kratos/kratos.yml": CONFIG,
            "kratos/identity.json": json.dumps(SCHEMA),
        }.items():
            (self.source / name).write_text(text)
        self.runner = Recording()

    def up(self) -> None:
        self.operator_up()
        migration = ["migrate", "sql", "-e", "--yes"]
        dsn = "DSN=postgres://u:%s@postgres/postgres?sslmode=disable" % PASSWORD
        argv = ["run", "--rm", "--network", PROJECT + "_intranet", "--label", TEST_LABEL + "=1", "--env", dsn, KRATOS]
        podman(*argv, *migration)
        podman("restart", "-t", "0", PROJECT + "_kratos_1")

    def green(self, version: str, **given: Any) -> dict[str, Any]:
        services = {"kratos": {"kind": "kratos", "port": 4433, "admin_port": 4434}}
        told = {"services": services, "shared": ["postgres"], "version": version, "runner": self.runner, **given}
        return self.run(**{"state": "started", "colour": "green", "live_colour": "blue", **told})


def proofs() -> list[str]:
    found = podman("ps", "-a", "--filter", "label=olympus.bluegreen.kind=proof", "--format", "{{.Names}}").split()
    return [name for name in found if name.startswith(DEPLOYMENT)]


def volumes() -> set[str]:
    return set(podman("volume", "ls", "-q").split())


@pytest.fixture
def stack(compose_machine: None, tmp_path: Path) -> Iterator[Stack]:
    for image in (KRATOS, POSTGRES):
        if subprocess.run(["podman", "image", "exists", image], check=False).returncode:
            pytest.skip("no image %s: make lab-images" % image)
    made = Stack(tmp_path)
    made.up()
    made.green("a", state="adopted", colour="blue", live_colour="blue")
    (made.source / "kratos" / "kratos.yml").write_text(CONFIG + "# the next release\n")
    yield made
    for name in sorted(proofs(), key=len, reverse=True):
        podman("rm", "-f", "-v", "-t", "0", name)
    clean_up()


def test_a_courier_is_started_before_the_one_at_work_ends(stack: Stack) -> None:
    at_work, before = facts(), volumes()
    begun = time.monotonic()
    told = stack.green("b")
    took = time.monotonic() - begun
    ran = [argv for argv in stack.runner.seen if argv[1] == "run"]
    assert [argv[-1] for argv in ran if "-d" not in argv] == ["--help"] * 3
    assert [argv[argv.index("--name") + 1] for argv in ran if "-d" in argv] == [
        NAME, NAME + "-run", NAME + "-kratos-courier",
    ]  # fmt: skip
    assert {argv[argv.index("--network") + 1] for argv in ran} == {"none", "container:" + NAME}
    assert PASSWORD not in repr(stack.runner.seen)
    assert not [line for line in told["messages"] if "--help only" in line] and facts() == at_work
    assert (proofs(), volumes()) == ([], before)
    stack.runner.seen.clear()
    podman("rm", "-f", "-t", "0", "bgtest-green_kratos_1")
    assert stack.green("b")["changed"]
    assert not [argv for argv in stack.runner.seen if argv[1] == "run"], "what was proven is proven"
    _refused(stack, at_work)
    print({"deploy_s": round(took, 2)})


def _refused(stack: Stack, at_work: dict[str, tuple[str, str]]) -> None:
    """Its configuration is broken, and its help does not mind."""
    file = stack.source / "kratos" / "kratos.yml"
    file.write_text(CONFIG + "no_such_key: %s\n" % CANARY)
    green = podman("ps", "-q", "--no-trunc", "--filter", "name=bgtest-green_kratos_1")
    assert green
    stack.green("c", check=True)
    with pytest.raises(
        Refused, match=r"kratos-courier can't start: `kratos courier watch .*` does not stay up"
    ) as said:
        stack.green("c")
    assert "no_such_key" in str(said.value) and CANARY not in str(said.value)
    assert facts() == at_work and proofs() == []
    assert podman("ps", "-q", "--no-trunc", "--filter", "name=bgtest-green_kratos_1") == green
    file.write_text(CONFIG + "# another\n")
    stack.runner.seen.clear()
    stack.green("d")
    assert [argv for argv in stack.runner.seen if argv[1] == "run"][-1][-3:] == [
        "watch",
        "-c",
        "/etc/config/kratos.yml",
    ]


def test_what_a_killed_proof_left_is_gone_after_the_next(stack: Stack) -> None:
    at_work, before = facts(), volumes()
    child = multiprocessing.get_context("fork").Process(target=stack.green, args=("b",))
    child.start()
    end = time.monotonic() + 60
    while NAME + "-kratos-courier" not in proofs():
        assert child.is_alive() and time.monotonic() < end
    os.kill(child.pid or 0, signal.SIGKILL)
    child.join()
    assert NAME in proofs()
    stack.green("b")
    assert (facts(), proofs(), volumes()) == (at_work, [], before)
