# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The benches' arithmetic: percentiles, intervals, sums over slices, tables, and that their client sees every fault."""

from __future__ import annotations

import math
import random
import subprocess
from typing import Any

import pages
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import document, figures, results, table
from bench.packages import ROOT
from olympus_lab import golang

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


@pytest.mark.parametrize(
    ("values", "percent", "wanted"),
    [
        ([3, 1, 2], 50, 2),
        ([1, 2], 50, 1),
        ([1, 2], 51, 2),
        (range(1, 101), 99, 99),
        (range(1, 301), 99, 297),
        ([5], 99, 5),
    ],
)
def test_a_percentile_is_a_value_that_was_seen(values: Any, percent: float, wanted: float) -> None:
    assert figures.percentile(values, percent) == wanted


@given(VALUES, st.floats(0.1, 100))
def test_so_many_values_are_not_above_a_percentile(values: list[float], percent: float) -> None:
    found = figures.percentile(values, percent)
    assert found in values
    assert sum(one <= found for one in values) >= percent / 100 * len(values) - 1e-9


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        figures.percentile([], 50)


def test_a_p99_needs_300_flips() -> None:
    assert figures.over_flips([1.0] * 299) == {"p50": 1.0, "p99": None}
    assert figures.over_flips([1.0] * 297 + [9.0] * 3) == {"p50": 1.0, "p99": 1.0}
    assert figures.over_flips([1.0] * 296 + [9.0] * 4) == {"p50": 1.0, "p99": 9.0}
    assert figures.over_flips([]) == {"p50": None, "p99": None}


def test_histograms_are_put_together() -> None:
    # Bucket 349 is the one that holds a millisecond.
    assert figures.of_histograms([{"349": 98}, {"349": 1, "700": 1}]) == {"p50": 1.003, "p99": 1.003}
    assert figures.of_histograms([{"349": 1}, {"700": 1}])["p99"] == round(1.02**700 / 1000, 3)
    assert figures.of_histograms([]) == {"p50": None, "p99": None}


def test_a_ratio_is_taken_pair_by_pair() -> None:
    # The machine was half as fast in every other pair; the ratio does not see it.
    found = figures.ratio([90, 45, 90, 45, 90, 45, 90], [100, 50, 100, 50, 100, 50, 100])
    assert (found.value, found.low, found.high, found.pairs) == (0.9, 0.9, 0.9, 7)


def test_an_interval_needs_seven_pairs() -> None:
    found = figures.ratio([90] * 6, [100] * 6)
    assert (found.value, found.low, found.high) == (0.9, None, None)


def test_pairs_that_are_none_are_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        figures.ratio([1.0], [1.0, 2.0])


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    draw, held = random.Random(1), 0
    for _sample in range(40):
        pairs = [(math.exp(draw.gauss(math.log(0.9), 0.05)), 1.0) for _pair in range(9)]
        found = figures.ratio(*zip(*pairs))
        held += (found.low or 0) <= 0.9 <= (found.high or 0)
    assert held >= 30


def slice_of(lost: int = 0, flips: int = 2, **more: Any) -> dict[str, Any]:
    """The client's figures of one turn."""
    every = [{"to": "green", "first_new_ms": 2.0, "last_old_ms": None, "last_asked_ms": None, "late": 0}] * flips
    return {
        "requests": 100, "lost": lost, "duplicated": 0, "unseen": 0, "lost_seen": 0, "idle_closed": 0, "stray": 0,
        "lost_by_reason": {"reset": lost} if lost else {}, "kinds": {"keep-alive": {"requests": 100, "lost": lost}},
        "flips": every, "near": {"349": 90}, "far": {"300": 10}, "sockets_opened": 0, "sockets_closed": 0,
        "rate": 1000.0, "cpu_us": 80.0, "seconds": 1.0, **more,
    }  # fmt: skip


def test_a_cell_is_the_sum_of_its_slices() -> None:
    late = {"to": "blue", "first_new_ms": None, "last_old_ms": 7.0, "last_asked_ms": 6.0, "late": 3}
    parts = {
        "flips": [slice_of(), slice_of(1, flips=0) | {"flips": [late]}],
        "volume": [slice_of(2, duplicated=1)],
        "sockets": [slice_of(requests=0, sockets_opened=200, sockets_closed=5)],
    }
    found = results.cell(parts, "1.0")
    assert (found["requests"], found["lost"], found["flips"], found["duplicated"], found["late"]) == (300, 3, 5, 1, 3)
    assert (found["even"]["lost"], found["saturated"]["lost"], found["lost_by_reason"]) == (1, 2, {"reset": 3})
    assert (found["flips_not_seen"], found["first_new_ms"]["p50"], found["last_old_ms"]["p50"]) == (1, 2.0, 0.0)
    assert found["sockets"] == {"opened": 200, "closed": 5, "flips": 2}
    assert found["kinds"] == {"keep-alive": {"requests": 300, "lost": 3}}


def slices(**switch: Any) -> dict[tuple[str, str], dict[str, list[dict[str, Any]]]]:
    """As a whole run leaves them; what is given is the switch's own on the new Caddy."""
    found: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    ways = {("haproxy", "2.6"), ("haproxy_servers", "2.6"), ("nginx_marker", "1.22"), ("nginx_reload", "1.22")}
    ways |= {(name, one) for name in ("switch", "reload", "caddy_patch", "caddy_reload") for one in ("2.6.2", "2.11")}
    for key in ways:
        first = {"to": "green", "first_new_ms": 1.0 if key[0] == "haproxy" else 2.0, "last_old_ms": 1.0, "late": 0}
        one = slice_of(flips=0, requests=600_000) | {"flips": [first] * 300}
        one |= switch if key == ("switch", "2.11") else {}
        found[key] = {"flips": [one], "volume": [slice_of()], "sockets": [slice_of(sockets_opened=200)]}
    for name in {name for pair in document.RATIOS.values() for name in pair[:2]}:
        for version in ("2.6.2", "2.11"):
            rate = 950.0 if name == "switch_unlogged" else 1000.0
            found.setdefault((name, version), {}).update(throughput=[slice_of(rate=rate)] * 7, shared=[slice_of()] * 7)
    return found


MADE = {"command": "make x", "size": "full", "seconds": 1, "machine": {"cpus": 2, "cpu": "one", "kernel": "6"}}


def test_what_must_hold_holds() -> None:
    found = document.document(slices(), MADE)
    assert [one["what"] for one in found["must_hold"] if not one["holds"]] == []
    switch = found["switch"]
    assert (switch["requests"], switch["flips"], switch["lost"], switch["duplicated"]) == (1_200_200, 604, 0, 0)
    assert (switch["first_new_ms"], switch["throughput_ratio"]) == ({"p50": 2.0, "p99": 2.0}, 0.95)
    assert found["peers"]["haproxy"]["first_new_ms"]["p50"] == 1.0
    assert set(found["peers"]["caddy_patch"]) == {"2.6.2", "2.11"}


SLOW = {"to": "green", "first_new_ms": 30.0, "last_old_ms": 1.0, "late": 0}


@pytest.mark.parametrize(
    ("switch", "broken"),
    [
        ({"lost": 1, "lost_by_reason": {"eof": 1}}, ["lost"]),
        ({"duplicated": 1}, ["duplicated"]),
        ({"unseen": 1}, ["answers that no backend gave"]),
        ({"requests": 1}, ["requests"]),
        (
            {"flips": [SLOW] * 300},
            ["first answer of the new colour, median ms", "first answer of the new colour, p99 ms"],
        ),
        ({"flips": [{**SLOW, "first_new_ms": 1.0}] * 299}, ["first answer of the new colour, p99 ms"]),
        (
            {"flips": [{**SLOW, "first_new_ms": 1.0, "late": 1}] * 300},
            ["answers of the old colour after a flip was seen"],
        ),
    ],
)
def test_what_does_not_hold_on_one_caddy_does_not_hold(switch: dict[str, Any], broken: list[str]) -> None:
    found = document.document(slices(**switch), MADE)
    assert [one["what"] for one in found["must_hold"] if not one["holds"]] == broken


def test_the_page_has_every_way_and_every_ratio() -> None:
    found = document.document(slices(lost=1, lost_by_reason={"eof": 1}), MADE)
    page, short = table.cutover(found), table.short(found)
    for shown in (*table.WAYS.values(), *table.COMPARED.values()):
        assert shown in page
    assert "| lost | 0 | 1 | **no** |" in page
    assert all(shown in short for shown in table.WAYS.values())
    for block in (*page.split("\n\n")[1:], short):
        assert len({line.count(" |") for line in block.strip().splitlines()}) == 1, block


def test_none_is_shown_as_a_dash() -> None:
    assert table.markdown(("a", "b", "c"), [("x", None, 1)]) == "| a | b | c |\n| :-- | :-- | --: |\n| x | - | 1 |\n"


def test_results_go_where_a_page_names_them() -> None:
    page = (
        "before\n<!-- bench: one.md -->\nold\n<!-- bench: end -->\n<!-- bench: two.md -->\nkept\n<!-- bench: end -->\n"
    )
    once = pages.filled(page, {"one.md": "| new |\n"})
    assert "| new |" in once and "old" not in once and "kept" in once and once.startswith("before\n")
    assert pages.filled(once, {"one.md": "| new |\n"}) == once


def test_every_page_names_a_result_that_a_bench_writes() -> None:
    written = {"cutover.md", "cutover-short.md", "courier.md", "decision.md", "rollback.md", "rollback-short.md"}
    for name in pages.PAGES:
        found = {one["name"] for one in pages.PLACE.finditer((ROOT / name).read_text())}
        assert found and found <= written, name


@pytest.mark.parametrize("module", ["benchmarks/client", "tests/lab/load"])
def test_the_strict_clients_see_every_fault(module: str) -> None:
    argv, env = [str(golang.ensure()), "test", "./..."], golang.environment()
    done = subprocess.run(argv, cwd=ROOT / module, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
