# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is about to be joined to a network, written down before.

Podman killed in the middle of it can tell nothing of that container any more ("network inspection mismatch"), so it can
not be observed which of its networks is the half one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_json, write_json
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import HALF_JOINED, Podman


@contextmanager
def noted(wanted: Wanted, container: str, network: str) -> Iterator[None]:
    """Around ``podman network connect``. A disk without space is no reason not to join: at boot nothing runs yet."""
    with suppress(OSError):
        write_json(_path(wanted), {"v": 1, "container": container, "network": network})
    yield
    with suppress(OSError):
        os.unlink(_path(wanted))


def settle(podman: Podman, wanted: Wanted) -> None:
    """Take off again what a killed run was joining; the plan that follows joins it anew."""
    try:
        half = read_json(_path(wanted))
    except OSError:
        return
    if not isinstance(half, dict):
        return
    if HALF_JOINED in podman.run("container", "inspect", str(half.get("container"))).err:
        # Podman may say that there is nothing to take down; it has forgotten the network all the same.
        podman.run("network", "disconnect", str(half.get("network")), str(half.get("container")))
    os.unlink(_path(wanted))


def _path(wanted: Wanted) -> str:
    return wanted.path("joining.json")
