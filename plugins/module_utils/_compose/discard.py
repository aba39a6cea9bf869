# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One container stopped and removed."""

from __future__ import annotations

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman


def container(podman: Podman, name: str, at_once: bool = False, grace: int = 0) -> None:
    """Stop by the container's own signal and time (or ``grace`` seconds, if more; ``at_once``: kill), then remove.

    One that is gone is no error.
    """
    seen = podman.one("container", name)
    if seen is None:
        return
    own = int((seen.get("Config") or {}).get("StopTimeout") or 10)
    grace = 0 if at_once else max(own, grace)
    result = podman.run("rm", "--force", "--time", str(grace), name, timeout=grace + 60)
    if result.rc == 124:
        # Podman hangs over its stop: what is left is to kill.
        result = podman.run("rm", "--force", "--time", "0", name, timeout=60)
    if result.rc != 0 and podman.one("container", name) is not None:
        raise BluegreenError(
            "container %s cannot be removed: %s" % (name, result.last_words()), mend="look at podman ps -a"
        )
