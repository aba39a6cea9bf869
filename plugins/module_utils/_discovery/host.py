# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host itself has: a podman-compose that is new enough, and room for the networks."""

from __future__ import annotations

import glob
import ipaddress
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator

from .._core import addresses
from .._core.errors import BluegreenError
from .._core.podman import Podman, compose_version, routes
from .._core.runner import Runner

NAME = "podman-compose"
OLDEST = (1, 2)
SIZE = 20
# Asked in this order; what people choose themselves begins at the other end of 10.0.0.0/8.
WITHIN = ("10.231.0.0/16", "10.230.0.0/16", "10.192.0.0/10", "172.16.0.0/12", "10.0.0.0/8", "192.168.0.0/16")


def _candidates() -> Iterator[str]:
    """Each program once, whatever leads to it."""
    on_path = [os.path.join(part, NAME) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    others = [*sorted(glob.glob("/opt/*/bin/" + NAME)), os.path.expanduser("~/.local/bin/" + NAME)]
    beside = os.path.join(os.path.dirname(sys.executable), NAME)
    there = [path for path in [*on_path, *others, beside] if os.access(path, os.X_OK)]
    yield from {os.path.realpath(path): path for path in reversed(there)}.values()


def podman_compose(runner: Runner) -> tuple[str, str]:
    """(path, what says so) of the newest one; its bare name where none is new enough, which preflight refuses."""
    found = {}
    for path in _candidates():
        said = compose_version(runner.run([path, "--version"], timeout=20).out)
        if re.match(r"\d+\.\d+", said):
            found[path] = tuple(int(part) for part in re.findall(r"\d+", said)[:3])
    best = max(found, key=lambda path: found[path], default="")
    if not best or found[best][:2] < OLDEST:
        return NAME, "none of version 1.2 or newer was found"
    return best, "version %s" % ".".join(map(str, found[best]))


def network_range(podman: Podman, state_dir: str) -> tuple[str, str]:
    """(range, what says so): the one that the networks were made from, else the first that nothing here uses."""
    known = addresses.read(state_dir)
    if known is not None:
        return known.range_, "recorded with the networks"
    used = [str(one["dst"]) for one in routes(podman)]
    for net in podman.inspect("network", podman.must("network", "ls", "-q").split()):
        used += [str(one["subnet"]) for one in net.get("subnets") or () if one.get("subnet")]
    return free_range(taken(used)), "no route and no network of Podman uses it"


def taken(texts: Iterable[str]) -> list[ipaddress.IPv4Network]:
    """The IPv4 ones of destinations and subnets as programs print them (an address alone is a /32)."""
    found = (ipaddress.ip_network(text, strict=False) for text in texts)
    return [one for one in found if isinstance(one, ipaddress.IPv4Network)]


def free_range(used: Collection[ipaddress.IPv4Network]) -> str:
    """The first /20 that overlaps none. Raises BluegreenError where there is none."""
    for one in _ranges():
        if not any(one.overlaps(net) for net in used):
            return str(one)
    raise BluegreenError(
        "no private /%d is free on this host" % SIZE,
        fix="name a /22 or larger that nothing uses in bluegreen_network_range",
    )


def _ranges() -> Iterator[ipaddress.IPv4Network]:
    # The second one of the first range is where deployments of before lie.
    for within in WITHIN:
        subnets = list(ipaddress.IPv4Network(within).subnets(new_prefix=SIZE))
        yield from [*subnets[1:], subnets[0]]
