# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The corpus in numbers, and its table: ours, squawk's and the server's answer to each case. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof import evidence
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema.options import VERDICTS
from kit.corpus import Case
from kit.corpus.oracle import BREAKS, CHANGES, REFUSED, SAFE, Truth
from kit.corpus.ours import Ours

HURTS = (evidence.BREAKS, evidence.BRIDGE_REQUIRED)


@dataclass(frozen=True)
class Row:
    """One case on one major."""

    case: Case
    major: int
    truth: Truth
    ours: Ours

    @property
    def same_locks(self) -> bool:
        """A change that was refused has no transaction to compare."""
        return self.case.refused or (self.ours.locks, self.ours.rewritten) == (self.truth.locks, self.truth.rewritten)


class Results:
    """All rows; what is said of a case is the worst that any major says."""

    def __init__(self, rows: Sequence[Row], squawk: Mapping[str, tuple[str, ...]]) -> None:
        self.rows, self.squawk = rows, squawk
        self.of: dict[str, list[Row]] = {}
        for row in rows:
            self.of.setdefault(row.case.name, []).append(row)

    def server(self, name: str) -> str:
        return max((row.truth.verdict for row in self.of[name]), key=(SAFE, CHANGES, BREAKS, REFUSED).index)

    def catalog(self, name: str) -> str:
        """Without an old program."""
        return max((row.ours.alone.verdict for row in self.of[name]), key=VERDICTS.index)

    def judged(self, name: str) -> str:
        return max((row.ours.verdict.verdict for row in self.of[name]), key=VERDICTS.index)

    def ever(self, group: str, *verdicts: str) -> list[str]:
        """Cases of that group to which one of the verdicts was given on any major, with or without the old program."""
        given = {name: {one for row in rows for one in _verdicts(row)} for name, rows in self.of.items()}
        return [name for name in self.of if self.server(name) == group and given[name] & set(verdicts)]

    def unseen(self) -> list[Row]:
        """Production's rows refuse it, or must not, and we say otherwise."""
        return [
            row
            for row in self.rows
            if row.case.refused != bool(row.truth.refused) or (row.case.refused and not row.ours.contradicted())
        ]

    def false_alarms(self) -> list[Row]:
        return [row for row in self.rows if not row.truth.refused and row.ours.contradicted()]

    def lock_mismatches(self) -> list[Row]:
        return [row for row in self.rows if not row.same_locks]

    def drifting(self) -> list[str]:
        """Cases that we see otherwise on one major than on another, where the servers agree."""
        return [name for name, rows in self.of.items() if len(_views(rows)) > 1 and len(_servers(rows)) == 1]

    def flagged(self, group: str) -> list[str]:
        return [name for name in self.of if self.server(name) == group and self.squawk.get(name)]

    def group(self, group: str) -> list[str]:
        return [name for name in self.of if self.server(name) == group]

    def figures(self) -> dict[str, Any]:
        return {
            "cases": len(self.of),
            "majors": sorted({row.major for row in self.rows}),
            "runs": len(self.rows),
            "safe_cases": len(self.group(SAFE)),
            "changing_cases": len(self.group(CHANGES)),
            "breaking_cases": len(self.group(BREAKS)),
            "breaking_rated_safe": len(self.ever(BREAKS, evidence.SAFE)),
            "changing_rated_safe": len([one for one in self.group(CHANGES) if self.catalog(one) == evidence.SAFE]),
            "safe_rated_breaks": len(self.ever(SAFE, *HURTS)),
            "breaking_not_caught": len([one for one in self.group(BREAKS) if self.judged(one) not in HURTS]),
            "lock_mismatches": len(self.lock_mismatches()),
            "drift_between_majors": len(self.drifting()),
            "refused_cases": len(self.group(REFUSED)),
            "refused_not_seen": len(self.unseen()),
            "false_alarms": len(self.false_alarms()),
        }

    def misses(self) -> list[str]:
        """A sentence each."""
        found = ["%s breaks the old program and is rated SAFE" % one for one in self.ever(BREAKS, evidence.SAFE)]
        found += ["%s changes an answer and is rated SAFE" % one for one in self.ever(CHANGES, evidence.SAFE)
                  if self.catalog(one) == evidence.SAFE]  # fmt: skip
        found += ["%s hurts nothing and is rated %s" % (one, self._hurt(one)) for one in self.ever(SAFE, *HURTS)]
        found += [
            "%s on %d: locks %s %s, by the server %s %s"
            % (row.case.name, row.major, dict(row.ours.locks), sorted(row.ours.rewritten), dict(row.truth.locks),
               sorted(row.truth.rewritten))
            for row in self.lock_mismatches()
        ]  # fmt: skip
        found += ["%s differs between majors: %s" % (one, sorted(_views(self.of[one]))) for one in self.drifting()]
        found += [
            "%s on %d: refused %r, and we say %s"
            % (row.case.name, row.major, row.truth.refused, row.ours.contradicted() or "nothing of it")
            for row in [*self.unseen(), *self.false_alarms()]
        ]
        return found

    def _hurt(self, name: str) -> str:
        return "%s by the catalog, %s with the old program" % (self.catalog(name), self.judged(name))

    def table(self) -> list[str]:
        lines = ["| change | the server | catalog alone | with the old program | locks | squawk |", "|" + "---|" * 6]
        for name, rows in self.of.items():
            locks = ", ".join("%s %s" % (table.removeprefix("public."), mode.removesuffix("Lock"))
                              for table, mode in sorted(rows[-1].truth.locks.items()))  # fmt: skip
            rewrite = " (rewrite)" if rows[-1].truth.rewritten else ""
            equal = "" if all(row.same_locks for row in rows) else " (ours differ)"
            cells = (name, self.server(name), self.catalog(name), self.judged(name), locks + rewrite + equal)
            lines.append("| %s | %s |" % (" | ".join(cells), ", ".join(self.squawk.get(name, ()))))
        return lines


def _verdicts(row: Row) -> tuple[str, str]:
    return row.ours.alone.verdict, row.ours.verdict.verdict


def _views(rows: Sequence[Row]) -> set[str]:
    return {str((row.ours.classes, sorted(row.ours.locks.items()), sorted(row.ours.rewritten))) for row in rows}


def _servers(rows: Sequence[Row]) -> set[str]:
    return {str((sorted(row.truth.locks.items()), sorted(row.truth.rewritten))) for row in rows}
