# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports of a colour on the host, for an edge that is no container or no neighbour: bluegreen_publish."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from typing import Any

from . import addresses
from .errors import BluegreenError
from .names import PORT_BASE

NETWORK = "network"
# Ports that a colour may need above its base: two a service.
ROOM = 2 * len(addresses.SERVICES)


def address(given: str) -> str:
    """``network``, or the IPv4 address that ports are published on."""
    if given == NETWORK:
        return given
    try:
        found = ipaddress.IPv4Address("127.0.0.1" if given == "loopback" else given)
    except ValueError:
        raise BluegreenError(
            "not network, loopback or an IPv4 address",
            option="publish",
            value=given,
            fix="correct bluegreen_publish",
        ) from None
    if found.is_unspecified or found.is_multicast:
        raise BluegreenError(
            "this would publish the admin ports of Kratos and Hydra, which ask for no password, everywhere",
            option="publish",
            value=given,
            fix="name one address that only the edge reaches",
        )
    return str(found)


def bases(given: Mapping[str, Any]) -> dict[str, int]:
    """The first port of each colour, far enough apart."""
    found = {**PORT_BASE, **given}
    fix = "give bluegreen_port_base blue and green, %d ports apart, from 1024 to %d" % (ROOM, 65535 - ROOM)
    try:
        numbers = {colour: int(number) for colour, number in found.items()}
    except (TypeError, ValueError):
        numbers = {}
    wrong = set(numbers) != set(PORT_BASE) or any(not 1024 <= n <= 65535 - ROOM for n in numbers.values())
    if wrong or abs(numbers["blue"] - numbers["green"]) < ROOM:
        raise BluegreenError("no room for two colours", option="port_base", value=dict(found), fix=fix)
    return numbers


def ports(where: str, published: tuple[int, int], inside: tuple[int, int]) -> list[str]:
    """The ``ports`` of one service; an inside port of 0 is none."""
    if where == NETWORK:
        return []
    return ["%s:%d:%d" % (where, outer, inner) for outer, inner in zip(published, inside) if inner]


def refuse_taken(wanted: Iterable[tuple[str, str]]) -> None:
    """``wanted``: (service, ``address:port:inside``) that nothing of ours holds now. Asks the kernel."""
    for service, entry in wanted:
        where, port, _inside = entry.split(":")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((where, int(port)))
            except OSError as exc:
                raise BluegreenError(
                    "%s:%s for service %s cannot be had: %s" % (where, port, service, exc.strerror),
                    option="publish",
                    value=where,
                    fix="end what listens there (ss -ltnp), or give another bluegreen_publish or bluegreen_port_base",
                ) from exc
