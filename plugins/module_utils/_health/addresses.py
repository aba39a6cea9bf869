# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From where a colour is asked and at which address each of its services answers: one value for gate, watch and boot.

``bluegreen_publish`` decides, as it decides how the edge reaches a colour. Beside an edge container questions come from
inside that container's network and go to the addresses on the colour's edge network. Any other edge dials published
ports, so questions come from this host and go to those: what the gate proves is what the edge will dial. The ports that
ask for no password (Kratos' and Hydra's admin ones) are published at the same address, which is never every address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._core import publish as publishing
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.names import Networks
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import Endpoint


@dataclass(frozen=True)
class Reach:
    """``publish`` and ``port_base`` as the operator gives them."""

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
