# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from kit.compose_bench import CANARY, GREEN, TEST_LABEL, Bench, clean_up, podman

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused

pytestmark = pytest.mark.lab

BOX = "localhost/bgtest/box:1"


def image_of(reference: str) -> str:
    return podman("image", "inspect", "--format", "{{.Id}}", reference)


def running(service: str) -> str:
    return podman("container", "inspect", "--format", "{{.Image}}", "bgtest-green_%s_1" % service)


def build(directory: Path, mark: str) -> str:
    """One more image, with the name bgtest/box:MARK. Returns its id."""
    (directory / "Containerfile").write_text("FROM %sa\nLABEL mark=%s\n" % (BOX, mark))
    podman("build", "-q", "--network", "none", "--label", TEST_LABEL + "=1", "-t", BOX + mark, str(directory))
    return image_of(BOX + mark)


def test_a_running_colour_is_out_of_reach_of_tags_files_and_git(bench: Bench, tmp_path: Path) -> None:
    """What changes is listed by name; afterwards nothing that moves reaches the release."""
    blue = bench.run("adopted")["colours"]["blue"]["release"]
    with pytest.raises(
        BluegreenError, match=r"localhost/bgtest/box:latest \(hera\) can move\. Fix: pin it in bluegreen_images"
    ):
        bench.run("started", **{**GREEN, "images": {"hera": "localhost/bgtest/box:latest"}})
    (bench.source / ".env").write_text("DSN='%s-2'\nADDED=1\n" % CANARY)
    (bench.source / "web" / "new.txt").write_text("x")
    podman("tag", BOX + "b", BOX + "moved")
    asked = {**GREEN, "images": {"hera": BOX + "moved"}}
    planned = bench.run("started", check=True, **asked)["release"]
    started = bench.run("started", **asked)["release"]
    assert planned["changed"] == started["changed"] == {
        "images": {"hera": {
            "from": "%sa (%s)" % (BOX, image_of(BOX + "a")[:12]),
            "to": "%smoved (%s)" % (BOX, image_of(BOX + "b")[:12]),
        }},
        "files": {"added": ["web/new.txt"], "changed": [".env"]},
        "environment": {"kratos": {"changed": ["DSN"]}},
    }  # fmt: skip
    assert started["lines"][0] == "%s against %s" % (started["id"], blue)
    assert "environment of kratos, changed: DSN" in started["lines"] and "5ecret" not in json.dumps(started)
    assert started["source"] == {"kind": "directory", "path": str(bench.source), "ref": "", "commit": ""}
    podman("tag", BOX + "c", BOX + "moved")
    (bench.source / "web" / "serve.sh").write_text("edited later")
    again = bench.run("started", **asked, release=started["id"])
    assert not again["changed"] and running("hera") == image_of(BOX + "b")
    assert again["colours"]["green"]["drift"] == again["colours"]["green"]["edited"] == []
    _drift(bench, started["id"])


def test_a_tag_of_the_compose_file_is_the_release(bench: Bench) -> None:
    """What an operator edits for an upgrade is the compose file or .env; what is pulled of a moving tag counts."""
    moving = "localhost/bgtest/box:latest"
    podman("tag", BOX + "a", moving)
    compose = bench.source / "compose.yml"
    hera = "  hera:\n    image: "
    compose.write_text(compose.read_text().replace(hera + BOX + "${TAG:-a}", hera + moving))
    clean_up()
    bench.operator_up()
    # adopt takes what runs as it is.
    adopted = bench.run("adopted")["colours"]["blue"]["services"]
    assert adopted["hera"]["image"] == image_of(BOX + "a")
    composed: dict[str, Any] = {**GREEN, "images": {}, "version": "v2"}
    with pytest.raises(
        BluegreenError, match=r"compose_files='compose.yml': .*box:latest \(hera\) can move. Fix: pin it"
    ):
        bench.run("rendered", **composed)
    with pytest.raises(Refused, match="nothing changed"):
        bench.run("rendered", **composed, allow_mutable=True)
    podman("tag", BOX + "b", moving)
    moved = bench.run("rendered", **composed, allow_mutable=True)["release"]
    assert list(moved["changed"]["images"]) == ["hera"] and moved["same_schema"] == ["kratos"]
    (bench.source / ".env").write_text((bench.source / ".env").read_text() + "TAG=c\n")
    compose.write_text(compose.read_text().replace(hera + moving, hera + BOX + "b"))
    pinned = bench.run("rendered", **composed)["release"]
    wanted = {"hera": image_of(BOX + "b"), "kratos": image_of(BOX + "c")}
    assert {name: one["id"] for name, one in pinned["images"].items()} == wanted and pinned["same_schema"] == []
    (bench.source / ".env").write_text("TAG=9\n")
    with pytest.raises(
        BluegreenError, match=r"compose_files='compose.yml': image localhost/bgtest/box:19 of service kra"
    ):
        bench.run("rendered", **composed)


def _drift(bench: Bench, ident: str) -> None:
    """An operator edits the copy and the rendered file, and recreates a container in another way."""
    copied = bench.state_dir / "releases" / ident / "source" / "web" / "new.txt"
    copied.write_text("edited")
    compose = bench.state_dir / "stacks" / "green" / "compose.yml"
    whole = compose.read_text()
    compose.write_text(whole.replace("olympus.bluegreen.config: ", "olympus.bluegreen.config: 0", 1))
    seen = bench.run("read")["colours"]["green"]
    assert seen["edited"] == [
        "green: web/new.txt of release %s was changed on disk" % ident,
        "green: %s was changed on disk" % compose,
    ]
    assert [line for line in seen["drift"] if "was not made from its compose file" in line]
    with pytest.raises(BluegreenError, match=r"was changed: changed web/new.txt.*Fix: put the files back"):
        bench.run("started", **GREEN, release=ident)
    copied.write_text("x")
    compose.write_text(whole)
    assert bench.run("read")["colours"]["green"]["drift"] == []


@pytest.mark.slow
def test_a_release_from_git_remembers_its_commit(bench: Bench, tmp_path: Path) -> None:
    bench.run("adopted")
    repository = tmp_path / "platform"
    (repository / "prod" / "web").mkdir(parents=True)
    for name in ("compose.yml", "web/serve.sh"):
        (repository / "prod" / name).write_bytes((bench.source / name).read_bytes())
    author = ["-c", "user.name=a", "-c", "user.email=a@test"]
    for command in (["init", "-q"], ["add", "-A"], [*author, "commit", "-q", "-m", "one"], ["tag", "b"]):
        subprocess.run(["git", *command], cwd=repository, check=True, capture_output=True)
    git = {"repo": str(repository), "ref": "{version}", "path": "prod", "overlay": [".env", "extra.env"]}
    first = bench.run("rendered", **GREEN, git=git)
    source = first["release"]["source"]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True)
    assert (source["kind"], source["ref"], source["commit"]) == ("git", "b", commit.stdout.strip())
    assert not bench.run("rendered", **GREEN, git=git)["changed"]
    text = (bench.state_dir / "stacks" / "green" / "compose.yml").read_text()
    assert str(bench.state_dir / "releases" / first["release"]["id"] / "source" / "web") in text
    # The same files and images from the directory are the same release.
    assert bench.run("rendered", **GREEN)["release"]["id"] == first["release"]["id"]


def releases(bench: Bench) -> list[str]:
    return sorted(path.name for path in (bench.state_dir / "releases").iterdir())


@pytest.mark.slow
def test_old_releases_go_with_the_images_that_only_they_had(bench: Bench, tmp_path: Path) -> None:
    bench.run("adopted")
    ids, built = [], {}
    for mark in ("r1", "r2", "r3", "r4"):
        built[mark] = build(tmp_path, mark)
        ids.append(bench.run("rendered", **{**GREEN, "version": mark})["release"]["id"])
    podman("tag", BOX + "r2", "localhost/bgtest/somebody-elses:1")
    blue = bench.run("read")["colours"]["blue"]["release"]
    with pytest.raises(BluegreenError, match=r"bluegreen_keep_releases=0"):
        bench.run("pruned", keep=0)
    before = releases(bench)
    listed = bench.run("pruned", check=True, keep=1)
    assert listed["removed"][:3] == [ids[2], ids[1], ids[0]] and releases(bench) == before
    # Images go by their id.
    assert sorted(listed["removed"][3:]) == [BOX + "r1", BOX + "r3"]
    # Kept: the newest, what blue and green point at, and what the caller names.
    done = bench.run("pruned", keep=1, protect=[ids[0]])
    assert releases(bench) == sorted([blue, ids[0], ids[3]])
    assert sorted(done["removed"]) == sorted([ids[1], ids[2], BOX + "r3"])
    assert _there(built) == {"r1", "r2", "r4"}
    assert not bench.run("pruned", keep=1, protect=[ids[0]])["changed"]
    assert {one["id"] for one in bench.run("read")["releases"]} == {blue, ids[0], ids[3]}


def _there(built: dict[str, str]) -> set[str]:
    found = podman("images", "-q", "--no-trunc").replace("sha256:", "").split()
    return {mark for mark, ident in built.items() if ident in found}


@pytest.mark.slow
def test_a_kept_release_comes_back_without_its_source(bench: Bench, tmp_path: Path) -> None:
    """The slow way back, as far as one colour goes: its own files and images, whatever became of tags and source."""
    build(tmp_path, "old")
    bench.run("adopted")
    old = bench.run("started", **{**GREEN, "version": "old"})
    before = running("hera")
    bench.run("started", **GREEN)
    (bench.source / "compose.yml").unlink()
    podman("untag", before, BOX + "old")
    kept: dict[str, Any] = {"colour": "green", "live_colour": "blue", "version": "", "release": old["release"]["id"]}
    planned = bench.run("started", check=True, **kept)["release"]
    assert planned["id"] == old["release"]["id"] and planned["lines"][1].startswith("image hera: ")
    back = bench.run("started", **kept)
    assert running("hera") == before and back["services"] == old["services"]
    assert not bench.run("started", **kept)["changed"]
    with pytest.raises(Refused, match=r"no such release is kept; kept are b-.*old-.*v1-"):
        bench.run("started", **{**kept, "release": "old-0000000000"})
    bench.run("absent", colour="green", live_colour="blue")
    podman("rmi", before)
    with pytest.raises(Refused, match=r"gone from this host: localhost/bgtest/box:1old of hera.*Fix: podman pull"):
        bench.run("started", **kept)
