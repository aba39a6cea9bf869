# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which image each coloured service of the new release runs: resolved to local ids before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.model import Image, Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, CommandError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman


@dataclass(frozen=True)
class Choice:
    """``images``: what is known now. ``pull``: references that are not here yet. ``kept``: services not mapped."""

    images: dict[str, Image] = field(default_factory=dict)
    pull: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def references(wanted: Wanted) -> dict[str, str]:
    """Service -> reference with the version filled in. A mapped service that is not coloured is an error."""
    for name in wanted.images:
        wanted.service(name)
    return {name: str(template).replace("{version}", wanted.version) for name, template in wanted.images.items()}


def choose(podman: Podman, wanted: Wanted, live: Mapping[str, Mapping[str, Any]]) -> Choice:
    """``live``: service -> image (reference, id, digest) of the live release, for services that are not mapped."""
    images: dict[str, Image] = {}
    missing, kept, warnings = [], [], []
    mapped = references(wanted)
    for name in wanted.names:
        if name not in mapped:
            images[name] = _kept(podman, name, live)
            kept.append(name)
            continue
        reference = mapped[name]
        found = inspect(podman, reference)
        if found:
            images[name] = found
        elif reference.startswith("localhost/"):
            raise _absent(name, reference, "no such image on this host, and localhost/ cannot be pulled")
        else:
            missing.append(reference)
        if reference.rpartition("/")[2].partition(":")[2] in ("", "latest") and "@" not in reference:
            warnings.append("%s: %s is a tag that moves; its id now is what the release keeps" % (name, reference))
    return Choice(images, tuple(dict.fromkeys(missing)), tuple(kept), tuple(warnings))


def _kept(podman: Podman, name: str, live: Mapping[str, Mapping[str, Any]]) -> Image:
    entry = live.get(name)
    if not entry:
        raise BluegreenError(
            "service %s is not mapped and there is no live release to keep its image from" % name,
            option="images",
            mend="map it in bluegreen_images, or adopt the running deployment first",
        )
    found = inspect(podman, str(entry["id"]))
    if found is None:
        raise _absent(name, str(entry["reference"]), "the live image is gone from this host")
    return Image(str(entry["reference"]), found.id, str(entry.get("digest", "")))


def inspect(podman: Podman, reference: str) -> Image | None:
    raw = podman.one("image", reference)
    return Image(reference, str(raw["Id"]), str(raw.get("Digest", ""))) if raw else None


def pull(podman: Podman, reference: str) -> None:
    result = podman.run("pull", "--quiet", reference, timeout=1800)
    if result.rc != 0 or inspect(podman, reference) is None:
        raise CommandError(
            "image %s cannot be pulled: %s" % (reference, result.last_words()),
            option="images",
            value=reference,
            mend="correct the reference or the version, or log in to its registry",
        )


def _absent(name: str, reference: str, why: str) -> BluegreenError:
    return BluegreenError(
        "image of service %s: %s" % (name, why), option="images", value=reference, mend="build, load or map another one"
    )
