# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Caddy: a test that takes ``caddy`` runs on each of them. And a real Kratos and Hydra in two colours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kit import caddy_native as native
from kit import health_native, ory_native

from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Domain


@pytest.fixture(params=native.CADDIES_IN_TURN)
def caddy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ory_native.Processes]:
    running = ory_native.Processes(tmp_path_factory.mktemp("logs"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def colours(processes: ory_native.Processes) -> Iterator[tuple[Domain, Domain]]:
    yield from health_native.colours(processes)
