# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import facts
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import networks
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.observe import Container, Containers
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import store
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import Context
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import (
    Deployment,
    Image,
    Service,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import kept_releases, release
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.states import answer
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.plan import Step
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import CONFIG, Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.modules import podman_compose_release

SOURCE = {"kind": "directory", "path": "", "ref": "", "commit": ""}


class Releases:
    """Two releases of one service on disk; green is rendered at the second."""

    def __init__(self, directory: Path) -> None:
        self.source, self.state = directory / "source", directory / "state"
        self.source.mkdir()
        (self.source / "compose.yml").write_text("x: 1\n")
        self.wanted = Deployment(
            "olympus", str(self.state), "prod", str(self.source), services=(Service("hera", "hera"),)
        )
        self.first, self.second = (self.record(version, image) for version, image in (("v1", "i1"), ("v2", "i2")))
        self.render(self.second, "i2")

    def record(self, version: str, image: str, created: float = 1.0) -> str:
        wanted = Deployment(**{**self.wanted.__dict__, "version": version})
        files = release.tree(str(self.source), ["compose.yml"])
        content = release.Content(
            {"hera": Image("hera:" + version, image)}, ["compose.yml"], files, str(self.source), SOURCE
        )
        return release.record(wanted, content, created)

    def render(self, ident: str, image: str, text: str = "services: {hera: {labels: {%s: c2}}}\n" % CONFIG) -> None:
        entry = {"container": "olympus-green_hera_1", "image": image}
        stack = {"colour": "green", "release": ident, "adopted": False, "services": {"hera": entry}}
        store.write_stack(self.wanted, "green", {**stack, "compose": hashlib.sha256(text.encode()).hexdigest()}, text)

    def world(self, ident: str, image: str, config: str = "c2") -> Containers:
        labels = {podman.LABEL: "olympus", podman.COLOUR: "green", podman.KIND: "service", podman.RELEASE: ident}
        c = Container(
            "id",
            "olympus-green_hera_1",
            "hera",
            "olympus-green",
            image,
            "",
            "",
            "running",
            labels={**labels, CONFIG: config},
        )
        return Containers(self.wanted, [c])


@pytest.fixture
def deployment(tmp_path: Path) -> Releases:
    return Releases(tmp_path)


@pytest.mark.parametrize(
    ("ident", "image", "config", "pending", "words"),
    [
        ("second", "i2", "c2", False, ""),
        ("second", "i9", "c2", False, "runs image i9, not i2"),
        ("second", "i2", "c9", False, "was not made from its compose file"),
        ("first", "i1", "c1", True, ""),
        ("first", "i9", "c1", True, "runs image i9, not i1"),
        ("v0-gone", "i0", "c0", True, "belongs to release v0-gone, which is not kept"),
    ],
)
def test_containers_against_what_was_made(
    deployment: Releases, ident: str, image: str, config: str, pending: bool, words: str
) -> None:
    world = deployment.world(getattr(deployment, ident, ident), image, config)
    found = facts.changed_containers(world, "green")
    assert facts.pending(world, "green") is pending
    assert len(found) == bool(words) and words in "".join(found)


def test_files_are_told_only_where_the_colour_has_containers(deployment: Releases) -> None:
    world = deployment.world(deployment.second, "i2")
    assert facts.changed_files(world, "green") == []
    copy = Path(release.copy_of(deployment.wanted, deployment.second))
    (copy / "compose.yml").write_text("y: 1\n")
    assert facts.changed_files(world, "green") == [
        "green: compose.yml of release %s was changed on disk" % deployment.second
    ]
    assert facts.changed_files(Containers(deployment.wanted, []), "green") == []
    with pytest.raises(BluegreenError, match=r"was changed: changed compose\.yml.*Fix: put the files back"):
        release.verify(deployment.wanted, deployment.second)
    (copy / "compose.yml").unlink()
    assert "cannot be read" in facts.changed_files(world, "green")[0]
    with pytest.raises(BluegreenError, match="was changed"):
        release.verify(deployment.wanted, deployment.second)
    shutil.rmtree(copy.parent)
    assert "is gone from" in facts.changed_files(world, "green")[0]


def test_what_is_kept_is_listed_with_whether_it_changed_a_schema(deployment: Releases) -> None:
    newest = deployment.record("v3", "i3", created=3.0)
    schema = deployment.state / "releases" / deployment.first / "schema"
    schema.mkdir()
    for name, content in (("a.json", {"changed": False}), ("b.json", {"changed": True})):
        (schema / name).write_text(json.dumps(content))
    (deployment.state / "releases" / "half").mkdir()
    found = kept_releases.listed(deployment.wanted)
    assert found[0]["id"] == newest and {one["id"] for one in found} == {deployment.first, deployment.second, newest}
    assert [one["id"] for one in found if one["migrated"]] == [deployment.first]
    (schema / "b.json").write_text("{")
    assert kept_releases.migrated(deployment.wanted, deployment.first)


class Empty:
    """A Podman with no container and no image, which lets every image go."""

    def run(self, argv: Sequence[str], **_given: Any) -> Result:
        return Result(0, "[]" if "inspect" in argv else "", "")


def test_a_prune_that_died_anywhere_goes_on(deployment: Releases) -> None:
    newest = deployment.record("v3", "i3", created=3.0)
    wanted = Deployment(**{**deployment.wanted.__dict__, "keep": 1})
    context = Context(wanted, Podman(Empty()), SystemClock())
    home = deployment.state / "releases"
    job = kept_releases.prune(context)
    assert job.plan.steps == (Step("remove-release", deployment.first),)
    # Died between the rename and the removal.
    (home / deployment.first).rename(home / (kept_releases.GONE + deployment.first))
    again = kept_releases.prune(context)
    assert again.plan.steps == (Step("remove-rest", kept_releases.GONE + deployment.first),)
    for step in again.plan.steps:
        again.do(step)
    assert sorted(path.name for path in home.iterdir()) == sorted([deployment.second, newest])
    assert not kept_releases.prune(context).plan.changed


def test_each_field_that_is_returned_is_documented(deployment: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = Container("x", "prod_hera_1", "hera", "prod", "i1", "hera:v1", "", "running")
    world = Containers(deployment.wanted, [*deployment.world(deployment.second, "i2").all, stranger])
    monkeypatch.setattr(Containers, "look", lambda _podman, _wanted: world)
    monkeypatch.setattr(networks, "existing", lambda _podman: {})
    context = Context(replace(deployment.wanted, colour="green"), Podman(Empty()), SystemClock())
    found = answer(context, "read", check_mode=False)
    told = yaml.safe_load(podman_compose_release.RETURN)
    assert {*told, "changed", "diff"} - {"partial"} == {*found}
    one = {"colours": found["colours"]["green"], "release": found["release"]}
    for name in ("releases", "unmanaged"):
        one[name] = found[name][0]
    assert {name: {*fields} for name, fields in one.items()} == {name: {*told[name]["contains"]} for name in one}
