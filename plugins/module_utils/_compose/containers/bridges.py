# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bridges that keep their hardware address while containers come and go.

Linux gives a bridge the lowest hardware address of its ports until one is set. A container that is started or removed
may so change it, and every neighbour goes on sending to the old one until its own table gives up: for up to half a
minute it resolves no name (Podman's DNS server answers at the bridge) and reaches nothing outside. So the address that
a bridge has now is set, which changes no packet.
"""

from __future__ import annotations

import os

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers import networks
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.containers.containers import World
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_text
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import check

LINKS = "/sys/class/net"
# NET_ADDR_SET of linux/netdevice.h.
SET = "3"


def hold(podman: Podman, wanted: Wanted) -> None:
    """Those of the networks on which the project's containers or ours are. One that is not up yet is left alone."""
    world = World.look(podman, wanted)
    joined = {net for c in world.all if c.project == wanted.project or c.ours(wanted) for net in c.networks}
    for name, raw in networks.existing(podman).items():
        link = str(raw.get("network_interface") or "")
        if name not in joined or not link:
            continue
        kind, address = (read_text(os.path.join(LINKS, link, entry)) for entry in ("addr_assign_type", "address"))
        if kind and address and kind.strip() != SET:
            check(podman.runner.run(["ip", "link", "set", "dev", link, "address", address.strip()]), "ip link set")
