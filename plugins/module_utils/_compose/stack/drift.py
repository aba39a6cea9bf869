# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a colour is no longer what was recorded of it: its containers, or its files on disk.

A container that differs is not ours as we made it. A file that differs is only told: a service may write into a
directory that it has mounted, and a later release must not be stopped by it. No release is rendered from such a copy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.containers import Container, World
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment import store
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import changes, release
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import yaml
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_text
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import CONFIG


def containers(world: World, colour: str) -> list[str]:
    """Sentences about containers that are not as adopted or rendered.

    One of an earlier kept release is as it was made: its colour was rendered anew and not yet started.
    """
    known = store.stack(world.wanted, colour)
    configs = {} if known.get("adopted") else _configs(world.wanted, colour)
    found = []
    for name, c in world.of_colour(colour).items():
        entry = (known.get("services") or {}).get(name) or {}
        if known.get("adopted") or c.release == known.get("release"):
            found += _against(c, str(entry.get("image", "")), configs.get(name, c.config))
            continue
        own = store.release(world.wanted, c.release) if c.release else {}
        if not own:
            found.append("%s belongs to release %s, which is not kept" % (c.name, c.release or "none"))
        else:
            found += _against(c, str((own["images"].get(name) or {}).get("id", "")), c.config)
    return found


def _against(c: Container, image: str, config: str) -> list[str]:
    found = ["%s runs image %s, not %s" % (c.name, c.image[:12], image[:12])] if c.image != image else []
    return found + (["%s was not made from its compose file" % c.name] if c.config != config else [])


def pending(world: World, colour: str) -> bool:
    """Whether containers of this colour are of another release than the one rendered last."""
    known = store.stack(world.wanted, colour)
    return not known.get("adopted") and any(c.release != known.get("release") for c in world.rendered(colour))


def files(world: World, colour: str) -> list[str]:
    """Sentences about the release's copy and the compose file, where the colour has containers."""
    wanted, known = world.wanted, store.stack(world.wanted, colour)
    ident = str(known.get("release", ""))
    if not ident or not world.of_colour(colour):
        return []
    record = store.release(wanted, ident)
    if not record:
        return ["%s: its release %s is gone from %s" % (colour, ident, wanted.path("releases"))]
    text = read_text(wanted.stack_file(colour, "compose.yml"))
    found = ["%s: %s" % (colour, words) for words in differences(wanted, record)]
    if "compose" in known and (text is None or hashlib.sha256(text.encode()).hexdigest() != known["compose"]):
        found.append("%s: %s was changed on disk" % (colour, wanted.stack_file(colour, "compose.yml")))
    return found


def differences(wanted: Wanted, record: Mapping[str, Any]) -> list[str]:
    """What of a release's copy is not as recorded, by name."""
    try:
        there = release.tree(release.copy_of(wanted, record["id"]), record["names"])
    except (BluegreenError, OSError) as exc:
        said = exc.msg if isinstance(exc, BluegreenError) else "%s: %s" % (exc.filename, exc.strerror)
        return ["the copy of release %s cannot be read (%s)" % (record["id"], said)]
    kinds = changes.names(record["files"], there)
    return [
        "%s of release %s was %s on disk" % (name, record["id"], kind)
        for kind, names in kinds.items()
        for name in names
    ]


def _configs(wanted: Wanted, colour: str) -> dict[str, str]:
    """Service -> the fingerprint that the rendered file gives it."""
    path = wanted.stack_file(colour, "compose.yml")
    try:
        value = yaml.load(read_text(path) or "", path)
        return {name: str(one["labels"][CONFIG]) for name, one in value["services"].items()}
    except (BluegreenError, KeyError, TypeError, AttributeError):
        # Told as a changed file; containers are then judged by their image and their release.
        return {}
