# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What is measured, part by part; in each part every edge runs at the same time and they take turns under load."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import OTHER
from bench import say
from bench.client import Backends, Load
from bench.edges import HOST, Certificate, Edge, cpu_seconds
from olympus_lab.progress import step

Kind = Mapping[str, Any]

KEPT: Kind = {"name": "keep-alive", "proto": "h1", "method": "GET", "workers": 10}
POST: Kind = {"name": "POST", "proto": "h1", "method": "POST", "workers": 4, "bytes": 1024}
FRESH: Kind = {"name": "new connections", "proto": "h1", "method": "GET", "workers": 4, "fresh": True}
H2: Kind = {"name": "HTTP/2", "proto": "h2", "method": "GET", "workers": 6, "lines": 2}
H2C: Kind = {"name": "h2c", "proto": "h2c", "method": "POST", "workers": 4, "lines": 2, "bytes": 1024}
H3: Kind = {"name": "HTTP/3", "proto": "h3", "method": "GET", "workers": 4, "lines": 2}
STREAM: Kind = {"name": "streams", "proto": "h1", "method": "GET", "workers": 4}
SOCKETS: Kind = {"name": "WebSockets", "proto": "h1", "sockets": 200}

# 1000 requests a second, the same for every edge.
EVEN = ({**KEPT, "rate": 500}, {**POST, "rate": 200}, {**FRESH, "rate": 100}, {**H2, "rate": 200})
# As many as go: what every edge speaks, and what only Caddy does of these. New connections at a rate, or the ports of
# a minute's closed ones would run out.
SATURATED = (KEPT, POST, {**FRESH, "rate": 300}, H2)
EVERYTHING = (*SATURATED, H2C, H3)
FULL = ({**KEPT, "workers": 32},)

# An answer of the old colour to what was sent this much later than a flip was seen is late.
TOLERANCE_MS = 50
# Seconds.
TELL, WARM = 5.0, 0.5
# No run of the client makes more, whatever happens here.
MOST = 2_000_000


@dataclass(frozen=True)
class Flipping:
    """``flips`` in all (even: each slice ends with blue live), so many seconds ``apart`` at least, the first after
    ``lead`` seconds: beyond one second that is the time far from any flip."""

    flips: int
    apart: float
    lead: float = 1.0


@dataclass
class Bench:
    """``slices[name, version][part]`` are the client's figures of each turn, in order."""

    directory: Path
    backends: Backends
    trusted: Certificate
    client_prefix: Sequence[str] = ()
    slices: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    runs: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def load(self, edge: Edge, kinds: Sequence[Kind], seconds: float, host: str = HOST) -> Load:
        config = {
            "run": next(self.runs), "plain": edge.plain, "tls": edge.tls, "host": host, "kinds": kinds,
            "ca": str(self.trusted.certificate), "control": self.backends.control, "max_seconds": int(seconds) + 60,
            "tolerance_ms": TOLERANCE_MS, "max_requests": MOST,
        }  # fmt: skip
        return Load(config, self.directory, self.client_prefix)

    def keep(self, part: str, edge: Edge, figures: dict[str, Any]) -> None:
        self.slices.setdefault((edge.name, edge.version), {}).setdefault(part, []).append(figures)
        say("%s: %s (%s): %s" % (part, edge.name, edge.version, shown(figures)))


def shown(figures: Mapping[str, Any]) -> str:
    """One turn in a line."""
    said = ["%d flips" % len(figures["flips"])] if figures["flips"] else []
    if figures["sockets_opened"]:
        return "%s, %d of %d WebSockets closed" % (said[0], figures["sockets_closed"], figures["sockets_opened"])
    why = " %s" % figures["lost_by_reason"] if figures["lost"] else ""
    said += ["%d requests" % figures["requests"], "%.0f/s" % figures["rate"], "%d lost%s" % (figures["lost"], why)]
    return ", ".join(said)


@contextmanager
def running(edges: Sequence[Edge], prefix: Sequence[str] = ()) -> Iterator[None]:
    with ExitStack() as stack:
        with step("start %d edges" % len(edges)):
            for edge in edges:
                stack.callback(edge.stop)
                edge.start(prefix)
        yield


def flip(edge: Edge, load: Load, how: Flipping, part: str) -> None:
    """Back and forth, each act told to the client with its times."""
    colour = "blue"
    for _turn in range(how.flips):
        colour, begun = OTHER[colour], time.monotonic()
        at = time.time_ns()
        edge.flip(colour)
        load.mark(colour, at, time.time_ns())
        # A reload that takes long still gets its time afterwards.
        time.sleep(max(how.apart - (time.monotonic() - begun), how.apart / 2))
        if time.monotonic() - load.told > TELL:
            load.told = time.monotonic()
            so_far = (part, edge.name, load.flips, load.requests, load.lost)
            say("%s: %s: %d flips, %d requests, %d lost so far" % so_far)


def flips(bench: Bench, edges: Mapping[Edge, Flipping], rounds: int) -> None:
    """At an even load: when the new colour answers, what is lost, how long requests take beside and far from a flip."""
    with running(list(edges)):
        for _turn in range(rounds):
            for edge, how in edges.items():
                one = replace(how, flips=how.flips // rounds // 2 * 2)
                load = bench.load(edge, EVEN, one.lead + one.flips * one.apart * 10)
                time.sleep(one.lead)
                flip(edge, load, one, "flips")
                bench.keep("flips", edge, load.end())


def sockets(bench: Bench, edges: Sequence[Edge], count: int) -> None:
    """Open WebSockets over ``count`` flips."""
    with running(edges):
        for edge in edges:
            load = bench.load(edge, (SOCKETS,), 60 + count)
            time.sleep(1)
            flip(edge, load, Flipping(count, 0.2), "sockets")
            bench.keep("sockets", edge, load.end())


@dataclass(frozen=True)
class Volume:
    """Until ``requests`` are made or ``seconds`` are over."""

    requests: int
    seconds: float
    kinds: Sequence[Kind]
    apart: float = 0.5


def volume(bench: Bench, edges: Mapping[Edge, Volume], rounds: int) -> None:
    """As many requests as go, of every kind that the edge speaks, while it is flipped."""
    with running(list(edges)):
        for _turn in range(rounds):
            for edge, how in edges.items():
                load = bench.load(edge, how.kinds, how.seconds / rounds)
                until = time.monotonic() + how.seconds / rounds
                while load.requests < how.requests / rounds and time.monotonic() < until:
                    flip(edge, load, Flipping(4, how.apart), "volume")
                with step("volume: %s: the last streams" % edge.name):
                    figures = load.end()
                bench.keep("volume", edge, figures)


@dataclass(frozen=True)
class Turns:
    """Each edge has ``count`` of them, so many seconds long."""

    count: int
    seconds: float


def throughput(bench: Bench, edges: Mapping[Edge, str], turns: Turns, pinned: Sequence[str], part: str) -> None:
    """Requests a second and the edge's own processor time for each, in turns; the order turns round every time.
    What has just started is warmed up first."""
    with running(list(edges), pinned):
        with step("warm up"):
            for edge, host in edges.items():
                full_load(bench, edge, min(turns.seconds, WARM), host)
        for number in range(turns.count):
            for edge in list(edges) if number % 2 == 0 else list(edges)[::-1]:
                bench.keep(part, edge, full_load(bench, edge, turns.seconds, edges[edge]))


def full_load(bench: Bench, edge: Edge, seconds: float, host: str) -> dict[str, Any]:
    """The client's figures and ``cpu_us``: the edge's own processor time for a request."""
    load = bench.load(edge, FULL, seconds, host)
    before = cpu_seconds(edge.pid())
    time.sleep(seconds)
    used = cpu_seconds(edge.pid()) - before
    figures = load.end()
    return {**figures, "cpu_us": used / figures["seconds"] / max(1.0, figures["rate"]) * 1e6}
