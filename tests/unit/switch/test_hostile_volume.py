# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root of the edge's container may put anything on its volume: no file outside of it changes, no act waits for it,
and each act either does what it should or says in one sentence what is there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.adopt.imported_files import host_path
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import EdgeOptions
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.probe_origin import Standpoint
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch import rollback_script
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.directory import switch_problems
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch import main, rollback_followup
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.config import Config

SECRET = "0123456789abcdef" * 2
NAMES = (
    "", "switch", "preview", "log", "lock", "return_to", "deployment", "claimed", "token-%012d" % 7, "moved-green",
    "switch/blue", "switch/green", "switch/ready", "switch/warm-blue", "switch/assets-blue", "switch/warm-green",
    "switch/removing-blue", "preview/" + SECRET,
)  # fmt: skip
GIVES_WAY = ("switch/", "token", "moved", "claimed", "lock")
BACK = ReturnTo("blue", "v1.4.2-0123456789", "00112233aabbccdd", 1.0)

ACTS: dict[str, Callable[[Switch], object]] = {
    "read": lambda switch: (
        switch.exists(),
        switch.read(),
        switch.previews(SECRET),
        switch_problems(switch.path, (0, 0)),
    ),
    "require_of": lambda switch: switch.require_of("olympus"),
    "install": lambda switch: switch.install("green", (os.getuid(), os.getgid()), "olympus"),
    "claim": lambda switch: switch.unclaim(switch.claim(0)),
    "preview": lambda switch: switch.preview(SECRET[::-1], 99),
    "prepare": lambda switch: switch.prepare(ReturnTo("green", "r", "f", 2.0), 99),
    "flip": lambda switch: switch.flip("blue", 7),
    "rollback": lambda switch: switch.rollback(),
    "block_rollback": lambda switch: switch.block_rollback("blue"),
    "allow_rollback": lambda switch: switch.allow_rollback("blue"),
    "unpin": lambda switch: switch.unpin("blue"),
    "forget_logs": lambda switch: switch.forget_logs(["access.log", "passwd", *switch.logs()]),
}


def test_a_log_that_is_a_file_of_the_host_by_another_name_is_not_emptied(tmp_path: Path) -> None:
    switch = Switch(str(tmp_path / "switch"))
    switch.install("blue", (os.getuid(), os.getgid()), "olympus")
    (tmp_path / "passwd").write_text("the host's")
    log = Path(switch.path) / "log" / "access.log"
    os.link(tmp_path / "passwd", log)
    switch.forget_logs(switch.logs())
    assert (tmp_path / "passwd").read_text() == "the host's" and not log.exists()


class Outside:
    """What a container would like to have changed: a file and a directory of the host, and a name in it."""

    def __init__(self, where: Path) -> None:
        self.where = where / "etc"
        (self.where / "cron.d").mkdir(parents=True)
        for name in ("passwd", "access.log", SECRET, "cron.d/job"):
            (self.where / name).write_text("the host's\n")
            (self.where / name).chmod(0o640)
        self.where.chmod(0o750)
        self.before = self.seen()

    def seen(self) -> dict[str, tuple[int, int, int, str]]:
        found = {}
        for one in (self.where, *sorted(self.where.rglob("*"))):
            status = one.stat()
            found[str(one)] = (status.st_mode, status.st_uid, status.st_ino, one.read_text() if one.is_file() else "")
        return found


def planted(kind: str, path: Path, outside: Outside) -> None:
    """In the place of what was there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if kind == "link to a directory":
        path.symlink_to(outside.where)
    elif kind == "link to a file":
        path.symlink_to(outside.where / "passwd")
    elif kind == "dangling link":
        path.symlink_to(outside.where / "nologin")
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "directory":
        (path / "inside").mkdir(parents=True)
    elif kind == "huge file":
        path.touch()
        os.truncate(path, 1 << 40)
    else:
        path.write_bytes(b"\xff\0{torn")
        path.chmod(0)


KINDS = ("link to a directory", "link to a file", "dangling link", "FIFO", "directory", "huge file", "unreadable")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A volume with a switch that was cut over to green."""
    where = tmp_path_factory.mktemp("volume")
    switch = Switch(str(where / "s"))
    switch.install("blue", (os.getuid(), os.getgid()), "olympus")
    switch.prepare(BACK, 7)
    switch.preview(SECRET, 7)
    switch.flip("green", 7)
    return where


def cut_over(model: Path, where: Path) -> Switch:
    shutil.copytree(model, where / "volume")
    return Switch(str(where / "volume" / "s"))


@pytest.fixture(autouse=True)
def bounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What would wait for ever fails."""

    def late(_number: int, _frame: object) -> None:
        raise AssertionError("it still waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 15)
    # Some thousand acts, and none of this is about a crash.
    monkeypatch.setattr(os, "fsync", lambda _fd: None)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ACTS)
def test_no_act_leaves_the_volume_or_waits(name: str, kind: str, model: Path, tmp_path: Path) -> None:
    for number, one in enumerate(NAMES):
        where = tmp_path / str(number)
        where.mkdir()
        outside, switch = Outside(where), cut_over(model, where)
        planted(kind, Path(switch.path) / one if one else Path(switch.path), outside)
        said = ""
        try:
            ACTS[name](switch)
        except (BluegreenError, OSError) as exc:
            said = str(exc)
        assert outside.seen() == outside.before, (one, said)
        # An error of the system names the file in question, and one of ours what to do.
        assert not said or switch.path in said or "Fix: " in said, (one, said)
        assert not list(where.glob("volume/s/.*")), one


@pytest.mark.parametrize("name", [one for one in NAMES if one.startswith(GIVES_WAY)])
@pytest.mark.parametrize("kind", ["link to a file", "dangling link", "FIFO"])
def test_what_is_no_file_gives_way_to_one(kind: str, name: str, model: Path, tmp_path: Path) -> None:
    """After an adopt all is as it was: a file has the name, or nothing where there had been none to make."""
    outside, switch = Outside(tmp_path), cut_over(model, tmp_path)
    path = Path(switch.path) / name
    planted(kind, path, outside)
    switch.install("green", (os.getuid(), os.getgid()), "olympus")
    assert not path.is_symlink() and (not path.exists() or path.is_file())
    assert not switch.read().damage and outside.seen() == outside.before
    assert switch.rollback().live == "blue"


def test_only_what_an_edge_takes_is_removed_with_a_preview(model: Path, tmp_path: Path) -> None:
    """A directory with files of somebody else is no place to clear, real as it is."""
    switch = cut_over(model, tmp_path)
    other = Path(switch.path, "preview", "passwd")
    other.write_text("theirs")
    assert switch.previews(SECRET) and switch.unpin("blue") and not switch.previews(SECRET)
    assert other.read_text() == "theirs"


@pytest.mark.parametrize("text", ['{"colour": "blue", "release": "../../x", "flip": "f", "at": 1}', "[]", "null", "{"])
def test_a_way_back_of_another_shape_is_said(text: str, model: Path, tmp_path: Path) -> None:
    """A release and a flip become parts of the names of files."""
    switch = cut_over(model, tmp_path)
    Path(switch.path, "return_to").write_text(text)
    with pytest.raises(BluegreenError, match="has another shape"):
        switch.read()


@pytest.mark.parametrize("kind", KINDS)
def test_the_way_back_by_hand(kind: str, model: Path, tmp_path: Path) -> None:
    script = tmp_path / "bluegreen-rollback"
    for number, one in enumerate(NAMES):
        where = tmp_path / str(number)
        where.mkdir()
        outside, switch = Outside(where), cut_over(model, where)
        rollback_script.write(str(script), rollback_script.text("olympus", switch.path, {}))
        planted(kind, Path(switch.path) / one if one else Path(switch.path), outside)
        done = subprocess.run([script], capture_output=True, text=True, errors="replace", timeout=12, check=False)
        assert outside.seen() == outside.before, (one, done.stderr)
        assert done.returncode == 0 or done.stderr.strip(), one
        with suppress(BluegreenError, OSError):
            assert done.returncode or switch.read().live == "blue", one


def test_nothing_on_the_volume_says_what_root_writes(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watcher's way back went by a record beside the switch, and wrote what the journal there said."""
    outside, switch = Outside(tmp_path), cut_over(model, tmp_path)
    target = outside.where / "passwd"
    edge = {**asdict(EdgeOptions(str(target))), "kind": "native", "method": "reload", "admin": "127.0.0.1:1"}
    record = {"project": "p", "edge": edge, "upstreams": [{"service": "a", "blue": "1.1.1.1", "green": "2.2.2.2"}]}
    Path(switch.path, "follow.json").write_text(json.dumps(record))
    Path(switch.path, "journal").mkdir(exist_ok=True)
    for suffix, text in ((".before", "the host's\n"), (".base", "the host's\n"), (".after", "the host's evil")):
        Path(switch.path, "journal", "turned" + suffix).write_text(text)
    target.write_text("the host's evi")
    outside.before = outside.seen()
    about = {"deployment": "olympus", "state_dir": str(tmp_path / "state"), "release": "v2", "colour": "green"}
    where = {"address": "127.0.0.1", "port": 1, "scheme": "http"}
    config = Config.of({**about, "probe": False, "switch_dir": switch.path, "edge": where, "public": []})
    podman = Podman(SubprocessRunner())
    follow = main.inputs_of(config, Standpoint(podman, "", {}), SystemClock(), podman).follow
    monkeypatch.setattr(rollback_followup, "SECONDS", 0.0)
    said = follow(switch.rollback(), lambda _event: {})
    assert outside.seen() == outside.before and said == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount of its own needs root")
def test_no_imported_file_is_written_through_a_link_out_of_its_mount(tmp_path: Path) -> None:
    volume, outside = tmp_path / "volume", tmp_path / "outside.caddy"
    inside = tmp_path / "inside"
    for place in (volume, inside):
        place.mkdir()
    outside.write_text("a host's file")
    (volume / "own.caddy").write_text("the operator's")
    (volume / "near.caddy").symlink_to("own.caddy")
    (volume / "far.caddy").symlink_to(outside)
    mount = 'mount --bind "$0" "$1" && echo there && exec cat'
    argv = ["unshare", "--mount", "sh", "-c", mount, str(volume), str(inside)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as edge:
        assert edge.stdout and edge.stdout.readline() == "there\n"
        assert host_path(edge.pid, str(inside / "own.caddy")) == str(volume / "own.caddy")
        assert host_path(edge.pid, str(inside / "near.caddy")) == str(volume / "near.caddy")
        with pytest.raises(BluegreenError, match="lies nowhere on this host"):
            host_path(edge.pid, str(inside / "far.caddy"))
