# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release would change against the live one: images, files by name, environment by key. Never a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Names = dict[str, list[str]]
UNKNOWN = "known after the pull"
# Ours, different in every release.
OWN = "BLUEGREEN_"


def names(before: Mapping[str, object], after: Mapping[str, object]) -> Names:
    """Keys that were added, removed, or have another value; empty kinds are left out."""
    found = {
        "added": sorted(set(after) - set(before)),
        "removed": sorted(set(before) - set(after)),
        "changed": sorted(key for key in set(before) & set(after) if before[key] != after[key]),
    }
    return {kind: keys for kind, keys in found.items() if keys}


def image(reference: str, ident: str) -> str:
    """As a person reads it."""
    short = ident[len("sha256:") :] if ident.startswith("sha256:") else ident
    return "%s (%s)" % (reference, short[:12] if short else UNKNOWN)


def images(
    live: Mapping[str, Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]], missing: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Service -> {from, to} where the image is another one, or cannot be known before its pull."""
    result = {}
    for name in sorted({*live, *found, *missing}):
        old, new = live.get(name) or {}, found.get(name) or {}
        if new and old.get("id") == new["id"]:
            continue
        to = image(missing[name], "") if name in missing else ""
        to = image(str(new["reference"]), str(new["id"])) if new else to
        result[name] = {"from": image(str(old["reference"]), str(old["id"])) if old else "", "to": to}
    return result


def environment(before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]) -> dict[str, Names]:
    """Service -> names of the variables that differ, of services that both have."""
    found = {}
    for name in sorted(set(before) & set(after)):
        old, new = ({k: v for k, v in side[name].items() if not k.startswith(OWN)} for side in (before, after))
        if names(old, new):
            found[name] = names(old, new)
    return found


def same_schema(
    live: Mapping[str, Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]], differ: Mapping[str, Names]
) -> list[str]:
    """Services with the live release's image and DSN: it migrated their databases, or they run on them as they are.

    ``differ``: what ``environment`` says of them.
    """
    moved = {name for name, kinds in differ.items() if any("DSN" in keys for keys in kinds.values())}
    return sorted(n for n, one in found.items() if n not in moved and one["id"] == (live.get(n) or {}).get("id"))


def any_of(changed: Mapping[str, Any]) -> bool:
    return any(changed.get(kind) for kind in ("images", "files", "environment"))


def lines(ident: str, live: str, changed: Mapping[str, Any]) -> list[str]:
    """One sentence a change, for people."""
    found = ["%s against %s" % (ident or "the new release", live or "nothing live")]
    for name, pair in (changed.get("images") or {}).items():
        found.append("image %s: %s -> %s" % (name, pair["from"] or "none", pair["to"] or "none"))
    for kind, paths in (changed.get("files") or {}).items():
        found += ["file %s: %s" % (kind, path) for path in paths]
    for name, kinds in (changed.get("environment") or {}).items():
        found += ["environment of %s, %s: %s" % (name, kind, ", ".join(keys)) for kind, keys in kinds.items()]
    return found if any_of(changed) else [*found, "nothing differs"]
