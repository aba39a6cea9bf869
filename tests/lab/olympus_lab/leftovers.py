# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What the lab made, found by its labels alone, and its removal: also after a crash, or from another clone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from olympus_lab import config, podman
from olympus_lab.progress import LabError, step

POD = f"pod_{config.PROJECT}"


def _labelled(kind: list[str], key: str) -> list[str]:
    """Values of ``key`` of everything of ``kind`` that carries one of our labels."""
    found = {str(item[key]) for label in config.OWNED for item in podman.listing([*kind, "--filter", f"label={label}"])}
    return sorted(found)


def containers() -> list[dict[str, Any]]:
    """Our containers, running or not, as ``podman ps`` tells them."""
    found: dict[str, dict[str, Any]] = {}
    for label in config.OWNED:
        found.update({item["Id"]: item for item in podman.listing(["ps", "-a", "--filter", f"label={label}"])})
    return list(found.values())


def networks() -> list[str]:
    return _labelled(["network", "ls"], "name")


def volumes() -> list[str]:
    return _labelled(["volume", "ls"], "Name")


def of_collection() -> list[str]:
    """Containers and networks that the collection made for this deployment."""
    label = f"label={config.OF_COLLECTION}"
    names = [item["Names"][0] for item in podman.listing(["ps", "-a", "--filter", label])]
    return names + [item["name"] for item in podman.listing(["network", "ls", "--filter", label])]


def remove() -> None:
    """Remove every one of our containers, pods, networks and volumes; LabError if one is still there afterwards.

    The collection's state for this deployment goes with them: it speaks of a switch and of colours that are no more.
    """
    shutil.rmtree(config.STATE, ignore_errors=True)
    Path("/usr/local/sbin", f"bluegreen-rollback-{config.PROJECT}").unlink(missing_ok=True)
    ours = containers()
    if not (ours or networks() or volumes()):
        return
    with step(f"removing {len(ours)} containers of an earlier lab"):
        # --depend: a container that others require is refused alone. -t 0: nothing here is worth a slow goodbye.
        if ours:
            podman.call(["rm", "-f", "-v", "-t", "0", "--depend", *[item["Id"] for item in ours]], check=False)
        podman.call(["pod", "rm", "-f", POD], check=False)
        for name in networks():
            podman.call(["network", "rm", "-f", name], check=False)
        for name in volumes():
            podman.call(["volume", "rm", "-f", name], check=False)
    if left := [item["Names"][0] for item in containers()] + networks() + volumes():
        raise LabError(f"could not be removed: {', '.join(left)}")
