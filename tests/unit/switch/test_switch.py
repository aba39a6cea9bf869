# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switch: exactly one colour live whatever happens, and every call again converges."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, Fenced, Refused
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import OTHER
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch, SwitchState

ACTS = ("install", "claim", "preview", "prepare", "flip", "rollback", "unpin")
SECRET = "0123456789abcdef" * 2


def way_back(colour: str) -> ReturnTo:
    return ReturnTo(colour, "v1.4.2-0123456789", "00112233aabbccdd", 1.0)


def act(name: str, switch: Switch) -> None:
    """One call on a switch that was installed with blue; what it needs beforehand is made with ``prepared``."""
    state = switch.read() if switch.exists() else None
    if name == "install":
        switch.install("blue", (os.getuid(), os.getgid()))
    elif name == "claim" and state:
        switch.claim(state.token + 1)
    elif name == "preview":
        switch.preview(SECRET, 7)
    elif name == "other preview":
        switch.preview(SECRET[::-1], 7)
    elif name == "prepare":
        switch.prepare(way_back("blue"), 7)
    elif name == "flip":
        switch.flip("green", 7)
    elif name == "rollback":
        switch.rollback()
    elif name == "unpin":
        switch.unpin("green")


def prepared(path: Path, name: str) -> None:
    """The state in which the act named is a stage's next one."""
    switch = Switch(str(path))
    order: dict[str, tuple[str, ...]] = {
        "install": (),
        "claim": ("install",),
        "preview": ("install", "other preview"),
        "prepare": ("install",),
        "flip": ("install", "prepare"),
        "rollback": ("install", "prepare", "flip"),
        "unpin": ("install", "preview", "prepare", "flip", "rollback"),
    }
    for before in order[name]:
        act(before, switch)


def killed_at(path: Path, name: str, number: int) -> bool:
    """Run the act in a child that kills itself at its step ``number``; False when it had no such step."""
    pid = os.fork()
    if pid == 0:
        seen = 0

        def step(_act: str) -> None:
            nonlocal seen
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1

        try:
            act(name, Switch(str(path), step))
            os._exit(0)
        except BaseException:
            os._exit(3)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("name", ACTS)
def test_killed_between_any_two_steps(name: str, tmp_path: Path) -> None:
    wanted = tmp_path / "wanted"
    prepared(wanted, name)
    act(name, Switch(str(wanted)))
    number = 0
    while True:
        path = tmp_path / str(number)
        prepared(path, name)
        if not killed_at(path, name, number):
            break
        if name != "install":
            assert not Switch(str(path)).read().damage
        # Never two secrets, and never half of one.
        assert all(len(one.name) == 32 for one in path.glob("preview/*")) and len([*path.glob("preview/*")]) < 2
        act(name, Switch(str(path)))
        assert [one.name for one in path.glob("preview/*")] == [one.name for one in wanted.glob("preview/*")]
        assert comparable(Switch(str(path)).read(), name) == comparable(Switch(str(wanted)).read(), name)
        number += 1
    assert number >= {"claim": 1, "preview": 2, "flip": 1, "rollback": 4, "unpin": 2}.get(name, 4)


def comparable(state: SwitchState, name: str) -> tuple[object, ...]:
    """A token may be raised once more by the second call; nothing else may differ."""
    token = None if name in ("claim", "rollback") else state.token
    return state.live, state.ready, state.warm, state.assets, state.return_to, state.damage, token


def test_until_the_sentinel_is_there_nobody_is_live(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def step(name: str) -> None:
        if name == "make ready":
            raise Stop

    with pytest.raises(Stop):
        Switch(str(tmp_path / "s"), step).install()
    assert Switch(str(tmp_path / "s")).read().live == ""


def test_full_disk_stops_prepare_but_neither_flip_nor_rollback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file may be made, opened for writing or grown by flip and rollback."""
    path = tmp_path / "s"
    prepared(path, "flip")
    real = os.open

    def full(name: str, flags: int, mode: int = 0o777, **more: int) -> int:
        if flags & os.O_CREAT and not os.path.exists(name):
            raise OSError(28, "No space left on device", name)
        return real(name, flags, mode, **more)

    monkeypatch.setattr(os, "open", full)
    monkeypatch.setattr(os, "write", lambda *_: pytest.fail("wrote"))
    switch = Switch(str(path))
    assert switch.flip("green", 7)
    assert switch.rollback().live == "blue"
    assert switch.read().token == 8
    with pytest.raises(OSError, match="No space"):
        switch.prepare(way_back("blue"), 9)
    assert switch.read().live == "blue"


@pytest.mark.parametrize("keep", [True, False])
def test_rollback_before_the_flip_fences_the_stage_that_is_about_to(tmp_path: Path, keep: bool) -> None:
    prepared(tmp_path / "s", "flip")
    switch = Switch(str(tmp_path / "s"))
    assert switch.rollback(keep).live == "blue"
    with pytest.raises(Fenced):
        switch.flip("green", 7)
    with pytest.raises(Fenced):
        switch.prepare(way_back("blue"), 7)


def test_rollback_fences_a_run_that_has_prepared_nothing_yet(tmp_path: Path) -> None:
    """Typed while the first cutover is on its way: there is nothing to roll back yet, and still it must not happen."""
    switch = Switch(str(tmp_path / "s"))
    switch.install()
    token = switch.claim(0)
    with pytest.raises(Refused, match=r"nothing to roll back.*was stopped"):
        switch.rollback()
    with pytest.raises(Fenced):
        switch.prepare(way_back("blue"), token)
    with pytest.raises(Refused, match=r"no cutover yet\. Fix:"):
        switch.rollback()
    assert switch.read().live == "blue"


def test_rollback_of_one_cutover_leaves_the_next_alone(tmp_path: Path) -> None:
    prepared(tmp_path / "s", "rollback")
    switch = Switch(str(tmp_path / "s"))
    before = switch.read()
    with pytest.raises(Refused, match="moved meanwhile"):
        switch.rollback(expect_flip="f" * 16)
    assert switch.read() == before
    assert switch.rollback(expect_flip=way_back("blue").flip).live == "blue"


def test_rollback_twice_is_once(tmp_path: Path) -> None:
    prepared(tmp_path / "s", "rollback")
    switch = Switch(str(tmp_path / "s"))
    first = switch.rollback()
    assert first == switch.rollback()
    assert first.warm == ("blue",)
    assert first.assets == ("blue", "green")


def test_rollback_of_a_sound_colour_may_keep_its_open_forms(tmp_path: Path) -> None:
    prepared(tmp_path / "s", "rollback")
    state = Switch(str(tmp_path / "s")).rollback(keep_sticky=True)
    assert (state.live, state.warm) == ("blue", ("blue", "green"))


def test_refusals(tmp_path: Path) -> None:
    switch = Switch(str(tmp_path / "s"))
    with pytest.raises(BluegreenError, match="adopt"):
        switch.read()
    switch.install()
    with pytest.raises(Refused, match="nothing to roll back"):
        switch.rollback()
    with pytest.raises(Refused, match="not live"):
        switch.prepare(way_back("green"), 1)
    with pytest.raises(Refused, match="is live"):
        switch.unpin("blue")


def test_no_cookie_leads_to_a_release_that_was_not_gated(tmp_path: Path) -> None:
    """A rolled back colour keeps its pinned requests until its containers go: what comes in their place is asked by
    nobody before a cutover."""
    prepared(tmp_path / "s", "rollback")
    switch = Switch(str(tmp_path / "s"))
    assert switch.rollback(keep_sticky=True).warm == ("blue", "green")
    switch.block_rollback("green")
    switch.allow_rollback("green")
    state = switch.read()
    assert (state.warm, state.assets, state.removing) == (("blue",), ("blue",), ())
    switch.prepare(way_back("blue"), switch.claim(0))
    assert (switch.read().warm, switch.read().assets) == (("blue", "green"), ("blue", "green"))
    # Back to what was replaced and is whole again: its own pages go on working.
    switch.flip("green", switch.read().token)
    switch.block_rollback("blue")
    switch.allow_rollback("blue")
    state = switch.rollback()
    assert (state.live, state.warm, state.assets) == ("blue", ("blue",), ("blue", "green"))


@pytest.mark.parametrize("damage", ["both", "none"])
@pytest.mark.parametrize("colour", ["blue", "green"])
def test_flip_mends_two_markers_or_none(tmp_path: Path, damage: str, colour: str) -> None:
    switch = Switch(str(tmp_path / "s"))
    switch.install()
    marker = tmp_path / "s" / "switch"
    if damage == "both":
        (marker / "green").touch()
    else:
        (marker / "blue").unlink()
    assert switch.read().damage
    switch.flip(colour, 0)
    state = switch.read()
    assert (state.live, state.damage) == (colour, "")


def test_install_never_moves_a_marker(tmp_path: Path) -> None:
    prepared(tmp_path / "s", "rollback")
    before = Switch(str(tmp_path / "s")).read()
    Switch(str(tmp_path / "s")).install("blue")
    assert Switch(str(tmp_path / "s")).read() == before


class Machine(RuleBasedStateMachine):
    """Any order of calls, with right and wrong tokens: the model says who is live."""

    @initialize()
    def start(self) -> None:
        self.dir = tempfile.TemporaryDirectory()
        self.switch = Switch(os.path.join(self.dir.name, "s"))
        self.switch.install()
        self.live, self.token = "blue", 0
        self.back: str | None = None

    def teardown(self) -> None:
        self.dir.cleanup()

    @rule(offset=st.integers(-2, 3))
    def prepare(self, offset: int) -> None:
        token = self.token + offset
        if offset < 0:
            with pytest.raises(Fenced):
                self.switch.prepare(way_back(self.live), token)
            return
        self.switch.prepare(way_back(self.live), token)
        self.token, self.back = token, self.live

    @rule(colour=st.sampled_from(["blue", "green"]), offset=st.integers(-1, 1))
    def flip(self, colour: str, offset: int) -> None:
        if offset:
            with pytest.raises(Fenced):
                self.switch.flip(colour, self.token + offset)
            return
        assert self.switch.flip(colour, self.token) == (colour != self.live)
        self.live = colour

    @rule(keep=st.booleans())
    def rollback(self, keep: bool) -> None:
        if self.back is None:
            return
        state = self.switch.rollback(keep)
        self.live, self.token = self.back, state.token
        assert self.switch.rollback(keep) == state

    @rule()
    def unpin(self) -> None:
        self.switch.unpin(OTHER[self.live])
        assert OTHER[self.live] not in self.switch.read().warm

    @rule(token=st.integers(0, 50))
    def claim(self, token: int) -> None:
        got = self.switch.claim(token)
        assert got > self.token
        self.token = got

    @rule()
    def install(self) -> None:
        self.switch.install("green")

    @invariant()
    def one_colour(self) -> None:
        state = self.switch.read()
        assert (state.live, state.token, state.damage) == (self.live, self.token, "")


TestAnyOrder = Machine.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=25)
