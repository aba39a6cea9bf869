# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shadow in containers: production's schema in a room that leads nowhere, as the role that it has in production."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.migrate_bench import DEPLOYMENT, IMAGE, KRATOS_NEW, KRATOS_OLD, PASSWORD, SERVER, Bench, ours
from kit.proof_bench import log, production, written
from kit.recording import Recording

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import dsn, postgres
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow.client_programs import ServiceDatabase
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow.export import export
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow.restore import prepare
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow.room import Room, room
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import any_migrator, migrate

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module", autouse=True)
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with production(tmp_path_factory.mktemp("containers")):
        yield


def test_production_s_schema_stands_in_a_room_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    bench = Bench(tmp_path, tmp_path / "state", "kratos", "shadowed")
    bench.run(KRATOS_OLD)
    since, recording = len(log()), Recording()
    world = migrate.World(Podman(recording), SystemClock())
    asked = migrate.request(bench.params(KRATOS_NEW), world.podman)
    service = any_migrator.service_of(asked.target, asked.compose_file)
    with room(world.podman, world.clock, DEPLOYMENT, IMAGE, world.connect, world.enter, str(tmp_path)) as place:
        assert os.stat(place.directory).st_mode & 0o777 == 0o700
        there = ServiceDatabase(asked, world, service, IMAGE, place.labels, place.name + "-kratos")
        exported = export(there, os.path.join(place.directory, "kratos"))
        templates, why = prepare(place, {"kratos": exported})
        assert (templates, why) == ({"kratos": "template_0"}, {})
        place.create("trial", templates["kratos"])
        _as_in_production(place, there.address)
        place.drop("trial")
    assert not os.path.exists(place.directory) and ours() == [SERVER]
    assert written(since) == [] and PASSWORD not in repr(recording.seen)


def _as_in_production(place: Room, address: dsn.Dsn) -> None:
    """The migrations are there, and the role that the service has: with a password of the room."""
    url = dsn.parse(place.like(address, "trial"))
    assert url.user == "olympus" and PASSWORD not in url.url
    db = place.connect({**url.keywords}, lambda: place.enter(place.pid))
    try:
        assert len(postgres.applied(db)) == 295
        assert db.query("SELECT rolsuper FROM pg_roles WHERE rolname = session_user") == [(True,)]
    finally:
        db.close()
