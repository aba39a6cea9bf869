# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What the proof of four targets costs: build/bench/proof.json and proof.md. ``make bench-proof``.

Two Kratos and two Hydra, each with its own programs, beside what else runs on this machine.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from kit import migrate_bench
from kit.compose_bench import podman
from kit.proof_bench import Bench, hydra, kratos

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from olympus_lab import images

OUT = Path(__file__).resolve().parents[1] / "build" / "bench"
LIMITS = {"seconds": 90.0, "mebibytes": 512.0}
RUNS = 3


class Memory(threading.Thread):
    """The most that the containers of a proof had at one time, in MiB, by the kernel's proportional share."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0.0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.5):
            label = "label=olympus.bluegreen.kind=schema-proof"
            pids = podman("ps", "--filter", label, "--format", "{{.Pid}}").split()
            self.most = max(self.most, sum(_tree(int(pid)) for pid in pids) / 1024)

    def end(self) -> float:
        self._over.set()
        self.join()
        return self.most


def _tree(pid: int) -> float:
    """KiB of a process and all below it."""
    try:
        lines = Path("/proc/%d/smaps_rollup" % pid).read_text().splitlines()
        below = Path("/proc/%d/task/%d/children" % (pid, pid)).read_text().split()
    except OSError:
        return 0.0
    own = sum(float(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return own + sum(_tree(int(child)) for child in below)


def measured(bench: Bench) -> dict[str, float]:
    (bench.state_dir / "releases" / "v2-0123456789" / "schema" / "proof.json").unlink(missing_ok=True)
    memory = Memory()
    memory.start()
    begun = time.monotonic()
    # The oldest Hydra breaks; what that costs is no less.
    with suppress(Refused):
        bench.run()
    return {"seconds": time.monotonic() - begun, "mebibytes": memory.end()}


def four(directory: Path) -> Bench:
    """Two Kratos and two Hydra on the bench's PostgreSQL."""
    (directory / "state").mkdir()
    old, new = images.on_demand("hydra", "v1.11.10"), migrate_bench.HYDRA
    targets = (
        kratos("ciam-kratos", migrate_bench.KRATOS_OLD, migrate_bench.KRATOS_NEW),
        kratos("iam-kratos", migrate_bench.KRATOS_OLD, migrate_bench.KRATOS_NEW, 7000),
        hydra("ciam-hydra", old, new),
        hydra("iam-hydra", old, new, 7002),
    )
    return Bench(directory, directory / "state", *targets)


def runs(count: int) -> list[dict[str, float]]:
    """The first one is cold."""
    with tempfile.TemporaryDirectory() as given:
        directory = Path(given)
        directory.chmod(0o755)
        migrate_bench.start_server(directory)
        try:
            bench = four(directory)
            return [measured(bench) for _run in range(count)]
        finally:
            migrate_bench.clean_up()


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    found_runs = runs(RUNS + 1)
    cold, warm = found_runs[0], found_runs[1:]
    found = {
        "v": 1,
        "targets": 4,
        "cold_seconds": cold["seconds"],
        "seconds": max(one["seconds"] for one in warm),
        "mebibytes": max(one["mebibytes"] for one in found_runs),
        "limits": LIMITS,
    }
    (OUT / "proof.json").write_text(json.dumps(found, indent=2) + "\n")
    heads = ("targets", "first run, s", "warm, s (most of %d)" % RUNS, "limit, s", "memory, MiB", "limit, MiB")
    table = "| %s |\n|%s\n" % (" | ".join(heads), "---|" * len(heads))
    row = "| %(targets)d | %(cold_seconds).1f | %(seconds).1f | 90 | %(mebibytes).0f | 512 |\n" % found
    (OUT / "proof.md").write_text(table + row)
    print(table + row, end="")


if __name__ == "__main__":
    main()
