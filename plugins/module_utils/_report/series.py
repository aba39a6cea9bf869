# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A watch's events as what the charts draw: pure numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._verdict.judge import of_armed

Events = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Bucket:
    """Answers of the new colour up to ``at`` (epoch seconds), from the bucket before."""

    at: float
    n: int
    bad: int


@dataclass(frozen=True)
class Point:
    at: float
    value: float


@dataclass(frozen=True)
class Bar:
    """A stage on the timeline; ``end`` None while it runs or when its end was never written."""

    name: str
    begin: float
    end: float | None


def armed(events: Events) -> Mapping[str, Any]:
    return next((event for event in events if event["event"] == "armed"), {})


def after(events: Events) -> list[Mapping[str, Any]]:
    """The events from the flip on: what came before was not judged."""
    begun = armed(events).get("at")
    return [] if begun is None else [event for event in events if event["at"] >= begun]


def buckets(events: Events, most: int = 90) -> list[Bucket]:
    """At most ``most`` buckets; counts are summed, so that no burst disappears."""
    samples = [event for event in after(events) if event["event"] == "sample"]
    if not samples:
        return []
    step = max(1, -(-len(samples) // most))
    groups = [samples[index : index + step] for index in range(0, len(samples), step)]
    return [
        Bucket(group[-1]["at"], sum(e["new"]["n"] for e in group), sum(e["new"]["bad"] for e in group))
        for group in groups
    ]


def evidence(events: Events, most: int = 300) -> tuple[list[Point], list[Point]]:
    """How close the error test and the paired test came to their limits (1 = rolls back): the watch judged again."""
    begun = armed(events)
    if not begun:
        return [], []
    judge = of_armed(begun)
    limits = math.log(judge.parameters.error_limit), math.log(judge.parameters.pair_limit)
    errors, pairs = [Point(begun["at"], 0.0)], [Point(begun["at"], 0.0)]
    told = after(events)
    step = max(1, sum(event["event"] == "sample" for event in told) // most)
    seen = 0
    for event in told:
        judge.add(event)
        seen += event["event"] == "sample"
        if event["event"] == "sample" and seen % step == 0:
            errors.append(Point(event["at"], judge.error_evidence() / limits[0]))
            pairs.append(Point(event["at"], judge.pair_evidence() / limits[1]))
    return errors, pairs


def strip(events: Events) -> list[tuple[float, str]]:
    """(at, ok|new|old|both) of each pair of probes after the flip."""
    found = []
    for event in after(events):
        if event["event"] == "pair":
            new = any(old and not new for new, old in event["checks"].values())
            old = any(new and not old for new, old in event["checks"].values())
            both = any(not new and not old for new, old in event["checks"].values())
            found.append((event["at"], "new" if new else "old" if old else "both" if both else "ok"))
    return found


def bars(ledger: Events) -> list[Bar]:
    """The stages of a release as the ledger tells them, in order."""
    found: list[Bar] = []
    for event in ledger:
        if event["event"] == "stage_began":
            found.append(Bar(str(event.get("stage") or "?"), event["at"], None))
        elif event["event"] == "stage_ended" and found and found[-1].end is None:
            found[-1] = Bar(found[-1].name, found[-1].begin, event["at"])
    return found
