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
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.caddyfile import rewrite
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.forms import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._caddy.switch import Switch

ROOT = Path(__file__).resolve().parents[1]
LAB = ROOT / "build" / "lab" / "bin"
CADDIES = {
    "current": Path(os.environ.get("LAB_CADDY", LAB / "caddy")),
    "2.6.2": Path(os.environ.get("LAB_CADDY_OLD", LAB / "caddy-2.6.2")),
}
BLUE, GREEN = "127.0.2.1", "127.0.3.1"
HOST = "login.example"
CONNECTIONS = 16
PLAIN = "plain"
NEWEST = "one look-up that takes the last file for granted, no log"
READ = "the colour read from a file, no log"
CALLS = "%file,close,fcntl,fstat,epoll_ctl"
# What a look-up would have found, and the step that looks.
SAID = {"blue": "/ready", "green": "/green"}
LOOK_UP = re.compile(r"\t@bluegreen_live \{\n.*?\n\t\}\n\tvars @bluegreen_live bluegreen \S+\n", re.DOTALL)


@dataclass(frozen=True)
class Place:
    """Where one Caddy runs: its directory, its own port, that of the backends, what is live, and how new it is."""

    directory: str
    port: int
    backend: int
    live: str
    named_log: bool


def plain(place: Place, more: str = "") -> str:
    return "http://%s:%d {\n%s\treverse_proxy web:%d\n}\n" % (HOST, place.port, more, place.backend)


def adopted(place: Place, ui: bool = False) -> str:
    return rewrite(plain(place), [Upstream("web", BLUE, GREEN, ui)], place.directory, named_log=place.named_log).text


def without_log(text: str) -> str:
    return text.replace("\timport bluegreen_log\n", "")


def only_log(place: Place) -> str:
    text = adopted(place)
    return text[: text.index("http://" + HOST)] + plain(place, "\timport bluegreen_log\n")


def each_asks(place: Place) -> str:
    """A look-up in every matcher set, as the form before had it."""
    marker = "\t@%s file {\n\t\troot %s/olympus-bluegreen/switch\n\t\ttry_files %s\n\t}\n"
    proxy = "\treverse_proxy @%s %s:%d {\n\t\theader_down X-Bluegreen-Colour %s\n\t}\n"
    sets = "".join(marker % (name, place.directory, name) for name in ("green", "ready"))
    proxies = [proxy % (name, address, place.backend, name) for name, address in (("green", GREEN), ("ready", BLUE))]
    return "http://%s:%d {\n%s%s}\n" % (HOST, place.port, sets, "".join(proxies))


def not_looked_up(place: Place, said: str) -> str:
    """The form as it is, told what a look-up would have found."""
    text, times = LOOK_UP.subn(lambda _found: "\tvars bluegreen %s\n" % said, without_log(adopted(place)))
    assert times == 1, text
    return text


def read_as_text(place: Place) -> str:
    """The marker's content instead of its name, by the placeholder that Caddy has since 2.8."""
    file = Path(place.directory, "colour")
    file.write_text(SAID[place.live])
    return not_looked_up(place, "{file.%s}" % file)


def without_second_look(place: Place) -> str:
    """Half the calls on a new Caddy, which looks at each file twice, but not at one that it may take for granted."""
    found = LOOK_UP.search(text := without_log(adopted(place)))
    assert found, text
    root = "\t\t\t\t\troot %s/olympus-bluegreen/switch\n" % place.directory
    end = "\t\t\t\t\ttry_policy first_exist_fallback\n\t\t\t\t}\n\t\t\t}\n"
    each = [
        "\t\t\tnot {\n\t\t\t\tfile {\n%s\t\t\t\t\ttry_files %s\n%s" % (root, name, end) for name in ("green", "ready")
    ]
    matcher = "\t@bluegreen_live {\n\t\tnot {\n%s\t\t}\n\t}\n" % "".join(each)
    return text.replace(found.group(), matcher + found.group().splitlines(keepends=True)[-1])


def connects(place: Place) -> str:
    """What a change of addresses in the kernel would need: a kept connection stays with the colour it was made to."""
    return plain(place).replace(
        "%d\n}" % place.backend, "%d {\n\t\ttransport http {\n\t\t\tkeepalive off\n\t\t}\n\t}\n}" % place.backend
    )


Form = Callable[[Place], str]
API: dict[str, Form] = {
    PLAIN: plain,
    "access log alone": only_log,
    "a look-up a matcher, no log": each_asks,
    "one look-up, no log": lambda place: without_log(adopted(place)),
    "one look-up": adopted,
    "no look-up, told the colour, no log": lambda place: not_looked_up(place, SAID[place.live]),
    NEWEST: without_second_look,
    READ: read_as_text,
    "plain, no kept connections": connects,
}
PAGE: dict[str, Form] = {
    PLAIN: plain,
    "one look-up, forms and assets, no log": lambda place: without_log(adopted(place, ui=True)),
    "one look-up, forms and assets": lambda place: adopted(place, ui=True),
}
KINDS = {"api": ("application/json", API), "page": ("text/html", PAGE)}


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


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


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


def edge(stack: ExitStack, caddy: str, name: str, form: Form, backend: int, live: str) -> Edge:
    directory = tempfile.mkdtemp(prefix="bench-decision-")
    stack.callback(shutil.rmtree, directory)
    os.chmod(directory, 0o755)
    place = Place(directory, free_port(), backend, live, caddy == "current")
    Switch(directory + "/olympus-bluegreen").install(live, (os.getuid(), os.getgid()))
    file = Path(directory, "Caddyfile")
    text = form(place).replace("reverse_proxy web:", "reverse_proxy %s:" % (BLUE if live == "blue" else GREEN))
    file.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + text)
    command = [str(CADDIES[caddy]), "run", "--config", str(file), "--adapter", "caddyfile"]
    return Edge(name, started(stack, command, ("127.0.0.1", place.port)), place.port)


def measured(caddy: str, live: str, kind: str, client: str, pairs: int, seconds: int) -> list[dict[str, object]]:
    content, forms = KINDS[kind][0], dict(KINDS[kind][1])
    if caddy != "current":
        forms = {name: form for name, form in forms.items() if name not in (NEWEST, READ)}
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


def row(one: Edge, base: Edge, where: dict[str, object]) -> dict[str, object]:
    ratios = [mine[0] / its[0] for mine, its in zip(one.runs, base.runs)]
    costs = [mine[1] - its[1] for mine, its in zip(one.runs, base.runs)]
    return {
        **where,
        "form": one.name,
        "per_second": round(statistics.median(run[0] for run in one.runs)),
        "cpu_us": round(statistics.median(run[1] for run in one.runs), 1),
        "cpu_us_more": round(statistics.median(costs), 1),
        "calls": one.calls,
        "ratio": round(statistics.median(ratios), 3),
        "ratio_low": round(min(ratios), 3),
        "ratio_high": round(max(ratios), 3),
    }


def table(rows: list[dict[str, object]]) -> str:
    measures = ("calls", "cpu_us", "cpu_us_more", "per_second", "ratio", "ratio_low", "ratio_high")
    names = ("caddy", "live", "kind", "form", *measures)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(str(one[name]) for name in names) + " |" for one in rows]
    return "\n".join(lines) + "\n"


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--pairs", type=int, default=7)
    said.add_argument("--seconds", type=int, default=2)
    said.add_argument("--client", required=True, help="the built program of benchmarks/decision")
    said.add_argument("--out", type=Path, default=ROOT / "build" / "bench")
    given = said.parse_args()
    rows: list[dict[str, object]] = []
    for caddy in [name for name, path in CADDIES.items() if path.exists()]:
        for live in ("blue", "green"):
            for kind in KINDS:
                rows += measured(caddy, live, kind, given.client, given.pairs, given.seconds)
    given.out.mkdir(parents=True, exist_ok=True)
    made = {"command": "make bench-decision", "cores": os.cpu_count(), "pairs": given.pairs, "rows": rows}
    (given.out / "decision.json").write_text(json.dumps(made, indent=2) + "\n")
    head = "<!-- made by `make bench-decision` on %s cores, %s pairs -->\n\n" % (made["cores"], given.pairs)
    (given.out / "decision.md").write_text(head + table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()
