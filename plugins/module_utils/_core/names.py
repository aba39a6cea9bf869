# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things are and what they are called: pure, so that every part computes the same answer."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import addresses
from .addresses import Addresses
from .errors import BluegreenError

STATE_DIR = "/var/lib/olympus-bluegreen"
OTHER = {"blue": "green", "green": "blue"}
# The first port of a colour on the host, where bluegreen_publish is not network.
PORT_BASE = {"blue": 21000, "green": 22000}


@dataclass(frozen=True)
class Address:
    ip: str
    mac: str


def address(subnet: ipaddress.IPv4Network, host: int) -> Address:
    """With a locally administered MAC that says it: a reused address must never meet an old ARP entry."""
    ip = subnet.network_address + host
    return Address(str(ip), "0a:58:" + ":".join("%02x" % part for part in ip.packed))


def in_use(deployment: str, state_dir: str, network: str) -> str:
    """What a colour's own network is called now, by its first name; any other name as it is."""
    known = addresses.read(state_dir)
    names = known.networks if known else {}
    return {first_name(deployment, colour): name for colour, name in names.items()}.get(network, network)


def first_name(deployment: str, colour: str) -> str:
    return "%s-%s" % (deployment, colour)


@dataclass(frozen=True)
class Networks:
    """The four networks of a deployment, cut from one range (``range_`` at least a /22).

    ``recorded``: the addresses given before. Without them, and for a name that is new, the order decides.
    """

    deployment: str
    range_: str
    services: tuple[str, ...]
    shared: tuple[str, ...] = ()
    recorded: Addresses | None = None

    def __post_init__(self) -> None:
        try:
            net = ipaddress.IPv4Network(self.range_)
        except ValueError as exc:
            raise BluegreenError(
                "not an IPv4 range: %s" % exc,
                option="bluegreen_network_range",
                value=self.range_,
                fix="give a /22 or larger",
            ) from exc
        if not 8 <= net.prefixlen <= 22:
            wrong = "too small" if net.prefixlen > 22 else "too large"
            raise BluegreenError(
                wrong, option="bluegreen_network_range", value=self.range_, fix="give a /22 or larger, at most a /8"
            )

    @property
    def addresses(self) -> Addresses:
        """Every number given, the recorded ones of services that are no longer wanted too."""
        return addresses.assigned(self.range_, self.services, self.shared, self.recorded)

    def _cut(self, index: int) -> ipaddress.IPv4Network:
        first = int(ipaddress.IPv4Network(self.range_).network_address)
        return ipaddress.IPv4Network((first + 256 * index, 24))

    def edge_name(self, colour: str) -> str:
        return "%s-edge-%s" % (self.deployment, colour)

    def colour_name(self, colour: str) -> str:
        recorded = self.recorded.networks if self.recorded else {}
        return recorded.get(colour) or first_name(self.deployment, colour)

    def _edge(self, colour: str) -> ipaddress.IPv4Network:
        return self._cut(0 if colour == "blue" else 1)

    def _colour(self, colour: str) -> ipaddress.IPv4Network:
        return self._cut(2 if colour == "blue" else 3)

    def edge_subnet(self, colour: str) -> str:
        return str(self._edge(colour))

    def colour_subnet(self, colour: str) -> str:
        return str(self._colour(colour))

    def edge(self, colour: str) -> Address:
        """The edge's own address on the edge network of ``colour``."""
        return address(self._edge(colour), addresses.EDGE)

    def relay(self, colour: str) -> Address:
        """The relay's address on a colour's own network, where the edge has none."""
        return address(self._colour(colour), addresses.EDGE)

    def relay_on_edge(self, colour: str) -> Address:
        """Its address on the edge network of a colour, where shared services have none."""
        return address(self._edge(colour), addresses.SHARED.start)

    def service_on_edge(self, colour: str, service: str) -> Address:
        return address(self._edge(colour), self._host(self.services, self.addresses.services, service))

    def service(self, colour: str, service: str) -> Address:
        """A coloured service's address on its colour's own network."""
        return address(self._colour(colour), self._host(self.services, self.addresses.services, service))

    def shared_on(self, colour: str, service: str) -> Address:
        return address(self._colour(colour), self._host(self.shared, self.addresses.shared, service))

    def published(self, colour: str, service: str, base: Mapping[str, int]) -> tuple[int, int]:
        """The host's ports of a coloured service, where ports are published: (of ``port``, of ``admin_port``)."""
        host = self._host(self.services, self.addresses.services, service)
        first = int(base[colour]) + 2 * (host - addresses.SERVICES.start)
        kept = self.recorded.published.get(service, (0, 0)) if self.recorded and colour == "blue" else (0, 0)
        return kept[0] or first, kept[1] or first + 1

    @staticmethod
    def _host(names: Iterable[str], numbers: Mapping[str, int], name: str) -> int:
        if name not in names:
            raise BluegreenError("unknown service", option="service", value=name, fix="name it in bluegreen_services")
        return numbers[name]


def networks(
    deployment: str, state_dir: str, range_: str, services: Iterable[str], shared: Iterable[str], strict: bool = True
) -> Networks:
    """The networks as they were recorded. Raises BluegreenError for another range than the recorded one.

    ``strict`` False is for those who must go on (a rollback, a watcher): what is recorded wins over what is asked, and
    a record that cannot be read is passed over.
    """
    names, others = tuple(services), tuple(shared)
    try:
        known = addresses.read(state_dir)
    except (BluegreenError, OSError):
        if strict:
            raise
        known = None
    if known and known.range_ != range_:
        if strict:
            raise BluegreenError(
                "the networks of %s were made from %s" % (deployment, known.range_),
                option="bluegreen_network_range",
                value=range_,
                fix="give %s again; for another range undo the adoption first (--tags adopt -e bluegreen_undo=true)"
                % known.range_,
            )
        range_ = known.range_
    return Networks(deployment, range_, names, others, known)
