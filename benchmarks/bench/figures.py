# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Percentiles, and ratios with an interval. Pure."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# Below these a figure would promise more than was measured.
FLIPS_FOR_P99 = 300
PAIRS_FOR_INTERVAL = 7
RESAMPLES = 10_000
# Buckets of the client's latency histograms: bucket b ends at BUCKET ** b microseconds.
BUCKET = 1.02


def percentile(values: Iterable[float], percent: float) -> float:
    """Nearest rank: a value that was really seen. ValueError where there are none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(1, math.ceil(percent / 100 * len(ordered))) - 1]


def over_flips(values: Sequence[float]) -> dict[str, float | None]:
    """p50 and p99; p99 is None below FLIPS_FOR_P99 values, both where there are none."""
    enough = len(values) >= FLIPS_FOR_P99
    return {
        "p50": round(percentile(values, 50), 2) if values else None,
        "p99": round(percentile(values, 99), 2) if enough else None,
    }


def of_histograms(histograms: Iterable[Mapping[str, int]]) -> dict[str, float | None]:
    """p50 and p99 in ms of the client's histograms put together; None where nothing was measured."""
    total: Counter[int] = Counter()
    for one in histograms:
        total.update({int(bucket): count for bucket, count in one.items()})
    return {"p50": _bucket(total, 50), "p99": _bucket(total, 99)}


def _bucket(counts: Counter[int], percent: float) -> float | None:
    wanted, seen = math.ceil(percent / 100 * counts.total()), 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= wanted:
            return round(BUCKET**bucket / 1000, 3)
    return None


@dataclass(frozen=True)
class Ratio:
    """``value`` is the geometric mean over ``pairs``; ``low`` and ``high`` bound 95 %, None with too few pairs."""

    value: float
    low: float | None
    high: float | None
    pairs: int


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Ratio:
    """Of values measured beside each other, pair by pair; the interval is a bootstrap over the pairs.

    The same input gives the same interval: the resampling has a fixed seed.
    """
    logs = [math.log(one / other) for one, other in zip(numerators, denominators, strict=True)]
    mean = sum(logs) / len(logs)
    low = high = None
    if len(logs) >= PAIRS_FOR_INTERVAL:
        draw = random.Random(0)
        means = [sum(draw.choices(logs, k=len(logs))) / len(logs) for _draw in range(RESAMPLES)]
        low, high = (round(math.exp(percentile(means, percent)), 3) for percent in (2.5, 97.5))
    return Ratio(round(math.exp(mean), 3), low, high, len(logs))
