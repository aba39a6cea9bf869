# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Who is live, asked of the systems themselves: the switch on disk, the public answers, Podman."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from olympus_lab import config, podman, stack, web
from olympus_lab.load import Load
from olympus_lab.progress import LabError

COLOURS = ("blue", "green")
HOSTS = tuple(dict.fromkeys(probe[0] for probe in config.PUBLIC_PROBES))


def switch_dir() -> Path:
    """The switch on the host: in the volume that the edge has mounted at /config."""
    volume = f"{config.PROJECT}_caddy_config"
    where = podman.call(["volume", "inspect", volume, "--format", "{{.Mountpoint}}"]).stdout.strip()
    return Path(where) / "olympus-bluegreen" / "switch"


def on_disk(where: Path | None = None) -> str:
    """The colour that the switch names; LabError unless there is exactly one."""
    named = [colour for colour in COLOURS if ((where or switch_dir()) / colour).exists()]
    if len(named) != 1:
        raise LabError(f"the switch names {named or 'no colour'}")
    return named[0]


def in_public() -> dict[str, str]:
    """Colour that answers each public name now."""
    paths = {host: path for host, path, status in config.PUBLIC_PROBES if status == 200}
    return {host: str(web.public(host, paths[host]).headers.get("X-Bluegreen-Colour", "")) for host in HOSTS}


def shared() -> tuple[int, dict[str, tuple[int, str]]]:
    """What the site of no colour has counted on its own volume, and what it hears at the plain names it dials.

    Name of the variable -> status (0: nothing) and colour ("" for Kratos and Hydra).
    """
    page = web.public(config.PGADMIN_HOST, "/").json()
    heard = {name: (int(one["status"]), str(one.get("colour", ""))) for name, one in page["neighbours"].items()}
    return int(page["requests"]), heard


def kept_ids() -> dict[str, str]:
    """Container ids of what no stage may recreate."""
    return {service: stack.container_id(service) for service in ("postgres", "caddy")}


@dataclass
class FlipWatch:
    """Marks every flip in the load's accounting with the time at which the kernel renamed the marker."""

    load: Load
    where: Path = field(default_factory=switch_dir)
    flips: list[tuple[int, str]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _follow(self) -> None:
        where, seen = self.where, ""
        while not self._stop.is_set():
            for colour in COLOURS:
                try:
                    at = os.stat(where / colour).st_ctime_ns
                except FileNotFoundError:
                    continue
                if colour != seen:
                    self._note(colour, at if seen else time.time_ns(), first=not seen)
                    seen = colour
            self._stop.wait(0.002)

    def _note(self, colour: str, at: int, first: bool) -> None:
        if not first:
            self.flips.append((at, colour))
            self.load.mark(f"flip:{colour}", at)
        self.load.mark(f"live:{colour}", at)
