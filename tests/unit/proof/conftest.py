# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of the oldest and the newest major with the settings of a shadow, one database a test; production and it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest
from kit.clone_bench import NativeClone, originate
from kit.majors import Server, server
from kit.shadow_native import Pair, Place

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import sqllog
from olympus_lab import postgres_majors

OLD, NEW = 14, 18
NUMBERS = itertools.count()


@pytest.fixture(scope="session", params=[OLD, NEW])
def shadow(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The oldest major only where its programs are already here: ``make bench-schema`` fetches them."""
    if not (postgres_majors.place(request.param) / "initdb").exists():
        assert request.param == OLD or not os.environ.get("CI"), "no PostgreSQL 18 here, and this is CI"
        pytest.skip("no programs of PostgreSQL %d here" % request.param)
    with server(request.param, **sqllog.SETTINGS) as found:
        originate(found)
        yield found


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
