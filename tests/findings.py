# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make findings``: each test of the table of findings, before its fix (red) and here (green).

A test and its fix come in one commit. So for each test the commit that added it is looked up, its parent checked out
beside, the files of the test's own directory laid over it as that commit has them, and the test run there; then here.
Tests that need the lab or are slow only with ALL=1. Exits with 1 unless each that ran was red there and green here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "build" / "findings"
ROW = re.compile(r"^\| (R\d+) \| (.+?) \| (.+?) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
QUICK = "not lab and not slow"
GREEN, RED, LEFT_OUT = "green", "red", "left out"


@dataclass(frozen=True)
class Finding:
    """One test of one row."""

    row: str
    path: str
    name: str

    @property
    def ident(self) -> str:
        return "%s::%s" % (self.path, self.name)


def findings(page: str) -> list[Finding]:
    """Of the table in docs/architecture.md, in its order."""
    return [Finding(row, *test) for row, _what, tests in ROW.findall(page) for test in TEST.findall(tests)]


def git(*args: str, cwd: Path = ROOT) -> str:
    return subprocess.run(["git", *args], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


def added_by(test: Finding) -> str:
    """The commit that added the test; '' where it is not committed yet."""
    text = "def %s(" % test.name
    commits = git("log", "--reverse", "--format=%H", "--no-merges", "-S", text, "--", "tests").split()
    return commits[0] if commits else ""


@contextmanager
def before(commit: str, test: Finding) -> Iterator[Path]:
    """The tree before ``commit``, with its tests of the same directory."""
    place = PLACE / ("%s-%s" % (commit[:10], test.name[:60]))
    shutil.rmtree(place, ignore_errors=True)
    git("worktree", "prune")
    git("worktree", "add", "--force", "--detach", str(place), commit + "^")
    try:
        directory = str(Path(test.path).parts[0] + "/" + Path(test.path).parts[1])
        changed = git("diff", "--name-only", "--diff-filter=d", commit + "^", commit, "--", directory).split("\n")
        for name in filter(None, {*changed, test.path}):
            git("checkout", commit, "--", name, cwd=place)
        (place / ".venv").symlink_to(ROOT / ".venv")
        yield place
    finally:
        git("worktree", "remove", "--force", str(place))


def run(test: Finding, where: Path) -> str:
    """green, red (an import that fails counts), or left out."""
    marks = [] if os.environ.get("ALL") else ["-m", QUICK]
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *marks, test.ident]
    env = {**os.environ, "PYTHONPATH": str(where / "tests/lab"), "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(argv, cwd=where, env=env, capture_output=True, text=True, check=False)
    if done.returncode == 5:
        return LEFT_OUT
    if done.returncode in (1, 2):
        return RED
    passed = done.returncode == 0 and " passed" in done.stdout
    return GREEN if passed else "not run: %s" % (done.stdout + done.stderr).strip().splitlines()[-1]


def compared(test: Finding) -> tuple[str, str]:
    """What it says before its fix and here."""
    commit = added_by(test)
    if not commit:
        return "not committed", run(test, ROOT)
    with before(commit, test) as there:
        return run(test, there), run(test, ROOT)


def main(rows: Sequence[str]) -> int:
    """``rows``: only these, like R26."""
    wanted = [one for one in findings((ROOT / "docs/architecture.md").read_text()) if not rows or one.row in rows]
    told = []
    for one in wanted:
        told.append(compared(one))
        print("%-4s before: %-8s here: %-8s %s" % (one.row, *told[-1], one.ident), flush=True)
    counted = [pair for pair in told if pair != (LEFT_OUT, LEFT_OUT)]
    red, green = sum(there == RED for there, _here in counted), sum(here == GREEN for _there, here in counted)
    left = len(told) - len(counted)
    print("%d red, %d green%s" % (red, green, " (%d left out: ALL=1 has them)" % left if left else ""))
    return 0 if counted and red == green == len(counted) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
