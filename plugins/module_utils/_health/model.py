# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a probe asks and what comes back: the data that every journey takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core import publish as publishing
from .._core.names import Networks

# What the edge sends to Kratos on the login host; everything else there belongs to Hera.
KRATOS_PATHS = ("/self-service/", "/sessions/")
# Kind of a service -> where it says that it is ready, each as a port and a path.
READY = {
    "kratos": (("public", "/health/ready"), ("admin", "/admin/health/ready")),
    "hydra": (("public", "/health/ready"), ("admin", "/health/ready")),
    "hera": (("public", "/health"),),
    "athena": (("public", "/api/health"),),
    "site": (("public", "/health"),),
}


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one probe. ``ms`` is its whole duration, ``detail`` plain words without secrets.

    ``busy`` means that a rate limit (429) answered: no verdict, ask again later; ``ok`` is False then.
    ``untested`` is '' or why the probe could not prove anything although nothing is wrong: no pass of it.
    ``other`` is '' or what the other side itself can't do; then ``ok`` says nothing against the side that was asked.
    ``asked`` is False where the probe was not sent at all.
    """

    name: str
    service: str
    ok: bool
    detail: str
    ms: float
    busy: bool = False
    untested: str = ""
    other: str = ""
    asked: bool = True


@dataclass(frozen=True)
class Endpoint:
    """Where one service of one side answers: ``address`` and ``admin`` are (IP, port) to connect to.

    ``scheme`` is http for a colour asked directly (as the edge does), https through the public name. ``host`` is what
    questions of readiness and version say they want; '' is the address.
    """

    service: str
    address: tuple[str, int]
    admin: tuple[str, int] | None = None
    scheme: str = "http"
    host: str = ""


@dataclass(frozen=True)
class Reach:
    """From where a colour is asked, and at which address each of its services answers: for gate, watch and boot.

    ``publish`` decides, as it decides how the edge reaches a colour. Beside an edge container questions come from
    inside its network and go to the addresses on the colour's edge network. Any other edge dials published ports, so
    questions come from this host and go to those: what the gate proves is what the edge will dial. The ports that ask
    for no password (the admin ones of Kratos and Hydra) are published at the same address, never at every address.
    """

    networks: Networks
    publish: str = publishing.NETWORK
    port_base: Mapping[str, Any] = field(default_factory=dict)

    @property
    def by_ports(self) -> bool:
        """Whether colours are asked from this host, at published ports."""
        return self.publish != publishing.NETWORK

    def endpoint(self, colour: str, name: str, service: Mapping[str, Any]) -> Endpoint:
        """Where a service of a colour answers."""
        inside = (int(service["port"]), int(service.get("admin_port") or 0))
        if self.by_ports:
            ip = publishing.address(self.publish)
            port, admin = self.networks.published(colour, name, publishing.bases(self.port_base))
        else:
            ip = self.networks.service_on_edge(colour, name).ip
            port, admin = inside
        return Endpoint(name, (ip, port), (ip, admin) if inside[1] else None, host=str(service.get("host") or ""))


@dataclass(frozen=True)
class Domain:
    """One domain (ciam, iam) as one ``side`` serves it: a colour, or ``public`` (every endpoint is the edge's)."""

    name: str
    side: str
    login_host: str
    oauth_host: str
    identifier: str
    client_id: str
    redirect_uri: str
    kratos: Endpoint
    hydra: Endpoint
    hera: Endpoint | None = None
    scope: str = "openid offline"

    def endpoint(self, host: str, path: str) -> Endpoint | None:
        """Who answers this public address, as the edge routes it; None for a host that is not this domain's."""
        if host == self.oauth_host.lower():
            return self.hydra
        if host != self.login_host.lower():
            return None
        return self.kratos if path.startswith(KRATOS_PATHS) else self.hera


@dataclass(frozen=True)
class Secrets:
    """The probe identity's password and the probe client's secret. Never printed."""

    password: str = field(repr=False)
    client_secret: str = field(repr=False)
