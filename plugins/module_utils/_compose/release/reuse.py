# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The releases that are kept on disk: which there are, and whether one of them could run again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import store
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Image, Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import images, release
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman


def everything(wanted: Wanted) -> list[dict[str, Any]]:
    """Every release.json, the newest first. A directory without a readable one is no release."""
    home = wanted.path("releases")
    names = os.listdir(home) if os.path.isdir(home) else []
    found = [_read(wanted, name) for name in sorted(names) if not name.startswith(".")]
    return sorted((one for one in found if one), key=lambda one: (float(one["created"]), one["id"]), reverse=True)


def _read(wanted: Wanted, name: str) -> dict[str, Any]:
    try:
        known = store.release(wanted, name)
    except BluegreenError:
        return {}
    return known if known.get("id") == name and "created" in known else {}


def listed(wanted: Wanted) -> list[dict[str, Any]]:
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


def migrated(wanted: Wanted, ident: str) -> bool:
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


def usable(podman: Podman, wanted: Wanted, ident: str) -> tuple[dict[str, Any], dict[str, Image]]:
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
