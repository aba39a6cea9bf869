# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both modules as Ansible really runs them: packed, sent, driven by an ansible-playbook that may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit.compose_bench import named
from kit.miniedge import NEW, MiniEdge
from kit.ports import free_port

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import process
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.launch import Launch

ROOT = Path(__file__).resolve().parents[3]
CANARY = "canary-55aa-secret"


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[MiniEdge]:
    port = free_port()
    with MiniEdge(tmp_path, port, 100 + port % 100) as running:
        yield running
        launch = Launch(str(running.state_dir), SubprocessRunner(), SystemClock())
        process.end(launch.observe().about, SystemClock(), 20)


def play(edge: MiniEdge, *tasks: dict[str, Any]) -> subprocess.Popen[str]:
    """ansible-playbook in a process group of its own."""
    path = edge.root / ("play-%d.yml" % time.monotonic_ns())
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}]))
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME")},
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCAL_TEMP": str(edge.root / "local"),
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", "-v", str(path)],
        env=env,
        cwd=edge.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def task(edge: MiniEdge, module: str, /, **args: Any) -> dict[str, Any]:
    return {
        "olympus.bluegreen." + module: {"state_dir": str(edge.state_dir), **args},
        "name": "%s %s" % (module, args.get("state", "")),
    }


def lock_task(edge: MiniEdge, /, **args: Any) -> dict[str, Any]:
    return task(edge, "release_ledger", state="locked", switch_dir=edge.switch.path, stage="cutover", **args)


def pause(path: Path) -> dict[str, Any]:
    return {"ansible.builtin.wait_for": {"path": str(path), "timeout": 60}, "name": "pause"}


def until(look: Callable[[], Any], patience: float, what: str) -> Any:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("never seen within %g s: %s" % (patience, what))


def lock(edge: MiniEdge) -> dict[str, Any]:
    path = edge.state_dir / "lock.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def test_a_second_run_is_refused_until_the_first_was_killed(edge: MiniEdge) -> None:
    first = play(edge, lock_task(edge, version="v2"), pause(edge.root / "never"))
    taken = until(lambda: lock(edge), 60, "the lock")
    assert taken["controller"]["pid"] == first.pid
    second = play(edge, lock_task(edge))
    out = second.communicate(timeout=60)[0]
    assert second.returncode == 2 and "holds the lock" in out and "stage cutover" in out
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    again = [lock_task(edge), lock_task(edge), task(edge, "release_ledger", state="unlocked")]
    third = play(edge, *again)
    out = third.communicate(timeout=60)[0]
    assert third.returncode == 0, out
    assert lock(edge) == {}
    assert edge.switch.read().token == 2
    told = [json.loads(line) for line in (edge.state_dir / "ledger.jsonl").read_text().splitlines()]
    assert [event["event"] for event in told] == ["stage_began", "stage_began", "stage_ended"]
    assert told[1]["taken_over_from"] == taken["run"]


def test_a_watcher_packed_by_ansible_outlives_the_playbook(edge: MiniEdge) -> None:
    """The module's zip is gone when the play is killed; the watcher has its own copy and rolls back."""
    secrets = {"ciam": {"password": CANARY, "client_secret": CANARY}}
    wanted = named(edge.params(probe_secrets=secrets))
    for name in ("state_dir", "run", "project"):
        wanted.pop(name)
    (edge.state_dir / "releases" / NEW).mkdir(parents=True)
    with edge.load(10):
        controller = play(edge, task(edge, "release_watch", **wanted), pause(edge.root / "never"))
        until((edge.state_dir / "watch.json").exists, 30, "the watcher")
        until(lambda: "waiting" in events(edge), 30, "its first event")
        os.killpg(controller.pid, signal.SIGKILL)
        printed = controller.communicate()[0]
        edge.share["green"] = 1.0
        edge.cut_over()
        follower = play(edge, task(edge, "release_watch", state="followed"))
        out = follower.communicate(timeout=90)[0]
    assert follower.returncode == 0, out
    for word in ("green is live", "ROLLED BACK to blue", "verdict FAIL", '"verdict": "FAIL"', '"returned_to": "blue"'):
        assert word in out, out
    assert edge.switch.read().live == "blue"
    assert CANARY not in out + printed
    for path in edge.state_dir.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


def events(edge: MiniEdge) -> str:
    path = edge.state_dir / "releases" / NEW / "watch/events.jsonl"
    return path.read_text() if path.exists() else ""
