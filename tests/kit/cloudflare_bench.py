# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole deployment behind Cloudflare on one host: a compose project, the front of docs/cloudflare.md, and the router.

Containers, playbooks, watcher and front are the real ones; only Cloudflare is the fake, which forwards to the front as
its load balancers say.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch
from kit.caddy_native import binary
from kit.cloudflare_fake import TOKEN, Cloudflare, Fault
from kit.cloudflare_router import Router
from kit.compose_bench import containers_conf, podman
from kit.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
LABEL, DEPLOYMENT, PROJECT = "olympus.bluegreen.cloudflare", "bgcf", "bgcfop"
RANGE = "10.231.200.0/22"
HOSTS = ("www.example.com", "docs.example.com", "status.example.com")
PORT = 23750
BASE = {"blue": 23800, "green": 24200}
COMPOSE = """
services:
  postgres:
    image: docker.io/postgres:18-alpine
    environment: [POSTGRES_USER=olympus, POSTGRES_PASSWORD=canary-5ecret-cf]
    networks: [intranet]
    labels: {%(label)s: "1"}
    restart: unless-stopped
  site:
    image: ghcr.io/olympusoss/site:${TAG:-v1.4.2}
    ports: ["127.0.0.1:%(port)d:3000"]
    environment:
      - DOMAIN=ciam
      - OLYMPUS_DSN=postgres://olympus:canary-5ecret-cf@postgres:5432/postgres?sslmode=disable
      - DSN=postgres://olympus:canary-5ecret-cf@postgres:5432/postgres?sslmode=disable
    networks: [intranet]
    labels: {%(label)s: "1"}
    restart: unless-stopped
networks:
  intranet:
    labels: {%(label)s: "1"}
    ipam: {config: [{subnet: 10.231.212.0/24}]}
"""


def clean_up() -> None:
    """Everything of this test, by label and name, nothing else."""
    for label in (LABEL + "=1", "olympus.bluegreen.deployment=" + DEPLOYMENT):
        while ids := podman("ps", "-aq", "--filter", "label=" + label).split():
            podman("rm", "-f", "--depend", "-t", "0", ids[0])
        for name in podman("network", "ls", "-q", "--filter", "label=" + label).split():
            podman("network", "rm", "-f", name)


class OnWrites(dict[int, Fault]):
    """Faults for the next requests that write, one each, whatever is read between them."""

    def __init__(self, fake: Cloudflare, *faults: Fault) -> None:
        super().__init__()
        self._fake, self.left = fake, list(faults)

    def get(self, index: int, default: Any = None) -> Any:
        writes = self._fake.log[index].method != "GET"
        return self.left.pop(0) if writes and self.left else default


class Bench:
    """``ports`` of the front by colour; ``said`` counts what visitors were answered: (colour, status)."""

    def __init__(self, root: Path) -> None:
        containers_conf(root)
        self.root, self.state_dir = root, root / "state"
        self.source, self.token_file = root / "operator", root / "token"
        self.source.mkdir()
        (self.source / "compose.yml").write_text(COMPOSE % {"label": LABEL, "port": PORT})
        self.token_file.touch(0o600)
        self.token_file.write_text(TOKEN + "\n")
        self.ports = {colour: free_port() for colour in ("blue", "green")}
        self.fake = Cloudflare()
        monitor = self.fake.put("monitors", type="http", path="/health", expected_codes="200")
        front = {"name": "front", "address": "127.0.0.1", "port": self.ports["blue"], "enabled": True, "weight": 1}
        self.blue = self.fake.put("pools", name="olympus-blue", monitor=monitor, origins=[front])
        for host in HOSTS:
            self.fake.put("load_balancers", name=host, default_pools=[self.blue], fallback_pool=self.blue)
        self.router = Router(self.fake, HOSTS[0])
        self.switch = Switch(str(root / "edge" / "olympus-bluegreen"))
        beside = ROOT / ".venv" / "bin" / "podman-compose"
        self.podman_compose = str(beside) if beside.exists() else "podman-compose"
        self.said: Counter[tuple[str, int]] = Counter()
        self._write_inventory()

    @contextmanager
    def up(self) -> Iterator[None]:
        clean_up()
        argv = [self.podman_compose, "-p", PROJECT, "up", "-d"]
        subprocess.run(argv, cwd=self.source, check=True, capture_output=True)
        try:
            podman("exec", PROJECT + "_postgres_1", "sh", "-c", "until pg_isready -U olympus; do sleep 0.2; done")
            with self.router, self.front():
                self.until(lambda: set(self.serving()) == {"blue"})
                yield
        finally:
            self.stop_watcher()
            clean_up()

    @contextmanager
    def front(self) -> Iterator[None]:
        """The Caddyfile of docs/cloudflare.md, on ports that are free here and without its certificate."""
        text = str(re.findall(r"```caddyfile\n(.*?)```", (ROOT / "docs" / "cloudflare.md").read_text(), re.S)[0])
        text = re.sub(r"\n\ttls [^\n]*", "", text).replace("host www.example.com", "host " + " ".join(HOSTS))
        moved = {":8443": self.ports["blue"], ":9443": self.ports["green"]}
        for old, new in moved.items():
            text = text.replace(old + " {", "http://:%d {" % new)
        text = text.replace(":2000\n", ":%d\n" % PORT).replace(":22016\n", ":%d\n" % BASE["green"])
        text = text.replace("/var/log/caddy/olympus.log", str(self.root / "front.log"))
        path = self.root / "Caddyfile"
        path.write_text("{\n\tadmin off\n\tpersist_config off\n}\n" + text)
        with (self.root / "caddy.log").open("wb") as log:
            caddy = subprocess.Popen([binary(), "run", "--config", str(path)], stdout=log, stderr=log)
        try:
            yield
        finally:
            caddy.terminate()
            caddy.wait(20)

    def _write_inventory(self, log: bool = True, **changes: Any) -> None:
        front = {"name": "front", "address": "127.0.0.1", "port": self.ports["green"]}
        # All else of it is learned.
        edge = {
            "kind": "cloudflare", "api": self.router.url, "api_token_file": str(self.token_file), "patience": 5,
            "switch_dir": str(self.root / "edge"), "pools": {"green": {"origins": [front]}},
            "observe": {"address": "127.0.0.1", "port": self.router.port, "scheme": "http"},
        }  # fmt: skip
        edge |= {"access_log": str(self.root / "front.log")} if log else {}
        variables = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable,
            "bluegreen_deployment": DEPLOYMENT, "bluegreen_state_dir": str(self.state_dir),
            "bluegreen_source": str(self.source), "bluegreen_project": PROJECT,
            "bluegreen_compose_files": ["compose.yml"],
            "bluegreen_podman_compose": self.podman_compose, "bluegreen_network_range": RANGE,
            "bluegreen_shared": ["postgres"], "bluegreen_images": {"site": "ghcr.io/olympusoss/site:{version}"},
            "bluegreen_services": {"site": {"kind": "site", "port": 3000, "ready": "/health"}},
            "bluegreen_port_base": BASE, "bluegreen_schema_targets": [],
            "bluegreen_public": [{"host": host, "path": "/health"} for host in HOSTS], "bluegreen_edge": edge,
            "bluegreen_watch": {"window": 10, "interval": 0.5},
            "bluegreen_cache_ttl": 0, "bluegreen_drain_deadline": 20,
        }  # fmt: skip
        host = {**variables, **changes}
        groups: dict[str, Any] = {"olympus_" + name: {"hosts": {"one": {}}} for name in ("edge", "blue", "green", "db")}
        inventory = {"all": {"hosts": {"one": host}, "children": groups}}
        (self.root / "inventory.yml").write_text(yaml.safe_dump(inventory, sort_keys=False))

    def given(self, log: bool = True, **changes: Any) -> None:
        """Other variables in the operator's inventory. ``log`` False: nobody names the front's access log."""
        self._write_inventory(log, **changes)

    def play(self, tags: str, *options: str, rc: int = 0, **extra: Any) -> str:
        """``ansible-playbook bluegreen.yml --tags ...`` at its most talkative; everything it said."""
        env = {
            **os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(self.root / "local"),
        }  # fmt: skip
        argv = [str(Path(sys.executable).parent / "ansible-playbook"), "bluegreen.yml", "-vvv"]
        argv += ["-i", str(self.root / "inventory.yml"), "--tags", tags, "-e", json.dumps(extra), *options]
        done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=900, check=False)
        out = done.stdout + done.stderr
        with (self.root / "plays.log").open("a") as log:
            log.write("%s\n%s\n" % (argv, out))
        assert done.returncode == rc, out[-6000:]
        assert TOKEN not in out
        return re.sub(r"\s+", " ", out)

    def serving(self) -> list[str]:
        return [self.visit(host)[0] for host in HOSTS]

    def visit(self, host: str) -> tuple[str, int]:
        to = ("127.0.0.1", self.router.port)
        answer = DirectHttp().request("GET", "http://%s/health" % host, connect=to, timeout=10)
        return answer.headers.get("x-bluegreen-colour", ""), answer.status

    @contextmanager
    def visitors(self) -> Iterator[None]:
        """One for each name, who never tries again."""
        done = threading.Event()

        def go(host: str) -> None:
            while not done.wait(0.02):
                self.said[self.visit(host)] += 1

        threads = [threading.Thread(target=go, args=(host,), daemon=True) for host in HOSTS]
        for one in threads:
            one.start()
        try:
            yield
        finally:
            done.set()
            for one in threads:
                one.join(20)

    @staticmethod
    def until(good: Any, seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while not good():
            assert time.monotonic() < deadline, "not within %g s" % seconds
            time.sleep(0.1)

    def balancer(self, host: str) -> dict[str, Any]:
        return next(one for one in self.fake.state["load_balancers"].values() if one["name"] == host)

    def writes(self) -> list[str]:
        return ["%s %s" % (one.method, one.path) for one in self.fake.mutating]

    def files(self) -> str:
        """Everything that is on disk of the deployment but the token file itself. A watcher may still be writing."""
        found = []
        for path in [one for where in (self.state_dir, self.root / "edge") for one in where.rglob("*")]:
            with suppress(FileNotFoundError, IsADirectoryError):
                found.append(path.read_text(errors="replace"))
        return "".join(found)

    def verdict(self) -> dict[str, Any]:
        about = read_json(str(self.state_dir / "watch.json")) or {}
        found = read_json(str(self.state_dir / "releases" / about.get("release", "-") / "verdict.json"))
        return found if isinstance(found, dict) else {}

    def stop_watcher(self) -> None:
        about = read_json(str(self.state_dir / "watch.json")) or {}
        for name in ("keeper", ""):
            one = about.get(name, {}) if name else about
            if one.get("pid"):
                try:
                    os.kill(int(one["pid"]), signal.SIGTERM)
                except ProcessLookupError:
                    continue
