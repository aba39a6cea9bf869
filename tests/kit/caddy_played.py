# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An adopted deployment small enough for loopback: a native Caddy, backends of both colours, clients, and its plays."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import code_copy, program
from ansible_collections.olympus.bluegreen.plugins.module_utils._discovery import record
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge import answer
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch import rollback_script
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch
from kit import caddy_native as native
from kit.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT = "played"
APP = {"port": 3000, "ui": True}
SERVICES: dict[str, dict[str, Any]] = {
    "ciam-kratos": {"kind": "kratos", "port": 5000, "admin_port": 5001, "domain": "ciam"},
    "ciam-hydra": {"kind": "hydra", "port": 5002, "admin_port": 5003, "domain": "ciam"},
    "ciam-hera": {**APP, "kind": "hera", "ready": "/health", "domain": "ciam"},
    "site": {**APP, "kind": "site", "ready": "/"},
}
# Of them the edge dials these, blue on the first port of a pair and green on the second.
DIALLED = {"ciam-hera": 3000, "site": 3000}
CLIENTS = 4
CADDYFILE = """{
    admin localhost:%(admin)d
    http_port %(port)d
    auto_https off
}
http://login.test {
    reverse_proxy localhost:%(ciam-hera)d
}
http://site.test {
    reverse_proxy localhost:%(site)d
}
"""
ADOPT = """
- hosts: olympus_edge
  gather_facts: false
  tasks:
    - olympus.bluegreen.release_deployment: {stages: [rollback]}
      register: known
    - olympus.bluegreen.caddy_upstream:
        state: adopted
        name: "{{ known.described.name }}"
        state_dir: "{{ known.described.state_dir }}"
        project: "{{ known.described.project }}"
        edge: "{{ known.described.edge }}"
        services: "{{ known.described.services }}"
        publish: loopback
        port_base: "{{ known.described.port_base }}"
"""
# The same guard, and one task that does nothing on the same host.
BASELINE = """
- name: Guard
  ansible.builtin.import_playbook: olympus.bluegreen.guard
  tags: [always]
- name: Baseline
  hosts: olympus_edge[0]
  gather_facts: false
  tags: [rollback]
  tasks:
    - name: Nothing
      ansible.builtin.command: "true"
"""
# Notes when the module, or the program that spares it, begins: the effect is counted from there.
PYTHON = """#!/bin/sh
case "$*" in *caddy_upstream*|*/state/return*) echo "$(date +%s.%N) $*" >>"{begun}" ;; esac
exec "{python}" "$@"
"""


class Clients:
    """They ask all the time, each on one kept connection; ``answers`` are (when it came, colour)."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: list[tuple[float, str]] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _number in range(CLIENTS)]

    def __enter__(self) -> Clients:
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        for one in self._threads:
            one.join(10)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not self._over.wait(0.004):
            connection.request("GET", "/", headers={"Host": "site.test"})
            answer = connection.getresponse()
            answer.read()
            self.answers.append((time.time(), answer.headers.get("X-Bluegreen-Colour", "")))
        connection.close()

    def last(self, colour: str) -> float:
        """When ``colour`` answered for the last time."""
        return max(at for at, said in self.answers if said == colour)


class World:
    def __init__(self, directory: Path, ports: dict[str, int], base: int) -> None:
        self.directory, self.port, self.admin = directory, free_port(), free_port()
        self.caddyfile = directory / "Caddyfile"
        self.caddyfile.write_text(CADDYFILE % {"port": self.port, "admin": self.admin, **ports})
        self.begun = directory / "begun"
        self.python = directory / "python"
        self.python.write_text(PYTHON.format(begun=self.begun, python=sys.executable))
        self.python.chmod(0o755)
        upstreams = {"localhost:%d" % port: "%s:%d" % (name, DIALLED[name]) for name, port in ports.items()}
        edge = {"kind": "native", "caddyfile": str(self.caddyfile), "scheme": "http", "port": self.port}
        given: dict[str, Any] = {
            "ansible_connection": "local",
            "ansible_python_interpreter": str(self.python),
            "bluegreen_deployment": DEPLOYMENT,
            "bluegreen_project": DEPLOYMENT,
            "bluegreen_source": str(directory),
            "bluegreen_state_dir": str(directory / "state"),
            "bluegreen_publish": "loopback",
            "bluegreen_port_base": {"green": base},
            "bluegreen_edge": {
                **edge,
                "switch_dir": str(directory / "edge"),
                "admin": "localhost:%d" % self.admin,
                "upstreams": upstreams,
            },
        }
        inventory = {"olympus_edge": {"hosts": {"edge": given}}}
        (directory / "inventory.yml").write_text(yaml.safe_dump(inventory))
        (directory / "baseline.yml").write_text(BASELINE)
        (directory / "adopt.yml").write_text(ADOPT)
        # As adopt learned it.
        (directory / "state").mkdir()
        record.write(str(directory / "state"), {"values": {"services": SERVICES}}, time.time())
        self.switch = Switch(str(directory / "edge" / "olympus-bluegreen"))
        self.script = directory / "bluegreen-rollback"
        self.program = directory / "state" / program.RETURN

    def run(self, playbook: Path, *options: str) -> subprocess.CompletedProcess[str]:
        env = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(self.directory / "local"),
            "ANSIBLE_REMOTE_TEMP": str(self.directory / "remote"),
        }
        argv = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(self.directory / "inventory.yml")]
        return subprocess.run(
            [*argv, str(playbook), *options], env=env, cwd=ROOT, capture_output=True, text=True, check=False
        )

    def play(self, playbook: Path, *options: str) -> float:
        """Its seconds; AssertionError with its words where it fails."""
        begun = time.monotonic()
        done = self.run(playbook, *options)
        seconds = time.monotonic() - begun
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return seconds

    def adopt(self) -> None:
        (self.directory / "edge").mkdir()
        self.play(self.directory / "adopt.yml")
        # As adopt leaves it: blue is the adopted project, which keeps its own couriers until its cleanup.
        stack = self.directory / "state/stacks/blue"
        stack.mkdir(parents=True)
        (stack / "services.json").write_text(json.dumps({"release": "", "adopted": True, "services": {}}))
        rollback_script.write(str(self.script), rollback_script.text(DEPLOYMENT, self.switch.path, {}))
        library = code_copy.install(str(self.directory / "state/lib"))
        self.program.write_text(program.text(str(self.python), library, {}, answer.__name__))
        self.program.chmod(0o755)
        subprocess.run([self.program], check=True)

    def cut_over(self) -> None:
        """To green, reduced to what a cutover writes."""
        token = self.switch.claim(0)
        self.switch.prepare(ReturnTo(self.switch.read().live, "", "%016x" % time.time_ns(), time.time()), token)
        self.switch.flip("green", token)
        self.switch.unclaim(token)


@contextmanager
def backends() -> Iterator[tuple[dict[str, int], int]]:
    """Blue's ports by service, and the first port of green: the services are numbered in the order of their names."""
    base = _free_block(2 * len(SERVICES))
    servers, blue = [], {}
    for name in DIALLED:
        for colour, port in (("blue", 0), ("green", base + 2 * list(SERVICES).index(name))):
            handler = type(colour, (native.Backend,), {"colour": colour, "disable_nagle_algorithm": True})
            server = native.Server(("127.0.0.1", port), handler)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            servers.append(server)
            if colour == "blue":
                blue[name] = int(server.server_address[1])
    try:
        yield blue, base
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _free_block(size: int) -> int:
    """The first of so many ports in a row that nobody listens on, below those that the kernel gives out itself; another
    worker of pytest looks elsewhere."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 4
    for base in range(22000 + 2500 * worker, 32000, size):
        with suppress(OSError):
            for port in range(base, base + size):
                native.Server(("127.0.0.1", port), native.Backend).server_close()
            return base
    raise AssertionError("no free ports")


@contextmanager
def world(adopted: bool = True) -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="played-") as where, backends() as (blue, base):
        one = World(Path(where), blue, base)
        caddy = [native.binary(), "run", "--config", str(one.caddyfile), "--adapter", "caddyfile"]
        env = {**os.environ, "HOME": where, "XDG_DATA_HOME": where + "/data", "XDG_CONFIG_HOME": where + "/config"}
        with (
            open(Path(where) / "caddy.log", "wb") as log,
            subprocess.Popen(caddy, stdout=log, stderr=log, env=env) as process,
        ):
            try:
                _answers(one.admin)
                if adopted:
                    one.adopt()
                yield one
            finally:
                process.kill()


def _answers(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/config/")
            connection.getresponse().read()
            return
        time.sleep(0.02)
    raise AssertionError("Caddy does not answer")
