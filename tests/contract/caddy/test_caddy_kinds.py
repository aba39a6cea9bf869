# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adopt, flip, the way back and undo on every kind of edge that is a process of this host, with both Caddies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from kit import caddy_kinds as kinds
from kit import caddy_native as native
from kit.caddy_kinds import Kind, Running
from kit.cut import cut_off

from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.file import Adopter
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.admin import Admin

KINDS = [
    Kind("caddyfile"),
    Kind("caddyfile", socket=True),
    Kind("json"),
    Kind("json", socket=True, named=True),
]


# The old Caddy with every second kind; the others in make test-all.
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
    with kinds.running(kind, caddy) as one:
        yield one


def test_adopt_flip_back_and_undo(edge: Running) -> None:
    file, inode, config = edge.path.read_bytes(), edge.path.stat().st_ino, edge.config()
    told, pid = edge.loads(), edge.edge.place().pid
    tree = edge.tree()
    planned = edge.app(check_mode=True, state="adopted")
    assert planned["changed"] and not planned["adopted"] and (edge.tree(), edge.loads()) == (tree, told)
    assert planned["diff"]["before"].count("\n") > 10 and "bluegreen" in planned["diff"]["after"]
    adopted = edge.app(state="adopted")
    assert adopted["changed"] and adopted["adopted"] and adopted["live"] == "blue"
    assert "client connections are open now" in " ".join(adopted["steps"])
    assert edge.loads() == told + 1
    assert [edge.colour(), edge.colour("/", "login.test"), edge.colour("/sessions/x", "login.test")] == ["blue"] * 3
    assert (edge.ask("/teapot").status, edge.ask("/internal/x", "login.test").status) == (418, 404)
    tree = edge.tree()
    assert not edge.app(state="adopted")["changed"] and edge.tree() == tree
    flipped = edge.app(state="live", colour="green", token=1)
    assert {one["host"] for one in flipped["observed"]} == {"site.test", "login.test"}
    assert (edge.colour(), edge.ask("/").headers["x-frame-options"]) == ("green", "DENY")
    assert edge.ask("/_next/static/app-blue.js").body == b"built by blue"
    assert edge.colour(method="POST", Cookie="bluegreen=blue") == "blue"
    assert edge.app(state="returned")["live"] == "blue" and edge.colour() == "blue"
    assert edge.app(state="drained", colour="green")["drained"]
    assert edge.app(state="undone")["changed"]
    assert (edge.path.read_bytes(), edge.path.stat().st_ino, edge.config()) == (file, inode, config)
    assert (edge.loads(), edge.edge.place().pid) == (told + 2, pid)
    assert not edge.app(state="undone")["changed"]


def adopter(edge: Running, step: Callable[[str], None]) -> Adopter:
    return Adopter(edge.edge, Admin(edge.edge), edge.upstreams, step)


@pytest.mark.parametrize("caddy", ["current", pytest.param("2.6.2", marks=pytest.mark.slow)])
@pytest.mark.parametrize("undo", [False, True])
def test_cut_off_between_any_two_changes(undo: bool, caddy: str) -> None:
    with kinds.running(Kind("json"), caddy) as edge:
        file, config, number = edge.path.read_bytes(), edge.config(), 0
        while True:
            if undo:
                edge.app(state="adopted")
            if not cut_off(partial(adopter, edge), number, undo):
                break
            number += 1
            assert edge.ask("/teapot").status == 418
            edge.app(state="undone" if undo else "adopted")
            assert edge.app(state="read")["adopted"] is not undo
            edge.app(state="undone")
            assert (edge.path.read_bytes(), edge.config()) == (file, config)
        assert number >= 2
