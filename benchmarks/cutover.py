# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""``make bench-cutover``: the switch beside every other way to change the colour, on one machine in one run.

Writes build/bench/cutover.json, cutover.md and cutover-short.md; another size than ``full`` writes its name into
theirs: ``quick`` proves the bench in two or three minutes, its figures mean little.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import client, document, methods, packages, parts, say, table
from bench.caddy import Adopted, Caddy
from bench.client import Backends
from bench.edges import API_HOST, HOST, Certificate, Edge, certificate
from bench.parts import EVERYTHING, SATURATED, STREAM, Bench, Flipping, Turns, Volume
from bench.peers import Haproxy, HaproxyServers, NginxMarker, NginxReload
from olympus_lab import binaries

OUT = packages.ROOT / "build" / "bench"
CADDYS = ("current", "2.6.2")
RELOADING = ("reload", "caddy_patch", "caddy_reload")
PEERS = {
    "haproxy": Haproxy,
    "haproxy_servers": HaproxyServers,
    "nginx_marker": NginxMarker,
    "nginx_reload": NginxReload,
}
# These change the colour without a new process or configuration: they can be flipped often.
SWIFT = ("switch", "haproxy", "haproxy_servers", "nginx_marker")


@dataclass(frozen=True)
class Size:
    """How much of everything. Times in seconds; requests and flips are those of one cell."""

    rounds: int
    swift: Flipping
    slow: Flipping
    switch: tuple[int, float]
    stream: int
    others: float
    sockets: int
    turns: Turns


SIZES = {
    "full": Size(4, Flipping(304, 0.2, 2.5), Flipping(80, 0.4, 2.5), (520_000, 240.0), 20, 5.0, 20, Turns(7, 2.0)),
    "medium": Size(2, Flipping(80, 0.2, 2.5), Flipping(16, 0.4, 2.5), (60_000, 40.0), 20, 4.0, 20, Turns(7, 1.5)),
    "quick": Size(1, Flipping(10, 0.2, 1.2), Flipping(4, 0.4, 1.2), (5_000, 4.0), 2, 2.0, 4, Turns(2, 0.5)),
}


class Cells:
    """Makes the edges of a part, each in a directory of its own below ``directory``."""

    def __init__(self, backends: Backends, shown: Certificate, directory: Path) -> None:
        self.backends, self.shown, self.directory = backends, shown, directory
        directory.mkdir()

    def place(self, name: str, which: str) -> Path:
        return self.directory / ("%s-%s" % (name, which))

    def caddy(self, name: str, which: str, logged: bool = False) -> Caddy:
        act = methods.recipe if name == "caddy_reload" else None
        return Caddy(name, which, self.backends, self.shown, self.place(name, which), act, logged)

    def adopted(self, name: str, which: str, logged: bool = True) -> Adopted:
        return Adopted(name, which, self.backends, self.shown, self.place(name, which), logged=logged)

    def reloading(self, name: str, which: str) -> Edge:
        """The method ``reload``, its edge moved by one write to the admin API instead, and the published recipe."""
        if name == "caddy_reload":
            return self.caddy(name, which)
        made = self.adopted(name, which)
        made.method, made.patches = "reload", name == "caddy_patch"
        return made

    def peer(self, name: str) -> Edge:
        return PEERS[name](name, self.backends, self.shown, self.place(name, ""))

    def flipped(self) -> list[Edge]:
        """Every way to change the colour, in the order in which they take turns."""
        found: list[Edge] = [self.adopted("switch", which) for which in CADDYS]
        found += [self.peer(name) for name in PEERS]
        return [*found, *(self.reloading(name, which) for name in RELOADING for which in CADDYS)]

    def bare(self) -> dict[Edge, str]:
        """The switch and what it is compared with, both without the log, and the host name that is asked."""
        found: dict[Edge, str] = {}
        for which in CADDYS:
            found[self.caddy("plain", which)] = HOST
            found[self.adopted("switch_unlogged", which, logged=False)] = HOST
        return found

    def steady(self) -> dict[Edge, str]:
        """What throughput is measured of, each with the host name that is asked."""
        found = self.bare()
        for which in CADDYS:
            found[self.adopted("switch", which)] = HOST
            found[self.caddy("plain_logged", which, logged=True)] = HOST
            found[self.caddy("plain_api", which)] = API_HOST
            found[self.adopted("switch_api_unlogged", which, logged=False)] = API_HOST
        return {**found, **{self.peer(name): HOST for name in ("haproxy", "nginx_marker", "nginx_reload")}}


def measure(size: Size, directory: Path) -> Bench:
    shown = certificate(directory)
    with Backends() as backends:
        bench = Bench(directory, backends, shown)
        edges = Cells(backends, shown, directory / "flips").flipped()
        flipping = {edge: size.swift if edge.name in SWIFT else size.slow for edge in edges}
        parts.flips(bench, flipping, size.rounds)
        edges = Cells(backends, shown, directory / "volume").flipped()
        much = Volume(*size.switch, (*EVERYTHING, {**STREAM, "seconds": size.stream}))
        little = Volume(size.switch[0], size.others, (*SATURATED, {**STREAM, "seconds": 2}))
        parts.volume(bench, {edge: much if edge.name == "switch" else little for edge in edges}, 1)
        edges = Cells(backends, shown, directory / "sockets").flipped()
        parts.sockets(bench, edges, size.sockets)
        shared = Cells(backends, shown, directory / "shared").bare()
        parts.throughput(bench, shared, size.turns, (), "shared")
    ours, theirs = cores()
    with Backends(ours) as backends:
        bench.backends, bench.client_prefix = backends, ours
        steady = Cells(backends, shown, directory / "throughput").steady()
        parts.throughput(bench, steady, size.turns, theirs, "throughput")
    return bench


def cores() -> tuple[list[str], list[str]]:
    """How to start the load, and what is loaded: each on its own half of the cores, so that neither takes the other's
    time. Empty on a machine with one core."""
    there = sorted(os.sched_getaffinity(0))
    half = len(there) // 2
    if not half:
        return [], []
    first, second = (["taskset", "-c", ",".join(map(str, some))] for some in (there[half:], there[:half]))
    return first, second


def machine() -> dict[str, Any]:
    cpu = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    return {"cpus": os.cpu_count(), "cpu": cpu.partition(":")[2].strip(), "kernel": platform.release()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="full")
    size = parser.parse_args().size
    binaries.build(("caddy",))
    client.build()
    packages.fetch()
    OUT.mkdir(parents=True, exist_ok=True)
    began, directory = time.monotonic(), Path(tempfile.mkdtemp(prefix="bench-cutover-"))
    try:
        bench = measure(SIZES[size], directory)
    finally:
        shutil.rmtree(directory)
    made = {
        "size": size,
        "seconds": round(time.monotonic() - began),
        "machine": machine(),
        "command": "make bench-cutover",
    }
    found = document.document(bench.slices, made)
    # Only a full run is for others to read.
    name = "cutover" + ("" if size == "full" else "-" + size)
    pages = {".json": json.dumps(found, indent=1) + "\n", ".md": table.cutover(found), "-short.md": table.short(found)}
    for ending, text in pages.items():
        (OUT / (name + ending)).write_text(text)
    say("%s.json and .md written after %d s" % (OUT / name, made["seconds"]))
    print(pages[".md"])


if __name__ == "__main__":
    main()
