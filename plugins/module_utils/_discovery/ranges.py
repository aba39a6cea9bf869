# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A free range for the networks of a deployment. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator

from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

SIZE = 20
# Asked in this order; what people choose themselves begins at the other end of 10.0.0.0/8.
WITHIN = ("10.231.0.0/16", "10.230.0.0/16", "10.192.0.0/10", "172.16.0.0/12", "10.0.0.0/8", "192.168.0.0/16")


def taken(texts: Iterable[str]) -> list[ipaddress.IPv4Network]:
    """The IPv4 ones of destinations and subnets as programs print them (an address alone is a /32)."""
    found = (ipaddress.ip_network(text, strict=False) for text in texts)
    return [one for one in found if isinstance(one, ipaddress.IPv4Network)]


def free(used: Collection[ipaddress.IPv4Network]) -> str:
    """The first /20 that overlaps none. Raises BluegreenError where there is none."""
    for one in _candidates():
        if not any(one.overlaps(net) for net in used):
            return str(one)
    raise BluegreenError(
        "no private /%d is free on this host" % SIZE,
        fix="name a /22 or larger that nothing uses in bluegreen_network_range",
    )


def _candidates() -> Iterator[ipaddress.IPv4Network]:
    # The second one of the first range is where deployments of before lie.
    for within in WITHIN:
        subnets = list(ipaddress.IPv4Network(within).subnets(new_prefix=SIZE))
        yield from [*subnets[1:], subnets[0]]
