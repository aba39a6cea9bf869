# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of caddy_upstream, and what they mean as values."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from .._core.addresses import Addresses, in_order
from .._core.argspec import COLOURS, DEPLOYMENT, ArgumentSpec
from .._core.errors import Refused
from .._core.names import Networks, networks
from .._core.podman import Podman
from .._deployment import fields
from .._deployment.edge import CADDY
from .config.upstream import Upstream
from .running import native_ports, reaches

STATES = ["read", "adopted", "undone", "previewed", "live", "returned", "drained"]

EDGE = fields.options(CADDY)

SPEC = DEPLOYMENT.merge(
    ArgumentSpec(
        {
            "state": {"type": "str", "choices": STATES, "default": "read"},
            "project": {"type": "str", "required": True},
            "edge": {"type": "dict", "required": True, "options": EDGE},
            "services": {"type": "dict", "required": True},
            "shared": {"type": "list", "elements": "str", "default": []},
            "network_range": {"type": "str", "default": "10.231.16.0/20"},
            "publish": {"type": "raw", "default": "network"},
            "port_base": {"type": "dict", "default": {}},
            "public": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "host": {"type": "str", "required": True},
                    "path": {"type": "str", "default": "/"},
                },
            },
            "colour": {"type": "str", "choices": list(COLOURS)},
            "assume_live": {"type": "str", "choices": ["", *COLOURS], "default": ""},
            "release": {"type": "str", "default": ""},
            "token": {"type": "int", "no_log": False},
            "force": {"type": "bool", "default": False},
            "accept_pending": {"type": "bool", "default": False},
            "keep_sticky": {"type": "bool", "default": False},
            "deadline": {"type": "float", "default": 60.0},
            "seen": {"type": "dict", "default": {}},
            "confirm_timeout": {"type": "float", "default": 10.0},
        },
        required_if=(("state", "live", ("colour",)), ("state", "drained", ("colour",))),
    )
)


@dataclass(frozen=True)
class Reached:
    """How the edge reaches the coloured services. ``record``: what adopt has to write down first, None for nothing."""

    upstreams: tuple[Upstream, ...]
    record: Addresses | None = None


def reached(params: Mapping[str, Any], podman: Podman) -> Reached:
    """By their addresses on the edge networks, or by ports of this host."""
    services: Mapping[str, Mapping[str, Any]] = params["services"]
    # A rollback goes by what is recorded, whatever the options say meanwhile.
    nets = networks(
        params["deployment"],
        params["state_dir"],
        params["network_range"],
        services,
        params["shared"],
        strict=params["state"] != "returned",
    )
    if params["edge"]["kind"] == "native":
        return _native(params, nets, podman)
    if params["state"] == "adopted" and params["publish"] != "network":
        raise Refused(
            "an edge container reaches the colours by their networks",
            option="publish",
            value=params["publish"],
            fix="set bluegreen_publish: network, or bluegreen_edge.kind: native for a Caddy that is no container",
        )
    found = (
        *(
            Upstream(
                name,
                nets.service_on_edge("blue", name).ip,
                nets.service_on_edge("green", name).ip,
                bool(services[name].get("ui", False)),
            )
            for name in in_order(services, nets.addresses.services)
            if services[name].get("edge", True)
        ),
    )
    return Reached((*found, *_aliases(found, nets)))


def _aliases(found: tuple[Upstream, ...], nets: Networks) -> tuple[Upstream, ...]:
    """Other names of the services, as adopt resolved them. One that fits no service any more is passed over: the proof
    asks the network."""
    recorded = nets.recorded.aliases if nets.recorded else {}
    known: list[Upstream] = []
    for dial, meant in recorded.items():
        with suppress(Refused):
            known += reaches.aliases(found, {dial: reaches.Reached(*meant)})
    return tuple(known)


def _native(params: Mapping[str, Any], nets: Networks, podman: Podman) -> Reached:
    services, publish = params["services"], params["publish"]
    ports, forms = native_ports.given(params["edge"]["upstreams"], services)
    known = {name: pair for name, pair in nets.addresses.published.items() if name in services}
    # What is recorded stays; what the operator's containers publish since is added while they are blue.
    if not known or (params["state"] == "adopted" and not native_ports.ours(podman, params["deployment"], "blue")):
        seen = native_ports.observed(podman, params["project"], services, publish)
        known = {**seen, **{name: native_ports.either(pair, seen.get(name, (0, 0))) for name, pair in known.items()}}
    blue = {**known, **ports}
    if not blue and params["state"] == "adopted":
        raise Refused(
            "no coloured service of project %s publishes a port, so what the native edge dials is not known"
            % params["project"],
            option="edge.upstreams",
            value={},
            fix="name what its configuration dials, as in {'localhost:3100': 'ciam-hera:3000'}",
        )
    found = native_ports.upstreams(services, nets, blue, forms, publish, params["port_base"])
    record = replace(nets.addresses, published=blue)
    return Reached((*found, *_aliases(found, nets)), record if record != nets.recorded else None)
