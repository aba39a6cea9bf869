# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What docs/operations.md promises, for the tests that hold it to its word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


@dataclass(frozen=True)
class Row:
    """``words`` are the quoted parts of the last column: each is printed as it stands."""

    live: str
    rc: int
    words: tuple[str, ...]


def rollback_table() -> dict[str, Row]:
    """Case -> row of the table under "Rollback"."""
    section = PAGE.read_text().split("\n## Rollback\n", 1)[1].split("\n## ", 1)[0]
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[2].isdigit():
            found[cells[0]] = Row(cells[1], int(cells[2]), tuple(re.findall(r"`([^`]+)`", cells[3])))
    return found
