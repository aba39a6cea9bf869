# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state directory: where things lie in it, and the marks and releases that it keeps."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from .._core.errors import BluegreenError
from .._core.files import locked, read_json, read_mapping, write_json

MODE = 0o750
_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
# Beside the results of the targets lies what the proof said of all of them: _schema/options.py.
PROOF = "proof.json"
NO_MARKS: dict[str, Any] = {"stable": None, "fence": None, "cleaned": None}


@dataclass(frozen=True)
class StateDir:
    """Paths below ``root``; nothing is made before ``ensure()``."""

    root: str

    def path(self, *names: str) -> str:
        return os.path.join(self.root, *names)

    @property
    def lock(self) -> str:
        return self.path("lock.json")

    @property
    def overtaken(self) -> str:
        """The runs that lost their lock to another one."""
        return self.path("overtaken.json")

    @property
    def ledger(self) -> str:
        return self.path("ledger.jsonl")

    @property
    def marks(self) -> str:
        return self.path("marks.json")

    def release(self, release: str, *names: str) -> str:
        """A path of one release; its id can't lead out of the directory."""
        if not _RELEASE.match(release):
            raise BluegreenError(
                "not a release id",
                option="release",
                value=release,
                fix="write it with letters, digits, dots, underscores and hyphens",
            )
        return self.path("releases", release, *names)

    def stack(self, colour: str, *names: str) -> str:
        return self.path("stacks", colour, *names)

    def ensure(self, *names: str) -> str:
        """Make the directory (with its parents below the root) for us alone."""
        where = self.root
        os.makedirs(where, mode=MODE, exist_ok=True)
        for name in names:
            where = os.path.join(where, name)
            os.makedirs(where, mode=MODE, exist_ok=True)
        return where

    def read_marks(self) -> dict[str, Any]:
        return {**NO_MARKS, **read_mapping(self.marks)}

    def mark(self, **changes: str | None) -> dict[str, Any]:
        """Change marks; the marks as they are then."""
        self.ensure()
        with locked(self.marks + ".lock", seconds=10.0):
            marks = {**self.read_marks(), **changes}
            write_json(self.marks, marks)
        return marks

    def releases(self) -> list[dict[str, Any]]:
        """Every kept release with its last verdict, oldest first."""
        base = self.path("releases")
        names = sorted(os.listdir(base)) if os.path.isdir(base) else []
        found = [self._summary(name) for name in names if _RELEASE.match(name)]
        return sorted(found, key=lambda item: (item["created"] or 0, item["id"]))

    def schema_results(self, release: str) -> list[dict[str, Any]]:
        """What the migration of each schema target said, by target."""
        directory = self.release(release, "schema")
        names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
        found = []
        for name in names:
            if name.endswith(".json") and name != PROOF:
                value = read_json(os.path.join(directory, name))
                if isinstance(value, dict):
                    found.append({"target": name[: -len(".json")], **value})
        return found

    def _summary(self, release: str) -> dict[str, Any]:
        about = read_mapping(self.release(release, "release.json"))
        verdict = read_mapping(self.release(release, "verdict.json"))
        report = self.release(release, "report.html")
        return {
            "id": release,
            "version": about.get("version"),
            "created": about.get("created"),
            "verdict": verdict.get("verdict"),
            "verdict_flip": verdict.get("flip"),
            "verdict_until": verdict.get("until"),
            "reasons": verdict.get("reasons", []),
            "report": report if os.path.exists(report) else None,
        }
