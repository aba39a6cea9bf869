# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Markdown of what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bench.document import RATIOS

WAYS = {
    "switch": "**switch** (marker + sentinel)",
    "reload": "method `reload`: edit, reload",
    "caddy_patch": "one write to Caddy's admin API",
    "caddy_reload": "`caddy reload`, as published",
    "haproxy": "HAProxy `set map`",
    "haproxy_servers": "HAProxy `set server`",
    "nginx_marker": "nginx `if (-f marker)`",
    "nginx_reload": "`nginx -s reload`",
}
STEADY = {
    "plain": "Caddy",
    "plain_logged": "Caddy, with the log that adopt adds",
    "switch_unlogged": "switch, without that log",
    "switch": "switch, as adopt leaves it",
    "plain_api": "Caddy, a service without pages",
    "switch_api_unlogged": "switch, a service without pages, without that log",
    "haproxy": "HAProxy",
    "nginx_reload": "nginx",
    "nginx_marker": "nginx with a marker",
}
COMPARED = {
    "switch": "switch alone",
    "switch_cores_shared": "switch alone, on the cores of client and backends",
    "switch_both_logged": "switch, both with the log",
    "all_that_adopt_adds": "all that adopt adds",
    "log_alone": "the log alone",
    "switch_service_without_pages": "switch alone, a service without pages",
}
assert set(COMPARED) == set(RATIOS)


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; None is shown as ``-``. The first two columns are words, the others numbers."""
    lines = [head, [":--", ":--", *["--:"] * (len(head) - 2)]]
    lines += [["-" if value is None else str(value) for value in row] for row in rows]
    return "".join("| %s |\n" % " | ".join(line) for line in lines)


def cutover(found: Mapping[str, Any]) -> str:
    """The whole page of a run."""
    made = found["made"]
    where = (made["command"], made["size"], made["seconds"], made["machine"]["cpus"], made["machine"]["cpu"])
    text = "`%s` (%s), %d s on %d cores of %s, kernel " % where + made["machine"]["kernel"] + ".\n\n"
    cells = found["cells"]
    tables = (must_hold(found), ways(cells), reasons(cells), kinds(cells), ratios(found["ratios"]), steady(cells))
    return str(text) + "\n".join(tables)


def short(found: Mapping[str, Any]) -> str:
    """For the README: one line a way."""
    head = ("way", "version", "flips", "requests", "lost", "first answer of the new colour, median ms", "p99")
    rows = [
        (shown, one["version"], one["flips"], one["requests"], one["lost"], *one["first_new_ms"].values(), closed(one))
        for shown, one in _flipped(found["cells"])
    ]
    return markdown((*head, "WebSockets closed"), rows)


def _flipped(cells: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every way to change the colour, the switch first."""
    for name, shown in WAYS.items():
        for key, one in cells.items():
            if key.split("@")[0] == name and "first_new_ms" in one:
                yield shown, one


def closed(one: Mapping[str, Any]) -> str:
    return "%(closed)d of %(opened)d" % one["sockets"]


def must_hold(found: Mapping[str, Any]) -> str:
    rows = [
        (one["what"], one["wanted"], one["seen"], "yes" if one["holds"] else "**no**") for one in found["must_hold"]
    ]
    return markdown(("the switch, on both Caddys", "wanted", "seen", "holds"), rows)


def ways(cells: Mapping[str, Any]) -> str:
    head = ["way", "version", "flips", "requests", "lost at 1000/s", "lost saturated", "duplicated", "first new p50 ms"]
    head += ["p99", "last old p50 ms", "p99", "latency beside p50 / p99 ms", "far p50 / p99 ms", "WebSockets closed"]
    rows = []
    for shown, one in _flipped(cells):
        counts = (one["flips"], one["requests"], one["even"]["lost"], one["saturated"]["lost"], one["duplicated"])
        times = [*one["first_new_ms"].values(), *one["last_old_ms"].values()]
        latency = ["%s / %s" % tuple(one["latency_ms"][where].values()) for where in ("beside", "far")]
        rows.append((shown, one["version"], *counts, *times, *latency, closed(one)))
    return markdown(head, rows)


def reasons(cells: Mapping[str, Any]) -> str:
    """What became of the lost requests, of ways that lost any."""
    names = sorted({name for _shown, one in _flipped(cells) for name in one["lost_by_reason"]})
    rows = [
        (shown, one["version"], *(one["lost_by_reason"].get(name, 0) for name in names))
        for shown, one in _flipped(cells)
        if one["lost"]
    ]
    return markdown(("lost", "version", *names), rows)


def kinds(cells: Mapping[str, Any]) -> str:
    """What the switch was asked, and lost."""
    rows = [
        (name, one["version"], counts["requests"], counts["lost"])
        for key, one in cells.items()
        if key.split("@")[0] == "switch" and "kinds" in one
        for name, counts in one["kinds"].items()
    ]
    return markdown(("the switch, by kind of request", "version", "requests", "lost"), rows)


def ratios(found: Mapping[str, Any]) -> str:
    """What the switch costs, with the bounds of 95 %."""
    head = (
        "of the same Caddy without it",
        "version",
        "throughput",
        "95 %",
        "pairs",
        "processor time a request",
        "95 %",
    )
    rows = []
    for version, names in found.items():
        for name, shown in COMPARED.items():
            one, used = names[name]["throughput"], names[name]["cpu"]
            rows.append((shown, version, one["value"], bounds(one), one["pairs"], used["value"], bounds(used)))
    return markdown(head, rows)


def bounds(ratio: Mapping[str, Any]) -> str | None:
    return None if ratio["low"] is None else "%.3f to %.3f" % (ratio["low"], ratio["high"])


def steady(cells: Mapping[str, Any]) -> str:
    """Full load, no flip."""
    rows = [
        (shown, one["version"], one["throughput"], one["cpu_us"])
        for name, shown in STEADY.items()
        for key, one in cells.items()
        if key.split("@")[0] == name and "throughput" in one
    ]
    return markdown(("at full load, median", "version", "requests/s", "µs of processor a request"), rows)
