# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""inputs/idn_names: names that are not ASCII are asked as DNS has them, and may be said either way."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kit import caddy_native as native

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import DirectHttp
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import look_edge
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.environment import names
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.model import Observed, PreflightInputs

CADDYFILE = """{
    admin localhost:%(admin)d
    http_port %(port)d
    auto_https off
}
http://bücher.test {
    reverse_proxy hera:%(backend)d
}
http://пример.test {
    reverse_proxy /größe/* hera:%(backend)d
}
""".replace("    ", "\t")
EITHER = (("bücher.test", "пример.test"), ("xn--bcher-kva.test", "XN--e1afmkfd.test"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[native.World]:
    with native.world(tmp_path, CADDYFILE) as running:
        running.app(state="adopted")
        yield running


def test_they_confirm_however_they_are_said(world: native.World) -> None:
    release, paths = "v1.5.0-0123456789", ("/", "/größe/x")
    for said in (None, *EITHER):
        public = [{"host": host, "path": path} for host, path in zip(said or (), paths)]
        for state, colour in (("previewed", "green"), ("live", "green"), ("returned", "blue")):
            token = world.app(state="read")["token"]
            result = world.app(state=state, colour="green", release=release, public=public, token=token)
            assert [one["colour"] for one in result["observed"]] == [colour, colour]
            assert not result.get("warnings")


def test_preflight_takes_either_spelling(world: native.World) -> None:
    for said in EITHER:
        wanted = PreflightInputs(live="blue", public=[{"host": host, "path": "/größe/"} for host in said])
        seen = look_edge.edge(world.edge, world.admin.config(), DirectHttp(), wanted)
        assert (seen["confirm"], seen["walled"]) == (2, [])
        row = next(one for one in names(Observed(edge=seen), wanted) if one.check == "dns.public")
        assert (row.ok, row.found) == (True, "2 of 2")


@pytest.mark.parametrize("how", ["request", "certificate"])
def test_tls_names_them_as_dns_has_them(how: str) -> None:
    """The first message of TLS has the name in clear."""
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:

        def hello() -> bytes:
            with listening.accept()[0] as sock:
                return sock.recv(4096)

        heard, port = pool.submit(hello), listening.getsockname()[1]
        if how == "request":
            DirectHttp(verify=False).request("GET", "https://straße.test/", connect=("127.0.0.1", port))
        else:
            look_edge.certificate("127.0.0.1", port, "straße.test", "")
        assert b"xn--strae-oqa.test" in heard.result()
