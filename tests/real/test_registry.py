# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real Podman is told by a real registry (go-containerregistry, plain HTTP on loopback), and what follows."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from kit.compose_bench import containers_conf, podman
from kit.recording import Recording

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import model
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import images
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight import intent, look_release
from ansible_collections.olympus.bluegreen.plugins.module_utils._preflight.model import Observed, PreflightInputs
from olympus_lab import binaries, lock

pytestmark = pytest.mark.lab

NAME = "bgreg/box"
SECRET = "only-for-this-test-5ecret"
SERVICES = {"hera": {"kind": "hera", "port": 3000}}


@dataclass(frozen=True)
class Registry:
    address: str

    def name(self, tag: str) -> str:
        return "%s/%s:%s" % (self.address, NAME, tag)

    def digest(self, tag: str) -> str:
        """As the registry itself says it."""
        asked = http.client.HTTPConnection(self.address, timeout=10)
        asked.request("HEAD", "/v2/%s/manifests/%s" % (NAME, tag))
        return str(asked.getresponse().headers["Docker-Content-Digest"])


@contextmanager
def running(**environment: str) -> Iterator[Registry]:
    started = subprocess.Popen(
        [str(binaries.path("registry"))], env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert started.stdout is not None
        yield Registry(started.stdout.readline().strip())
    finally:
        started.kill()
        started.wait()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A registry's program, and an image of ours to fill it with."""
    place = tmp_path_factory.mktemp("registry")
    containers_conf(place)
    with lock.held(lock.MACHINE):
        binaries.build(["registry"])
    (place / "Containerfile").write_text("FROM scratch\nCOPY Containerfile /\nLABEL mark=%s\n" % os.urandom(8).hex())
    podman("build", "-q", "--network", "none", "-t", "localhost/bgreg/box:v1", str(place))
    yield place
    podman("rmi", "localhost/bgreg/box:v1")


@pytest.fixture
def filled(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Holds v1 as Docker's kind of manifest, v2 as OCI's, and latest."""
    with running() as found:
        trust(found, tmp_path, monkeypatch)
        for tag, form in (("v1", "v2s2"), ("v2", "oci"), ("latest", "oci")):
            podman("push", "-q", "--format", form, "localhost/bgreg/box:v1", found.name(tag))
        yield found


def trust(found: Registry, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "registries.conf").write_text('[[registry]]\nlocation = "%s"\ninsecure = true\n' % found.address)
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(place / "registries.conf"))


def looked(reference: str, **given: object) -> tuple[str, bool, str]:
    """Level, whether it is well, and the words of preflight's row for a compose file that names ``reference``."""
    wanted = PreflightInputs(services=SERVICES, version="v1", live="blue", **given)  # type: ignore[arg-type]
    project = {"services": {"hera": {"image": reference}}}
    found = look_release.image_states(Podman(SubprocessRunner()), wanted, project)
    (row,) = intent.images(Observed(release={"images": found}), wanted)
    return row.level, row.ok, row.found


def stored() -> list[str]:
    """Images of this machine that have to do with this test."""
    listed = podman("images", "-a", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    return sorted(one for one in listed if NAME in one or "olympus-bluegreen" in one)


@pytest.mark.parametrize("tag", ["v1", "v2"])
def test_a_tag_that_is_there_is_found_without_a_pull(filled: Registry, tag: str) -> None:
    before = stored()
    assert looked(filled.name(tag)) == ("refuse", True, "1 resolvable")
    assert stored() == before


def test_a_missing_tag_or_name_is_refused(filled: Registry) -> None:
    """R23: on Podman 4.3 this was a warning, "unsupported transport"."""
    level, well, found = looked(filled.name("v9"))
    assert (level, well) == ("refuse", False) and filled.name("v9") in found and "manifest unknown" in found
    level, well, found = looked("%s/bgreg/nobody:v1" % filled.address)
    assert (level, well) == ("refuse", False) and "name unknown" in found


def test_a_registry_that_is_down_is_a_warning(machine: Path) -> None:
    level, well, found = looked("127.0.0.1:9/bgreg/box:v1")
    assert (level, well) == ("warn", False) and "127.0.0.1:9/bgreg/box:v1" in found and "refused" in found


def test_a_registry_that_never_answers_has_a_deadline(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        silent = Registry("127.0.0.1:%d" % deaf.getsockname()[1])
        trust(silent, tmp_path, monkeypatch)
        began = time.monotonic()
        level, well, found = looked(silent.name("v1"))
    assert (level, well) == ("warn", False) and "no answer within 2.5 s" in found
    assert time.monotonic() - began < 10


def test_credentials_are_podmans_own(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(USER_PASSWORD="olympus:" + SECRET) as found:
        trust(found, tmp_path, monkeypatch)
        level, well, words = looked(found.name("v1"))
        assert (level, well) == ("refuse", False) and "unauthorized" in words
        auth = {"auth": base64.b64encode(("olympus:" + SECRET).encode()).decode()}
        # As `podman login` leaves them; no other user's are touched.
        (tmp_path / "containers").mkdir()
        (tmp_path / "containers" / "auth.json").write_text(json.dumps({"auths": {found.address: auth}}))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        podman("push", "-q", "localhost/bgreg/box:v1", found.name("v1"))
        assert looked(found.name("v1")) == ("refuse", True, "1 resolvable")
        recorder = Recording()
        assert images.registry_digest(Podman(recorder), found.name("v1")).startswith("sha256:")
        assert SECRET not in str(recorder.seen)


def test_the_digest_of_a_tag_that_can_move_is_printed_and_pins_it(filled: Registry) -> None:
    before = stored()
    pin = "%s/%s@%s" % (filled.address, NAME, filled.digest("latest"))
    level, well, found = looked(filled.name("latest"))
    assert (level, well) == ("refuse", False) and pin in found
    wanted = model.Deployment("bgreg", "/nonexistent", services=model.services_from(SERVICES), version="v1")
    engine, project = Podman(SubprocessRunner()), {"services": {"hera": {"image": filled.name("latest")}}}
    with pytest.raises(BluegreenError, match="can move") as caught:
        images.choose(engine, wanted, project)
    assert "%s (hera) can move. Fix: pin it in compose.yml: %s;" % (filled.name("latest"), pin) in str(caught.value)
    assert stored() == before, "a question left something"
    # With leave the tag is pulled; what is printed is that very image.
    free = replace(wanted, allow_mutable=True)
    (asked,) = images.choose(engine, free, project).pull
    try:
        images.pull(engine, free, asked, ["hera"])
        chosen = images.choose(engine, free, project).images["hera"].id
        pinned = images.choose(engine, wanted, {"services": {"hera": {"image": pin}}})
        assert (pinned.pull, pinned.images["hera"].id, pinned.warnings) == ((), chosen, ())
    finally:
        podman("rmi", filled.name("latest"))
