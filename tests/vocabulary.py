# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that an operator has to decode, in what is read: pages, messages, options, task names, comments.

``python tests/vocabulary.py [FILE ...]``: 1 where one is found. The words stand in pyproject.toml, the reasons in
docs/vocabulary.md.
"""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Words:
    """``instead``: expression -> what to write; ``first``: what no description begins with."""

    instead: Mapping[str, str]
    allowed: Sequence[str]
    first: str

    def wrong(self, text: str) -> Iterator[tuple[int, str]]:
        """(line, what is wrong) of each hit."""
        for phrase in self.allowed:
            text = text.replace(phrase, " " * len(phrase))
        for words, better in self.instead.items():
            for found in re.finditer(r"\b(?:%s)\b" % words, text, re.IGNORECASE):
                yield _line(text, found), "%r: %s" % (found[0], better)
        for found in re.finditer(r"\bdescription:\s+(?:- )?['\"]?((?:%s)\b)" % self.first, text):
            yield _line(text, found), "a description begins with %r: name the thing" % found[1]


def _line(text: str, found: re.Match[str]) -> int:
    return text.count("\n", 0, found.start(found.lastindex or 0)) + 1


def inside(name: str, paths: Sequence[str]) -> str:
    """The first of ``paths`` (a file, a folder, or a pattern of top-level files) that has ``name``; '' for none."""
    for path in paths:
        if name == path or name.startswith(path + "/") or ("/" not in name and fnmatch.fnmatch(name, path)):
            return path
    return ""


def tracked() -> list[str]:
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".", ":!collections"]
    listed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def main(names: Sequence[str]) -> int:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["vocabulary"]
    words = Words(table["instead"], table["allowed"], table["first"])
    pending: Counter[str] = Counter(dict.fromkeys(table["pending"], 0))
    failed = False
    for name in names or tracked():
        if not inside(name, table["paths"]):
            continue
        for line, what in words.wrong((ROOT / name).read_text(errors="replace")):
            if place := inside(name, table["pending"]):
                pending[place] += 1
                continue
            failed = True
            print("%s:%d: %s" % (name, line, what))
    for place, count in () if names else sorted(pending.items()):
        failed |= not count
        print("%s: %s" % (place, "%d still to replace" % count if count else "take it out of `pending`"))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
