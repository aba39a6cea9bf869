# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The charts of a report: series from the recorded events, drawn as SVG. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from .._verdict.judge import of_armed
from .words import clock, share

Events = Sequence[Mapping[str, Any]]
WIDTH, LEFT, RIGHT = 760, 56, 12
PLOT = WIDTH - LEFT - RIGHT


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
    judged = after(events)
    step = max(1, sum(event["event"] == "sample" for event in judged) // most)
    seen = 0
    for event in judged:
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


# Drawn


def scale(value: float, low: float, high: float, begin: float, size: float) -> float:
    return begin + size * (value - low) / (high - low) if high > low else begin


def element(name: str, inside: str = "", kind: str = "", **given: float | str) -> str:
    """An element of class ``kind``; numbers are rounded, ``_`` in a name stands for ``-``."""
    shown = {key.replace("_", "-"): value if isinstance(value, str) else "%.1f" % value for key, value in given.items()}
    attributes = "".join(' %s="%s"' % (key, escape(value)) for key, value in {**shown, "class": kind}.items())
    return "<%s%s>%s</%s>" % (name, attributes, inside, name)


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    return element("text", escape(words), kind, x=x, y=y, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return element("line", "", kind, x1=x1, y1=y1, x2=x2, y2=y2)


def rect(x: float, y: float, width: float, height: float, kind: str, title: str = "") -> str:
    inside = element("title", escape(title))
    return element("rect", inside, kind, x=x, y=y, width=max(width, 0.8), height=max(height, 0))


def polyline(points: Sequence[str], kind: str) -> str:
    return element("polyline", "", kind, points=" ".join(points))


def chart(height: float, summary: str, parts: Sequence[str]) -> str:
    box = "0 0 %d %d" % (WIDTH, height)
    return element("svg", "".join(parts), viewBox=box, role="img", aria_label=summary)


def _times(low: float, high: float, y: float) -> list[str]:
    anchors = ("start", "middle", "middle", "middle", "end")
    marks = [(low + (high - low) * part / 4, anchor) for part, anchor in enumerate(anchors)]
    return [text(scale(at, low, high, LEFT, PLOT), y, clock(at), anchor, "axis") for at, anchor in marks]


def timeline(stages: Sequence[Bar], marks: Sequence[tuple[float, str]], end: float) -> str:
    """One row a stage, vertical lines for what happened at one moment."""
    if not stages:
        return ""
    low, high = min(stage.begin for stage in stages), max([end, *(stage.end or end for stage in stages)])
    parts, bottom = [], 22 + 20 * len(stages)
    for index, stage in enumerate(stages):
        begin = scale(stage.begin, low, high, LEFT + 40, PLOT - 40)
        finish = scale(stage.end or end, low, high, LEFT + 40, PLOT - 40)
        title = "%s: %s, %.1f s" % (stage.name, clock(stage.begin), (stage.end or end) - stage.begin)
        parts.append(text(LEFT + 32, 18 + 20 * index, stage.name, "end", "axis"))
        parts.append(rect(begin, 8 + 20 * index, finish - begin, 13, "stage" if stage.end else "stage open", title))
    for row, (at, words) in enumerate(marks):
        x = scale(at, low, high, LEFT + 40, PLOT - 40)
        parts.append(line(x, 2, x, bottom, "mark"))
        late = x > WIDTH * 0.7
        parts.append(text(x - 4 if late else x + 4, bottom + 12 + 14 * row, words, "end" if late else "start", "label"))
    foot = bottom + 14 * len(marks) + 16
    parts += [text(LEFT + 40, foot, clock(low), "start", "axis"), text(WIDTH - RIGHT, foot, clock(high), "end", "axis")]
    return chart(foot + 6, "Timeline of the stages", parts)


def errors(found: Sequence[Bucket], allowed: float, begin: float, end: float) -> str:
    """Error share of the new colour as bars against the allowed share; the number of answers as a grey line."""
    if not found:
        return ""
    low, high, base, top = begin, end, 130.0, 14.0
    shares = [bucket.bad / bucket.n if bucket.n else 0.0 for bucket in found]
    highest = min(1.0, max([allowed * 2, 0.02, *shares]))
    most = max(1, max(bucket.n for bucket in found))
    parts = [line(LEFT, base, WIDTH - RIGHT, base, "base"), text(LEFT - 6, base, "0", "end", "axis")]
    parts.append(text(LEFT - 6, top + 6, "%.3g %%" % (100 * highest), "end", "axis"))
    points = []
    x = float(LEFT)
    for bucket, part in zip(found, shares):
        width = scale(bucket.at, low, high, LEFT, PLOT) - x
        tall = (base - top) * min(1.0, part / highest)
        title = "%s: %d of %d (%s)" % (clock(bucket.at), bucket.bad, bucket.n, share(bucket.bad, bucket.n))
        parts.append(rect(x, base - tall, width * 0.85, tall, "bad", title))
        points.append("%.1f,%.1f" % (x + width * 0.4, base - (base - top) * bucket.n / most))
        x += width
    parts.append(polyline(points, "volume"))
    y = base - (base - top) * min(1.0, allowed / highest)
    parts += [line(LEFT, y, WIDTH - RIGHT, y, "limit"), text(LEFT + 4, y - 4, "allowed", "start", "label")]
    parts.append(text(LEFT + 4, base + 32, "line: answers, at most %d a bar" % most, "start", "axis"))
    total, bad = sum(b.n for b in found), sum(b.bad for b in found)
    summary = "Error share of the new colour: %d of %d answers, %.2f %% allowed" % (bad, total, 100 * allowed)
    return chart(base + 36, summary, parts + _times(low, high, base + 16))


def sequential(tests: Sequence[tuple[str, Sequence[Point]]], low: float, high: float) -> str:
    """How close each test came to its limit. The limit is 1: at that line it rolls back."""
    if not any(points for _name, points in tests):
        return ""
    base, top = 110.0, 14.0
    limit = base - (base - top) * 0.8

    def at(point: Point) -> str:
        level = max(0.0, min(point.value, 1.25))
        return "%.1f,%.1f" % (scale(point.at, low, high, LEFT, PLOT), base - (base - limit) * level)

    parts = [line(LEFT, base, WIDTH - RIGHT, base, "base"), line(LEFT, limit, WIDTH - RIGHT, limit, "limit")]
    parts.append(text(LEFT + 4, limit - 4, "rolls back here, once errors fell into 3 slots of 5 s", "start", "label"))
    for index, (name, points) in enumerate(tests):
        kind = "series s%d" % index
        parts.append(polyline([*map(at, points)], kind))
        parts.append(line(LEFT + 8 + 150 * index, base + 30, LEFT + 30 + 150 * index, base + 30, kind))
        parts.append(text(LEFT + 36 + 150 * index, base + 34, name, "start", "label"))
    return chart(base + 40, "Evidence against the new colour over time", parts + _times(low, high, base + 16))


def probes(found: Sequence[tuple[float, str]], low: float, high: float) -> str:
    """One tick a second: short where both colours answered well, tall where one did not, by row."""
    if not found:
        return ""
    rows = {"ok": (8, 10), "new": (22, 18), "old": (44, 14), "both": (62, 14)}
    names = {"ok": "both well", "new": "new bad", "old": "old bad", "both": "both bad"}
    width = max(1.0, min(6.0, PLOT / max(1, len(found)) * 0.7))
    parts = [text(LEFT - 6, y + height - 2, names[kind], "end", "axis") for kind, (y, height) in rows.items()]
    for at, kind in found:
        y, height = rows[kind]
        x = scale(at, low, high, LEFT, PLOT)
        parts.append(rect(x, y, width, height, "probe " + kind, "%s %s" % (clock(at), names[kind])))
    counts = ", ".join("%d %s" % (sum(1 for _at, kind in found if kind == k), names[k]) for k in rows)
    return chart(98, "Paired probes: " + counts, parts + _times(low, high, 92))
