# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What is under test: an edge on loopback that can be flipped, and what they have in common."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

HOST, API_HOST = "site.test", "api.test"


@dataclass(frozen=True)
class Certificate:
    """For both host names, signed by itself: the edges show it, the client trusts it."""

    certificate: Path
    key: Path

    @property
    def both(self) -> Path:
        return self.certificate.with_name("both.pem")


def certificate(directory: Path) -> Certificate:
    made = Certificate(directory / "certificate.pem", directory / "key.pem")
    names = "subjectAltName=DNS:%s,DNS:%s" % (HOST, API_HOST)
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "7"]
    argv += ["-subj", "/CN=" + HOST, "-addext", names, "-keyout", str(made.key), "-out", str(made.certificate)]
    subprocess.run(argv, check=True, capture_output=True)
    made.both.write_text(made.certificate.read_text() + made.key.read_text())
    return made


class Edge(Protocol):
    """``name`` is the cell's, ``version`` what the binary says of itself; ``plain`` and ``tls`` are ``host:port``."""

    name: str
    version: str
    plain: str
    tls: str

    def start(self, prefix: Sequence[str] = ()) -> None:
        """With blue live. ``prefix`` goes before the command (taskset)."""

    def stop(self) -> None:
        """Also one that did not start."""

    def flip(self, colour: str) -> None:
        """The whole act, until it says that it is done."""

    def pid(self) -> int:
        """Of the process whose descendants are the edge."""


def descendants(pid: int) -> Iterator[int]:
    """``pid`` and every process below it."""
    yield pid
    for task in Path("/proc/%d/task" % pid).iterdir():
        for child in (task / "children").read_text().split():
            yield from descendants(int(child))


def cpu_seconds(pid: int) -> float:
    """What ``pid`` and its descendants have used; of children that ended, what was waited for."""
    used = 0
    for one in descendants(pid):
        fields = Path("/proc/%d/stat" % one).read_text().rpartition(")")[2].split()
        used += sum(int(value) for value in fields[11:15])
    return used / os.sysconf("SC_CLK_TCK")


def spawn(argv: Sequence[str], log: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with open(log, "ab") as out:
        return subprocess.Popen(argv, stdout=out, stderr=out, env=env)
