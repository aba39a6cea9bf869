# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""``make bench-docs``: what the newest full runs wrote goes into the pages that name it.

A page says ``<!-- bench: cutover.md -->`` and ``<!-- bench: end -->``; what is between them is build/bench/cutover.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/benchmarks.md")
PLACE = re.compile(r"(<!-- bench: (?P<name>[\w-]+\.md) -->\n).*?(<!-- bench: end -->)", re.DOTALL)


def filled(page: str, results: Mapping[str, str]) -> str:
    """``page`` with every result that is there in its place; what was not measured stays as it is."""

    def one(found: re.Match[str]) -> str:
        name = found["name"]
        return "%s\n%s\n%s" % (found[1], results[name].strip("\n"), found[3]) if name in results else found[0]

    return PLACE.sub(one, page)


def main() -> None:
    results = {path.name: path.read_text() for path in (ROOT / "build" / "bench").glob("*.md")}
    for name in PAGES:
        page = (ROOT / name).read_text()
        new = filled(page, results)
        (ROOT / name).write_text(new)
        missing = sorted({found["name"] for found in PLACE.finditer(page)} - set(results))
        print(
            "%s: %s%s" % (name, "changed" if new != page else "as it was", "".join("; no %s" % one for one in missing))
        )


if __name__ == "__main__":
    main()
