# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which addresses a name has where a process runs: by its hosts file, then by its own name servers.

They are asked from the process's network. Only name servers of this machine are asked (Podman's own, a local cache), so
that no question of ours leaves it; a name that another one knows is no container here.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace

from .netns import own_address

TIMEOUT = 1.0
# Of a file of the process's own root, in bytes.
LARGEST = 1 << 20
A, AAAA = 1, 28
# Bytes of an address, by the kind of its record.
LENGTHS = {A: 4, AAAA: 16}


@dataclass(frozen=True)
class Resolver:
    """What a process resolves by: its hosts file (name in lower case -> addresses), its name servers, its domains."""

    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()


def resolver(hosts: str, conf: str) -> Resolver:
    """From the texts of /etc/hosts and /etc/resolv.conf."""
    known: dict[str, tuple[str, ...]] = {}
    for words in (line.partition("#")[0].split() for line in hosts.splitlines()):
        for name in words[1:]:
            known[name.lower()] = (*known.get(name.lower(), ()), words[0])
    search = [name for line in re.findall(r"^(?:search|domain)\s+(.*)$", conf, re.M) for name in line.split()]
    return Resolver(known, tuple(re.findall(r"^nameserver\s+(\S+)", conf, re.M)), tuple(search))


def of_process(pid: int) -> Resolver:
    """That of a running process, as its own root has the two files, with the name servers of this machine alone."""
    found = resolver(_file(pid, "/etc/hosts"), _file(pid, "/etc/resolv.conf"))
    return replace(found, servers=tuple(one for one in found.servers if own_address(one)))


def _file(pid: int, path: str) -> str:
    # The file is the container's own: a pipe there must not hold us.
    with suppress(OSError):
        fd = os.open("/proc/%d/root%s" % (pid, path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as handle:
            return (handle.read(LARGEST) or b"").decode(errors="replace")
    return ""


def addresses(name: str, by: Resolver) -> tuple[str, ...]:
    """Those of a name or of an address, () where no server here knows it; asked where this thread's network is."""
    with suppress(ValueError):
        return (str(ipaddress.ip_address(name.strip("[]"))),)
    plain = name.rstrip(".").lower()
    if plain in by.hosts:
        return by.hosts[plain]
    full = [plain] if name.endswith(".") else [plain, *("%s.%s" % (plain, one.strip(".")) for one in by.search)]
    for one in full:
        for server in by.servers:
            found = [address for kind in LENGTHS for address in _ask(one, server, kind)]
            if found:
                return tuple(found)
    return ()


def of_names(names: Iterable[str], pid: int, network: AbstractContextManager[None]) -> dict[str, tuple[str, ...]]:
    """The addresses of each name where process ``pid`` runs; ``network`` enters its network."""
    by = of_process(pid)
    with network:
        return {name: addresses(name, by) for name in names}


def question(name: str, ident: int, kind: int = A) -> bytes:
    """A query for one record. Raises ValueError for a name that can be none."""
    labels = b"".join(bytes([len(part)]) + part.encode("idna") for part in name.split("."))
    return struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


def answered(reply: bytes, ident: int) -> Iterator[str]:
    """The addresses in the answer to our query. Raises struct.error and IndexError for a reply that is cut off."""
    got, flags, questions, answers = struct.unpack(">HHHH", reply[:8])
    if got != ident or not flags & 0x8000 or flags & 0xF:
        return
    at = 12
    for _one in range(questions):
        at = _behind_name(reply, at) + 4
    for _one in range(answers):
        at = _behind_name(reply, at)
        kind, _class, _ttl, length = struct.unpack(">HHIH", reply[at : at + 10])
        data = reply[at + 10 : at + 10 + length]
        if length == LENGTHS.get(kind) and len(data) == length:
            yield str(ipaddress.ip_address(data))
        at += 10 + length


def _behind_name(reply: bytes, at: int) -> int:
    while reply[at]:
        if reply[at] & 0xC0:
            return at + 2
        at += reply[at] + 1
    return at + 1


def _ask(name: str, server: str, kind: int) -> list[str]:
    ident = int.from_bytes(os.urandom(2), "big")
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(TIMEOUT)
            sock.connect((server, 53))
            sock.send(question(name, ident, kind))
            return list(answered(sock.recv(4096), ident))
    except (OSError, ValueError, IndexError, struct.error):
        return []
