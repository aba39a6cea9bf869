# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back on a real Caddy where it is hard: no space left, no edge, nothing or something else to go back to."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kit import caddy_native as native
from kit.miniwatch import until
from kit.operations import rollback_table

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.http import Response
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import StateDir
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch import rollback_script
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch

TABLE = rollback_table()
OLD, NEWER = "v1.4.2-0123456789", "v1.6.0-0123456789"
PUBLIC = [{"host": "site.test", "path": "/"}]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[native.World]:
    with native.world(tmp_path) as running:
        running.app(state="adopted")
        yield running


def switch(world: native.World) -> Switch:
    return Switch(world.edge.place().directory)


def cut_over(world: native.World, to: str = "green", old: str = OLD) -> None:
    here = switch(world)
    token = here.claim(0)
    here.prepare(ReturnTo(here.read().live, old, "00112233aabbccdd", 1.0), token)
    here.flip(to, token)
    here.unclaim(token)


def colour(world: native.World) -> str:
    return world.ask("/").headers.get("x-bluegreen-colour", "")


def refused(world: native.World, case: str, live: str) -> None:
    """What the page says of this case is what is said, and nothing was moved."""
    with pytest.raises(BluegreenError) as told:
        world.app(state="returned", public=PUBLIC)
    assert TABLE[case].rc == 2 and TABLE[case].words
    for words in TABLE[case].words:
        assert words in str(told.value), str(told.value)
    assert switch(world).read().live == live


def holds(world: native.World, release: str) -> None:
    """What the state directory knows of blue."""
    path = world.edge.directory / "state" / "stacks" / "blue"
    path.mkdir(parents=True, exist_ok=True)
    (path / "services.json").write_text(json.dumps({"release": release}))


def silence(world: native.World, name: str) -> None:
    for server in world.servers[name]:
        server.shutdown()
        server.server_close()


def test_nothing_was_cut_over(world: native.World) -> None:
    refused(world, "nothing was cut over yet", "blue")
    token = switch(world).claim(0)
    with pytest.raises(Refused, match="the run in progress was stopped"):
        world.app(state="returned", public=PUBLIC)
    assert switch(world).read().token == token + 1


def test_a_target_that_was_cleaned_up(world: native.World) -> None:
    cut_over(world)
    holds(world, OLD)
    StateDir(str(world.edge.directory / "state")).mark(cleaned="blue")
    switch(world).block_rollback("blue")
    silence(world, "blue")
    refused(world, "the target was cleaned up", "green")


def test_a_target_that_is_being_removed(world: native.World) -> None:
    """It is alive as yet: whoever comes second is refused."""
    cut_over(world)
    switch(world).block_rollback("blue")
    refused(world, "a cleanup or a deploy has begun to remove the target", "green")
    switch(world).allow_rollback("blue")
    assert world.app(state="returned", public=PUBLIC)["live"] == colour(world) == "blue"
    with pytest.raises(Refused, match="blue is live now"):
        switch(world).block_rollback("blue")


def test_a_target_that_holds_another_release(world: native.World) -> None:
    """A new release was deployed where the old one was: going there would be a cutover that no gate has passed."""
    cut_over(world)
    holds(world, NEWER)
    refused(world, "the target holds another release", "green")
    holds(world, OLD)
    assert world.app(state="returned", public=PUBLIC)["live"] == colour(world) == "blue"


def test_a_state_directory_that_nobody_can_read_is_no_reason(world: native.World) -> None:
    cut_over(world)
    (world.edge.directory / "state").mkdir(exist_ok=True)
    StateDir(str(world.edge.directory / "state")).mark(cleaned="green")
    (world.edge.directory / "state" / "marks.json").write_text("{torn")
    assert world.app(state="returned", public=PUBLIC)["live"] == "blue"


def test_an_edge_that_nobody_can_ask(world: native.World, monkeypatch: pytest.MonkeyPatch) -> None:
    """`admin off` since adopt: it looks at the switch all the same."""
    row = TABLE["the edge's admin endpoint is off"]
    cut_over(world)
    monkeypatch.setattr(type(world.admin), "_ask", lambda *_asked: Response(0, error="nobody"))
    assert row.rc == 0 and world.app(state="returned", public=PUBLIC)["live"] == colour(world) == "blue"
    cut_over(world)
    with pytest.raises(BluegreenError, match="the switch says blue, but " + row.words[-1]):
        world.app(state="returned")
    assert colour(world) == "blue"


def test_a_name_that_dials_past_the_switch_is_no_reason(world: native.World) -> None:
    cut_over(world)
    text = world.edge.path.read_text() + "\nhttp://late.test:%d {\n\treverse_proxy site:3000\n}\n"
    done = world.edge.caddy("adapt", "--config", "-", "--adapter", "caddyfile", stdin=text % world.edge.options.port)
    world.admin.load(json.loads(done.out))
    assert "past the switch" in str(world.app(state="read")["problems"])
    assert TABLE["a name dials past the switch"].rc == 0
    assert world.app(state="returned", public=PUBLIC)["live"] == colour(world) == "blue"


def test_an_edge_that_runs_without_the_switch(world: native.World) -> None:
    """Somebody loaded the old file: refused, and forced it is said that nobody looks at the switch."""
    cut_over(world)
    world.app(state="undone", force=True)
    Switch(world.edge.place().directory).install("green")
    cut_over(world, "blue", OLD)
    refused(world, "the edge does not run the switch", "blue")
    with pytest.raises(BluegreenError, match="the switch says green, but the switch is not in the edge's running"):
        world.app(state="returned", force=True)


def test_no_edge_runs(world: native.World) -> None:
    """The switch is moved, and the error says that nobody serves; the edge serves the right colour when it comes."""
    cut_over(world)
    world.edge.stop()
    refused(world, "the edge is stopped", "blue")
    world.edge.start()
    until(lambda: colour(world) == "blue", 10, "blue")


@contextmanager
def small_disk(where: Path, kind: str) -> Iterator[None]:
    """A filesystem of its own, 24 MB. Needs root, as every test on real parts does."""
    if kind == "tmpfs":
        argv = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(where)]
    else:
        image = where.with_suffix(".img")
        with image.open("wb") as made:
            made.truncate(24 << 20)
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
        argv = ["mount", "-o", "loop", str(image), str(where)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("no %s can be mounted here: %s" % (kind, done.stderr.strip()))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


def fill(where: Path) -> None:
    """Until not one byte fits into a new file, nor a new name into a directory that would have to grow."""
    fd = os.open(where / "filler", os.O_WRONLY | os.O_CREAT)
    size = 1 << 20
    while size:
        try:
            os.write(fd, b"x" * size)
        except OSError:
            size //= 2
    os.fsync(fd)
    os.close(fd)
    with pytest.raises(OSError), (where / "one-more").open("wb") as refused_file:
        refused_file.write(b"x" * 65536)
        refused_file.flush()
        os.fsync(refused_file.fileno())
    (where / "one-more").unlink(missing_ok=True)


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
@pytest.mark.parametrize("to", ["green", "blue"])
def test_a_full_disk(kind: str, to: str, tmp_path: Path) -> None:
    """The switch and the state directory on a disk without a byte left: back to blue, and back to green."""
    assert TABLE["the disk is full"].rc == 0
    where = tmp_path / "disk"
    where.mkdir()
    with small_disk(where, kind), native.world(where) as world:
        world.app(state="adopted")
        cut_over(world, "green")
        if to == "blue":
            cut_over(world, "blue")
        target = {"green": "blue", "blue": "green"}[to]
        fill(where)
        assert world.app(state="returned", public=PUBLIC)["live"] == colour(world) == target
        assert world.app(state="returned", public=PUBLIC)["changed"] is False


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_a_full_disk_by_hand(kind: str, tmp_path: Path) -> None:
    """The script that adopt leaves needs no space either, and the public sees what it did."""
    where = tmp_path / "disk"
    where.mkdir()
    with small_disk(where, kind), native.world(where) as world:
        world.app(state="adopted")
        cut_over(world, "green")
        script = tmp_path / "rollback"
        rollback_script.write(str(script), rollback_script.text("olympus", world.edge.place().directory, {}))
        fill(where)
        for said in ("would: mv", "blue is live", "blue is live"):
            done = subprocess.run(
                [script, *["--check"] * said.startswith("would")], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0 and said in done.stdout, done.stderr
        assert colour(world) == "blue"
