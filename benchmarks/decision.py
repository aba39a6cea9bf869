# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the switch's question costs a request: `make bench-decision` writes build/bench/decision.json and decision.md.

A client and a backend of the least cost keep one Caddy busy over loopback. Each part of the form is measured against
the same Caddy with a plain ``reverse_proxy``, in turns, by the answers a second and by the processor time that Caddy
itself takes for one. The second says what a part costs; the first holds everything else that shares the cores too.
Where strace is installed it counts the calls to the file system as well, which no other load on the machine changes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.ports import free_port

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.snippets import FOUND
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import Switch
from bench import figures
from bench.forms import BLUE, GREEN, HOST, KINDS, NAMED, Form, Place, forms_for

ROOT = Path(__file__).resolve().parents[1]
LAB = ROOT / "build" / "lab" / "bin"
CADDIES = {
    "current": Path(os.environ.get("LAB_CADDY", LAB / "caddy")),
    "2.6.2": Path(os.environ.get("LAB_CADDY_OLD", LAB / "caddy-2.6.2")),
}
CONNECTIONS = 16
CALLS = "%file,close,fcntl,fstat,epoll_ctl"


@dataclass
class Edge:
    """One Caddy with one form. ``runs`` are (answers a second, microseconds of Caddy's processor time an answer),
    ``calls`` those to the file system for an answer, None without strace."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    runs: list[tuple[float, float]] = field(default_factory=list)
    calls: float | None = None

    def run(self, client: str, seconds: int) -> tuple[float, float]:
        before = self._busy()
        answers = self._answers(client, seconds)
        return answers / seconds, (self._busy() - before) / answers * 1e6

    def count(self, client: str) -> None:
        if not shutil.which("strace"):
            return
        status = Path("/proc/%d/status" % self.process.pid)
        with tempfile.NamedTemporaryFile("r") as told:
            command = ["strace", "-fqqc", "-e", "trace=" + CALLS, "-o", told.name, "-p", str(self.process.pid)]
            tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            while tracer.poll() is None and "TracerPid:\t0" in status.read_text():
                time.sleep(0.02)
            answers = self._answers(client, 1)
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
            rows = [line.split() for line in told if line.rstrip().endswith("total")]
        self.calls = round(int(rows[-1][3]) / answers, 1) if rows else 0.0

    def _answers(self, client: str, seconds: int) -> int:
        where = "127.0.0.1:%d" % self.port
        command = [client, "ask", where, HOST, "/api/x", str(CONNECTIONS), str(seconds)]
        done = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        if done["bad"]:
            raise SystemExit("%s: %d answers were no 200" % (self.name, done["bad"]))
        return int(done["requests"])

    def _busy(self) -> float:
        said = Path("/proc/%d/stat" % self.process.pid).read_text().rpartition(")")[2].split()
        return (int(said[11]) + int(said[12])) / os.sysconf("SC_CLK_TCK")


def reached(address: tuple[str, int], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while True:
        with socket.socket() as sock:
            if sock.connect_ex(address) == 0:
                return
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit("nothing listens at %s:%d" % address)
        time.sleep(0.02)


def started(stack: ExitStack, command: list[str], address: tuple[str, int]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.kill)
    reached(address, process)
    return process


def in_a_namespace(name: str) -> list[str]:
    """What starts a program where the host has this name."""
    return ["unshare", "--uts", "sh", "-c", 'printf %s "$0" >/proc/sys/kernel/hostname; exec "$@"', name]


def edge(stack: ExitStack, caddy: str, name: str, form: Form, backend: int, live: str) -> Edge:
    directory = tempfile.mkdtemp(prefix="bench-decision-")
    stack.callback(shutil.rmtree, directory)
    os.chmod(directory, 0o755)
    place = Place(directory, free_port(), backend, live, caddy == "current")
    Switch(directory + "/olympus-bluegreen").install(live, (os.getuid(), os.getgid()))
    file = Path(directory, "Caddyfile")
    text = form(place).replace("reverse_proxy web:", "reverse_proxy %s:" % (BLUE if live == "blue" else GREEN))
    file.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + text)
    around = in_a_namespace(FOUND[live]) if name == NAMED else []
    command = [*around, str(CADDIES[caddy]), "run", "--config", str(file), "--adapter", "caddyfile"]
    return Edge(name, started(stack, command, ("127.0.0.1", place.port)), place.port)


def measured(caddy: str, live: str, kind: str, client: str, pairs: int, seconds: int) -> list[dict[str, Any]]:
    content, forms = KINDS[kind][0], forms_for(kind, new=caddy == "current")
    with ExitStack() as stack:
        backend = free_port()
        for address in (BLUE, GREEN):
            started(stack, [client, "serve", "%s:%d" % (address, backend), content], (address, backend))
        edges = [edge(stack, caddy, name, form, backend, live) for name, form in forms.items()]
        for one in edges:
            one.run(client, 1)
        turns = list(edges)
        for _pair in range(pairs):
            random.shuffle(turns)
            for one in turns:
                one.runs.append(one.run(client, seconds))
        for one in edges:
            one.count(client)
        return [row(one, edges[0], {"caddy": caddy, "live": live, "kind": kind}) for one in edges]


def row(one: Edge, base: Edge, where: dict[str, object]) -> dict[str, Any]:
    """``ratios`` and ``cpu_us_more`` are of each pair."""
    return {
        **where,
        "form": one.name,
        "per_second": round(statistics.median(run[0] for run in one.runs)),
        "cpu_us": round(statistics.median(run[1] for run in one.runs), 1),
        "cpu_us_more": [round(mine[1] - its[1], 1) for mine, its in zip(one.runs, base.runs)],
        "calls": one.calls,
        "ratios": [round(mine[0] / its[0], 3) for mine, its in zip(one.runs, base.runs)],
    }


def cells(rows: list[dict[str, Any]]) -> list[str]:
    """What one form costs one Caddy, both colours together."""
    if not rows:
        return ["-", "-", "-"]
    calls = " / ".join("-" if one["calls"] is None else "%.0f" % one["calls"] for one in rows)
    ratios = [one for row in rows for one in row["ratios"]]
    found = figures.ratio(ratios, [1.0] * len(ratios))
    more = statistics.median(cost for row in rows for cost in row["cpu_us_more"])
    bounds = "" if found.low is None or found.high is None else " (%.2f to %.2f)" % (found.low, found.high)
    return [calls, "%.0f" % more, "%.2f%s" % (found.value, bounds)]


def table(rows: list[dict[str, Any]], caddies: list[str]) -> str:
    head = ["service", "form"]
    for caddy in caddies:
        head += ["%s: %s" % (caddy, what) for what in ("calls, blue / green", "µs more", "throughput")]
    lines = ["| " + " | ".join(head) + " |", "|" + " :-- |" * 2 + " --: |" * (len(head) - 2)]
    for kind, (_content, forms) in KINDS.items():
        for form in forms:
            mine = [one for one in rows if (one["kind"], one["form"]) == (kind, form)]
            costs = [cell for caddy in caddies for cell in cells([one for one in mine if one["caddy"] == caddy])]
            lines.append("| " + " | ".join([kind, form, *costs]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--pairs", type=int, default=7)
    said.add_argument("--seconds", type=int, default=2)
    said.add_argument("--client", required=True, help="the built program of benchmarks/decision")
    said.add_argument("--out", type=Path, default=ROOT / "build" / "bench")
    given = said.parse_args()
    rows: list[dict[str, Any]] = []
    caddies = [name for name, path in CADDIES.items() if path.exists()]
    for caddy in caddies:
        for live in ("blue", "green"):
            for kind in KINDS:
                rows += measured(caddy, live, kind, given.client, given.pairs, given.seconds)
    given.out.mkdir(parents=True, exist_ok=True)
    made = {"command": "make bench-decision", "cores": os.cpu_count(), "pairs": given.pairs, "rows": rows}
    (given.out / "decision.json").write_text(json.dumps(made, indent=2) + "\n")
    head = "`make bench-decision`: %s pairs for each colour, on %s cores.\n\n" % (given.pairs, made["cores"])
    (given.out / "decision.md").write_text(head + table(rows, caddies))
    print(table(rows, caddies))


if __name__ == "__main__":
    main()
