# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every part of ``make test``, two at a time, also after one that failed; then what each said and took.

``python tests/parts.py [NAME ...]``: all parts, or these. ALL=1 adds what is too long for `make test`; LANES=1 runs one
at a time. The last line counts like pytest's own: the tests of every part, and a part that is no pytest as one test.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / "build" / "test"
# Parts wait half of their time, and two cores carry two of them. Lane N has lab slot N: slot 0 is the operator's.
LANES = int(os.environ.get("LANES", "2"))
# Seconds between two lines that say what still runs.
BEAT = 60.0
OLYMPUS = (sys.executable, "-m", "olympus_lab")
DEMO = "python -m olympus_lab.demo; rc=$?; python -m olympus_lab down; exit $rc"


@dataclass(frozen=True)
class Part:
    """``argv`` is run as it is; ``needs`` is the part without which it can't begin; ``slow``: only with ALL=1.

    ``lab``: it starts stacks of containers, in the slot of its lane. ``alone``: no other part with ``lab`` runs beside.
    """

    name: str
    argv: Sequence[str]
    needs: str = ""
    slow: bool = False
    lab: bool = False
    alone: bool = False


@dataclass(frozen=True)
class Told:
    """What a part said: ``result`` is passed, failed or not run; ``counts`` are its tests by outcome."""

    name: str
    result: str
    seconds: float
    counts: dict[str, int]


def lab(name: str, *tests: str, before: Sequence[str] = (), slow: bool = False, alone: bool = False) -> Part:
    marks = "lab" if os.environ.get("ALL") else "lab and not slow"
    argv = [*before, "pytest", "-m", marks, *("tests/" + test for test in tests)]
    return Part(name, argv, "images", slow, lab=True, alone=alone or slow)


def parts() -> list[Part]:
    """In this order two lanes are busy to the end: those without a lab beside those alone with one, then labs."""
    return [
        Part("images", [*OLYMPUS, "images"]),
        Part("lint", ["tests/lint"]),
        Part("sanity", ["tests/sanity"]),
        # Alone: nobody names the stack that they adopt, so it has to be the only one. No lab is left for a look.
        Part("the demo", ["sh", "-c", DEMO], "images", lab=True, alone=True),
        # The contract tests ask real Ory and Caddy, whose programs are built with the images.
        Part("unit and contract", ["make", "unit"], "images"),
        # On a host of their own, so beside any lab. Those with Podman are too long.
        Part("reuse", ["tests/reuse"], "images"),
        Part("reuse with Podman", ["tests/reuse", "podman"], "images", slow=True, lab=True, alone=True),
        Part("molecule", ["tests/molecule"], "images", lab=True, alone=True),
        lab("the collection on real Podman", "real"),
        lab("a killed controller, bad moments", "lab/test_controller_killed.py", "lab/test_rollback.py"),
        lab("negative controls", "lab/test_controls.py"),
        lab("bad input", "lab/test_bad_input.py"),
        lab("the lab itself", "lab/test_stack.py"),
        # Names, ports and a directory of its own: what the settings call a shape is chosen before Python starts.
        lab("another operator", "lab/test_other_operator.py", before=["env", "LAB_SHAPE=other"]),
        Part("worlds", ["make", "worlds"]),
        lab("other hands, other names", "lab/test_other_hands.py", "lab/test_other_names.py", slow=True),
        lab("worlds and verdicts on the lab", "lab/test_worlds.py", "lab/test_proof_play.py", slow=True),
        lab("couriers and singletons", "lab/test_courier.py", slow=True),
        lab("a native edge, and Cloudflare", "lab/test_native_edge.py", "lab/test_cloudflare_edge.py", slow=True),
        lab("a lockout, a CAPTCHA", "lab/test_lockout.py", slow=True),
        lab("the workflow of AWX", "lab/test_awx.py", slow=True),
    ]


def environment(slot: int = 0) -> dict[str, str]:
    """Ours, and what other programs need to use the lab's Podman. A slot's stacks stand beside others."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    ours = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "PYTHONPATH": str(ROOT / "tests" / "lab"), "PATH": path}
    found = {**os.environ, **ours, "LAB_SLOT": str(slot)}
    asked = subprocess.run([*OLYMPUS, "env"], env=found, capture_output=True, text=True, check=False)
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


def run(part: Part, slot: int) -> Told:
    """What it says goes to its log."""
    record = RECORDS / (name_of(part) + ".xml")
    record.unlink(missing_ok=True)
    options = " ".join(filter(None, [os.environ.get("PYTEST_ADDOPTS"), "--junitxml=%s" % record]))
    begun = time.monotonic()
    with log_of(part).open("wb") as log:
        try:
            env = {**environment(slot), "PYTEST_ADDOPTS": options}
            done = subprocess.run(part.argv, cwd=ROOT, env=env, check=False, stdout=log, stderr=log)
            passed = done.returncode == 0
        except OSError as exc:
            log.write(("%s: %s\n" % (part.name, exc)).encode())
            passed = False
    seconds = time.monotonic() - begun
    return Told(part.name, "passed" if passed else "failed", seconds, counted(record, passed))


def log_of(part: Part) -> Path:
    return RECORDS / (name_of(part) + ".log")


@dataclass
class Lanes:
    """Which part begins when. Each lane takes the first that may; what a part said is shown in one piece at its end."""

    waiting: list[Part]
    running: dict[str, tuple[Part, float]] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def lane(self, number: int) -> None:
        try:
            while part := self.take():
                one = run(part, number if part.lab and not part.alone else 0)
                with self.changed:
                    del self.running[part.name]
                    self.end(part, one)
        except BaseException:
            # The other lane may wait for what would never end.
            self.stop()
            raise

    def take(self) -> Part | None:
        """Wait for a part that may begin; None when there is none left."""
        with self.changed:
            while self.waiting:
                if part := next(filter(self.may_begin, self.waiting), None):
                    self.waiting.remove(part)
                    self.running[part.name] = (part, time.monotonic())
                    print("== %s begins (%s): %s" % (part.name, time.strftime("%H:%M:%S"), log_of(part)), flush=True)
                    return part
                self.changed.wait()
            return None

    def beat(self) -> None:
        with self.changed:
            since = ["%s (%.0f s)" % (name, time.monotonic() - at) for name, (_part, at) in self.running.items()]
        print("... %s" % ", ".join(since), flush=True)

    def may_begin(self, part: Part) -> bool:
        beside = [other for other, _since in self.running.values() if other.lab]
        crowded = part.lab and any(part.alone or other.alone for other in beside)
        open_ = [*(other.name for other in self.waiting), *self.running]
        return part.needs not in open_ and not crowded

    def end(self, part: Part, one: Told) -> None:
        """Show it; what needs it and can't have it ends with it."""
        self.told.append(one)
        said = log_of(part).read_text(errors="replace")
        print("\n== %s: %s after %.0f s\n%s" % (part.name, one.result, one.seconds, said), flush=True)
        for other in [other for other in self.waiting if other.needs == part.name and one.result != "passed"]:
            self.waiting.remove(other)
            log_of(other).write_text("it needs the part %r\n" % part.name)
            self.end(other, Told(other.name, "not run", 0.0, {"failed": 1}))
        self.changed.notify_all()

    def stop(self) -> None:
        with self.changed:
            self.waiting.clear()
            self.changed.notify_all()


def summary(told: Sequence[Told], seconds: float) -> str:
    """A line a part, what all of them took one after the other, and the sum of all tests as pytest says it."""
    width = max((len(one.name) for one in told), default=0)
    lines = ["  %-*s  %-7s  %7.1f s" % (width, one.name, one.result, one.seconds) for one in told]
    work = sum(one.seconds for one in told)
    lines.append(
        "  " + "all of them".ljust(width) + "           %7.1f s in %.1f s, %d at a time" % (work, seconds, LANES)
    )
    sums = {name: sum(one.counts.get(name, 0) for one in told) for name in ("failed", "passed", "skipped", "errors")}
    counts = ", ".join("%d %s" % (number, name) for name, number in sums.items() if number) or "no tests ran"
    clock = timedelta(seconds=int(seconds))
    return "\n".join(["", "Parts:", *lines, "=== %s in %.2fs (%s) ===" % (counts, seconds, clock)])


def run_all(wanted: Sequence[Part]) -> int:
    """1 where one failed; the summary comes also after an interrupt."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    lanes = Lanes(list(wanted))
    try:
        with ThreadPoolExecutor(LANES) as pool:
            running = [pool.submit(lanes.lane, number) for number in range(1, LANES + 1)]
            try:
                while wait(running, timeout=BEAT).not_done:
                    lanes.beat()
                for one in running:
                    one.result()
            finally:
                lanes.stop()
    finally:
        print(summary(lanes.told, time.monotonic() - begun), flush=True)
    return int(any(one.result != "passed" for one in lanes.told))


def standing_lab_goes(slot: int = 0) -> None:
    """`make demo` leaves its lab for a look, an interrupted test its own; these tests need memory, names and ports."""
    env = environment(slot)
    seen = subprocess.run([*OLYMPUS, "status", "--json"], env=env, capture_output=True, text=True, check=False)
    if seen.returncode == 0 and '"name"' in seen.stdout:
        print(
            "A lab still stands (of `make demo` or `make lab`). The tests need its place: it is taken down.", flush=True
        )
        subprocess.run([*OLYMPUS, "down"], env=env, check=True)


def main(names: Sequence[str]) -> int:
    known = {part.name: part for part in parts()}
    if unknown := [name for name in names if name not in known]:
        print("no such part: %s. Parts: %s" % (", ".join(unknown), ", ".join(known)), file=sys.stderr)
        return 2
    wanted = [known[name] for name in names] or [
        part for part in known.values() if not part.slow or os.environ.get("ALL")
    ]
    for slot in range(LANES + 1):
        standing_lab_goes(slot)
    return run_all(wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
