# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The method ``reload`` on real Caddys: the edge follows the switch, whatever happens between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kit import caddy_kinds as kinds
from kit import caddy_native as native
from kit.caddy_kinds import Kind, Running

KINDS = [Kind("caddyfile"), Kind("json", named=True), Kind("caddyfile", socket=True), Kind("json", socket=True)]
PAIRS = [
    pytest.param(
        (kind, caddy), id="%s-%s" % (kind, caddy), marks=[pytest.mark.slow] if caddy != "current" and at % 2 else []
    )
    for caddy in native.CADDIES
    for at, kind in enumerate(KINDS)
]


@pytest.fixture(params=PAIRS)
def edge(request: pytest.FixtureRequest) -> Iterator[Running]:
    kind, caddy = request.param
    with kinds.running(kind, caddy, method="reload") as one:
        yield one


def everywhere(edge: Running) -> list[str]:
    return [edge.colour(), edge.colour("/", "login.test"), edge.colour("/sessions/x", "login.test")]


def test_adopt_flip_back_and_undo(edge: Running) -> None:
    file, inode, config = edge.path.read_bytes(), edge.path.stat().st_ino, edge.config()
    told, tree = edge.loads(), edge.tree()
    planned = edge.app(check_mode=True, state="adopted")
    assert planned["changed"] and not planned["adopted"] and (edge.tree(), edge.loads()) == (tree, told)
    adopted = edge.app(state="adopted")
    assert adopted["changed"] and adopted["adopted"] and adopted["live"] == "blue" and edge.loads() == told + 1
    assert everywhere(edge) == ["blue"] * 3
    assert (edge.ask("/teapot").status, edge.ask("/internal/x", "login.test").status) == (418, 404)
    tree = edge.tree()
    assert not edge.app(state="adopted")["changed"] and (edge.tree(), edge.loads()) == (tree, told + 1)
    planned = edge.app(state="live", colour="green", token=1, check_mode=True)
    assert len(planned["steps"]) >= 2 and (edge.tree(), edge.loads()) == (tree, told + 1)
    flipped = edge.app(state="live", colour="green", token=1)
    assert {one["host"] for one in flipped["observed"]} == {"site.test", "login.test"}
    assert (edge.loads(), everywhere(edge)) == (told + 2, ["green"] * 3)
    assert edge.ask("/").headers["x-frame-options"] == "DENY" and edge.path.stat().st_ino == inode
    tree = edge.tree()
    for again in ({"state": "live", "colour": "green", "token": 1}, {"state": "adopted"}):
        assert not edge.app(**again)["changed"] and (edge.tree(), edge.loads()) == (tree, told + 2)
    back = edge.app(state="returned")
    assert back["changed"] and back["live"] == "blue" and everywhere(edge) == ["blue"] * 3
    tree = edge.tree()
    assert not edge.app(state="returned")["changed"] and (edge.tree(), edge.loads()) == (tree, told + 3)
    assert edge.app(state="drained", colour="green")["drained"]
    seen = edge.app(state="read")
    assert (seen["problems"], seen["method"]) == ([], edge.options.method)
    assert "client connections are open now" in seen["cost"]
    assert edge.app(state="undone")["changed"]
    assert (edge.path.read_bytes(), edge.path.stat().st_ino, edge.config()) == (file, inode, config)
    assert edge.loads() == told + 4 and not edge.app(state="undone")["changed"]
