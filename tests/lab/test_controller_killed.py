# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""kill -9 of ansible-playbook one second after the flip to a faulty release: nobody is needed for the way back, or to
learn of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.receiver import SECRET, Receiver

from olympus_lab import config, release, truth
from olympus_lab.load import Load
from olympus_lab.progress import wait_for

pytestmark = pytest.mark.lab

HEALED_WITHIN = TOLD_WITHIN = 45.0
FIGURE = config.ROOT / "build" / "bench" / "controller-killed"
# Those that Hera serves, which answers half of its requests with an error; all others are off.
JOURNEYS = (
    "hera_login code_flow client_credentials introspect refresh registration static old_login "
    "old_registration private session"
)
LOAD: dict[str, Any] = {
    "identities": 4, "sessions": 2, "tokens": 2, "refresh_chains": 0, "websockets": 0, "streams": 0,
    "max_seconds": 240, "volume": {"rate": 100, "h1": 8, "h2": 2, "streams": 2, "fresh": 1},
    "rates": {**dict.fromkeys(JOURNEYS.split(), 0.0), "hera_login": 1, "registration": 2},
}  # fmt: skip


@pytest.fixture
def load(tmp_path: Path, deployed: str) -> Iterator[Load]:
    running = Load(tmp_path / "load", LOAD)
    running.start()
    yield running
    running.kill()


def flipped_at() -> float:
    """When the kernel renamed the marker to green; 0 while it is not."""
    try:
        return os.stat(truth.switch_dir() / "green").st_ctime
    except FileNotFoundError:
        return 0.0


def killed_after_the_flip(version: str, url: str) -> float:
    """Cut over and watch, as an operator types it, kill it all one second after the flip; when that was."""
    argv = release.command("cutover,watch", {"version": version})
    printed = config.LOGS / "killed-cutover.log"
    env = {**release.environment(), "BLUEGREEN_NOTIFY_URL": url}
    with printed.open("w") as log:
        controller = subprocess.Popen(argv, cwd=config.ROOT, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for("the flip, or the end", lambda: "" if flipped_at() or controller.poll() is not None else "both", 180)
        assert controller.poll() is None, printed.read_text()[-6000:]
        at = flipped_at()
        time.sleep(max(0.0, at + 1 - time.time()))
        assert set(truth.in_public().values()) == {"green"}
    finally:
        if controller.poll() is None:
            os.killpg(controller.pid, signal.SIGKILL)
            controller.wait()
    return at


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Whom the watcher tells."""
    with Receiver() as running:
        yield running


def test_blue_is_live_again(load: Load, deployed: str, receiver: Receiver) -> None:
    at = killed_after_the_flip(deployed, receiver.url)
    wait_for("all public names say blue", not_blue, 120)
    healed = time.time() - at
    assert truth.on_disk() == "blue"
    assert load.progress()["requests"] > 0
    (written,) = (config.STATE / "releases").glob(f"{deployed}-*")
    wait_for("the verdict and the report", lambda: missing(written), 30)
    told = json.loads((written / "verdict.json").read_text())
    assert (told["verdict"], told["rolled_back"]["to"]) == ("FAIL", "blue"), told["reasons"]
    assert "FAIL" in (written / "report.html").read_text()
    wait_for("the message of the watcher", lambda: "" if verdicts(receiver) else "a verdict", 30)
    ((heard, message),) = verdicts(receiver)
    assert (message["verdict"], message["returned_to"]) == ("FAIL", "blue") and "rolled back" in message["text"]
    shown = release.play("killed-watch", "watch", quiet=True)
    assert shown.rc == 2 and "verdict FAIL" in shown.out and "Live again: blue" in shown.out
    status = release.play("killed-status", "status", quiet=True)
    assert status.rc == 0 and "FAIL" in status.out
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    FIGURE.write_text(f"healed_s={healed:.1f}\ntold_s={heard - at:.1f}\n")
    print(FIGURE.read_text())
    assert healed <= HEALED_WITHIN and heard - at <= TOLD_WITHIN
    assert not [path for path in config.STATE.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def verdicts(receiver: Receiver) -> list[tuple[float, dict[str, Any]]]:
    """When each came, and what it said."""
    return [(at, one) for at, one in zip(receiver.moments, receiver.bodies) if one["event"] == "verdict"]


def not_blue() -> str:
    return ", ".join(host for host, colour in truth.in_public().items() if colour != "blue")


def missing(written: Path) -> str:
    return ", ".join(name for name in ("verdict.json", "report.html") if not (written / name).exists())
