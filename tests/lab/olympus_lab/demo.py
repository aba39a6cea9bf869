# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The demo: a real Olympus upgraded, rolled back, upgraded again and saved from a bad release, all under load."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from olympus_lab import binaries, config, demo_report, release, stack, truth
from olympus_lab.load import Load, faults
from olympus_lab.progress import LabError, main_guard, say

OUT = config.ROOT / "build" / "demo"
ENOUGH = 50_000
# What the release has to migrate.
MIGRATED = ("ciam_kratos", "iam_kratos")
# Plain requests a second beside the journeys: two cores carry them, two colours and the plays.
RATE = 130


@dataclass
class Demo:
    """The story so far. ``stages`` hold name, rc, seconds and who was live afterwards."""

    load: Load
    ids: Mapping[str, str]
    stages: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    counted: int = 0

    def stage(self, name: str, live: str, tags: str = "", rc: int = 0, **extra: Any) -> release.Run:
        """Run a stage and ask the systems what is true afterwards."""
        done = release.play(f"demo-{len(self.stages) + 1}-{name}", tags, extra)
        self.stages.append({"name": name, "rc": done.rc, "seconds": round(done.seconds, 1), "live": live})
        if (done.rc == 0) != (rc == 0):
            self.wrong.append(f"{name}: rc {done.rc}")
            raise LabError(f"{name} ended with {done.rc}, expected {rc or 'success'}")
        told = done if tags == "status" else release.play(f"demo-{len(self.stages)}-status", "status", quiet=True)
        if not re.search(rf"\blive +{live} ", told.out):
            self.wrong.append(f"{name}: status does not say that {live} is live")
        self.agree(name, live)
        return done

    def agree(self, name: str, live: str) -> None:
        """Exactly one colour is live; switch, public answers and container ids say the same."""
        disk, public = truth.on_disk(), truth.in_public()
        if disk != live or set(public.values()) != {live}:
            self.wrong.append(f"{name}: live should be {live}, the switch says {disk}, the public {public}")
        if truth.kept_ids() != self.ids:
            self.wrong.append(f"{name}: PostgreSQL or Caddy was recreated")
        self.agree_inside(name, live)

    def agree_inside(self, name: str, live: str) -> None:
        """The shared site keeps its volume, and from the cleanup on its plain names lead to the live colour."""
        before, (self.counted, heard) = self.counted, truth.shared()
        cleaned = any(stage["name"] == "cleanup" for stage in self.stages)
        if self.counted <= before:
            self.wrong.append(f"{name}: pgAdmin's volume was lost")
        if any(status != 200 or (cleaned and colour not in ("", live)) for status, colour in heard.values()):
            self.wrong.append(f"{name}: pgAdmin hears {heard} at plain names, {live} is live")


def story(demo: Demo) -> None:
    """What the issue tells: adopt, upgrade, roll back, upgrade again, clean up, survive a bad release."""
    with_marks(demo, "adopt", lambda: demo.stage("adopt", "blue", "adopt", version="v1.4.2"))
    watch = truth.FlipWatch(demo.load)
    watch.start()
    try:
        demo.stage("upgrade", "green", version="v1.5.0")
        demo.stage("rollback", "blue", "rollback")
        demo.stage("upgrade again", "green", version="v1.5.0")
        demo.load.mark("retire:blue")
        demo.stage("cleanup", "green", "cleanup", bluegreen_bake=0)
        demo.stage("bad release", "green", rc=2, version="v1.5.2-errors")
        if [colour for _at, colour in watch.flips] != ["green", "blue", "green", "blue", "green"]:
            demo.wrong.append("the watch did not roll the bad release back: flips %s" % watch.flips)
        demo.stage("status", "green", "status")
        settle(demo)
    finally:
        watch.stop()


def with_marks(demo: Demo, name: str, act: Any) -> None:
    demo.load.mark(f"{name}-begin")
    act()
    demo.load.mark(f"{name}-end")


def settle(demo: Demo) -> None:
    """Let the load go on until the promised number of requests was made."""
    deadline = time.monotonic() + 120
    while int(demo.load.progress().get("requests", 0)) < ENOUGH + 1000 and time.monotonic() < deadline:
        say(f"load goes on: {demo.load.progress().get('requests', 0)} requests")
        time.sleep(5)


def run() -> int:
    began = time.monotonic()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    shutil.rmtree(release.state_dir(), ignore_errors=True)
    binaries.build(["lab-load"])
    stack.up(fresh=True)
    load = Load(OUT / "load", {"volume": {"rate": RATE}, "stream_seconds": 12})
    demo = Demo(load, truth.kept_ids())
    try:
        load.start()
        story(demo)
        figures = load.stop()
    except LabError as error:
        print(f"demo: ERROR {error}", file=sys.stderr)
        demo.wrong.append(str(error).splitlines()[0])
        figures = rescue(load)
    finally:
        load.kill()
    return conclude(demo, figures, time.monotonic() - began)


def rescue(load: Load) -> dict[str, Any]:
    try:
        return load.stop()
    except (LabError, OSError):
        return {}


def proven() -> list[dict[str, Any]]:
    """What the releases' proofs said, by target."""
    found = sorted((release.state_dir() / "releases").glob("*/schema/proof.json"))
    told = [json.loads(path.read_text())["targets"] for path in found]
    return [{"target": name, **about} for targets in told for name, about in sorted(targets.items())]


def passes(verdict: str | None) -> bool:
    return verdict in ("SAFE", "SAFE_IF_EXERCISED")


def conclude(demo: Demo, figures: dict[str, Any], seconds: float) -> int:
    """Print the table and the last line, write the report; 1 if anything is not as it must be."""
    wrong = demo.wrong + (faults(figures) if figures else ["no figures"])
    if figures and figures["requests"] < ENOUGH:
        wrong.append(f"requests={figures['requests']} of {ENOUGH}")
    timing = demo_report.timing(figures, demo.stages)
    proofs = proven()
    judged = {one["target"]: one["verdict"] for one in proofs}
    wrong += [f"{target}: {judged.get(target, 'not proven')}" for target in MIGRATED if not passes(judged.get(target))]
    data: dict[str, Any] = {
        "stages": demo.stages,
        "figures": figures,
        "timing": timing,
        "wrong": wrong,
        "proofs": proofs,
        "seconds": round(seconds, 1),
    }
    (OUT / "demo.json").write_text(json.dumps(data, indent=2) + "\n")
    report = OUT / "report.html"
    report.write_text(demo_report.html(data))
    print(demo_report.table(data))
    print("The lab still stands: look around (make lab-status), then make lab-down.")
    shown = report.relative_to(config.ROOT)
    if wrong:
        print(f"demo: FAIL {'; '.join(wrong)} report={shown}")
        return 1
    print(f"demo: PASS {demo_report.last_line(figures, timing)} report={shown}")
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(run))
