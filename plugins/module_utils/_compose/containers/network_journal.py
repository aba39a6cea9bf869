# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is about to be joined to a network, written down before.

Podman killed in the middle of it can tell nothing of that container any more ("network inspection mismatch"), so it can
not be observed which of its networks is the half one. One note for each container and network, with the process that
joins: a boot and a stage may join at the same time.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import process
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_json, write_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import HALF_JOINED, Podman


@contextmanager
def noted(wanted: Wanted, container: str, network: str) -> Iterator[None]:
    """Around ``podman network connect``. A disk without space is no reason not to join: at boot nothing runs yet."""
    path = wanted.path("joining-%s-%s.json" % (container, network))
    with suppress(OSError):
        note = {"v": 1, "container": container, "network": network, "by": process.identity(os.getpid())}
        write_json(path, note)
    yield
    with suppress(OSError):
        os.unlink(path)


def settle(podman: Podman, wanted: Wanted) -> None:
    """Take off again what killed runs were joining; the plan that follows joins it again. What lives is left alone."""
    for path in sorted(glob.glob(os.path.join(glob.escape(wanted.state_dir), "joining*.json"))):
        with suppress(FileNotFoundError):
            _settle(podman, path)


def _settle(podman: Podman, path: str) -> None:
    half = read_json(path)
    if not isinstance(half, dict):
        return
    by = half.get("by")
    # Our own process joins nothing now.
    if by and by["pid"] != os.getpid() and process.alive(by):
        return
    if HALF_JOINED in podman.run("container", "inspect", str(half.get("container"))).err:
        # Podman may say that there is nothing to take down; it has forgotten the network all the same.
        podman.run("network", "disconnect", str(half.get("network")), str(half.get("container")))
    os.unlink(path)
