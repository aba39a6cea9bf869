# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of a proof: an entry of proof.json, and beside it the looks at the catalog and a bridge's draft."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .._core.files import write_atomic
from .._schema import drift, versions
from . import judge
from .evidence import Held
from .proof import Found, Subject

# So many statements and objects of a migration are kept.
MOST = 500


def fingerprint(subject: Subject, data: str) -> str:
    """Of the programs, the schema that the migration leaves and the bridges: the same verdict holds for the same."""
    parts = [
        subject.old.image.id if subject.old else "",
        subject.migrator.image.id,
        *sorted(subject.state.applied | {one.version for one in subject.state.difference.pending}),
        *(one.sha256 for one in subject.bridges),
        data,
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def entry(subject: Subject, found: Found, data: str, seconds: float) -> dict[str, Any]:
    """What the release's record and the module's result hold of a target."""
    verdict, rehearsed = found.verdict, found.rehearsed
    state = subject.state
    after = state.applied | {one.version for one in state.difference.pending if one.version}
    return {
        "verdict": verdict.verdict,
        "hop": subject.hop,
        "old": subject.old.image.id if subject.old else "",
        "new": subject.migrator.image.id,
        "before": versions.summary(state.applied),
        "after": versions.summary(after),
        "reasons": list(verdict.reasons),
        "untried": list(verdict.untried),
        "in_flight": list(verdict.in_flight),
        "journeys": verdict.journeys,
        "exercised": list(verdict.exercised),
        "objects": [asdict(one) for one in verdict.objects[:MOST]],
        # What a write takes is among the rows.
        "locks": [_lock(one) for one in rehearsed.locks if one.mode != "RowExclusiveLock"],
        "statements": [
            {"sql": one.sql[:2000], "seconds": round(one.seconds, 4)} for one in rehearsed.statements[:MOST]
        ],
        "rows": dict(rehearsed.rows),
        "stalls": {table: round(seconds, 3) for table, seconds in rehearsed.stalls.items()},
        "probes": [{"object": one.change.name, "answer": one.answer, "detail": one.detail} for one in found.probes],
        "started": rehearsed.started,
        "rehearsed": rehearsed.rehearsed,
        "seconds": round(seconds, 1),
        "bridges": [{"name": one.name, "sha256": one.sha256} for one in subject.bridges],
        "draft": "bridge-%s.sql" % subject.target.name if found.bridge else "",
        "accepted": {},
        "fingerprint": fingerprint(subject, data),
    }


def _lock(held: Held) -> dict[str, Any]:
    shown = {key: getattr(held, key) for key in ("table", "mode", "statement", "rewrite", "source")}
    estimate = None if held.estimate is None else round(held.estimate, 3)
    return {**shown, "statement": held.statement[:300], "seconds": round(held.seconds, 3), "estimate": estimate}


def write_beside(state_dir: str, release: str, subject: Subject, found: Found) -> None:
    """What does not fit into proof.json. Nothing of a proof that was not held."""
    if not found.rehearsed.rehearsed:
        return
    started, rehearsed = map(drift.of_snapshot, (found.rehearsed.before, found.rehearsed.after))
    drift.write(state_dir, release, subject.target.name, drift.Rehearsal(started, rehearsed))
    if found.bridge:
        where = os.path.dirname(drift.path(state_dir, release, subject.target.name))
        write_atomic(os.path.join(where, "bridge-%s.sql" % subject.target.name), found.bridge)


def holds(kept: Mapping[str, Any], subject: Subject, data: str) -> bool:
    """Whether an earlier run's verdict is this one's: of the same programs and bridges, and the migration goes on."""
    return kept.get("verdict") in judge.PASSES and kept.get("fingerprint") == fingerprint(subject, data)
