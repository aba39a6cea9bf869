# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which migrations there are, which are applied, what that makes pending. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core.errors import BluegreenError

# A line of the migrator's own log, as far as it is used.
APPLIED_LINE = re.compile(r"migration_name=(\S+).*?\bversion=(\d+)")


@dataclass(frozen=True, order=True)
class Migration:
    """One migration of a binary; ``version`` is what table schema_migration holds.

    ``sql`` is its text where the binary shows it (Hydra from 2.3, Kratos from 25.4): a template, and none of a
    migration that is compiled in.
    """

    version: str
    name: str = ""
    sql: str = field(default="", compare=False, repr=False)


def from_status(out: str) -> tuple[Migration, ...]:
    """The list in the JSON that ``migrate sql status --format json`` writes; an entrypoint may talk before it."""
    try:
        rows = _array(out)
        found = tuple(sorted({_listed(row) for row in rows}))
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise BluegreenError(
            "the migration status of the image has an unknown form: %s" % type(exc).__name__,
            fix="use the product's own image. If it is, report its version",
        ) from exc
    if not found:
        raise BluegreenError(
            "the migration status of the image lists nothing",
            fix="use the product's own image. If it is, report its version",
        )
    return found


def _listed(row: Mapping[str, Any]) -> Migration:
    return Migration(str(row["version"]), str(row.get("name", "")), str(row.get("content") or ""))


def _array(out: str) -> list[Any]:
    """The first line on which a JSON array begins; a shim's own line may begin with a bracket too."""
    for begin in re.finditer(r"^\s*(?=\[)", out, re.MULTILINE):
        try:
            rows, _end = json.JSONDecoder().raw_decode(out[begin.end() :])
        except ValueError:
            continue
        return list(rows)
    raise ValueError("no array")


def from_shadow(versions: Iterable[str], log: str) -> tuple[Migration, ...]:
    """The list from what a run on an empty database applied; names as far as its log tells them."""
    names = {version: name for name, version in APPLIED_LINE.findall(log)}
    return tuple(sorted(Migration(version, names.get(version, "")) for version in versions))


@dataclass(frozen=True)
class Difference:
    """``pending`` in the order of application; ``unknown`` are applied ones that the binary doesn't list."""

    pending: tuple[Migration, ...]
    unknown: tuple[str, ...]
    newer: tuple[str, ...]


def compare(known: tuple[Migration, ...], applied: frozenset[str]) -> Difference:
    listed = frozenset(migration.version for migration in known)
    newest = max(listed, default="")
    unknown = tuple(sorted(applied - listed))
    return Difference(
        pending=tuple(migration for migration in known if migration.version not in applied),
        unknown=unknown,
        newer=tuple(version for version in unknown if version > newest),
    )


def summary(applied: frozenset[str]) -> dict[str, object]:
    """What is printed of a state: how many and the newest ('' when none)."""
    return {"count": len(applied), "latest": max(applied, default="")}
