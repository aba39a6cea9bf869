# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A watch of a MiniEdge, driven as the module does, and what tests ask of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import process
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.clock import SystemClock
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import SubprocessRunner
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.launch import Launch
from ansible_collections.olympus.bluegreen.plugins.module_utils._watch.module import manage
from kit.miniedge import NEW, MiniEdge
from kit.ports import free_port


@contextmanager
def mini(root: Path) -> Iterator[MiniEdge]:
    """An edge with a release to watch; its watcher is ended afterwards."""
    port = free_port()
    with MiniEdge(root, port, 100 + port % 100) as running:
        folder = release(running)
        folder.mkdir(parents=True)
        about = {"id": NEW, "version": "v2", "created": 1, "images": {"site": {"reference": "x", "id": "sha256:1"}}}
        (folder / "release.json").write_text(json.dumps(about))
        try:
            yield running
        finally:
            process.end(launch(running).observe().about, SystemClock(), 20)


def launch(edge: MiniEdge) -> Launch:
    return Launch(str(edge.state_dir), SubprocessRunner(), SystemClock())


def release(edge: MiniEdge) -> Path:
    return edge.state_dir / "releases" / NEW


def call(edge: MiniEdge, **changes: Any) -> tuple[bool, dict[str, Any]]:
    """The module: whether it changed something, and its result."""
    plan, result = manage(edge.params(**changes), False, SubprocessRunner(), SystemClock())
    return plan.changed, result


def order(edge: MiniEdge, do: str, extend: str = "") -> str:
    return str(call(edge, state="ordered", order=do, extend=extend)[1]["answer"])


def events(edge: MiniEdge, *kinds: str) -> list[dict[str, Any]]:
    """Events of the watch so far, of these kinds."""
    path = release(edge) / "watch/events.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [event for line in lines if (event := json.loads(line))["event"] in kinds]


def until(look: Callable[[], Any], patience: float, what: str) -> Any:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("never seen within %g s: %s" % (patience, what))


def verdict(edge: MiniEdge, patience: float) -> dict[str, Any]:
    """The verdict, once its watcher is gone."""
    path = release(edge) / "verdict.json"
    until(path.exists, patience, "a verdict; the log says %s" % (path.parent / "watch/log"))
    until(lambda: not launch(edge).observe(NEW).alive, 15, "the end of the watcher")
    found: dict[str, Any] = json.loads(path.read_text())
    return found
