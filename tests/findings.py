# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make findings``: each test of the table of findings, before its fix (red) and here (green).

For each test the commit that added it is looked up, its parent checked out beside, the files of the test's own
directory (and the lab's) laid over it as that commit has them, and the test run there; then here. Where the fix came in
a commit before its test, that parent is green: then an earlier one is taken, at the latest the version that the
findings are of.
Tests that need the lab or are slow only with ALL=1. A test that skips itself (no program of the lab) proves nothing and
is not counted. Exits with 1 unless each that counts was red there and green here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "build" / "findings"
ROW = re.compile(r"^\| ([ABCR]\d+|[a-z]+(?:_[a-z]+)+) \| (.+?) \| (.+?) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
QUICK = "not lab and not slow"
GREEN, RED, IMPORT, SKIPPED, LEFT_OUT, BROKEN = "green", "red", "red (import)", "skipped", "left out", "not run"
FOUND_IN = "a50a023"
# What a fixture says of a program that the fix brought.
ABSENT = ("FileNotFoundError", "ImportError", "ModuleNotFoundError")
UNKNOWN = "got an unexpected keyword argument"
BACK = (0, 3, 7)  # how many commits before the parent are tried
LONGEST = 900  # seconds of one test
AT_ONCE = 2  # tests; the git commands of both share one repository
ONE_GIT = threading.Lock()


@dataclass(frozen=True)
class Finding:
    """One test of one row."""

    row: str
    path: str
    name: str

    @property
    def ident(self) -> str:
        return "%s::%s" % (self.path, self.name)


@dataclass(frozen=True)
class Said:
    """What a test said: a word, why in one line where it is not green, and at which commit."""

    word: str
    why: str = ""
    commit: str = ""

    @property
    def red(self) -> bool:
        return self.word in (RED, IMPORT)


def findings(page: str) -> list[Finding]:
    """Of the table in docs/architecture.md, in its order."""
    return [Finding(row, *test) for row, _what, tests in ROW.findall(page) for test in TEST.findall(tests)]


def git(*args: str, cwd: Path = ROOT) -> str:
    with ONE_GIT:
        return subprocess.run(["git", *args], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


def added_by(test: Finding) -> str:
    """The commit that added the test, whatever its file was called; '' where it is not committed yet."""
    commits = git("log", "--reverse", "--format=%H", "-S", "def %s(" % test.name, "--", "tests").split()
    return commits[0] if commits else ""


def as_added(test: Finding, commit: str) -> Finding:
    """The test by the path that it had then: files move."""
    named = git("grep", "-l", "def %s(" % test.name, commit, "--", "tests").split("\n")
    paths = sorted(one.partition(":")[2] for one in named)
    return replace(test, path=test.path if test.path in paths else paths[0])


def befores(commit: str) -> list[str]:
    """The commits to try, nearest first; none is older than the version that the findings are of."""
    chain = git("rev-list", "--first-parent", commit + "^").split()
    found = next((place for place, one in enumerate(chain) if one.startswith(FOUND_IN)), len(chain) - 1)
    return [chain[place] for place in sorted({min(back, found) for back in (*BACK, found)})]


@contextmanager
def tree(commit: str, test: Finding, tests_of: str) -> Iterator[Path]:
    """The tree of ``commit``, with the tests beside it as ``tests_of`` has them."""
    # One test may stand in several rows, and two run at once.
    place = PLACE / ("%s-%s-%s" % (commit[:10], test.row, test.name[:60]))
    shutil.rmtree(place, ignore_errors=True)
    git("worktree", "prune")
    git("worktree", "add", "--force", "--detach", str(place), commit)
    try:
        directory = "/".join(Path(test.path).parts[:2])
        # What is no unit test stands on the lab's programs.
        also = [] if directory == "tests/unit" else ["tests/lab"]
        changed = git("diff", "--name-only", "--diff-filter=d", commit, tests_of, "--", directory, *also).split("\n")
        for name in filter(None, {*changed, test.path}):
            git("checkout", tests_of, "--", name, cwd=place)
        (place / ".venv").symlink_to(ROOT / ".venv")
        (place / "build" / "lab").mkdir(parents=True)
        (place / "build" / "lab" / "bin").symlink_to(ROOT / "build" / "lab" / "bin")
        yield place
    finally:
        git("worktree", "remove", "--force", str(place))


def run(test: Finding, where: Path) -> Said:
    marks = [] if os.environ.get("ALL") else ["-m", QUICK]
    env = {**os.environ, "PYTHONPATH": str(where / "tests/lab"), "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("PYTEST_ADDOPTS", None)
    if not (os.environ.get("LAB_CADDY") or shutil.which("caddy") or (ROOT / "build/lab/bin/caddy").exists()):
        env["OLYMPUS_WITHOUT_CADDY"] = "1"
    with tempfile.TemporaryDirectory() as kept:
        record = Path(kept) / "record.xml"
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *marks, "--junitxml", str(record)]
        try:
            done = subprocess.run(
                [*argv, test.ident], cwd=where, env=env, capture_output=True, text=True, check=False, timeout=LONGEST
            )
        except subprocess.TimeoutExpired:
            return Said(BROKEN, "not over after %d s" % LONGEST)
        if record.exists():
            return judged(record.read_text().replace("%s/" % where, ""), done.returncode)
    return Said(BROKEN, last((done.stdout + done.stderr).splitlines()))


def judged(record: str, returned: int) -> Said:
    """``record``: pytest's JUnit file. One case that failed makes it red, one that passed (and none failed) green."""
    cases = list(ET.fromstring(record).iter("testcase"))
    if returned == 5 or not cases:
        return Said(LEFT_OUT)
    for case in cases:
        if (bad := case.find("failure")) is not None:
            return Said(RED, reason(bad))
    for case in cases:
        if (bad := case.find("error")) is not None:
            why = reason(bad)
            absent = bad.get("message") == "collection failure" or why.startswith(ABSENT) or UNKNOWN in why
            return Said(IMPORT if absent else BROKEN, why)
    skipped = [case.find("skipped") for case in cases]
    if skipped[0] is not None and None not in skipped:
        return Said(SKIPPED, skipped[0].get("message", ""))
    return Said(GREEN if returned == 0 else BROKEN)


def reason(bad: ET.Element) -> str:
    """The line of an assertion that pytest marks with E, and no more than one."""
    lines = [line[1:].strip() for line in (bad.text or "").splitlines() if line.startswith("E ")]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Failed)\b", line)]
    return (errors or lines or (bad.get("message") or "").splitlines() or [""])[0][:160]


def last(lines: Sequence[str]) -> str:
    return lines[-1] if lines else "pytest said nothing"


def before(test: Finding) -> Said:
    """At the nearest commit before its own where it is not green."""
    commit = added_by(test)
    if not commit:
        return Said(BROKEN, "it is not committed")
    test = as_added(test, commit)
    said = Said(BROKEN)
    for older in befores(commit):
        with tree(older, test, commit) as there:
            told = run(test, there)
        said = Said(told.word, told.why, older[:7])
        if said.word != GREEN:
            break
    return said


def asked(test: Finding) -> tuple[Said, Said]:
    """What it said before, and here."""
    there = before(test)
    return there, there if there.word == LEFT_OUT else run(test, ROOT)


def total(told: Sequence[tuple[Said, Said]]) -> tuple[str, bool]:
    """The last line, and whether each that counts was red before and is green here."""
    aside = [
        word
        for word in (SKIPPED, LEFT_OUT)
        for pair in told
        if word in {one.word for one in pair} and (word == SKIPPED or SKIPPED not in {one.word for one in pair})
    ]
    counted = [pair for pair in told if not {SKIPPED, LEFT_OUT} & {one.word for one in pair}]
    red, green = sum(there.red for there, _here in counted), sum(here.word == GREEN for _there, here in counted)
    line = "%d red, %d green" % (red, green)
    if skipped := aside.count(SKIPPED):
        line += ", %d skipped (no program of the lab: make lab-images)" % skipped
    if left := aside.count(LEFT_OUT):
        line += ", %d left out (they need real Podman: ALL=1 has them)" % left
    return line, bool(counted) and red == green == len(counted)


def main(rows: Sequence[str]) -> int:
    """``rows``: only these, like R26."""
    wanted = [one for one in findings((ROOT / "docs/architecture.md").read_text()) if not rows or one.row in rows]
    told = []
    # Those of the lab share one Podman.
    pool = ThreadPoolExecutor(1 if os.environ.get("ALL") else AT_ONCE)
    for one, (there, here) in zip(wanted, pool.map(asked, wanted)):
        told.append((there, here))
        at = " at %s" % there.commit if there.commit else ""
        print("%-4s before%s: %s, here: %s  %s" % (one.row, at, there.word, here.word, one.ident), flush=True)
        for said in (there, here):
            if said.why:
                print("       %s" % said.why, flush=True)
    line, well = total(told)
    print(line)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
