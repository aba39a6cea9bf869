# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One container stopped and removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.job import nothing
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Result


def container(
    podman: Podman, name: str, at_once: bool = False, grace: int = 0, still: Callable[[], None] = nothing
) -> None:
    """Stop by the container's own signal and time (or ``grace`` seconds, if more; ``at_once``: kill), then remove.

    ``name``: its name or id; it goes by the id that this has now, so that a successor of that name is never meant. One
    that is gone is no error. ``still`` raises when it may not go (any more): it is asked before the stop, between stop
    and removal (what ran is started again) and after the removal.
    """
    still()
    seen = podman.one("container", name)
    if seen is None:
        return
    ident = str(seen.get("Id") or name)
    own = int((seen.get("Config") or {}).get("StopTimeout") or 10)
    grace = 0 if at_once else max(own, grace)
    if at_once or _status(seen) not in ("running", "stopping"):
        result = _force(podman, ident, grace)
    elif _stop(podman, ident, grace, still):
        # Without force: podman refuses one that was started again this moment.
        result = podman.run("rm", ident, timeout=60)
        if result.rc != 0 and _status(podman.one("container", ident) or {}) != "running":
            result = _force(podman, ident, grace)
    else:
        result = _force(podman, ident, 0)
    if result.rc != 0 and podman.one("container", ident) is not None:
        still()
        raise BluegreenError(
            "container %s cannot be removed: %s" % (seen.get("Name") or name, result.last_words()),
            fix="look at podman ps -a",
        )
    still()


def _stop(podman: Podman, ident: str, grace: int, still: Callable[[], None]) -> bool:
    """False where podman hangs over it: what is left is to kill."""
    result = podman.run("stop", "--time", str(grace), ident, timeout=grace + 60)
    try:
        still()
    except BluegreenError:
        podman.run("start", ident, timeout=180)
        raise
    return result.rc != 124


def _force(podman: Podman, ident: str, grace: int) -> Result:
    result = podman.run("rm", "--force", "--time", str(grace), ident, timeout=grace + 60)
    if result.rc == 124:
        result = podman.run("rm", "--force", "--time", "0", ident, timeout=60)
    return result


def _status(seen: Mapping[str, Any]) -> str:
    return str((seen.get("State") or {}).get("Status", "")).lower()
