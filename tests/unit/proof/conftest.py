# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of Debian's 15 and one of the lab's 18, with the settings of a shadow; one database a test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.clone_bench import NativeClone
from kit.majors import BIN, Server, server
from kit.shadow_native import Pair, Place

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import sqllog

DEBIAN = Path("/usr/lib/postgresql/15/bin")
NUMBERS = itertools.count()


@pytest.fixture(scope="session", params=[DEBIAN, BIN], ids=["15", "18"])
def shadow(request: pytest.FixtureRequest) -> Iterator[Server]:
    if not (request.param / "initdb").exists():
        assert not os.environ.get("CI"), "no PostgreSQL in %s, and this is CI" % request.param
        pytest.skip("no PostgreSQL in %s" % request.param)
    home = tempfile.mkdtemp(prefix="olympus-rehearsal-pg-")
    found = Server(home, request.param, {**sqllog.SETTINGS, "max_connections": "40"})
    try:
        yield found
    finally:
        found.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def pair() -> Iterator[Pair]:
    """Production, which answers at several addresses and logs each statement, and the shadow."""
    everywhere = "127.0.0.1,127.0.0.2,::1"
    settings = {"listen_addresses": everywhere, "log_statement": "all", "log_line_prefix": "%p|%a|"}
    with server(18, **settings) as production, server(18) as shadow:
        yield Pair(production, Place(shadow))


@pytest.fixture
def clone(shadow: Server) -> NativeClone:
    return NativeClone(shadow, "clone%d" % next(NUMBERS)).made()
