# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""LAB_SHAPE=other: a stack with other names, ports and files is adopted and upgraded with the very same inventory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from olympus_lab import config, release, stack, truth

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(not config.OTHER, reason="wants LAB_SHAPE=other, as make test runs it"),
]


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    shutil.rmtree(config.STATE, ignore_errors=True)
    stack.up(fresh=True)
    yield
    stack.down()


def test_the_same_inventory_adopts_it() -> None:
    shown = release.must("other-adopt", "adopt", {"version": "v1.4.2"}, quiet=True).out
    assert [name for name in map(config.named, config.PORTS) if name not in shown] == []
    assert set(truth.in_public().values()) == {"blue"}


@pytest.mark.slow
def test_and_upgrades_it() -> None:
    release.must("other-upgrade", "migrate,deploy,cutover", {"version": "v1.5.0"}, quiet=True)
    assert set(truth.in_public().values()) == {"green"}
