# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adopt and undo against a real Caddy: same meaning, one reload, exact bytes, whatever cuts it off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from kit import caddy_native as native
from kit.caddy_styles import UPSTREAMS
from kit.cut import cut_off

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock, wait_until
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import (
    BluegreenError,
    CommandError,
    Refused,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.file import Adopter
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config import equivalence
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.config.caddyfile_rewrite import rewrite
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import adapt, has_named_logs, root_of

SWITCH = "/config/olympus-bluegreen/switch"


@pytest.fixture
def world(tmp_path: Path, caddy: str) -> Iterator[native.World]:
    with native.world(tmp_path, caddy=caddy) as running:
        yield running


@pytest.fixture
def resting(tmp_path: Path, caddy: str) -> native.NativeEdge:
    return native.NativeEdge(tmp_path, "", 80, 2019, caddy)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("respond @private 404", ""),
        ("path /self-service/* /sessions/*\n\t\timport", "path /self-service/*\n\t\timport"),
        ("@bluegreen2_green 10.0.1.18:3000", "@bluegreen2_green 10.0.1.16:3000"),
        ("path /self-service/* /sessions/*\n\t\timport bluegreen_green", "import bluegreen_green"),
    ],
)
def test_a_rewrite_that_means_something_else_is_seen(old: str, new: str, resting: native.NativeEdge) -> None:
    text = (native.ROOT / "tests" / "unit" / "edge" / "caddyfiles" / "plain.caddyfile").read_text()
    named_log = has_named_logs(resting)
    done = rewrite(text, UPSTREAMS, "/config", named_log=named_log).text
    assert old in done
    wrong = adapt(resting, done.replace(old, new))
    assert equivalence.first_difference(adapt(resting, text), wrong, UPSTREAMS, SWITCH, named_log)


def test_adopt_once_then_nothing_then_undo_exactly(world: native.World) -> None:
    before, inode = world.edge.path.read_bytes(), world.edge.path.stat().st_ino
    first = world.app(state="adopted")
    assert first["changed"] and first["adopted"] and first["live"] == "blue"
    patch = Path(first["patch_file"])
    assert "+\timport bluegreen_log" in patch.read_text() and patch.stat().st_mode & 0o777 == 0o640
    # It quotes the file, which may hold secrets: REVIEW B7.
    assert "patch" not in first and "import bluegreen_log" not in str({**first, "diff": ""})
    assert (world.edge.reloads(), world.edge.path.stat().st_ino) == (1, inode)
    tree = world.tree()
    second = world.app(state="adopted")
    assert not second["changed"] and second["steps"] == []
    assert (world.edge.reloads(), world.tree()) == (1, tree)
    assert world.app(state="undone")["changed"]
    assert (world.edge.path.read_bytes(), world.edge.path.stat().st_ino, world.edge.reloads()) == (before, inode, 2)
    assert not world.app(state="undone")["changed"]
    assert world.edge.reloads() == 2
    assert world.app(state="read")["adopted"] is False


def test_undo_takes_the_access_log_away(world: native.World) -> None:
    """It names visitors, and no watch reads it any more (R25)."""
    world.app(state="adopted")
    log = Path(world.app(state="read")["directory"]) / "log"
    (log / "access.log.1").write_text("a visitor")
    assert "remove %s" % log in " ".join(world.app(state="undone")["steps"])
    assert not any(one.read_text() for one in log.iterdir())
    assert not world.app(state="undone")["changed"]


def test_what_was_undone_and_adopted_again_is_logged(world: native.World) -> None:
    """Caddy keeps the file of its access log open for good: without its name the watch would see no visitor."""
    log = Path(root_of(world.edge)).parent / "log" / "access.log"
    for path in ("/first", "/second"):
        world.app(state="adopted")
        world.ask(path)
        text = wait_until(SystemClock(), log.read_text, bool, 5)
        assert path in text
        world.app(state="undone")
        assert log.read_text() == ""


def test_check_mode_touches_nothing(world: native.World) -> None:
    tree = world.tree()
    result = world.app(state="adopted", check_mode=True)
    assert result["changed"] and not result["adopted"] and result["diff"]["before"] != result["diff"]["after"]
    assert (world.tree(), world.edge.reloads()) == (tree, 0)
    world.app(state="adopted")
    tree = world.tree()
    assert world.app(state="live", colour="green", check_mode=True)["changed"]
    assert world.app(state="undone", check_mode=True)["changed"]
    assert (world.tree(), world.edge.reloads()) == (tree, 1)


@pytest.mark.parametrize("undo", [False, True])
def test_cut_off_between_any_two_changes(world: native.World, undo: bool) -> None:
    before, number = world.edge.path.read_bytes(), 0
    while True:
        if undo:
            world.app(state="adopted")
        if not cut_off(partial(Adopter, world.edge, world.admin, world.upstreams), number, undo):
            break
        number += 1
        assert world.ask("/teapot").status == 418
        world.app(state="undone" if undo else "adopted")
        assert world.app(state="read")["adopted"] is not undo
        world.app(state="undone")
        assert world.edge.path.read_bytes() == before
    assert number >= 3


def test_half_written_file_is_recognised_both_ways(world: native.World) -> None:
    before = world.edge.path.read_bytes()
    world.app(state="adopted")
    after = world.edge.path.read_bytes()
    for length in (1, len(before) // 2, len(before) + 7, len(after) - 1):
        for new, old in ((after, before), (before, after)):
            with open(world.edge.path, "r+b") as handle:
                written = min(length, len(new))
                handle.write(new[:written] + old[written:])
                handle.truncate()
            world.app(state="adopted")
            assert world.edge.path.read_bytes() == after
    assert world.edge.reloads() == 1


def test_a_reload_that_fails_leaves_the_operators_file(world: native.World, monkeypatch: pytest.MonkeyPatch) -> None:
    before, real = world.edge.path.read_bytes(), world.edge.caddy

    def broken(*args: str, stdin: str | None = None) -> Result:
        return Result(1, "", "no") if args[0] == "reload" else real(*args, stdin=stdin)

    monkeypatch.setattr(world.edge, "caddy", broken)
    with pytest.raises(CommandError, match="did not reload"):
        world.app(state="adopted")
    assert world.edge.path.read_bytes() == before
    monkeypatch.undo()
    assert world.app(state="adopted")["adopted"]


def test_edits_after_adopt_are_neither_lost_nor_blocked(world: native.World) -> None:
    world.app(state="adopted")
    more = b"\nhttp://more.test {\n\treverse_proxy site:%d\n}\n" % world.backend_port
    with open(world.edge.path, "ab") as handle:
        handle.write(more)
    with pytest.raises(Refused, match="edited since adopt"):
        world.app(state="undone")
    assert "edge" in world.app(state="read")
    with pytest.raises(Refused, match=r"does not run what its file says: /apps/.* of more\.test"):
        world.app(state="adopted")
    world.app(state="adopted", accept_pending=True)
    assert world.ask("/", host="more.test").headers["x-bluegreen-colour"] == "blue"
    assert not world.app(state="adopted")["changed"]


def test_operators_file_put_back_is_adopted_again_under_the_same_switch(world: native.World) -> None:
    before = world.edge.path.read_bytes()
    world.app(state="adopted")
    world.app(state="live", colour="green")
    world.edge.path.write_bytes(before + b"# edited\n")
    assert world.edge.caddy("reload", "--config", str(world.edge.path), "--adapter", "caddyfile").rc == 0
    seen = world.app(state="read")
    assert not seen["adopted"] and seen["problems"]
    assert world.app(state="adopted")["live"] == "green"
    assert world.ask("/").headers["x-bluegreen-colour"] == "green"


def test_another_file_than_the_edge_sees_is_refused(world: native.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.edge, "seen_caddyfile", lambda: b"old")
    with pytest.raises(BluegreenError, match="does not see"):
        world.app(state="adopted")


def test_the_log_has_the_colour_and_no_secret(world: native.World) -> None:
    world.app(state="adopted")
    world.ask("/api?code=secret1", Cookie="s=secret2", Authorization="Bearer secret3", Referer="http://x/?secret4")
    path = Path(root_of(world.edge)).parent / "log" / "access.log"
    text = path.read_text()
    (line,) = [json.loads(one) for one in text.splitlines() if "/api" in one]
    assert line["resp_headers"]["X-Bluegreen-Colour"] == ["blue"] and line["request"]["uri"] == "/api"
    assert "secret" not in text and "own=1" not in text and "127.0.0.1" not in text


UNHEARD_OF = """{
    admin localhost:%(admin)d
    http_port %(port)d
}
(pages) {
    reverse_proxy {args.0}
}
http://site.test {
    import pages site:%(backend)d
    reverse_proxy /api/* kratos:%(backend)d
    reverse_proxy /own/* hera:%(backend)d {
        @bluegreen_page status 500
        handle_response @bluegreen_page {
            respond "a name that we use"
        }
    }
}
""".replace("    ", "\t")


def test_an_unknown_form_is_refused_by_its_line(tmp_path: Path, caddy: str) -> None:
    with native.world(tmp_path, UNHEARD_OF, caddy) as world:
        tree = world.tree()
        with pytest.raises(
            BluegreenError, match=r"Caddyfile:11: this proxy can't be rewritten: Caddy takes .* not ours"
        ):
            world.app(state="adopted")
        assert (world.tree(), world.edge.reloads()) == (tree, 0)
