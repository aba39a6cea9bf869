# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The releases that are kept on disk: which there are, and whether one of them could run again.

state: pruned. The newest releases stay, and each that anything points at; older ones go, with images only they had.

An image goes only when one of our releases recorded it, no kept release has it, no container has it (running or not,
ours or not), and it has no name but those that releases gave it. Podman itself refuses what is in use all the same.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._core.argspec import COLOURS
from ..._core.errors import BluegreenError, Refused
from ..._core.files import read_json, sync_dir
from ..._core.plan import Plan, Step
from ..._core.podman import Podman
from ..containers.observe import Containers
from ..deployment import store
from ..deployment.job import Context, Job
from ..deployment.model import Deployment, Image
from . import images, release


def everything(wanted: Deployment) -> list[dict[str, Any]]:
    """Every release.json, the newest first. A directory without a readable one is no release."""
    home = wanted.path("releases")
    names = os.listdir(home) if os.path.isdir(home) else []
    found = [_read(wanted, name) for name in sorted(names) if not name.startswith(".")]
    return sorted((one for one in found if one), key=lambda one: (float(one["created"]), one["id"]), reverse=True)


def _read(wanted: Deployment, name: str) -> dict[str, Any]:
    try:
        known = store.release(wanted, name)
    except BluegreenError:
        return {}
    return known if known.get("id") == name and "created" in known else {}


def listed(wanted: Deployment) -> list[dict[str, Any]]:
    """As the module returns them: ``id``, ``version``, ``created``, ``migrated``, ``source``."""
    return [
        {
            "id": one["id"],
            "version": one["version"],
            "created": one["created"],
            "migrated": migrated(wanted, one["id"]),
            "source": one.get("source") or {},
        }
        for one in everything(wanted)
    ]


def migrated(wanted: Deployment, ident: str) -> bool:
    """Whether this release has changed a schema. What cannot be read counts as a change."""
    home = wanted.path("releases", ident, "schema")
    for name in os.listdir(home) if os.path.isdir(home) else []:
        if not name.endswith(".json"):
            continue
        try:
            record = read_json(os.path.join(home, name))
        except BluegreenError:
            return True
        if not isinstance(record, Mapping) or record.get("changed"):
            return True
    return False


def usable(podman: Podman, wanted: Deployment, ident: str) -> tuple[dict[str, Any], dict[str, Image]]:
    """The record and the images of a kept release that can run again. Refused with every reason it cannot."""
    known = store.release(wanted, ident)
    if not known:
        raise Refused(
            "no such release is kept; kept are %s" % (", ".join(one["id"] for one in everything(wanted)) or "none"),
            option="release",
            value=ident,
            fix="name one of them",
        )
    if set(known["images"]) != set(wanted.imaged):
        raise Refused(
            "release %s has other services than this deployment" % ident,
            option="services",
            value=sorted(set(known["images"]) ^ set(wanted.imaged)),
            fix="deploy from the source again",
        )
    release.verify(wanted, ident)
    found = {
        name: Image(str(entry["reference"]), str(entry["id"]), str(entry.get("digest", "")))
        for name, entry in known["images"].items()
    }
    _refuse_gone(podman, ident, found)
    return known, found


def _refuse_gone(podman: Podman, ident: str, found: Mapping[str, Image]) -> None:
    gone = {name: image for name, image in found.items() if images.inspect(podman, image.id) is None}
    if not gone:
        return
    pulls = sorted({pulled(image) for image in gone.values()})
    raise Refused(
        "images of release %s are gone from this host: %s"
        % (ident, ", ".join("%s of %s" % (image.reference, name) for name, image in sorted(gone.items()))),
        option="release",
        value=ident,
        fix="podman pull %s (or podman load), or deploy another release" % " ".join(pulls),
    )


def pulled(image: Image) -> str:
    """What to pull to have this very image again: by its digest where the registry gave one."""
    if image.digest.startswith("sha256:") and not image.reference.startswith("localhost/"):
        return "%s@%s" % (images.repository(image.reference), image.digest)
    return image.reference


GONE = ".gone-"


@dataclass(frozen=True)
class Chosen:
    """Release ids, newest first, and the image ids that only ``gone`` releases have."""

    kept: tuple[str, ...]
    gone: tuple[str, ...]
    images: tuple[str, ...]


def choose(
    releases: Sequence[Mapping[str, Any]],
    keep: int,
    protected: Iterable[str],
    used: Iterable[str],
    moved: Iterable[str] = (),
) -> Chosen:
    """``releases``: release.json of each, newest first. ``protected``: ids that stay; ``used``: image ids in use.

    ``moved``: ids that changed a schema. One of them stays as long as an older release does: nothing else says that
    the older one's schema is gone.
    """
    safe, witnesses = set(protected), set(moved)
    last = max((place for place, one in enumerate(releases) if place < keep or one["id"] in safe), default=-1)
    stay = [
        one
        for place, one in enumerate(releases)
        if place < keep or one["id"] in safe or (place < last and one["id"] in witnesses)
    ]
    go = [one for one in releases if one not in stay]
    needed = {image for one in stay for image in _images(one)} | set(used)
    free = {image for one in go for image in _images(one)} - needed
    return Chosen(tuple(one["id"] for one in stay), tuple(one["id"] for one in go), tuple(sorted(free)))


def _images(one: Mapping[str, Any]) -> set[str]:
    return {str(entry["id"]) for entry in one["images"].values()}


def protected(wanted: Deployment) -> set[str]:
    """Releases that something points at: the colours, the marks, and what the caller names (where a rollback goes)."""
    marks = read_json(wanted.path("marks.json")) or {}
    found = {str(store.stack(wanted, colour).get("release", "")) for colour in COLOURS}
    found |= {str(marks.get(mark) or "") for mark in ("stable", "fence")}
    return (found | set(wanted.protect)) - {""}


def prune(context: Context) -> Job:
    wanted, podman = context.wanted, context.podman
    if wanted.keep < 1:
        raise BluegreenError(
            "at least one release has to be kept", option="bluegreen_keep_releases", value=wanted.keep, fix="give 1"
        )
    world = Containers.look(podman, wanted)
    safe = protected(wanted) | {c.release for c in world.all if c.ours(wanted)}
    every = everything(wanted)
    moved = [one["id"] for one in every if migrated(wanted, one["id"])]
    chosen = choose(every, wanted.keep, safe, {c.image for c in world.all}, moved)
    names = _named(podman, wanted, chosen)
    steps = [Step("remove-image", ident, names[ident]) for ident in chosen.images if ident in names]
    steps += [Step("remove-release", ident) for ident in chosen.gone]
    steps += [Step("remove-rest", name) for name in _rests(wanted)]
    left: list[str] = []

    def do(step: Step) -> None:
        if step.action == "remove-image":
            result = podman.run("rmi", step.target)
            if result.rc != 0 and podman.one("image", step.target) is not None:
                left.append("image %s stays: %s" % (step.target[:12], result.last_words()))
        elif step.action == "remove-release":
            _remove_release(wanted, step.target)
        else:
            shutil.rmtree(wanted.path("releases", step.target))

    before = {"releases": [*chosen.kept, *chosen.gone]}
    after = {"releases": list(chosen.kept), "removed": list(chosen.gone)}
    removed = [*chosen.gone, *(step.detail for step in steps if step.action == "remove-image")]
    return Job(Plan(before, after, tuple(steps)), do, notes={"removed": removed, "messages": left})


def _named(podman: Podman, wanted: Deployment, chosen: Chosen) -> dict[str, str]:
    """Image id -> its name, of those that are here and have no name but what our releases gave them."""
    known = {str(entry["reference"]) for one in everything(wanted) for entry in one["images"].values() if entry["id"]}
    found = {}
    for raw in podman.inspect("image", chosen.images):
        tags = [str(tag) for tag in raw.get("RepoTags") or []]
        if set(tags) <= known:
            found[str(raw["Id"])] = ", ".join(tags) or str(raw["Id"])[:12]
    return found


def _rests(wanted: Deployment) -> list[str]:
    home = wanted.path("releases")
    return sorted(name for name in (os.listdir(home) if os.path.isdir(home) else []) if name.startswith(GONE))


def _remove_release(wanted: Deployment, ident: str) -> None:
    """One rename, so that a crash leaves either a whole release or none."""
    home = wanted.path("releases")
    rest = os.path.join(home, GONE + ident)
    os.rename(os.path.join(home, ident), rest)
    sync_dir(home)
    shutil.rmtree(rest)
