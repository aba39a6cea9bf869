# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One question to a container's own name server, asked from its network: who is this name there?"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TIMEOUT = 1.0


@dataclass(frozen=True)
class Resolver:
    """What a process resolves by: its hosts file, its name servers and their search domains."""

    hosts: frozenset[str]
    servers: tuple[str, ...]
    search: tuple[str, ...]


def resolver(hosts: str, conf: str) -> Resolver:
    """From the texts of /etc/hosts and /etc/resolv.conf."""
    lines = [line.partition("#")[0].split() for line in hosts.splitlines()]
    known = frozenset(name for words in lines for name in words[1:])
    search = [name for line in re.findall(r"^(?:search|domain)\s+(.*)$", conf, re.M) for name in line.split()]
    return Resolver(known, tuple(re.findall(r"^nameserver\s+(\S+)", conf, re.M)), tuple(search))


def inside(servers: Iterable[str], networks: Sequence[str]) -> list[str]:
    """Name servers on these networks: only they are asked, so that no question leaves the machine."""
    nets = [ipaddress.IPv4Network(one) for one in networks]
    return [one for one in servers if ":" not in one and any(ipaddress.IPv4Address(one) in net for net in nets)]


def question(name: str, ident: int) -> bytes:
    """A query for an A record."""
    labels = b"".join(bytes([len(part)]) + part.encode("idna") for part in name.rstrip(".").split("."))
    return struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def answered(reply: bytes, ident: int) -> bool:
    """Whether a reply to our query has an answer in it."""
    if len(reply) < 12:
        return False
    got, flags, _questions, answers = struct.unpack(">HHHH", reply[:8])
    return bool(got == ident and flags & 0x8000 and not flags & 0xF and answers > 0)


def resolves(name: str, by: Resolver, servers: Sequence[str]) -> bool:
    """Asked where this thread's network is."""
    if name in by.hosts:
        return True
    return any(
        _ask(full, server) for full in [name, *("%s.%s" % (name, one) for one in by.search)] for server in servers
    )


def _ask(name: str, server: str) -> bool:
    ident = int.from_bytes(os.urandom(2), "big")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(TIMEOUT)
            sock.connect((server, 53))
            sock.send(question(name, ident))
            return answered(sock.recv(4096), ident)
    except (OSError, ValueError):
        return False
