# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The two ends of the load: the backends of both colours, and the strict client (benchmarks/client)."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from kit.caddy_native import ADDRESS, SERVICES
from kit.ports import free_port

from bench.packages import ROOT
from olympus_lab import golang
from olympus_lab.progress import step

SOURCE = ROOT / "benchmarks" / "client"
BINARY = ROOT / "build" / "bench" / "bin" / "bench-client"
# Longer than any stream or timeout of the client.
END_SECONDS = 60.0


def build() -> None:
    BINARY.parent.mkdir(parents=True, exist_ok=True)
    argv = [str(golang.ensure()), "build", "-trimpath", "-o", str(BINARY), "."]
    with step("compile the bench's client"):
        subprocess.run(argv, env=golang.environment(), cwd=SOURCE, check=True)


class Backends:
    """One process a colour, on every address of the services; ``prefix`` says on which cores."""

    def __init__(self, prefix: Sequence[str] = ()) -> None:
        self.prefix = list(prefix)
        self.port = free_port()
        self.control: list[str] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    def address(self, colour: str, service: str) -> str:
        return "%s:%d" % (ADDRESS[colour] % (SERVICES.index(service) + 1), self.port)

    def __enter__(self) -> Backends:
        for colour in ADDRESS:
            listen = ",".join(self.address(colour, service) for service in SERVICES)
            self.control.append("%s:%d" % (ADDRESS[colour] % 1, free_port()))
            argv = [*self.prefix, str(BINARY), "backend", "-colour", colour, "-listen", listen]
            process = subprocess.Popen([*argv, "-control", self.control[-1]], stdin=subprocess.PIPE)
            self._processes.append(process)
            wait_for(self.control[-1], process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Until somebody listens at ``address``; RuntimeError where ``process`` ended or 10 s are over."""
    host, _colon, port = address.rpartition(":")
    until = time.monotonic() + 10
    while True:
        with socket.socket() as sock:
            if sock.connect_ex((host, int(port))) == 0:
                return
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("nobody listens at %s: process %d" % (address, process.pid))
        time.sleep(0.02)


class Load:
    """A run of the client. ``requests`` and ``lost`` follow it once a second; ``end()`` gives its figures.
    ``told`` is when the user last heard of it."""

    def __init__(self, config: Mapping[str, Any], directory: Path, prefix: Sequence[str] = ()) -> None:
        path = directory / "load.json"
        path.write_text(json.dumps(config))
        argv = [*prefix, str(BINARY), "load", "-c", str(path)]
        self.requests = self.lost = self.flips = 0
        self.told = time.monotonic()
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ready, self._figures = threading.Event(), dict[str, Any]()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._ready.wait(END_SECONDS)
        if self._process.poll() is not None:
            raise RuntimeError("the client could not start (see above)")

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            said = json.loads(line)
            self._figures = said.get("figures", self._figures)
            if "progress" in said:
                self.requests, self.lost = said["progress"]["requests"], said["progress"]["lost"]
            self._ready.set()
        self._ready.set()

    def mark(self, colour: str, at: int, done: int) -> None:
        """A flip to ``colour``, begun and over at these nanoseconds since the epoch."""
        assert self._process.stdin
        self.flips += 1
        self._process.stdin.write(json.dumps({"flip": colour, "at": at, "done": done}) + "\n")
        self._process.stdin.flush()

    def end(self) -> dict[str, Any]:
        """Stop, wait for what is under way, and give the client's figures."""
        assert self._process.stdin
        self._process.stdin.write("stop\n")
        self._process.stdin.close()
        self._reader.join(END_SECONDS)
        self._process.kill()
        self._process.wait()
        if not self._figures:
            raise RuntimeError("the client ended without figures (see above)")
        return self._figures
