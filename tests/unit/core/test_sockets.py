# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel lists of this very process."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import nullcontext

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import sockets
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.native import answering


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::")])
def test_who_listens_and_who_is_connected(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family) as server:
        server.bind((host, 0))
        server.listen()
        port = int(server.getsockname()[1])
        admin = "localhost:%d" % port
        found = answering(admin)
        assert found.holder and found.holder.pid == os.getpid() and not found.doubt
        target = "127.0.0.1:%d" % port
        assert sockets.connections(os.getpid(), [target]) == {target: 0}
        with socket.create_connection(("127.0.0.1", port)):
            assert sockets.connections(os.getpid(), [target]) == {target: 1}
            assert sockets.clients(os.getpid(), [port]) == 1
        # What has ended is listed for a while, and counts no more.
        assert sockets.clients(os.getpid(), [port]) == 0
    assert answering(admin).holder is None


def test_one_lost_packet_is_no_death() -> None:
    """Where the queue of who accepts is full the kernel drops the first packet, and sends it again after a second."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        address = "127.0.0.1:%d" % server.getsockname()[1]
        waiting = [socket.socket() for _one in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        later = threading.Timer(0.5, lambda: [server.accept() for _one in range(2)])
        later.start()
        assert sockets.silent([address], nullcontext()) == []
        later.join()
        for one in waiting:
            one.close()
