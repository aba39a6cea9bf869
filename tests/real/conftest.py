# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tiny deployment that podman_compose_release is proven on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.compose_bench import Bench, build_images, clean_up, containers_conf, remove_images

from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch


@pytest.fixture(scope="session")
def compose_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    directory = tmp_path_factory.mktemp("images")
    containers_conf(directory)
    build_images(directory)
    clean_up()
    yield
    clean_up()
    remove_images()


@pytest.fixture
def bench(compose_machine: None, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    made.operator_up()
    yield made
    clean_up()


@pytest.fixture
def switch(tmp_path: Path) -> Switch:
    """Blue is live, and a rollback goes to green."""
    made = Switch(str(tmp_path / "switch"))
    made.install("green", (os.getuid(), os.getgid()))
    token = made.claim(0)
    made.prepare(ReturnTo("green", "b", "0" * 16, 1.0), token)
    made.flip("blue", token)
    made.unclaim(token)
    return made
