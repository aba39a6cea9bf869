# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every part of ``make test``, one after the other, also after one that failed; then what each said and took.

``python tests/parts.py [NAME ...]``: all parts, or these. ALL=1 adds what is too long for `make test`. The last line
counts like pytest's own: the tests of every part, and a part that is no pytest as one test.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / "build" / "test"


@dataclass(frozen=True)
class Part:
    """``argv`` is run as it is; ``needs`` is the part without which it can't begin; ``slow``: only with ALL=1.

    ``aside``: begun at once, beside the next part that is not, and shown after it.
    """

    name: str
    argv: Sequence[str]
    needs: str = ""
    slow: bool = False
    aside: bool = False


@dataclass(frozen=True)
class Told:
    """What a part said: ``result`` is passed, failed or not run; ``counts`` are its tests by outcome."""

    name: str
    result: str
    seconds: float
    counts: dict[str, int]


def lab(name: str, *tests: str, slow: bool = False, before: Sequence[str] = ()) -> Part:
    marks = "lab" if os.environ.get("ALL") else "lab and not slow"
    return Part(name, [*before, "pytest", "-m", marks, *("tests/" + test for test in tests)], "images", slow)


def parts() -> list[Part]:
    """There is one lab a machine: its parts come one after the other, and before them one that still stands goes."""
    olympus = [sys.executable, "-m", "olympus_lab"]
    return [
        Part("lint", ["tests/lint"], aside=True),
        Part("sanity", ["tests/sanity"], aside=True),
        Part("images", [*olympus, "images"]),
        # The contract tests ask real Ory and Caddy, whose programs are built with the images.
        Part("unit and contract", ["make", "unit"], "images"),
        Part("worlds", ["make", "worlds"]),
        lab("the collection on real Podman", "real"),
        lab("the lab itself", "lab/test_stack.py"),
        # Names, ports and a directory of its own: what the settings call a shape is chosen before Python starts.
        lab("another operator", "lab/test_other_operator.py", before=["env", "LAB_SHAPE=other"]),
        lab("negative controls", "lab/test_controls.py"),
        lab("other hands, other names", "lab/test_other_hands.py", "lab/test_other_names.py", slow=True),
        lab("worlds and verdicts on the lab", "lab/test_worlds.py", "lab/test_proof_play.py", slow=True),
        lab("couriers and singletons", "lab/test_courier.py", slow=True),
        lab("a native edge, and Cloudflare", "lab/test_native_edge.py", "lab/test_cloudflare_edge.py", slow=True),
        lab("a lockout, a CAPTCHA", "lab/test_lockout.py", slow=True),
        lab("a killed controller, bad moments", "lab/test_controller_killed.py", "lab/test_rollback.py"),
        lab("bad input", "lab/test_bad_input.py"),
        Part("molecule", ["tests/molecule"], "images"),
        Part("the demo", [sys.executable, "-m", "olympus_lab.demo"], "images"),
        Part("the lab goes", [*olympus, "down"]),
    ]


def environment() -> dict[str, str]:
    """Ours, and what other programs need to use the lab's Podman."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    ours = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "PYTHONPATH": str(ROOT / "tests" / "lab"), "PATH": path}
    found = {**os.environ, **ours}
    argv = [sys.executable, "-m", "olympus_lab", "env"]
    asked = subprocess.run(argv, env=found, capture_output=True, text=True, check=False)
    name, equals, value = asked.stdout.strip().partition("=")
    return {**found, name: value} if equals else found


def counted(record: Path, passed: bool) -> dict[str, int]:
    """Outcome -> tests, of the JUnit file that pytest wrote; one for a part without."""
    one = {"passed" if passed else "failed": 1}
    try:
        suites = ET.parse(record).getroot().iter("testsuite")
        sums = {name: 0 for name in ("tests", "failures", "errors", "skipped")}
        for suite in suites:
            sums = {name: total + int(suite.get(name) or 0) for name, total in sums.items()}
    except (OSError, ET.ParseError):
        return one
    well = sums["tests"] - sums["failures"] - sums["errors"] - sums["skipped"]
    found = {"failed": sums["failures"], "passed": well, "skipped": sums["skipped"], "errors": sums["errors"]}
    bad = found["failed"] + found["errors"]
    return found if passed or bad else {**found, "failed": 1}


def name_of(part: Part) -> str:
    return part.name.replace(" ", "-").replace(",", "")


def run(part: Part, earlier: Sequence[Told], shown: IO[bytes] | None = None) -> Told:
    """``shown``: where its words go instead of the screen."""
    if any(one.name == part.needs and one.result != "passed" for one in earlier):
        print("not run: it needs the part %r" % part.needs, flush=True)
        return Told(part.name, "not run", 0.0, {"failed": 1})
    record = RECORDS / (name_of(part) + ".xml")
    record.unlink(missing_ok=True)
    options = " ".join(filter(None, [os.environ.get("PYTEST_ADDOPTS"), "--junitxml=%s" % record]))
    begun = time.monotonic()
    try:
        env = {**environment(), "PYTEST_ADDOPTS": options}
        done = subprocess.run(part.argv, cwd=ROOT, env=env, check=False, stdout=shown, stderr=shown)
        passed = done.returncode == 0
    except OSError as exc:
        print("%s: %s" % (part.name, exc), flush=True)
        passed = False
    seconds = time.monotonic() - begun
    return Told(part.name, "passed" if passed else "failed", seconds, counted(record, passed))


def summary(told: Sequence[Told], seconds: float) -> str:
    """A line a part, and the sum of all tests as pytest says it."""
    width = max((len(one.name) for one in told), default=0)
    lines = ["  %-*s  %-7s  %7.1f s" % (width, one.name, one.result, one.seconds) for one in told]
    sums = {name: sum(one.counts.get(name, 0) for one in told) for name in ("failed", "passed", "skipped", "errors")}
    counts = ", ".join("%d %s" % (number, name) for name, number in sums.items() if number) or "no tests ran"
    clock = timedelta(seconds=int(seconds))
    return "\n".join(["", "Parts:", *lines, "=== %s in %.2fs (%s) ===" % (counts, seconds, clock)])


def run_aside(part: Part) -> Told:
    with (RECORDS / (name_of(part) + ".log")).open("wb") as shown:
        return run(part, (), shown)


def run_all(wanted: Sequence[Part]) -> int:
    """1 where one failed; the summary comes also after an interrupt."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    told: list[Told] = []
    beside: list[tuple[Part, Future[Told]]] = []
    with ThreadPoolExecutor(len(wanted)) as pool:
        try:
            for part in wanted:
                print("\n== %s (%s)" % (part.name, time.strftime("%H:%M:%S")), flush=True)
                if part.aside and part != wanted[-1]:
                    beside.append((part, pool.submit(run_aside, part)))
                    print("runs beside what follows; its words come then", flush=True)
                    continue
                told.append(run(part, told))
                while beside:
                    other, running = beside.pop(0)
                    told.append(running.result())
                    print("\n== %s said" % other.name, flush=True)
                    print((RECORDS / (name_of(other) + ".log")).read_text(errors="replace"), flush=True)
        finally:
            print(summary(told, time.monotonic() - begun), flush=True)
    return int(any(one.result != "passed" for one in told))


def standing_lab_goes() -> None:
    """`make demo` leaves its lab for a look; these tests need its place, its memory and its ports."""
    olympus = [sys.executable, "-m", "olympus_lab"]
    env = environment()
    seen = subprocess.run([*olympus, "status", "--json"], env=env, capture_output=True, text=True, check=False)
    if seen.returncode == 0 and '"name"' in seen.stdout:
        print(
            "A lab still stands (of `make demo` or `make lab`). The tests need its place: it is taken down.", flush=True
        )
        subprocess.run([*olympus, "down"], env=env, check=True)


def main(names: Sequence[str]) -> int:
    known = {part.name: part for part in parts()}
    if unknown := [name for name in names if name not in known]:
        print("no such part: %s. Parts: %s" % (", ".join(unknown), ", ".join(known)), file=sys.stderr)
        return 2
    wanted = [known[name] for name in names] or [
        part for part in known.values() if not part.slow or os.environ.get("ALL")
    ]
    standing_lab_goes()
    return run_all(wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
