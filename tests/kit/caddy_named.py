# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A native Caddy to which the plain names mean blue."""

from __future__ import annotations

import socket
import time

from kit import caddy_native as native

# The plain names are blue for this one Caddy; nobody else's /etc/hosts changes.
NAMED = 'mount --bind "$0" /etc/hosts && exec "$@"'


def start(edge: native.NativeEdge) -> None:
    names = edge.directory / "hosts"
    lines = ["127.0.2.%d %s\n" % (number, name) for number, name in enumerate(native.SERVICES, 1)]
    names.write_text("127.0.0.1 localhost\n" + "".join(lines))
    edge.prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", NAMED, str(names)]
    edge.start()
    # Its admin endpoint is there before its sites are.
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as sock:
            if sock.connect_ex((edge.options.address, edge.options.port)) == 0:
                return
    raise AssertionError(edge.log.read_text())
