# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Speak from inside a container's network.

The host has no route to an internal network: a probe sent from the host would leave by the default route. So gates,
probes and questions to the edge's admin endpoint enter the edge's own network namespace first.
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import BluegreenError

CLONE_NEWNET = 0x40000000


def _setns(fd: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise BluegreenError("can't enter a network namespace: %s" % os.strerror(code), fix="run as root (become)")


def own_address(address: str) -> bool:
    """Whether ``address`` is one of this machine's: only then can a socket be bound to it. No packet is sent."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))
    except OSError:
        return False
    return True


@contextmanager
def network_of(pid: int) -> Iterator[None]:
    """This thread (and threads it starts meanwhile) uses the network of process ``pid``."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            other = os.open("/proc/%d/ns/net" % pid, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as exc:
            raise BluegreenError("process %d has no network: %s" % (pid, exc), fix="is its container running?") from exc
        try:
            _setns(other)
        finally:
            os.close(other)
        try:
            yield
        finally:
            _setns(own)
    finally:
        os.close(own)
