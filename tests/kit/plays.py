# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook as an operator runs it, in a process group of its own, against a MiniEdge."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import yaml

from kit.miniedge import MiniEdge

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ("-i", "localhost,", "-c", "local")


def task(edge: MiniEdge, module: str, /, **args: Any) -> dict[str, Any]:
    return {
        "olympus.bluegreen." + module: {"state_dir": str(edge.state_dir), **args},
        "name": "%s %s" % (module, args.get("state", "")),
        "register": "done",
    }


def watch_task(edge: MiniEdge, /, **changes: Any) -> dict[str, Any]:
    """The task of the cutover stage that starts the watcher."""
    wanted = edge.params(**changes)
    for name in ("state_dir", "run", "project", "operator"):
        wanted.pop(name)
    wanted["name"] = wanted.pop("deployment")
    return task(edge, "release_watch", **wanted)


def pause(path: Path) -> dict[str, Any]:
    return {"ansible.builtin.wait_for": {"path": str(path), "timeout": 120}, "name": "pause"}


class Play:
    """A running ansible-playbook; ``lines`` are (seconds, text) as they arrived on each stream."""

    def __init__(
        self, edge: MiniEdge, *tasks: dict[str, Any], options: tuple[str, ...] = LOCAL, **environment: str
    ) -> None:
        path = edge.root / ("play-%d.yml" % time.monotonic_ns())
        hosts = "all" if options is not LOCAL else "localhost"
        path.write_text(yaml.safe_dump([{"hosts": hosts, "gather_facts": False, "tasks": list(tasks)}]))
        env = {
            **{name: os.environ[name] for name in ("PATH", "HOME")},
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(edge.root / "local"),
            "LC_ALL": "C.UTF-8",
            **environment,
        }
        argv = [str(Path(sys.executable).parent / "ansible-playbook"), *options, str(path)]
        # Started by a shell in the background we ignore Ctrl-C, and what we start would, too.
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            argv, env=env, cwd=edge.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.lines: list[tuple[float, str]] = []
        self.errors: list[tuple[float, str]] = []
        streams = ((self.process.stdout, self.lines), (self.process.stderr, self.errors))
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in streams]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Any, into: list[tuple[float, str]]) -> None:
        for line in stream:
            into.append((time.monotonic(), line))

    @property
    def out(self) -> str:
        return "".join(text for _at, text in self.lines)

    @property
    def err(self) -> str:
        return "".join(text for _at, text in self.errors)

    def signal(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def wait(self, patience: float = 120) -> int:
        code = self.process.wait(patience)
        for reader in self._readers:
            reader.join(10)
        return code
