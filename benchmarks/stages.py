# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What each stage costs: build/bench/stages.json and stages.md. ``make bench-stages``; ``BASE=<commit>``: two commits.

A small deployment (one coloured service and PostgreSQL in real containers, a native Caddy, no probes, no schema target)
lives its whole life. Every stage is a whole ``ansible-playbook``; after each comes a playbook with the same guard and
as many trivial tasks, as many of them modules. Two commits take turns, life by life.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from kit.caddy_native import binary
from kit.cloudflare_bench import BASE, COMPOSE, LABEL, PORT, PROJECT, RANGE, clean_up
from kit.compose_bench import containers_conf, podman
from kit.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "bench"
OLD, NEW = "v1.4.2", "v1.5.0"
# Seconds of a watch, and tasks of the guard.
WINDOW, GUARD = 10, 2
# (stage, tags, extra variables), in the order of a life. What comes twice is measured twice.
LIFE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("adopt", "adopt", {"version": OLD}),
    ("preflight", "preflight", {"version": NEW}),
    ("migrate", "migrate", {"version": NEW}),
    ("deploy", "deploy", {"version": NEW}),
    ("cutover", "cutover", {"version": NEW}),
    ("watch", "watch", {}),
    ("rollback", "rollback", {}),
    ("cutover", "cutover", {"version": NEW}),
    ("watch", "watch", {}),
    ("cleanup", "cleanup", {"bluegreen_bake": 0}),
    ("status", "status", {}),
)
RELEASE = ("migrate", "deploy", "cutover", "watch")
CADDYFILE = """{
    admin localhost:%(admin)d
    http_port %(port)d
    auto_https off
}
http://site.test {
    reverse_proxy localhost:%(site)d
}
"""
# One line for each module that is run; it is the interpreter that the inventory names.
PYTHON = """#!/bin/sh
echo "$*" >>"{count}"
exec "{python}" "$@"
"""


class Life:
    """One deployment of one tree; ``measured`` holds a row for each play."""

    def __init__(self, root: Path, tree: Path) -> None:
        containers_conf(root)
        self.root, self.tree, self.count = root, tree, root / "count"
        self.measured: list[dict[str, Any]] = []
        self.source, self.ports = root / "operator", {name: free_port() for name in ("port", "admin")}
        self.source.mkdir()
        (self.source / "compose.yml").write_text(COMPOSE % {"label": LABEL, "port": PORT})
        self.caddyfile = root / "Caddyfile"
        self.caddyfile.write_text(CADDYFILE % {**self.ports, "site": PORT})
        self.podman_compose = str(Path(sys.executable).parent / "podman-compose")
        python = root / "python"
        python.write_text(PYTHON.format(count=self.count, python=sys.executable))
        python.chmod(0o755)
        (root / "edge").mkdir()
        groups: dict[str, Any] = {"olympus_" + name: {"hosts": {"one": {}}} for name in ("edge", "blue", "green", "db")}
        inventory = {"all": {"hosts": {"one": self._variables(str(python))}, "children": groups}}
        (root / "inventory.yml").write_text(yaml.safe_dump(inventory))

    def _variables(self, python: str) -> dict[str, Any]:
        edge = {
            "kind": "native", "caddyfile": str(self.caddyfile), "scheme": "http", "port": self.ports["port"],
            "admin": "localhost:%d" % self.ports["admin"], "switch_dir": str(self.root / "edge"),
            "upstreams": {"localhost:%d" % PORT: "site:3000"},
        }  # fmt: skip
        return {
            "ansible_connection": "local", "ansible_python_interpreter": python,
            "bluegreen_deployment": "bgcf", "bluegreen_state_dir": str(self.root / "state"),
            "bluegreen_source": str(self.source), "bluegreen_project": PROJECT,
            "bluegreen_compose_files": ["compose.yml"], "bluegreen_podman_compose": self.podman_compose,
            "bluegreen_network_range": RANGE, "bluegreen_shared": ["postgres"],
            "bluegreen_images": {"site": "ghcr.io/olympusoss/site:{version}"},
            "bluegreen_services": {"site": {"kind": "site", "port": 3000, "ready": "/health"}},
            "bluegreen_publish": "loopback", "bluegreen_port_base": BASE, "bluegreen_schema_targets": [],
            "bluegreen_public": [{"host": "site.test", "path": "/health"}], "bluegreen_edge": edge,
            "bluegreen_watch": {"window": WINDOW, "interval": 0.5},
            "bluegreen_cache_ttl": 0, "bluegreen_drain_deadline": 20,
        }  # fmt: skip

    @contextmanager
    def up(self) -> Iterator[None]:
        clean_up()
        compose = [self.podman_compose, "-p", PROJECT, "up", "-d"]
        subprocess.run(compose, cwd=self.source, check=True, capture_output=True)
        env = {**os.environ, "HOME": str(self.root), "XDG_DATA_HOME": str(self.root), "XDG_CONFIG_HOME": str(self.root)}
        caddy = [binary(), "run", "--config", str(self.caddyfile), "--adapter", "caddyfile"]
        try:
            podman("exec", PROJECT + "_postgres_1", "sh", "-c", "until pg_isready -U olympus; do sleep 0.2; done")
            with (
                (self.root / "caddy.log").open("wb") as log,
                subprocess.Popen(caddy, stdout=log, stderr=log, env=env) as edge,
            ):
                try:
                    self._answers()
                    threading.Thread(target=self._visit, daemon=True).start()
                    yield
                finally:
                    edge.terminate()
        finally:
            self._watcher_goes()
            clean_up()

    def _visit(self) -> None:
        """Without visitors no watch comes to a PASS, and no cleanup is allowed."""
        while True:
            with suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.ports["port"], timeout=5)
                while True:
                    connection.request("GET", "/health", headers={"Host": "site.test"})
                    connection.getresponse().read()
                    time.sleep(0.01)
            time.sleep(0.1)

    def _answers(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.ports["admin"]), 1):
                return
            time.sleep(0.05)
        raise SystemExit("Caddy does not answer")

    def _watcher_goes(self) -> None:
        with suppress(OSError, ValueError):
            about = json.loads((self.root / "state" / "watch.json").read_text())
            for one in (about.get("keeper") or {}, about):
                with suppress(ProcessLookupError):
                    os.kill(int(one["pid"]), 15)

    def live(self) -> None:
        for stage, tags, extra in LIFE:
            out, seconds, cpu = self._play(self.tree / "bluegreen.yml", tags, extra)
            tasks, modules = out.count("\nTASK ["), self._modules()
            trivial = self._trivial(tasks, modules)
            _out, base_seconds, base_cpu = self._play(trivial, tags, extra)
            row = {"stage": stage, "tasks": tasks, "modules": modules, "wall_s": seconds, "cpu_s": cpu}
            self.measured.append({**row, "base_wall_s": base_seconds, "base_cpu_s": base_cpu})
            print("%-9s %3d tasks, %2d modules, %5.1f s, CPU %5.1f s; trivial: %5.1f s, CPU %5.1f s"
                  % (stage, tasks, modules, seconds, cpu, base_seconds, base_cpu), flush=True)  # fmt: skip

    def _play(self, playbook: Path, tags: str, extra: dict[str, Any]) -> tuple[str, float, float]:
        """(what it printed, wall seconds, CPU seconds of it and of what it waited for)."""
        self.count.write_text("")
        env = {
            **os.environ, "ANSIBLE_CONFIG": str(self.tree / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_COLLECTIONS_PATH": str(self.tree / "collections"), "ANSIBLE_LOCAL_TEMP": str(self.root / "local"),
            "PYTHONPATH": "",
        }  # fmt: skip
        argv = [str(Path(sys.executable).parent / "ansible-playbook"), str(playbook)]
        argv += ["-i", str(self.root / "inventory.yml"), "--tags", tags, "-e", json.dumps(extra)]
        before, begun = spent(), time.monotonic()
        done = subprocess.run(argv, cwd=self.tree, env=env, capture_output=True, text=True, timeout=900, check=False)
        seconds = time.monotonic() - begun
        if done.returncode:
            raise SystemExit(
                "--tags %s ended with %d:\n%s%s" % (tags, done.returncode, done.stdout[-4000:], done.stderr[-2000:])
            )
        return done.stdout, round(seconds, 2), round(spent() - before, 2)

    def _modules(self) -> int:
        return len(self.count.read_text().splitlines())

    def _trivial(self, tasks: int, modules: int) -> Path:
        """The same guard, then as many tasks as the stage had; as many of them run a module on the host."""
        guard = {"ansible.builtin.import_playbook": "olympus.bluegreen.guard", "tags": ["always"]}
        run = [{"name": "A module", "ansible.builtin.command": "true"} for _one in range(modules)]
        rest = [
            {"name": "No module", "ansible.builtin.debug": {"msg": ""}}
            for _one in range(max(0, tasks - GUARD - modules))
        ]
        play = {"hosts": "olympus_edge[0]", "gather_facts": False, "tags": ["always"], "tasks": run + rest}
        path = self.root / "trivial.yml"
        path.write_text(yaml.safe_dump([guard, play]))
        return path


def spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def tree_of(commit: str) -> Iterator[Path]:
    """The tree of a commit, beside this one; '' is this one as it is."""
    if not commit:
        yield ROOT
        return
    place = OUT / "base"
    subprocess.run(["git", "worktree", "prune"], cwd=ROOT, check=True)
    subprocess.run(["git", "worktree", "add", "--force", "--detach", str(place), commit], cwd=ROOT, check=True)
    try:
        yield place
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(place)], cwd=ROOT, check=True)


def summed(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The medians of each stage, and its ratios to the trivial playbook beside it."""
    found = []
    for stage in dict.fromkeys(row["stage"] for row in rows):
        mine = [row for row in rows if row["stage"] == stage]
        one: dict[str, Any] = {"stage": stage, "runs": len(mine)}
        one |= {name: statistics.median(row[name] for row in mine) for name in mine[0] if name != "stage"}
        for kind in ("wall", "cpu"):
            ratios = [row["%s_s" % kind] / max(row["base_%s_s" % kind], 0.01) for row in mine]
            one[kind + "_ratio"] = round(statistics.median(ratios), 2)
        found.append(one)
    return found


def release(stages: Sequence[dict[str, Any]]) -> str:
    """What a release costs whose stages are started one by one."""
    mine = [one for one in stages if one["stage"] in RELEASE]
    return "a release (%s): %g tasks, %g module runs" % (
        ", ".join(RELEASE),
        sum(one["tasks"] for one in mine),
        sum(one["modules"] for one in mine),
    )


def markdown(found: dict[str, Any]) -> str:
    lines = [
        "`make bench-stages`: one coloured service, a native Caddy, no probes, no schema target, a watch of %d s; each"
        " stage beside a playbook with the same guard and as many trivial tasks and modules." % WINDOW,
        "",
        "| commit | stage | runs | tasks | modules | wall s | trivial | ratio | CPU s | trivial | ratio |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    row = (
        "| %s | %%(stage)s | %%(runs)d | %%(tasks)g | %%(modules)g | %%(wall_s).1f | %%(base_wall_s).1f"
        " | %%(wall_ratio).2f | %%(cpu_s).1f | %%(base_cpu_s).1f | %%(cpu_ratio).2f |"
    )
    for name, stages in found["commits"].items():
        lines += [row % name % one for one in stages]
    lines += ["", *("%s: %s" % (name, release(stages)) for name, stages in found["commits"].items())]
    return "\n".join(lines) + "\n"


def head(commit: str) -> str:
    asked = ["git", "rev-parse", "--short=10", commit or "HEAD"]
    return subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures every stage")
    parser.add_argument("--base", default="", help="another commit, in turn with this tree")
    parser.add_argument("--lives", type=int, default=2, help="whole lives of each")
    given = parser.parse_args()
    commits = [given.base, ""] if given.base else [""]
    rows: dict[str, list[dict[str, Any]]] = {head(commit): [] for commit in commits}
    for number in range(given.lives):
        for commit in commits if number % 2 else reversed(commits):
            print("== life %d of %s" % (number + 1, head(commit)), flush=True)
            with tempfile.TemporaryDirectory(prefix="stages-") as where, tree_of(commit) as tree:
                life = Life(Path(where), tree)
                with life.up():
                    life.live()
                rows[head(commit)] += life.measured
    found = {"v": 1, "window_s": WINDOW, "commits": {name: summed(mine) for name, mine in rows.items()}, "rows": rows}
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "stages.json").write_text(json.dumps(found, indent=2) + "\n")
    (OUT / "stages.md").write_text(markdown(found))
    print(markdown(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
