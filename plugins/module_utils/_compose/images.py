# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which image each coloured service of the new release runs: resolved to local ids before anything starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.model import Image, Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, CommandError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman

DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
# What podman gets as an argument: no option, no second word.
REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}\Z")


@dataclass(frozen=True)
class Choice:
    """``images``: what is known now. ``missing``: service -> reference that is not here. ``kept``: not mapped."""

    images: dict[str, Image] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def pull(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.missing.values()))


def repository(reference: str) -> str:
    """Without tag and digest."""
    plain = reference.partition("@")[0]
    path, slash, name = plain.rpartition("/")
    return path + slash + name.partition(":")[0]


def mutable(reference: str) -> bool:
    """A tag that is made to move, or none. Another tag can be moved too, but whoever does so breaks a promise."""
    return "@" not in reference and reference.rpartition("/")[2].partition(":")[2] in ("", "latest")


def references(wanted: Wanted, live: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Service -> reference: the version filled in; a digest alone is one of the live image's repository."""
    found = {}
    for name, template in wanted.images.items():
        if name not in wanted.imaged:
            raise BluegreenError(
                "not a service of a colour", option="bluegreen_images", value=name, mend="name it in bluegreen_services"
            )
        given = str(template or "").replace("{version}", wanted.version)
        if DIGEST.match(given):
            given = "%s@%s" % (repository(_live_reference(name, live)), given)
        if not REFERENCE.match(given):
            raise BluegreenError(
                "image of service %s: not an image reference" % name,
                option="bluegreen_images",
                value=str(template),
                mend="give repository:tag, repository@sha256:..., or sha256:...; {version} is the only placeholder",
            )
        # Podman takes a tag or a digest; where both are named the digest is what is meant.
        found[name] = "%s@%s" % (repository(given), given.partition("@")[2]) if "@" in given else given
    return found


def _live_reference(name: str, live: Mapping[str, Mapping[str, Any]]) -> str:
    reference = str((live.get(name) or {}).get("reference", ""))
    if not REFERENCE.match(reference) or DIGEST.match(reference):
        raise BluegreenError(
            "image of service %s: a digest alone needs the repository of a live image" % name,
            option="bluegreen_images",
            value=name,
            mend="write repository@sha256:...",
        )
    return reference


def choose(podman: Podman, wanted: Wanted, live: Mapping[str, Mapping[str, Any]]) -> Choice:
    """``live``: service -> image (reference, id, digest) of the live release, for services that are not mapped."""
    images: dict[str, Image] = {}
    missing: dict[str, str] = {}
    mapped = references(wanted, live)
    warnings = _moving(wanted, mapped)
    for name in wanted.imaged:
        if name not in mapped:
            images[name] = _kept(podman, name, live)
            continue
        found = inspect(podman, mapped[name])
        if found:
            images[name] = found
        elif mapped[name].startswith("localhost/"):
            raise _absent(name, mapped[name], "no such image on this host, and localhost/ cannot be pulled")
        else:
            missing[name] = mapped[name]
    return Choice(images, missing, tuple(name for name in wanted.imaged if name not in mapped), warnings)


def _moving(wanted: Wanted, mapped: Mapping[str, str]) -> tuple[str, ...]:
    """What to say about tags that move. Refused without leave: nobody could say later what ran."""
    found = {name: reference for name, reference in mapped.items() if mutable(reference)}
    if found and not wanted.allow_mutable:
        raise BluegreenError(
            "a tag that moves: %s" % ", ".join("%s of %s" % (found[name], name) for name in sorted(found)),
            option="bluegreen_images",
            value=sorted(found),
            mend="give a version tag or a digest, or allow it with bluegreen_allow_mutable: true",
        )
    said = "%s: %s is a tag that moves; the release keeps the image that it names on this host now"
    return tuple(said % pair for pair in found.items())


def _kept(podman: Podman, name: str, live: Mapping[str, Mapping[str, Any]]) -> Image:
    entry = live.get(name)
    if not entry:
        raise BluegreenError(
            "service %s is not mapped and there is no live release to keep its image from" % name,
            option="bluegreen_images",
            value=name,
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
            option="bluegreen_images",
            value=reference,
            mend="correct the reference or the version, or log in to its registry",
        )


def _absent(name: str, reference: str, why: str) -> BluegreenError:
    return BluegreenError(
        "image of service %s: %s" % (name, why),
        option="bluegreen_images",
        value=reference,
        mend="build, load or map another one",
    )
