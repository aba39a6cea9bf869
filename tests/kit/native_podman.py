# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Podman's part in a migration without Podman: a one-shot container is a process of this host, its image a program."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result

IMAGE = "0123456789ab"


@dataclass
class Container:
    process: subprocess.Popen[bytes]
    labels: Mapping[str, str]
    log: Path

    def described(self, name: str) -> dict[str, Any]:
        status = "running" if self.process.poll() is None else "exited"
        state = {"Status": status, "Pid": self.process.pid}
        return {"Id": name, "Name": name, "State": state, "Config": {"Labels": dict(self.labels)}}


@dataclass
class NativePodman:
    """A Runner. ``before`` sees each command line before it runs; ``logs``: name -> log of one that only talks."""

    before: Callable[[list[str]], None] = lambda argv: None
    there: dict[str, Container] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    seen: list[list[str]] = field(default_factory=list)

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        cwd: str | None = None,
        timeout: float = 120,
    ) -> Result:
        self.seen.append(list(argv))
        self.before(list(argv))
        if argv[0] != "podman":
            done = subprocess.run(list(argv), capture_output=True, text=True, check=False, timeout=timeout)
            return Result(done.returncode, done.stdout, done.stderr)
        verb = argv[1]
        if verb == "run":
            return self._start(list(argv), {**(env or {}), **_pairs(stdin or "")})
        if verb in ("image", "network"):
            return Result(0, json.dumps([{"Id": IMAGE, "Name": argv[-1], "Config": {}}]), "")
        act = {"ps": self._ps, "container": self._inspect, "wait": self._wait, "logs": self._logs, "rm": self._rm}[verb]
        return act(list(argv), timeout)

    def _start(self, argv: list[str], given: Mapping[str, str]) -> Result:
        name, words = argv[argv.index("--name") + 1], argv[argv.index(IMAGE) + 1 :]
        labels = [argv[at + 1] for at, word in enumerate(argv) if word == "--label"]
        log = Path(tempfile.mkstemp(prefix="native-podman-")[1])
        plain = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        with log.open("wb") as out:
            process = subprocess.Popen(words, env={**plain, **given}, stdout=out, stderr=out)
        self.there[name] = Container(process, _pairs("\n".join(labels)), log)
        return Result(0, name, "")

    def _ps(self, argv: list[str], timeout: float) -> Result:
        if "json" in argv:
            return Result(0, "[]", "")
        wanted = [word[len("label=") :].partition("=") for word in argv if word.startswith("label=")]
        found = [
            name
            for name, one in self.there.items()
            if wanted and all(one.labels.get(key) == value for key, _sign, value in wanted)
        ]
        return Result(0, "\n".join(found), "")

    def _inspect(self, argv: list[str], timeout: float) -> Result:
        found = [self.there[name].described(name) for name in argv[3:] if name in self.there]
        lacking = [name for name in argv[3:] if name not in self.there]
        errors = "".join("Error: no such container %s\n" % name for name in lacking)
        return Result(1 if lacking else 0, json.dumps(found), errors)

    def _wait(self, argv: list[str], timeout: float) -> Result:
        try:
            return Result(0, "%d\n" % self.there[argv[2]].process.wait(timeout), "")
        except subprocess.TimeoutExpired:
            return Result(124, "", "no answer")

    def _logs(self, argv: list[str], timeout: float) -> Result:
        name = argv[-1]
        if name in self.there:
            return Result(0, self.there[name].log.read_text(errors="replace"), "")
        if name not in self.logs:
            return Result(125, "", "no such container")
        return Result(0, "" if "--until" in argv else self.logs[name], "")

    def _rm(self, argv: list[str], timeout: float) -> Result:
        one = self.there.pop(argv[-1], None)
        if one is not None:
            one.process.kill()
            one.process.wait(10)
            one.log.unlink()
        return Result(0, "", "")

    def close(self) -> None:
        for name in list(self.there):
            self._rm([name], 0)


def _pairs(text: str) -> dict[str, str]:
    return {name: value for name, _sign, value in (line.partition("=") for line in text.splitlines()) if name}
