# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""bluegreen-rollback: what Switch.rollback does, from every state, killed anywhere, beside everybody else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import Fenced, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import locked
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch import rollback_script
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch, SwitchState

NEEDED = ("mv", "rm", "head", "sed", "touch", "sync", "sleep")
MARKS = (
    "blue", "green", "ready", "warm-blue", "warm-green", "assets-blue", "assets-green", "removing-blue",
    "removing-green",
)  # fmt: skip


def back(colour: str) -> ReturnTo:
    return ReturnTo(colour, "v1.4.2-0123456789", "00112233aabbccdd", 1.0)


def made(
    path: Path,
    marks: set[str],
    token: int | None,
    claimed: bool,
    return_to: str | None,
    files: str = "",
    moved: str | None = None,
) -> Switch:
    """A switch directory in any state."""
    (path / "switch").mkdir(parents=True)
    for name in marks:
        (path / "switch" / name).touch()
    (path / "lock").touch()
    if token is not None:
        (path / ("token-%012d" % token)).touch()
    if claimed:
        (path / "claimed").touch()
    if moved:
        (path / ("moved-" + moved)).touch()
    if return_to:
        (path / "return_to").write_text(files or json.dumps(asdict(back(return_to))) + "\n")
    return Switch(str(path))


def tree(path: Path) -> dict[str, str]:
    return {str(one.relative_to(path)): one.read_text() for one in path.rglob("*") if one.is_file()}


def same(switch: Switch) -> SwitchState:
    """Two directories' markers were not made at the same moment."""
    state = switch.read()
    return replace(state, return_to=state.return_to and replace(state.return_to, flip="", at=0.0))


def typed(switch: Path, *options: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """The script for that switch, as a person types it."""
    script = switch.with_name("bluegreen-rollback")
    rollback_script.write(str(script), rollback_script.text("olympus", str(switch), {}, str(switch.with_name("state"))))
    env = {"PATH": path or os.environ["PATH"]}
    return subprocess.run([script, *options], env=env, cwd="/", capture_output=True, text=True, check=False)


def cut_over(path: Path) -> Switch:
    switch = Switch(str(path))
    switch.install("blue", (os.getuid(), os.getgid()))
    switch.prepare(back("blue"), switch.claim(0))
    switch.flip("green", switch.read().token)
    return switch


def test_an_edge_that_has_to_follow_is_not_moved_by_a_file(tmp_path: Path) -> None:
    switch = made(tmp_path / "s", {"green", "ready"}, 3, True, "blue")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "follow.json").write_text("{}")
    before = tree(tmp_path / "s")
    done = typed(tmp_path / "s")
    assert done.returncode == 2 and "--tags rollback" in done.stderr
    assert tree(tmp_path / "s") == before and switch.read().live == "green"


@settings(max_examples=120)
@given(
    marks=st.sets(st.sampled_from(MARKS)),
    token=st.one_of(st.none(), st.sampled_from([0, 7, 8, 9, 99, 123456])),
    claimed=st.booleans(),
    return_to=st.sampled_from([None, "blue", "green"]),
    moved=st.sampled_from([None, "blue", "green"]),
    drop=st.booleans(),
    force=st.booleans(),
)
def test_it_does_what_the_switch_does_from_every_state(
    marks: set[str],
    token: int | None,
    claimed: bool,
    return_to: str | None,
    moved: str | None,
    drop: bool,
    force: bool,
) -> None:
    with tempfile.TemporaryDirectory() as where:
        one, two = Path(where, "a b'c", "one"), Path(where, "two")
        script, model = (made(path, marks, token, claimed, return_to, moved=moved) for path in (one, two))
        before, state = tree(one), model.read()
        live, back_to = state.live, state.return_to.colour if state.return_to else None
        options = ["--drop-pinned"] * drop + ["--force"] * force
        looked = typed(one, *options, "--check")
        assert tree(one) == before
        done = typed(one, *options)
        assert looked.returncode in (0, done.returncode), looked.stderr
        drained = back_to and live != back_to and "assets-%s" % back_to not in marks
        gone = back_to and "removing-%s" % back_to in marks
        if drained and not gone and not force:
            stopped = model.fence()
            assert done.returncode == 2 and "drained" in done.stderr and stopped in done.stderr
            assert tree(one) == tree(two)
            return
        try:
            after = model.rollback(keep_sticky=not drop, force=force)
        except Refused as told:
            assert done.returncode == 2 and str(told).partition(" Fix:")[0].rstrip(".") in done.stderr
        else:
            assert done.returncode == (0 if after.live == back_to else 2), done.stderr
            assert after.live != back_to or "%s is live" % back_to in done.stdout
        assert tree(one) == tree(two) and same(script) == same(model)


@pytest.mark.parametrize("drop", [True, False])
def test_killed_before_any_step(drop: bool, tmp_path: Path) -> None:
    """Nobody sees two colours live, or none; typed again it comes to the same end."""
    options = ["--drop-pinned"] * drop
    (tmp_path / "wanted").mkdir()
    wanted = cut_over(tmp_path / "wanted" / "s").rollback(keep_sticky=not drop)
    for number in range(10):
        path = tmp_path / str(number) / "s"
        path.parent.mkdir()
        switch = cut_over(path)
        first = typed(path, *options, path=deadly(path.parent, number))
        assert not switch.read().damage
        assert typed(path, *options).returncode == 0
        after = switch.read()
        assert (after.live, after.warm, after.assets, after.claimed) == (
            wanted.live, wanted.warm, wanted.assets, wanted.claimed,
        )  # fmt: skip
        assert after.token in (wanted.token, wanted.token + 1)
        if first.returncode == 0:
            break
        assert first.returncode == -9
    assert number == (5 if drop else 4)


def deadly(where: Path, number: int) -> str:
    """A PATH on which the step ``number`` kills the shell that wants it done."""
    tools = where / "tools"
    tools.mkdir()
    for name in ("mv", "rm"):
        (tools / name).write_text(
            '#!/bin/sh\ncount="$(cat "%s/count" 2>/dev/null)."\nprintf %%s "$count" >"%s/count"\n'
            'if [ ${#count} -gt %d ]; then kill -9 "$PPID"; exit 1; fi\nexec %s "$@"\n'
            % (where, where, number, shutil.which(name))
        )
        (tools / name).chmod(0o755)
    return "%s:%s" % (tools, os.environ["PATH"])


def only(where: Path, *names: str) -> str:
    """A PATH with these programs alone."""
    tools = where / "only"
    tools.mkdir()
    for name in names:
        (tools / name).symlink_to(str(shutil.which(name)))
    return str(tools)


def test_who_holds_the_lock_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    switch = cut_over(tmp_path / "s")
    with locked(str(tmp_path / "s" / "lock")):
        refused = typed(tmp_path / "s")
        assert refused.returncode == 2 and "--no-lock" in refused.stderr and switch.read().live == "green"
        assert typed(tmp_path / "s", "--no-lock").returncode == 0
    assert switch.read().live == "blue"


def test_without_flock_it_looks_once_more(tmp_path: Path) -> None:
    """Somebody had looked at the token just before it was raised, and moves the marker afterwards."""
    switch = cut_over(tmp_path / "s")
    tools = only(tmp_path, *NEEDED)
    sleep = Path(tools, "sleep")
    sleep.unlink()
    marker = tmp_path / "s" / "switch"
    sleep.write_text("#!/bin/sh\nexec mv '%s/blue' '%s/green'\n" % (marker, marker))
    sleep.chmod(0o755)
    done = typed(tmp_path / "s", path=tools)
    assert done.returncode == 0 and switch.read().live == "blue", done.stderr


def test_beside_a_cutover(tmp_path: Path) -> None:
    """It begins when the cutover has its token: whatever the order of what follows, blue is live afterwards."""
    for number in range(40):
        switch = Switch(str(tmp_path / str(number) / "s"))
        os.makedirs(os.path.dirname(switch.path))
        switch.install("blue", (os.getuid(), os.getgid()))
        switch.prepare(back("blue"), switch.claim(0))

        def flip(switch: Switch = switch, token: int = switch.read().token) -> None:
            with suppress(Fenced):
                switch.flip("green", token)

        late = threading.Timer(number * 0.0005, flip)
        late.start()
        assert typed(Path(switch.path)).returncode == 0
        late.join()
        state = switch.read()
        assert (state.live, state.damage, state.claimed) == ("blue", "", False)


def test_what_it_refuses(tmp_path: Path) -> None:
    assert "no switch at" in typed(tmp_path / "none").stderr
    unknown = typed(tmp_path / "none", "--now")
    assert unknown.returncode == 2 and "--now: unknown option" in unknown.stderr and "--check" in unknown.stderr
    made(tmp_path / "s", {"green", "ready", "assets-blue"}, 7, True, "blue", "{torn")
    before = tree(tmp_path / "s")
    assert "has another shape" in typed(tmp_path / "s").stderr and tree(tmp_path / "s") == before


@pytest.mark.parametrize(
    ("edge", "words"),
    [({"kind": "cloudflare"}, "at Cloudflare"), ({"method": "reload"}, "method reload"), ({"method": "switch"}, "")],
)
def test_an_edge_that_no_rename_moves_is_told(edge: dict[str, str], words: str, tmp_path: Path) -> None:
    switch = cut_over(tmp_path / "s")
    script = tmp_path / "script"
    rollback_script.write(str(script), rollback_script.text("olympus", switch.path, edge))
    done = subprocess.run([script], capture_output=True, text=True, check=False)
    assert words in done.stderr and switch.read().live == ("green" if words else "blue")
    assert not words or (done.returncode == 2 and "--tags rollback" in done.stderr)


def test_it_is_clean_and_short(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(rollback_script.text("two\nlines", "/srv/it's mine", {"kind": "cloudflare"}))
    assert len(script.read_text().splitlines()) <= 110
    subprocess.run(["shellcheck", script], check=True)


def test_a_stranger_of_its_name_is_left_alone(tmp_path: Path) -> None:
    command, kept = rollback_script.paths("olympus", str(tmp_path / "state"), str(tmp_path / "bin"))
    assert rollback_script.wanted((command, kept), "x") == [command, kept] and not rollback_script.complaint(
        (command, kept)
    )
    (tmp_path / "bin").mkdir()
    Path(command).write_text("#!/bin/sh\necho mine\n")
    assert rollback_script.wanted((command, kept), "x") == [kept] and not rollback_script.ours(command)
    told = rollback_script.complaint((command, kept))
    assert "%s is another program" % command in told and told.endswith(kept)
    assert os.path.basename(rollback_script.paths("a b", "/s", "/b")[0]) == "bluegreen-rollback-a-b"
