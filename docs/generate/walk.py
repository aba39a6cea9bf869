# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make walk-version``: the way of ``version`` in docs/architecture.md, held against the code, and its two figures."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `([\w./]+)` \| (?:`(\w+)`|-) \| `(.+)` \|$", re.MULTILINE)
MOST_FILES, MOST_NAMES = 30, 5


@dataclass(frozen=True)
class Hop:
    """``name``: what the value is called in ``file``, '' where it only passes; ``text``: the words that hand it on."""

    file: str
    name: str
    text: str

    def wrong(self) -> str:
        code = (ROOT / self.file).read_text()
        if self.text not in code:
            return "%s has no %r" % (self.file, self.text)
        if self.name and not re.search(r"\b%s\b" % self.name, code):
            return "%s calls nothing %s" % (self.file, self.name)
        return ""


def hops() -> list[Hop]:
    page = (ROOT / "docs" / "architecture.md").read_text()
    section = page.partition("## The way of `version`")[2].partition("\n## ")[0]
    return [Hop(*row) for row in ROW.findall(section)]


def main() -> int:
    way = hops()
    problems = [problem for problem in (hop.wrong() for hop in way) if problem]
    files, names = len({hop.file for hop in way}), {hop.name for hop in way if hop.name}
    for hop in way:
        print("%-48s %-18s %s" % (hop.file, hop.name, hop.text))
    print(
        "files=%d (at most %d) names=%d (at most %d): %s"
        % (files, MOST_FILES, len(names), MOST_NAMES, ", ".join(sorted(names)))
    )
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems or files > MOST_FILES or len(names) > MOST_NAMES or not way else 0


if __name__ == "__main__":
    sys.exit(main())
