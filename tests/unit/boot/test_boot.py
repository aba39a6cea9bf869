# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boot program: what is written, what systemd makes of it, and that one thing that fails keeps nobody else down."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.olympus.bluegreen.plugins.module_utils._boot import install, record, run, unit
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.stack import repair
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result
from ansible_collections.olympus.bluegreen.plugins.module_utils._edge.running.base import Place
from ansible_collections.olympus.bluegreen.plugins.module_utils._state import events
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.directory import StateDir
from ansible_collections.olympus.bluegreen.plugins.module_utils._state.lock import STALE_SECONDS, Claim, Lock
from ansible_collections.olympus.bluegreen.plugins.module_utils._switch.switch import ReturnTo, Switch

HOSTILE = 'a b"c%d$e\\f'


class Systemctl:
    """Links as ``systemctl enable`` does; podman knows no container."""

    def __init__(self, unit_dir: Path) -> None:
        self.wants = unit_dir / "multi-user.target.wants"
        self.asked: list[list[str]] = []

    def run(self, argv: Sequence[str], **_given: Any) -> Result:
        self.asked.append(list(argv))
        if argv[:2] == ["systemctl", "enable"]:
            self.wants.mkdir(exist_ok=True)
            (self.wants / argv[2]).symlink_to("/dev/null")
        if argv[:2] == ["systemctl", "disable"]:
            (self.wants / argv[2]).unlink()
        return Result(0, "[]" if "route" in argv else "", "")


def params(tmp_path: Path) -> dict[str, Any]:
    given = {name: None for name in record.DESCRIBING}
    services = {"ciam-kratos": {"kind": "kratos", "port": 4433, "admin_port": 4434}}
    return {
        **given,
        "deployment": "olympus",
        "state_dir": str(tmp_path / "state"),
        "unit_dir": str(tmp_path / "units"),
        "bin_dir": str(tmp_path / "bin"),
        "project": "prod",
        "source": "/opt/prod",
        "compose_files": ["compose.yml"],
        "services": services,
        "shared": ["postgres"],
        "network_range": "10.231.128.0/22",
        "publish": "network",
        "port_base": {},
        "podman_compose": "podman-compose",
        "singletons": {},
        "edge": {"service": "caddy"},
    }


@pytest.fixture
def boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> install.Boot:
    (tmp_path / "units").mkdir()
    place = Place("prod_caddy_1", 1, str(tmp_path / "switch"), (0, 0))
    monkeypatch.setattr(install, "place_of", lambda *_args: place)
    return install.Boot(params(tmp_path), Systemctl(tmp_path / "units"), systemd=True)


def test_installed_once_and_removed_whole(boot: install.Boot, tmp_path: Path) -> None:
    assert boot.install(check_mode=True).changed and not (tmp_path / "state").exists()
    assert boot.install(check_mode=False).changed
    assert not boot.install(check_mode=False).changed
    told = boot.result()
    assert told["installed"] and told["enabled"] and "is enabled" in told["story"]
    assert record.read(str(tmp_path / "state")) is not None
    script = tmp_path / "bin/bluegreen-rollback"
    assert told["rollback"] == str(script) and str(tmp_path / "switch") in script.read_text()
    assert script.read_text() == (tmp_path / "state/rollback").read_text() and not boot.complaint()
    assert subprocess.run([tmp_path / "state/return"], check=True, capture_output=True).stdout == b""
    assert boot.remove(check_mode=False).changed and not boot.remove(check_mode=False).changed
    assert not list((tmp_path / "units").glob("*.service")) and "will NOT start" in boot.result()["story"]
    assert not (tmp_path / "state/return").exists() and not (tmp_path / "state/boot").exists()
    assert not script.exists() and not (tmp_path / "state/rollback").exists() and not boot.result()["rollback"]


def test_a_stranger_with_the_name_of_the_way_back_survives_adopt_and_undo(boot: install.Boot, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin/bluegreen-rollback"
    script.write_text("#!/bin/sh\n")
    boot.install(check_mode=False)
    assert not boot.install(check_mode=False).changed
    assert boot.result()["rollback"] == str(tmp_path / "state/rollback") and str(script) in boot.complaint()
    boot.remove(check_mode=False)
    assert script.read_text() == "#!/bin/sh\n" and not (tmp_path / "state/rollback").exists()


def test_without_systemd_the_command_is_named(boot: install.Boot, tmp_path: Path) -> None:
    plain = install.Boot(boot.params, boot.runner, systemd=False)
    plain.install(check_mode=False)
    assert plain.result()["story"] == "no systemd on this host; after a reboot run: %s" % (tmp_path / "state/boot")
    assert not list((tmp_path / "units").iterdir())


def test_the_program_runs_by_itself_and_holds_no_secret(boot: install.Boot, tmp_path: Path) -> None:
    """From its own copy of the library: the checkout is not on its path. Nobody is live here, and it says so."""
    boot.install(check_mode=False)
    done = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "state/boot")], capture_output=True, text=True, check=False, cwd="/",
        env={"PATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1 and "WRONG: no switch at" in done.stdout and "podman is not installed" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")
@pytest.mark.parametrize("where", ["/var/lib/olympus-bluegreen", "/srv/" + HOSTILE])
def test_systemd_understands_the_unit(tmp_path: Path, where: str) -> None:
    program = tmp_path / "x" if where.startswith("/var") else tmp_path / HOSTILE
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = tmp_path / unit.name("olympus")
    path.write_text(unit.text("olympus", where, where + "/switch", sys.executable, str(program)))
    done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if unit.name("olympus") in line]
    assert ours == []


def test_one_thing_that_fails_keeps_nobody_else_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Podman refuses everything; the couriers and the watch are tried all the same, and the ledger tells it."""
    given = params(tmp_path)
    switch = Switch(str(tmp_path / "switch"))
    switch.install("blue")
    switch.prepare(ReturnTo("blue", "v1", "f" * 16, 1.0), switch.claim(0))
    switch.flip("green", switch.read().token)
    (tmp_path / "state").mkdir()
    tried: list[str] = []
    monkeypatch.setattr(run.Boot, "_bring_back", lambda self, _context, colours: tried.append(" ".join(colours)))
    monkeypatch.setattr(run, "unready", lambda *_args: ["site: refused"])
    said: list[str] = []
    boot = run.Boot(record.made(given, switch.path), Systemctl(tmp_path), SystemClock(), said.append)
    assert boot.run() is False
    assert tried == ["green", "green blue"] and "WRONG: green is not ready: site: refused" in said
    last = events.read(str(tmp_path / "state/ledger.jsonl"))[-1]
    assert last["event"] == "boot" and last["live"] == "green" and last["ready"] is False and last["wrong"]


@pytest.mark.parametrize(
    ("age", "offered"), [(0.0, False), (STALE_SECONDS - 1, False), (STALE_SECONDS + 1, True), (None, True)],
    ids=["at work", "silent for a while", "dead", "no run"],
)  # fmt: skip
def test_what_a_run_is_taking_away_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: float | None, offered: bool
) -> None:
    """Cleanup has withdrawn blue and waits for its first container to end; a person runs the boot program."""
    switch = Switch(str(tmp_path / "switch"))
    switch.install("blue")
    switch.prepare(ReturnTo("blue", "v1", "f" * 16, 1.0), switch.claim(0))
    switch.flip("green", switch.read().token)
    state = StateDir(str(tmp_path / "state"))
    state.ensure()
    clock = SystemClock()
    if age is not None:
        then = SimpleNamespace(now=lambda: clock.now() - age, monotonic=lambda: clock.monotonic() - age)
        Lock(state, switch, then).take(Claim("run-1", "cleanup"))
    switch.block_rollback("blue", switch.read().token)
    monkeypatch.setattr(run, "unready", lambda *_args: [])
    monkeypatch.setattr(repair, "shortfall", lambda *_args: [])
    said: list[str] = []
    boot = run.Boot(record.made(params(tmp_path), switch.path), Systemctl(tmp_path), clock, said.append)
    assert boot.run() is True
    assert switch.rollback_blocked("blue") != offered
    assert any("by run run-1 (stage cleanup). Fix: wait for it" in line for line in said) != offered


def test_a_run_that_begins_beside_the_boot_keeps_its_fence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    switch = Switch(str(tmp_path / "switch"))
    switch.install("blue")
    switch.prepare(ReturnTo("blue", "v1", "f" * 16, 1.0), switch.claim(0))
    switch.flip("green", switch.read().token)
    (tmp_path / "state").mkdir()

    def cleanup_begins(*_args: Any) -> list[str]:
        switch.block_rollback("blue", switch.claim(0))
        return []

    monkeypatch.setattr(run, "unready", lambda *_args: [])
    monkeypatch.setattr(repair, "shortfall", cleanup_begins)
    said: list[str] = []
    boot = run.Boot(record.made(params(tmp_path), switch.path), Systemctl(tmp_path), SystemClock(), said.append)
    boot.run()
    assert switch.rollback_blocked("blue") and any("the way back to blue: token" in line for line in said)
