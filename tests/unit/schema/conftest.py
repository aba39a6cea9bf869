# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server a run, one database a test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit import majors
from kit.bridge_bench import SCHEMA, Bench
from kit.majors import BIN, Server

NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if not (BIN / "initdb").exists():
        assert not os.environ.get("CI"), "no PostgreSQL 18 in %s, and this is CI" % BIN
        pytest.skip("no PostgreSQL 18 in %s: python -m olympus_lab images" % BIN)
    with majors.server(18, max_prepared_transactions="2") as found:
        yield found


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    server.query("postgres", "CREATE DATABASE kratos_template")
    server.query("kratos_template", SCHEMA)
    return "kratos_template"


@pytest.fixture
def bench(server: Server, template: str, tmp_path: Path) -> Bench:
    name = "kratos_%d" % next(NUMBERS)
    server.query("postgres", "CREATE DATABASE %s TEMPLATE %s" % (name, template))
    found = Bench(server, name, tmp_path / "state")
    found.compose.parent.mkdir(parents=True)
    dsn = "postgres://lab@127.0.0.1:%d/%s?sslmode=disable&max_conns=4" % (server.port, name)
    found.compose.write_text("services: {ciam-kratos: {image: i, environment: {DSN: '%s'}}}\n" % dsn)
    found.files()
    return found
