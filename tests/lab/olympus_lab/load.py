# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The load as a background process: start it, mark what happens, stop it, read what it saw."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from olympus_lab import binaries, config, mail, stack
from olympus_lab.progress import LabError, wait_for


class Load:
    """One run of lab-load in ``directory``."""

    def __init__(self, directory: Path, settings: Mapping[str, Any] | None = None) -> None:
        self.directory = directory
        self._settings = {
            "https": f"{config.LOOPBACK}:{config.HTTPS_PORT}",
            "ca": str(config.CA_FILE),
            "hydra_admin": f"http://{config.LOOPBACK}:{config.HOST_PORTS['ciam-hydra'][1]}",
            "kratos_admin": f"http://{config.LOOPBACK}:{config.HOST_PORTS['ciam-kratos'][1]}",
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._mails_before = Counter(mail.counts())

    def start(self, patience: float = 180) -> None:
        """Start and wait until everything that it keeps is made and the load is on: 2.2 s for each of the sessions."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        (self.directory / "load.json").write_text(json.dumps(self._settings))
        argv = [
            str(binaries.path("lab-load")),
            "run",
            "-c",
            str(self.directory / "load.json"),
            "-o",
            str(self.directory),
        ]
        with (self.directory / "load.log").open("wb") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT)
        wait_for("load on", lambda: "" if self._state() == "running" else self._state() or "no progress yet", patience)

    def _state(self) -> str:
        if self._process is not None and self._process.poll() is not None:
            raise LabError(f"the load ended early: {(self.directory / 'load.log').read_text()[-500:]}")
        return str(self.progress().get("state", ""))

    def progress(self) -> dict[str, Any]:
        try:
            seen: dict[str, Any] = json.loads((self.directory / "progress.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return seen

    def mark(self, name: str, at: int | None = None, **more: float) -> None:
        """Tell the accounting what was done, ``at`` in Unix ns (default now)."""
        line = json.dumps({"at": at or time.time_ns(), "mark": name, **more})
        with (self.directory / "marks.jsonl").open("a") as marks:
            marks.write(line + "\n")

    def stop(self) -> dict[str, Any]:
        """End the load and recompute its figures from the files, with what the apps and the mail catcher saw."""
        if self._process is None:
            raise LabError("the load was never started")
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=120)
        if self._process.returncode != 0:
            raise LabError(f"the load failed: {(self.directory / 'load.log').read_text()[-500:]}")
        self._export_seen()
        return {**figures(self.directory), **self._mails()}

    def kill(self) -> None:
        """For clean-up only: what was measured is void."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _export_seen(self) -> None:
        rows = stack.psql("SELECT id, min(colour), count(*) FROM lab_seen GROUP BY id")
        with (self.directory / "seen.jsonl").open("w") as out:
            for name, colour, count in rows:
                out.write(json.dumps({"id": name, "colour": colour, "n": int(count)}) + "\n")

    def _mails(self) -> dict[str, int]:
        path = self.directory / "mails.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        wanted = Counter(line["to"] for line in lines)
        # Whether a registration that was answered wrongly sends its mail is open: one is right, and so is none.
        expected = Counter(line["to"] for line in lines if not line.get("uncertain"))

        def got() -> Counter[str]:
            return Counter(mail.counts()) - self._mails_before

        def missing() -> str:
            return ", ".join(sorted(expected - got())[:3])

        with contextlib.suppress(LabError):  # what is still missing then is counted as lost
            wait_for("mails on their way", missing, 30)
        arrived = got()
        return {
            "mails": sum(expected.values()),
            "mails_lost": sum((expected - arrived).values()),
            "mails_doubled": sum((Counter({to: arrived[to] for to in wanted}) - wanted).values()),
        }


def figures(directory: Path) -> dict[str, Any]:
    """Every figure again from the files of a run alone."""
    argv = [str(binaries.path("lab-load")), "figures", "--json", str(directory)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"no figures: {done.stderr.strip()}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


FAULTS = ("lost", "duplicated", "wrong_colour", "stray", "mails_lost", "mails_doubled", "ws_closed")


def faults(seen: Mapping[str, Any]) -> list[str]:
    """What makes a run FAIL: every figure that must be 0 and is not, and whoever was not kept."""
    wrong = [f"{name}={seen[name]}" for name in FAULTS if seen.get(name)]
    wrong += [
        f"{kind}_kept={seen[kind + '_kept']}/{seen[kind]}"
        for kind in ("sessions", "tokens")
        if seen[kind + "_kept"] != seen[kind]
    ]
    if seen.get("unseen"):
        wrong.append(f"unseen={seen['unseen']}")
    return wrong
