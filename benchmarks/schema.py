# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What the proof of migrations and their application must hold: build/bench/schema.json, .md. ``make bench-schema``.

Each part is written as soon as it is measured, so a part can be measured alone (``--parts corpus,lock_wait``).
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kit import corpus, majors
from kit.corpus import linter
from kit.corpus.oracle import BREAKS, SAFE
from migration import corpus_runs

OUT = Path(__file__).resolve().parents[1] / "build" / "bench"
# Part -> where it is measured.
PARTS = {
    "snapshot_diff": "migration.catalog_size:run",
    "lock_wait": "migration.blocked:waits",
    "concurrently": "migration.blocked:cut_short",
    "duration": "migration.estimates:run",
    "rehearsal": "migration.rehearsal:run",
}
HARMLESS_SHARE = 0.05
TITLE = "# Migrations: %d changes on PostgreSQL %s\n\n%s\n\n## Misses\n\n%s\n\n## Each change\n\n%s\n"


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--parts", default=",".join(("corpus", *PARTS)))
    asked.add_argument("--majors", default=",".join(map(str, majors.MAJORS)))
    asked.add_argument("--every", type=int, default=1, help="only every n-th change of the corpus")
    given = asked.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = json.loads(_file().read_text()) if _file().exists() else {"v": 1}
    for part in given.parts.split(","):
        if part == "corpus":
            found.update(_corpus([int(one) for one in given.majors.split(",")], given.every))
        else:
            module, _colon, name = PARTS[part].partition(":")
            found[part] = getattr(importlib.import_module(module), name)()
        found["must_hold"] = must_hold(found)
        _file().write_text(json.dumps(flat(found), indent=2) + "\n")
        print(part, json.dumps(found.get(part, {}), sort_keys=True), flush=True)
    for name, holds in sorted(found["must_hold"].items()):
        print("%-32s %s" % (name, "holds" if holds else "DOES NOT HOLD"))


def _file() -> Path:
    return OUT / "schema.json"


def _corpus(wanted: list[int], every: int) -> dict[str, Any]:
    results = corpus_runs.run(wanted, corpus.cases()[::every])
    figures = results.figures()
    squawk = {
        "version": linter.version(),
        "flagged_breaking": len(results.flagged(BREAKS)),
        "flagged_safe": len(results.flagged(SAFE)),
    }
    misses = "\n".join("* " + one for one in results.misses()) or "None."
    lines = ["* %s: %s" % pair for pair in [*figures.items(), *(("squawk " + key, one) for key, one in squawk.items())]]
    told = (len(results.of), ", ".join(map(str, wanted)), "\n".join(lines), misses, "\n".join(results.table()))
    (OUT / "schema.md").write_text(TITLE % told)
    return {"corpus": figures, "squawk": squawk}


def must_hold(found: Mapping[str, Any]) -> dict[str, bool]:
    """Of the parts that were measured."""
    held: dict[str, bool] = {}
    if "corpus" in found:
        one = found["corpus"]
        held["breaking_rated_safe"] = one["breaking_rated_safe"] == 0
        held["safe_rated_breaks"] = one["safe_rated_breaks"] <= HARMLESS_SHARE * one["safe_cases"]
        held["production's rows"] = one["refused_not_seen"] == one["false_alarms"] == 0
        held["lock_mismatches"] = one["lock_mismatches"] == 0
        held["drift_between_majors"] = one["drift_between_majors"] == 0
    if "snapshot_diff" in found:
        held["snapshot_diff_s"] = found["snapshot_diff"]["seconds"] <= found["snapshot_diff"]["limit"]
    if "lock_wait" in found:
        held["lock_wait"] = found["lock_wait"]["holds"]
    if "concurrently" in found:
        one = found["concurrently"]
        held["concurrently"] = one["invalid_left"] == one["recorded_applied"] == 0 and one["applied_in_the_end"]
    if "rehearsal" in found:
        held["rehearsal_s"] = found["rehearsal"]["seconds"] <= found["rehearsal"]["limit"]
    return held


def flat(found: Mapping[str, Any]) -> dict[str, Any]:
    """With the two times that have names of their own at the top."""
    times = {"snapshot_diff": "snapshot_diff_s", "rehearsal": "rehearsal_s"}
    return {**found, **{name: found[part]["seconds"] for part, name in times.items() if part in found}}


if __name__ == "__main__":
    main()
