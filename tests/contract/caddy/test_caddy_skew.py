# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of one colour that are still open while the other is live: forwards, and after a rollback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kit import caddy_native as native

FORM = {"method": "POST", "body": "green", "Cookie": "bluegreen=green"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[native.World]:
    """Green was live: browsers hold its pages."""
    with native.world(tmp_path) as running:
        running.app(state="adopted")
        running.app(state="live", colour="green")
        page = running.ask("/")
        assert any(cookie.startswith("bluegreen=green;") for cookie in page.cookies)
        yield running


def asset(world: native.World) -> tuple[int, bytes]:
    answer = world.ask("/_next/static/app-green.js")
    return answer.status, answer.body


def test_after_a_rollback_by_hand_open_forms_and_assets_go_on(world: native.World) -> None:
    world.app(state="returned", keep_sticky=True)
    assert world.ask("/").body == b"page of blue"
    posted = world.ask("/login", **FORM)
    assert (posted.status, posted.body) == (200, b"green took green")
    assert asset(world) == (200, b"built by green")


def test_after_a_rollback_from_a_bad_colour_only_its_assets_go_on(world: native.World) -> None:
    world.app(state="returned")
    posted = world.ask("/login", **FORM)
    assert (posted.status, posted.headers["x-bluegreen-colour"]) == (500, "blue")
    assert asset(world) == (200, b"built by green")


def test_once_retired_nothing_goes_there_any_more(world: native.World) -> None:
    world.app(state="returned", keep_sticky=True)
    world.app(state="drained", colour="green")
    assert world.ask("/login", **FORM).headers["x-bluegreen-colour"] == "blue"
    assert asset(world) == (404, b"no such thing on blue")
