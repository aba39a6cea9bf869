# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What the client's figures come to: one summary a cell, and build/bench/cutover.json of all of them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench import figures

Figures = Mapping[str, Any]
Summary = dict[str, Any]
SUMS = ("requests", "lost", "duplicated", "unseen", "lost_seen", "idle_closed", "stray", "late")


def cell(parts: Mapping[str, Sequence[Figures]], version: str) -> Summary:
    """Of one edge. Keys of parts that were not measured are absent; ``first_new_ms`` is that of the even load."""
    loaded = [*parts.get("flips", ()), *parts.get("volume", ())]
    found: Summary = {"version": version}
    if loaded:
        found |= lost(loaded)
    for part in ("flips", "volume"):
        if part in parts:
            found["even" if part == "flips" else "saturated"] = lost(parts[part])
    if "flips" in parts:
        found |= flips(parts["flips"])
    if "sockets" in parts:
        counts = {key: sum(one["sockets_" + key] for one in parts["sockets"]) for key in ("opened", "closed")}
        found["sockets"] = {**counts, "flips": sum(len(one["flips"]) for one in parts["sockets"])}
    if "throughput" in parts:
        rates = [one["rate"] for one in parts["throughput"]]
        used = [one["cpu_us"] for one in parts["throughput"]]
        found["throughput"] = round(figures.percentile(rates, 50))
        found["cpu_us"] = round(figures.percentile(used, 50), 1)
        found["lost_at_full_load"] = sum(one["lost"] for one in parts["throughput"])
    return found


def lost(slices: Iterable[Figures]) -> Summary:
    """Counts over slices. ``late``: answers of the old colour long after the flip was seen."""
    total: Counter[str] = Counter(dict.fromkeys((*SUMS, "flips"), 0))
    reasons: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    for one in slices:
        total.update({key: one[key] for key in SUMS if key != "late"})
        total.update(flips=len(one["flips"]), late=sum(flip["late"] for flip in one["flips"]))
        reasons.update(one["lost_by_reason"])
        for name, counts in one["kinds"].items():
            kinds.setdefault(name, Counter()).update(counts)
    shown = {name: dict(counts) for name, counts in kinds.items()}
    return {**total, "lost_by_reason": dict(sorted(reasons.items())), "kinds": shown}


def flips(slices: Sequence[Figures]) -> Summary:
    """Times in ms from the beginning of the act. ``flips_not_seen``: the next came before the new colour answered."""
    every = [flip for one in slices for flip in one["flips"]]
    first = [flip["first_new_ms"] for flip in every if flip["first_new_ms"] is not None]
    return {
        "flips_not_seen": len(every) - len(first),
        "first_new_ms": figures.over_flips(first),
        "last_old_ms": figures.over_flips([max(0.0, flip["last_old_ms"] or 0.0) for flip in every]),
        "latency_ms": {
            "beside": figures.of_histograms(one["near"] for one in slices),
            "far": figures.of_histograms(one["far"] for one in slices),
        },
    }


def compared(one: Sequence[Figures], other: Sequence[Figures]) -> Summary:
    """The ratio of throughput, and of the edge's own processor time for a request, pair by pair."""
    rates = figures.ratio([a["rate"] for a in one], [b["rate"] for b in other])
    used = figures.ratio([a["cpu_us"] for a in one], [b["cpu_us"] for b in other])
    return {"throughput": vars(rates), "cpu": vars(used)}


def worst(cells: Sequence[Summary]) -> Summary:
    """Of the same thing on several Caddys: sums of what is counted, the worst of what is timed."""
    counted: Summary = {key: sum(one[key] for one in cells if key in one) for key in (*SUMS, "flips", "flips_not_seen")}
    for key in ("first_new_ms", "last_old_ms"):
        found = [one[key] for one in cells if key in one]
        columns = {name: [one[name] for one in found] for name in ("p50", "p99")}
        counted[key] = {name: None if None in many else max(many, default=None) for name, many in columns.items()}
    with_sockets = [one["sockets"] for one in cells if "sockets" in one]
    counted["sockets"] = {key: sum(one[key] for one in with_sockets) for key in ("opened", "closed", "flips")}
    return counted
