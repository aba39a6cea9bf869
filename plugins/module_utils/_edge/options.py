# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of caddy_upstream, and what they mean as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from .._core.addresses import Addresses, in_order
from .._core.argspec import COLOURS, DEPLOYMENT, ArgumentSpec
from .._core.errors import Refused
from .._core.names import Networks, networks
from .._core.podman import Podman
from .._deployment import fields
from .._deployment.edge import CADDY, UPSTREAMS
from .config.upstream import Upstream
from .running import native_ports, reaches

STATES = ["read", "adopted", "undone", "previewed", "live", "returned", "drained"]

EDGE = fields.options(CADDY)
# What Go takes for the loopback.
LOCAL = ("", "localhost", "127.0.0.1", "::1")

SPEC = DEPLOYMENT.merge(
    ArgumentSpec(
        {
            "state": {"type": "str", "choices": STATES, "default": "read"},
            "project": {"type": "str", "default": ""},
            "edge": {"type": "dict", "required": True, "options": EDGE},
            **fields.options((UPSTREAMS,)),
            "services": {"type": "dict", "default": {}},
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
    """By the addresses that were given, by those on the edge networks, or by ports of this host."""
    if params["upstreams"]:
        return Reached(given(params["upstreams"]))
    services: Mapping[str, Mapping[str, Any]] = params["services"]
    # A look refuses nothing, and a rollback says itself that there was no cutover.
    if not services and params["state"] not in ("read", "returned"):
        raise Refused(
            "nothing says which upstreams have two colours",
            option="upstreams",
            value=[],
            fix="give upstreams; or project and services of a compose project",
        )
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
    names = [name for name in in_order(services, nets.addresses.services) if services[name].get("edge", True)]
    blue, green = ({name: nets.service_on_edge(one, name).ip for name in names} for one in COLOURS)
    found = tuple(Upstream(name, blue[name], green[name], bool(services[name].get("ui", False))) for name in names)
    return Reached((*found, *_aliases(found, nets)))


def given(entries: Sequence[Mapping[str, Any]]) -> tuple[Upstream, ...]:
    """Every way to say what an entry dials. Nothing has to be a container or of a compose project."""
    found: dict[str, Upstream] = {}
    for one in entries:
        dial, ends = one["dial"], {key: reaches.split(one[key]) for key in ("dial", *COLOURS)}
        wrong = next((key for key, (_host, port) in ends.items() if not port), "")
        if wrong:
            raise Refused(
                "not host:port",
                option="upstreams." + wrong,
                value=one[wrong],
                fix="write it as the Caddyfile does, without a scheme: localhost:9001 or web:80",
            )
        if ends["blue"] == ends["green"]:
            raise Refused(
                "both colours of %s are the same" % dial,
                option="upstreams.green",
                value=one["green"],
                fix="give each colour an address or a port of its own",
            )
        for way in _ways(dial, *ends["dial"]):
            if way in found:
                raise Refused(
                    "%s is there twice" % way, option="upstreams.dial", value=dial, fix="keep one entry of the two"
                )
            found[way] = Upstream(dial, one["blue"], one["green"], one["ui"], way)
    return tuple(found.values())


def _ways(dial: str, host: str, port: int) -> Sequence[str]:
    """However the configuration may say it: a loopback address has several forms, and Caddy adds a missing port 80."""
    ways = [dial, *(way % port for way in native_ports.LOOPBACK if host in LOCAL)]
    return tuple(dict.fromkeys([*ways, *([host] if port == 80 and host and ":" not in host else [])]))


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
