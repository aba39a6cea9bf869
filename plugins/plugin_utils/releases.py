# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The releases that are kept, and which of them can serve on the schema that is there. Pure.

The fence, one rule: a release made before the fence's own is refused when a release made after it changed a schema.
No run has shown that its binaries serve on that schema. Where none did, the schema is the one it ran on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Releases = Sequence[Mapping[str, Any]]


def version_of(release: str) -> str:
    """The version in a release id ``<version>-<10 hex digits>``."""
    return release.rpartition("-")[0]


def find(releases: Releases, version: str) -> Mapping[str, Any]:
    """By its id, else the newest of that version; {} where none is kept. ``releases``: the newest first."""
    exact = [one for one in releases if one["id"] == version]
    return (exact or [one for one in releases if one["version"] == version] or [{}])[0]


def schema_changes_since(releases: Releases, fence: str, target: str) -> list[str]:
    """The releases whose migrations stand between ``target`` and the schema that is there; [] where none do."""
    made = {str(one["id"]): float(one["created"]) for one in releases}
    if not fence or (fence in made and made[target] >= made[fence]):
        return []
    return [str(one["id"]) for one in releases if one["migrated"] and float(one["created"]) > made[target]]


def deployable(releases: Releases, fence: str) -> tuple[str, ...]:
    """The ids of those that may come back without leave."""
    return tuple(str(one["id"]) for one in releases if not schema_changes_since(releases, fence, str(one["id"])))
