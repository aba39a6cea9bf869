# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs is the reference: no reload of ours makes live what the operator has not loaded himself."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from kit import caddy_kinds as kinds
from kit.caddy_followed import flip, public, settled, switch
from kit.caddy_kinds import Kind, Running

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.file import Adopter
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.admin import Admin
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.native import ProcessEdge

PENDING = "does not run what its file says"
MORE = '\nhttp://more.test {\n\trespond "s3cret"\n}\n'


def refused(edge: Running, act: Callable[[], object], *words: str) -> None:
    """Nothing is written or loaded, and the message says where, not what."""
    before = (edge.path.read_bytes(), edge.loads(), edge.config())
    with pytest.raises(Refused, match=PENDING) as caught:
        act()
    said = str(caught.value)
    assert all(word in said for word in words) and "s3cret" not in said, said
    assert (edge.path.read_bytes(), edge.loads(), edge.config()) == before


@pytest.mark.parametrize("method", ["switch", "reload"])
def test_an_edit_that_was_not_loaded_is_named_and_refused(method: str) -> None:
    with kinds.running(Kind("caddyfile"), "current", method=method) as edge:
        operators = edge.path.read_text()
        edge.path.write_text(operators + MORE)
        refused(edge, lambda: edge.app(state="adopted"), "/routes/", "more.test", "bluegreen_accept_pending=true")
        refused(edge, lambda: edge.app(state="adopted", check_mode=True), "more.test")
        edge.app(state="adopted", accept_pending=True)
        assert edge.ask("/", "more.test").body == b"s3cret" and edge.colour() == "blue"
        adopted = edge.config()
        Admin(edge.edge).load(json.loads(json.dumps(adopted).replace("s3cret", "t0ld")))
        refused(edge, lambda: edge.app(state="undone"), "more.test")
        Admin(edge.edge).load(adopted)
        edge.app(state="undone")
        assert edge.path.read_text() == operators + MORE


def test_another_file_than_the_one_that_was_loaded_is_refused() -> None:
    with kinds.running(Kind("caddyfile"), "current") as edge:
        other = edge.directory / "other"
        other.write_text(edge.path.read_text() + MORE)
        edge.stop()
        edge.start("--config", str(other), "--adapter", "caddyfile")
        refused(edge, lambda: edge.app(state="adopted"), "more.test")


def test_an_undo_of_what_was_never_adopted_makes_no_edit_live() -> None:
    with kinds.running(Kind("caddyfile"), "current") as edge:
        edge.path.write_text(edge.path.read_text() + MORE)
        refused(edge, lambda: edge.app(state="undone"), "more.test")


def test_an_envfile_is_named_as_the_cause() -> None:
    with kinds.running(Kind("caddyfile"), "current") as edge:
        edge.path.write_text(edge.path.read_text() + MORE.replace("s3cret", "{$WORD}"))
        values = edge.directory / "values"
        values.write_text("WORD=s3cret\n")
        edge.stop()
        edge.start("--config", str(edge.path), "--adapter", "caddyfile", "--envfile", str(values))
        assert edge.ask("/", "more.test").body == b"s3cret"
        refused(edge, lambda: edge.app(state="adopted"), "more.test", "--envfile")
        assert edge.ask("/", "more.test").body == b"s3cret"


def test_a_file_put_back_by_a_deploy_script_needs_no_leave() -> None:
    """What runs is what adopt makes of it again: nothing is loaded."""
    with kinds.running(Kind("caddyfile"), "current") as edge:
        operators = edge.path.read_bytes()
        edge.app(state="adopted")
        flip(edge, "green")
        told = edge.loads()
        edge.path.write_bytes(operators)
        assert edge.app(state="adopted")["changed"] and (edge.loads(), public(edge)) == (told, "green")
        edge.path.write_bytes(operators + MORE.encode())
        refused(edge, lambda: edge.app(state="adopted"), "more.test", "do not reload the file")
        edge.app(state="adopted", accept_pending=True)
        assert (edge.ask("/", "more.test").body, public(edge)) == (b"s3cret", "green")


def test_a_flip_by_reload_makes_no_edit_live() -> None:
    with kinds.running(Kind("caddyfile"), "current", method="reload") as edge:
        edge.app(state="adopted")
        edge.path.write_text(edge.path.read_text() + MORE)
        refused(edge, lambda: flip(edge, "green"), "more.test")
        assert (switch(edge).read().live, public(edge)) == ("blue", "blue")
        flip(edge, "green", accept_pending=True)
        assert edge.ask("/", "more.test").body == b"s3cret"
        settled(edge, "green")


@pytest.mark.parametrize("moment", ["reload", "after"])
def test_an_adopt_does_not_undo_a_rollback(moment: str) -> None:
    """REVIEW A6: the edge is turned back while adopt loads the colour that was live when it looked."""
    with kinds.running(Kind("caddyfile"), "current", method="reload") as edge:
        edge.app(state="adopted")
        flip(edge, "green")
        edge.path.write_text(edge.path.read_text() + MORE)
        rolled: list[Any] = []
        back = threading.Thread(target=lambda: rolled.append(edge.app(state="returned")["live"]))

        def step(name: str) -> None:
            if name == moment and not back.ident:
                back.start()
                # The marker moves before the edge has to follow, which waits for us.
                while switch(edge).read().live != "blue":
                    back.join(0.01)

        one = ProcessEdge(edge.edge.runner, edge.options)
        adopter = Adopter(one, Admin(one), edge.upstreams, step)
        adopter.accept_pending = True
        change = adopter.adopted()
        if moment == "after":
            rolled.append(edge.app(state="returned")["live"])
            with pytest.raises(Refused, match="the switch moved during adopt"):
                adopter.apply(change)
        else:
            adopter.apply(change)
            back.join()
        assert rolled == ["blue"] and public(edge) == "blue"
        assert edge.app(state="adopted", accept_pending=True)["live"] == "blue"
        settled(edge, "blue")
