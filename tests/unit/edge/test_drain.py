# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is still there while a colour is drained: told from nothing but counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.upstream import Upstream
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.traffic import drain
from ansible_collections.olympus.bluegreen.plugins.module_utils._report import words

UPSTREAMS = (Upstream("site", "10.0.0.1", "10.0.1.1"), Upstream("hera", "10.0.0.2", "10.0.1.2"))
SITE, HERA = "10.0.0.1:3000", "10.0.0.2:3000"


def left(seen: drain.Since, counts: Mapping[str, int | None], now: float) -> list[tuple[object, ...]]:
    found = drain.left(seen, counts, UPSTREAMS, "blue", now)
    return [(one["service"], one["kind"], one["count"], one["seconds"]) for one in found]


def test_what_stays_is_no_ordinary_request() -> None:
    counts: dict[str, int | None] = {SITE: 2, HERA: 0}
    seen = drain.sighted({}, counts, 100.0)
    assert left(seen, counts, 100.0) == [("site", "request", 2, 0.0)]
    seen = drain.sighted(seen, {SITE: 1, HERA: 1}, 104.0)
    assert left(seen, {SITE: 1, HERA: 1}, 106.0) == [
        ("site", "stream or WebSocket", 1, 6.0), ("hera", "request", 1, 2.0),
    ]  # fmt: skip


def test_an_address_that_the_edge_does_not_list_is_not_drained() -> None:
    counts: dict[str, int | None] = {SITE: None, HERA: 0}
    assert left(drain.sighted({}, counts, 1.0), counts, 1.0) == [("site", "not listed by the edge", None, 0.0)]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_counts_are_kept_and_nobody_is_made_older_than_he_is(counts: list[int]) -> None:
    """Whoever is said to be there since a moment: so many were there at every moment since."""
    seen: drain.Since = {}
    for now, count in enumerate(counts):
        seen = drain.sighted(seen, {SITE: count}, float(now))
        assert len(seen[SITE]) == count
        for rank, since in enumerate(seen[SITE], 1):
            assert min(counts[int(since) : now + 1]) >= rank


def test_the_line_names_services_and_never_a_client() -> None:
    rows: list[dict[str, Any]] = [
        {"service": "site", "kind": "stream or WebSocket", "count": 2, "seconds": 34.0},
        {"service": "hera", "kind": "not listed by the edge", "count": None, "seconds": 0.0},
    ]
    line = words.still_open("blue", False, rows, 7, 25.0)
    assert line == (
        "blue still has site: 2 stream or WebSocket, 34 s or longer; hera: not listed by the edge (7 connections);"
        " 25 s left"
    )
    assert "nothing is in flight" in words.still_open("blue", True, [], 7, 25.0)
