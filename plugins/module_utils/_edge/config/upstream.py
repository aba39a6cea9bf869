# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A coloured service as the edge dials it. Who only finds an edge knows this and none of the forms of its proxies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Upstream:
    """A coloured service as the edge reaches it: its plain name and its address on each edge network.

    With ``written`` the operator's configuration does not say the name but this very ``host:port`` (a published port
    of one service), and ``blue`` and ``green`` are ``host:port`` too. ``alias`` is another name or address of the
    service that the configuration dials.
    """

    service: str
    blue: str
    green: str
    ui: bool = False
    written: str = ""
    alias: str = ""

    @property
    def name(self) -> str:
        """The host that the operator's configuration dials."""
        return self.alias or self.service

    def address(self, colour: str) -> str:
        return self.blue if colour == "blue" else self.green

    def dial(self, colour: str, port: str) -> str:
        return self.address(colour) if self.written else "%s:%s" % (self.address(colour), port)

    def said(self, port: str) -> str:
        """What the operator's configuration says."""
        return self.written or "%s:%s" % (self.name, port)

    def port(self, dial: str) -> str | None:
        """The port of an operator's ``dial`` (80 where it names none) that means this service; None for others."""
        if self.written:
            return dial.rpartition(":")[2] if dial == self.written else None
        host, colon, port = dial.partition(":")
        return (port or "80") if host == self.name and (port.isdigit() or not colon) else None

    def dialled(self, dial: str, colour: str) -> bool:
        """Whether a rewritten configuration's ``dial`` is this service in ``colour``."""
        known = dial if self.written else dial.rpartition(":")[0]
        return known == self.address(colour)
