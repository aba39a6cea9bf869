# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.image_bench import WANTED, Recorded, image

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import changes, images, kept_releases
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result

DIGEST = "sha256:" + "a" * 64
PROJECT = {"services": {"kratos": {"image": "registry.test:5000/ory/kratos:v1"}, "hera": {"image": "hera:v1"}}}


def project(**images: str | None) -> dict[str, Any]:
    """The compose project with other image lines."""
    return {"services": {**PROJECT["services"], **{name: {"image": one} for name, one in images.items()}}}


@pytest.mark.parametrize(
    ("template", "reference"),
    [
        ("example.org/kratos:{version}", "example.org/kratos:v2"),
        ("example.org/kratos:sha-{version}-x", "example.org/kratos:sha-v2-x"),
        ("registry.test:5000/ory/kratos@" + DIGEST, "registry.test:5000/ory/kratos@" + DIGEST),
        ("registry.test:5000/ory/kratos:{version}@" + DIGEST, "registry.test:5000/ory/kratos@" + DIGEST),
        (DIGEST, "registry.test:5000/ory/kratos@" + DIGEST),
    ],
)
def test_one_service_is_overridden_and_the_others_are_the_compose_files(template: str, reference: str) -> None:
    found = images.references(replace(WANTED, images={"kratos": template}), PROJECT)
    assert found == {"kratos": reference, "hera": "hera:v1"}


@pytest.mark.parametrize(
    ("written", "reference"),
    [
        ("docker.io/oryd/kratos:v26.2.0", "docker.io/oryd/kratos:v26.2.0"),
        ("kratos:latest@" + DIGEST, "kratos@" + DIGEST),
        ("host:5000/a/kratos@" + DIGEST, "host:5000/a/kratos@" + DIGEST),
        (DIGEST, DIGEST),
    ],
)
def test_the_image_of_the_compose_file_is_the_default(written: str, reference: str) -> None:
    found = images.references(replace(WANTED, images={}), project(kratos=written))
    assert found == {"kratos": reference, "hera": "hera:v1"}


@pytest.mark.parametrize(
    "template",
    ["", "--tls-verify=false", "kratos:{tag}", "a b", "kratos:$(id)", "kratos:v1\n", "-", None, "sha256:12;", "a:"],
)
def test_a_hostile_or_unfinished_reference_is_refused(template: str) -> None:
    with pytest.raises(BluegreenError, match=r"bluegreen_images=.*of service kratos: not an image reference.*Fix:"):
        images.references(replace(WANTED, images={"kratos": template}), PROJECT)
    if template:
        with pytest.raises(BluegreenError, match=r"(?s)compose_files='compose.yml': image .*kratos: not an image"):
            images.references(replace(WANTED, images={}), project(kratos=template))


@pytest.mark.parametrize("written", ["", None])
def test_a_service_without_an_image_line_is_refused(written: str | None) -> None:
    with pytest.raises(BluegreenError, match=r"bluegreen_compose_files='compose.yml': image of service kratos: none"):
        images.references(replace(WANTED, images={}), project(kratos=written))
    with pytest.raises(BluegreenError, match="a digest alone needs the repository"):
        images.references(replace(WANTED, images={"kratos": DIGEST}), project(kratos=written))


def test_an_image_of_something_else_is_refused() -> None:
    with pytest.raises(BluegreenError, match="bluegreen_images='postgres': not a service of a colour"):
        images.references(replace(WANTED, images={"postgres": "postgres:18"}), PROJECT)


@pytest.mark.parametrize(
    ("reference", "moves"),
    [
        ("kratos", True), ("kratos:latest", True), ("host:5000/kratos", True), ("host:5000/a/kratos:latest", True),
        ("kratos:main", True), ("v1/kratos:stable", True), ("kratos:edge-alpine", True),
        ("kratos:v1", False), ("host:5000/kratos:v1", False), ("kratos@" + DIGEST, False), ("kratos:latest2", False),
        ("kratos:sha-abcdefa", False), ("kratos:2026-05", False), ("kratos:sha-0a", False),
        (DIGEST[len("sha256:"):], False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["images", "compose file"])
def test_tags_that_move(reference: str, moves: bool, place: str) -> None:
    assert images.mutable(reference) is moves
    wanted = replace(WANTED, images={"kratos": reference} if place == "images" else {})
    composed = project() if place == "images" else project(kratos=reference)
    podman = Podman(
        Recorded({"podman image inspect hera:v1": image("h"), "podman image inspect " + reference: image("k")})
    )
    if not moves:
        assert images.choose(podman, wanted, composed).warnings == ()
        return
    named = "bluegreen_images" if place == "images" else "bluegreen_compose_files"
    with pytest.raises(
        BluegreenError, match=named + r"=.* \(kratos\) can move\. Fix: pin it in .*bluegreen_allow_mutable"
    ):
        images.choose(podman, wanted, composed)
    assert len(images.choose(podman, replace(wanted, allow_mutable=True), composed).warnings) == 1


HERE = {"Id": "f" * 64, "Digest": DIGEST, "RepoDigests": ["other@sha256:" + "0" * 64, "ghcr.io/a/hera@" + DIGEST]}
LISTED = Result(0, json.dumps({"manifests": [{"digest": "sha256:" + "b" * 64}]}), "")


class Registry(Recorded):
    """Answers for a list of any name, with ``listed`` after an image was added to it."""

    def __init__(self, answers: Mapping[str, Result], added: Result, listed: Result = LISTED) -> None:
        super().__init__(answers)
        self.manifest = {"create": Result(0, "", ""), "add": added, "inspect": listed, "rm": Result(0, "", "")}

    def run(self, argv: Any, **given: Any) -> Result:
        if argv[1] == "manifest":
            self.asked.append(" ".join(argv))
            return self.manifest[argv[2]]
        return super().run(argv, **given)


@pytest.mark.parametrize(
    ("reference", "here", "answers", "said"),
    [
        ("ghcr.io/a/hera:latest", True, True, "ghcr.io/a/hera@sha256:" + "b" * 64),
        ("ghcr.io/a/hera:latest", False, True, "ghcr.io/a/hera@sha256:" + "b" * 64),
        ("ghcr.io/a/hera:latest", True, False, "ghcr.io/a/hera@" + DIGEST),
        ("ghcr.io/a/hera", False, False, "ghcr.io/a/hera:<version> or ghcr.io/a/hera@sha256:..."),
        ("localhost/hera:latest", True, True, "podman tag ffffffffffff localhost/hera:<version> and name that"),
    ],
)
def test_the_refusal_prints_what_to_pin(reference: str, here: bool, answers: bool, said: str) -> None:
    added = Result(0, "", "") if answers else Result(124, "", "no answer within 2.5 s")
    known = {"podman image inspect " + reference: Result(0, json.dumps([HERE]), "")} if here else {}
    runner = Registry(known, added)
    with pytest.raises(BluegreenError) as caught:
        images.choose(Podman(runner), replace(WANTED, images={}), project(kratos=reference, hera=reference))
    assert str(caught.value) == (
        "bluegreen_compose_files='compose.yml': %s (hera, kratos) can move. "
        "Fix: pin it in compose.yml: %s; or set bluegreen_allow_mutable: true" % (reference, said)
    )
    # No layer is fetched for an answer, and the list that it took is gone.
    assert not any(" pull " in line for line in runner.asked)
    assert [line.split()[2] for line in runner.asked if " manifest " in line][-1:] in (["rm"], [])


PAIRS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2))


@given(PAIRS, PAIRS)
def test_names_of_what_differs(before: dict[str, int], after: dict[str, int]) -> None:
    found = changes.names(before, after)
    assert bool(found) == (before != after)
    told = [key for keys in found.values() for key in keys]
    assert len(told) == len(set(told)) and set(told) == {k for k in {*before, *after} if before.get(k) != after.get(k)}
    again = {k: v for k, v in before.items() if k not in found.get("removed", [])}
    again.update({k: after[k] for kind in ("added", "changed") for k in found.get(kind, [])})
    assert again == after


def test_an_environment_is_told_by_its_names_alone() -> None:
    before = {"hera": {"DSN": "hush-1", "OLD": "x", "BLUEGREEN_RELEASE": "1"}, "gone": {"A": "1"}}
    after = {"hera": {"DSN": "hush-2", "NEW": "y", "BLUEGREEN_RELEASE": "2"}, "fresh": {"A": "1"}}
    found = changes.environment(before, after)
    assert found == {"hera": {"added": ["NEW"], "removed": ["OLD"], "changed": ["DSN"]}}
    assert "hush" not in json.dumps(changes.lines("v2", "v1", {"environment": found}))
    assert changes.environment(before, before) == {}


def test_the_lines_that_people_read() -> None:
    live = {"hera": {"reference": "hera:1", "id": "sha256:" + "1" * 64}, "old": {"reference": "old:1", "id": "2" * 64}}
    found = {"hera": {"reference": "hera:2", "id": "3" * 64}, "kratos": {"reference": "k:1", "id": "4" * 64}}
    changed: dict[str, Any] = {
        "images": changes.images(live, found, {"site": "site:2"}),
        "files": {"changed": [".env"], "added": ["a.yml"]},
        "environment": {"hera": {"changed": ["DSN", "TTL"]}},
    }
    assert changes.lines("v2-0123456789", "v1-0123456789", changed) == [
        "v2-0123456789 against v1-0123456789",
        "image hera: hera:1 (111111111111) -> hera:2 (333333333333)",
        "image kratos: none -> k:1 (444444444444)",
        "image old: old:1 (222222222222) -> none",
        "image site: none -> site:2 (known after the pull)",
        "file changed: .env",
        "file added: a.yml",
        "environment of hera, changed: DSN, TTL",
    ]
    assert changes.lines("", "", {})[-1] == "nothing differs"


@pytest.mark.parametrize(
    ("found", "differ", "same"),
    [
        ({"kratos": {"id": "k"}, "hydra": {"id": "h"}}, {}, ["hydra", "kratos"]),
        ({"kratos": {"id": "new"}, "hydra": {"id": "h"}}, {}, ["hydra"]),
        ({"kratos": {"id": "k"}, "hydra": {"id": "h"}}, {"hydra": {"changed": ["DSN", "A"]}}, ["kratos"]),
        ({"kratos": {"id": "k"}, "hydra": {"id": "h"}}, {"hydra": {"changed": ["A"]}}, ["hydra", "kratos"]),
        # One has to be pulled first, one is new: neither is known.
        ({"fresh": {"id": "k"}, "hydra": {"id": "h"}}, {}, ["hydra"]),
        ({}, {}, []),
    ],
)
def test_whose_database_has_nothing_to_migrate(found: Any, differ: Any, same: list[str]) -> None:
    assert changes.same_schema({"kratos": {"id": "k"}, "hydra": {"id": "h"}}, found, differ) == same
    assert changes.same_schema({}, found, differ) == []


def one(ident: str, *ids: str) -> dict[str, Any]:
    return {"id": ident, "images": {str(place): {"id": given} for place, given in enumerate(ids)}}


RELEASES = [one("r4", "d", "s"), one("r3", "c", "s"), one("r2", "b", "s"), one("r1", "a", "s")]


@pytest.mark.parametrize(
    ("keep", "protected", "used", "gone", "free"),
    [
        (4, [], [], (), ()),
        (3, [], [], ("r1",), ("a",)),
        (1, [], [], ("r3", "r2", "r1"), ("a", "b", "c")),
        (1, ["r1"], [], ("r3", "r2"), ("b", "c")),
        (2, ["r2"], ["a"], ("r1",), ()),
        (9, [], [], (), ()),
    ],
)
def test_which_releases_go(keep: int, protected: list[str], used: list[str], gone: Any, free: Any) -> None:
    chosen = kept_releases.choose(RELEASES, keep, protected, used)
    assert (chosen.gone, chosen.images) == (gone, free)


@pytest.mark.parametrize(
    ("keep", "safe", "moved", "gone"),
    [(1, [], ["r1"], ["r1", "r2"]), (1, ["r2"], ["r1"], []), (1, ["r2"], [], ["r1"]), (1, ["r1"], ["r2"], ["r2"])],
)
def test_who_moved_the_schema_stays_as_long_as_who_ran_before(
    keep: int, safe: list[str], moved: list[str], gone: list[str]
) -> None:
    releases: list[Mapping[str, Any]] = [one("r%d" % place) for place in range(3)]
    assert list(kept_releases.choose(releases, keep, safe, [], moved).gone) == gone


IDS = st.lists(st.sampled_from("abcdef"), max_size=3)


@given(st.lists(IDS, max_size=7), st.integers(1, 5), st.sets(st.integers(0, 6)), st.sets(st.sampled_from("abcdef")))
def test_nothing_that_matters_goes(content: list[list[str]], keep: int, safe: set[int], used: set[str]) -> None:
    releases: list[Mapping[str, Any]] = [one("r%d" % place, *ids) for place, ids in enumerate(content)]
    chosen = kept_releases.choose(releases, keep, ["r%d" % place for place in safe], used)
    assert sorted({*chosen.kept, *chosen.gone}) == sorted(str(release["id"]) for release in releases)
    assert not set(chosen.kept) & set(chosen.gone)
    assert all(
        "r%d" % place in chosen.kept for place in [*range(min(keep, len(content))), *safe] if place < len(content)
    )
    kept_images = {image for place, ids in enumerate(content) if "r%d" % place in chosen.kept for image in ids}
    assert not set(chosen.images) & (kept_images | used)
