# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of a lost release that running containers still hold: a file that is mounted outlives its name on the host."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman

GONE = "%s can't start again without %s, which was lost. Fix: put it there as it was, from your backup or repository"


def save(podman: Podman, wanted: Wanted, ids: Sequence[str]) -> list[str]:
    """Each file back to where it was mounted from. What can't be had, a sentence each.

    A directory that was removed has lost its entries for the container too.
    """
    home = wanted.path("releases") + os.sep
    told = []
    for raw in podman.inspect("container", ids):
        for mount in raw.get("Mounts") or []:
            path = str(mount.get("Source", ""))
            if not path.startswith(home) or os.path.exists(path):
                continue
            os.makedirs(os.path.dirname(path), 0o750, exist_ok=True)
            # By podman: a link in the container must not lead out of it.
            podman.run("cp", "%s:%s" % (raw["Id"], mount.get("Destination")), path)
            if os.path.isdir(path) and not os.listdir(path):
                os.rmdir(path)
            if not os.path.exists(path):
                told.append(GONE % (raw.get("Name"), path))
    return told
