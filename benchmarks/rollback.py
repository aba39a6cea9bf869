# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The way back against the clock: build/bench/rollback.json and rollback.md. ``make bench-rollback``.

In turn: the whole ``ansible-playbook bluegreen.yml --tags rollback``, and a playbook with the same guard and one
trivial task. While the first one runs, clients ask all the time: the effect is over when the colour that is left
answered for the last time. Then the script that adopt leaves on the host, timed the same way.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from kit.caddy_played import ROOT, Clients, World, world

OUT = ROOT / "build/bench"
# What must hold.
LIMITS = {"effect_ms": 250.0, "wall_ratio": 1.5, "script_ms": 100.0}
LEAST_PAIRS = 7


def rolled_back(one: World) -> tuple[float, float]:
    """(seconds of the whole play, ms from the module's start to the last answer of the colour that is left)."""
    one.begun.unlink(missing_ok=True)
    one.cut_over()
    with Clients(one.port) as clients:
        _until_green(clients)
        seconds = one.play(ROOT / "bluegreen.yml", "--tags", "rollback")
    assert one.switch.read().live == "blue"
    begun = float(one.begun.read_text().split()[0])
    return seconds, 1000 * (clients.last("green") - begun)


def by_script(one: World) -> tuple[float, float]:
    """(ms until the script was over, ms to the last answer of the colour that is left)."""
    one.cut_over()
    with Clients(one.port) as clients:
        _until_green(clients)
        begun = time.time()
        subprocess.run([one.script], check=True, capture_output=True)
        over = time.time()
        time.sleep(0.1)
    assert one.switch.read().live == "blue"
    return 1000 * (over - begun), 1000 * (clients.last("green") - begun)


def _until_green(clients: Clients) -> None:
    while not any(said == "green" for _at, said in clients.answers):
        time.sleep(0.01)


def interval(values: Sequence[float], draws: int = 4000) -> list[float]:
    """95 % of the medians of samples drawn with repetition; always the same draws."""
    rng = random.Random(5)
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _draw in range(draws))
    return [round(medians[int(draws * part)], 3) for part in (0.025, 0.975)]


def figures(values: Sequence[float]) -> dict[str, Any]:
    return {
        "median": round(statistics.median(values), 3),
        "interval": interval(values),
        "max": round(max(values), 3),
        "n": len(values),
        "values": [round(one, 3) for one in values],
    }


def spent() -> float:
    """CPU seconds of every program that has ended: what the machine does besides changes them little."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(pairs: int) -> dict[str, Any]:
    plays, bases, effects, scripts, script_effects = [], [], [], [], []
    cpu: dict[str, list[float]] = {"play": [], "base": []}
    with world() as one:
        one.play(one.directory / "baseline.yml", "--tags", "rollback")
        for number in range(pairs):
            # Whoever comes first changes from pair to pair.
            for which in ("play", "base") if number % 2 else ("base", "play"):
                before = spent()
                if which == "base":
                    bases.append(one.play(one.directory / "baseline.yml", "--tags", "rollback"))
                else:
                    seconds, effect = rolled_back(one)
                    plays.append(seconds)
                    effects.append(effect)
                cpu[which].append(spent() - before)
            print("pair %d: %.2f s, guard alone %.2f s, effect %.0f ms" % (number, plays[-1], bases[-1], effects[-1]))
        for _number in range(pairs):
            over, effect = by_script(one)
            scripts.append(over)
            script_effects.append(effect)
    return {
        "v": 1,
        "pairs": pairs,
        "effect_ms": round(statistics.median(effects), 1),
        "wall_ratio": round(statistics.median(a / b for a, b in zip(plays, bases)), 3),
        "script_ms": round(statistics.median(scripts), 1),
        "cpu_ratio": round(statistics.median(a / b for a, b in zip(cpu["play"], cpu["base"])), 3),
        "limits": LIMITS,
        "effect": figures(effects),
        "ratio": figures([a / b for a, b in zip(plays, bases)]),
        "cpu": figures([a / b for a, b in zip(cpu["play"], cpu["base"])]),
        "play_s": figures(plays),
        "baseline_s": figures(bases),
        "script": figures(scripts),
        "script_effect": figures(script_effects),
    }


def markdown(found: dict[str, Any]) -> str:
    rows = [
        ("from the module's start to 100 % on the old colour", "effect", "ms", LIMITS["effect_ms"]),
        ("whole `--tags rollback`", "play_s", "s", None),
        ("the same guard and one trivial task", "baseline_s", "s", None),
        ("ratio of the two, by pairs", "ratio", "", LIMITS["wall_ratio"]),
        ("the same of CPU seconds", "cpu", "", None),
        ("`bluegreen-rollback`, until it is over", "script", "ms", LIMITS["script_ms"]),
        ("`bluegreen-rollback`, until 100 % on the old colour", "script_effect", "ms", None),
    ]
    lines = [
        "`make bench-rollback`: %d pairs, a native Caddy on loopback, asked all the time." % found["pairs"],
        "",
        "| | median | 95 % interval | max | limit |",
        "|---|---|---|---|---|",
    ]
    for title, name, unit, limit in rows:
        one = found[name]
        low, high = one["interval"]
        most = "-" if limit is None else ("%g %s" % (limit, unit)).strip()
        told = ("%.3g %s" % (one["median"], unit)).strip()
        lines.append("| %s | %s | %.3g to %.3g | %.3g | %s |" % (title, told, low, high, one["max"], most))
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures the way back")
    parser.add_argument("--pairs", type=int, default=9, help="at least %d" % LEAST_PAIRS)
    pairs = max(LEAST_PAIRS, parser.parse_args().pairs)
    found = measure(pairs)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "rollback.json").write_text(json.dumps(found, indent=2) + "\n")
    (OUT / "rollback.md").write_text(markdown(found))
    print(markdown(found))
    missed = [
        "%s is %g, not %g or less" % (name, found[name], most) for name, most in LIMITS.items() if found[name] > most
    ]
    print("; ".join(missed) or "all limits hold")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
