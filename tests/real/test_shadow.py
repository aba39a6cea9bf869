# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shadow in containers: production's schema in a room that leads nowhere, as the role that it has in production."""

from __future__ import annotations

import os
import pwd
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit import majors, proof_bench
from kit.migrate_bench import DEPLOYMENT, IMAGE, KRATOS_NEW, KRATOS_OLD, NETWORK, PASSWORD, SERVER, Bench, ours
from kit.postgres_tls import authority, signed
from kit.proof_bench import log, production, written
from kit.recording import Recording

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import dsn, postgres
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import LABEL, Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow.client_programs import ServiceDatabase
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow.export import export
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow.restore import prepare
from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow.room import Room, private_place, room
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import any_migrator, migrate
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import service as release
from olympus_lab import images

pytestmark = pytest.mark.lab


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "containers").mkdir()
    (tmp_path / "state").mkdir()
    with production(tmp_path / "containers"):
        yield Bench(tmp_path, tmp_path / "state", "kratos", "shadowed")


@pytest.fixture
def files() -> Iterator[Path]:
    """A directory that PostgreSQL's user may enter."""
    made = Path(tempfile.mkdtemp(prefix="olympus-tls-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.mark.slow
def test_production_s_schema_stands_in_a_room_of_its_own(bench: Bench, tmp_path: Path) -> None:
    bench.run(KRATOS_OLD)
    since, recording = len(log()), Recording()
    world = migrate.World(Podman(recording), SystemClock())
    asked = migrate.request(bench.params(KRATOS_NEW), world.podman)
    service = any_migrator.service_of(asked.target, asked.compose_file)
    with (
        private_place(world.podman, DEPLOYMENT, str(tmp_path)) as private,
        room(world.podman, world.clock, private, IMAGE, world.connect, world.enter) as place,
    ):
        assert os.stat(place.directory).st_mode & 0o777 == 0o700
        there = ServiceDatabase(asked, world, service, IMAGE, place.labels, place.network + "-kratos")
        exported = export(there, os.path.join(place.directory, "kratos"))
        templates, why = prepare(place, {"kratos": exported})
        assert (templates, why) == ({"kratos": "template_0"}, {})
        place.create("trial", templates["kratos"])
        _as_in_production(place, there.address)
        place.drop("trial")
    assert not os.path.exists(place.directory) and ours() == [SERVER]
    assert written(since) == [] and PASSWORD not in repr(recording.seen)


@pytest.mark.slow
def test_the_proof_is_held_on_another_host(tmp_path: Path) -> None:
    """Production's part here, the room's from what was copied, the rest here again: the verdict is the same."""
    old, new = (images.pair("kratos", version) for version in ("v1", "v2"))
    environment = {"SERVE_PUBLIC_PORT": "5000", "SERVE_ADMIN_PORT": "5001"}
    command = ("serve", "-c", "/etc/config/kratos.yml")
    service = proof_bench.Service("ciam-pair", "kratos", old, new, 5000, environment, command)
    for name in ("containers", "config", "state", "there"):
        (tmp_path / name).mkdir()
    with production(tmp_path / "containers"):
        one = proof_bench.Bench(tmp_path / "config", tmp_path / "state", service)
        path = tmp_path / "there" / "bundle"
        assert one.run(state="exported", bundle=str(path))["bundle"] == str(path)
        with tarfile.open(path) as packed:
            said = packed.extractfile("./work.json")
            assert said is not None and PASSWORD.encode() not in said.read()
        assert path.stat().st_mode & 0o777 == 0o600
        # What the programs there read is what was taken along.
        moved = (tmp_path / "config").rename(tmp_path / "elsewhere")
        (tmp_path / "config").mkdir()
        shutil.copy(moved / "compose.yml", tmp_path / "config")
        one.run(state="rehearsed", bundle=str(path), state_dir=str(tmp_path / "none"))
        assert os.listdir(tmp_path / "there") == ["bundle"]
        with pytest.raises(Refused, match=r"ciam_pair: (BRIDGE_REQUIRED|BREAKS) .*identity_id"):
            one.run(bundle=str(path))
        proof_bench.no_more_live()


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


def test_production_outside_of_podman_that_proves_itself_by_tls(files: Path, tmp_path: Path) -> None:
    """Its CA lies where the service's container has it; pg_dump runs in the network of this host."""
    authority(files, "ca")
    signed(files, "localhost", "ca")
    uid = pwd.getpwnam("postgres").pw_uid
    os.chown(files / "localhost.key", uid, uid)
    settings = {"ssl_cert_file": str(files / "localhost.crt"), "ssl_key_file": str(files / "localhost.key")}
    with majors.server(18, ssl="on", log_connections="on", **settings) as native:
        native.query("postgres", "CREATE TABLE known (id int)")
        given = "postgres://lab@localhost:%d/postgres?sslmode=verify-full&sslrootcert=/etc/ssl/certs/pg-ca.crt"
        volumes = ("%s:/etc/ssl/certs/pg-ca.crt:ro" % (files / "ca.crt"),)
        service = release.Service("kratos", IMAGE, {"DSN": given % native.port}, volumes=volumes)
        target = any_migrator.Target("shop", "kratos", "kratos", "postgres")
        asked = migrate.MigrationRequest(DEPLOYMENT, str(tmp_path), target, "", NETWORK)
        world = migrate.World(Podman(SubprocessRunner()), SystemClock())
        there = ServiceDatabase(asked, world, service, IMAGE, {LABEL: DEPLOYMENT}, DEPLOYMENT + "-tls")
        found = export(there, str(tmp_path / "export"))
        assert found.loaded == ("public.known",) and (tmp_path / "export" / "dump").read_bytes()[:5] == b"PGDMP"
        assert "application_name=olympus-bluegreen export SSL enabled" in native.log()
    assert os.stat(tmp_path / "export").st_mode & 0o777 == 0o700 and ours() == []
