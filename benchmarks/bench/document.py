# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""build/bench/cutover.json: the cells, what they are to each other, and whether what must hold holds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench import results

Slices = Mapping[tuple[str, str], Mapping[str, Sequence[Mapping[str, Any]]]]
METHODS = ("reload",)
OF_CADDY = ("caddy_patch", "caddy_reload")
PEERS = ("haproxy", "haproxy_servers", "nginx_marker", "nginx_reload")
# name: what is divided by what, in which part.
RATIOS = {
    "switch": ("switch_unlogged", "plain", "throughput"),
    "switch_cores_shared": ("switch_unlogged", "plain", "shared"),
    "switch_both_logged": ("switch", "plain_logged", "throughput"),
    "all_that_adopt_adds": ("switch", "plain", "throughput"),
    "log_alone": ("plain_logged", "plain", "throughput"),
    "switch_service_without_pages": ("switch_api_unlogged", "plain_api", "throughput"),
}


def document(slices: Slices, made: Mapping[str, Any]) -> dict[str, Any]:
    """``cells`` has every edge as ``name@version``; ``switch`` is that of both Caddys, the worse one where it is a
    time or a ratio; ``methods`` and the peers ``OF_CADDY`` are by version, the other peers are cells."""
    cells = {"%s@%s" % key: results.cell(found, key[1]) for key, found in slices.items()}

    def versions(name: str) -> dict[str, Any]:
        return {version: cells["%s@%s" % (one, version)] for one, version in slices if one == name}

    ratios = _ratios(slices)
    switch = results.worst(list(versions("switch").values()))
    for name, ending in (("switch", ""), ("switch_cores_shared", "_shared"), ("all_that_adopt_adds", "_adopted")):
        least = min((found[name]["throughput"] for found in ratios.values()), key=lambda one: one["value"])
        switch["throughput_ratio" + ending] = least["value"]
        switch["throughput_interval" + ending] = [least["low"], least["high"]]
    peers = {name: next(iter(versions(name).values())) for name in PEERS}
    found = {
        "made": dict(made),
        "switch": switch,
        "methods": {name: versions(name) for name in METHODS},
        "peers": {**peers, **{name: versions(name) for name in OF_CADDY}},
        "ratios": ratios,
        "cells": cells,
    }
    return {**found, "must_hold": must_hold(found)}


def _ratios(slices: Slices) -> dict[str, dict[str, Any]]:
    """By the version of Caddy."""
    return {
        version: {
            name: results.compared(slices[one, version][part], slices[other, version][part])
            for name, (one, other, part) in RATIOS.items()
        }
        for caddy, version in slices
        if caddy == "plain"
    }


def must_hold(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each ``{"what", "wanted", "seen", "holds"}``; a p99 of too few flips does not hold."""
    switch, haproxy = found["switch"], found["peers"]["haproxy"]["first_new_ms"]["p50"]
    first, sockets = switch["first_new_ms"], switch["sockets"]
    limit = round(3 * haproxy, 2)
    rows = [
        ("requests", ">= 1000000", switch["requests"], switch["requests"] >= 1_000_000),
        ("flips", ">= 300", switch["flips"], switch["flips"] >= 300),
        ("lost", "0", switch["lost"], switch["lost"] == 0),
        ("duplicated", "0", switch["duplicated"], switch["duplicated"] == 0),
        ("answers that no backend gave", "0", switch["unseen"], switch["unseen"] == 0),
        ("answers of the old colour after a flip was seen", "0", switch["late"], switch["late"] == 0),
        ("WebSockets closed of %d" % sockets["opened"], "0", sockets["closed"], sockets["closed"] == 0),
        (
            "first answer of the new colour, median ms",
            "<= 3 x HAProxy's: %s" % limit,
            first["p50"],
            first["p50"] <= limit,
        ),
        ("first answer of the new colour, p99 ms", "<= 25", first["p99"], (first["p99"] or 1e9) <= 25),
        ("throughput ratio", ">= 0.90", switch["throughput_ratio"], switch["throughput_ratio"] >= 0.9),
    ]
    return [dict(zip(("what", "wanted", "seen", "holds"), row, strict=True)) for row in rows]
