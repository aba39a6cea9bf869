# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Podman and the containers of the deployment: what it says of itself, what they hold, how they come back."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from typing import Any

from .._core import podman as core
from .._core.dsn import query
from .._core.podman import Podman, compose_version
from .._health.container_settings import Settings, read
from . import look_host
from .model import PreflightInputs, empty_names

# What is said of the public endpoint wins over what is said of both.
PREFIXES = ("serve.public.tls.", "serve.tls.")
AUTO_UPDATE = "io.containers.autoupdate"
Raw = Mapping[str, Any]


def podman(engine: Podman, wanted: PreflightInputs) -> dict[str, Any]:
    """``podman info``, the version of podman-compose, and every network with its subnets."""
    told = json.loads(engine.must("info", "--format", "json"))
    host, store = told["host"], told["store"]
    asked = engine.runner.run([wanted.podman_compose, "--version"], timeout=20)
    names = engine.must("network", "ls", "--format", "{{.Name}}").split()
    networks = [
        {
            "name": str(net["name"]),
            "subnet": str(entry["subnet"]),
            "deployment": (net.get("labels") or {}).get(core.LABEL, ""),
        }
        for net in engine.inspect("network", names)
        for entry in net.get("subnets") or []
    ]
    return {
        "version": str(told["version"]["Version"]),
        "compose": compose_version(asked.out),
        "rootless": bool(host["security"]["rootless"]),
        "selinux": look_host.selinux() if host["security"].get("selinuxEnabled") else "disabled",
        "network_backend": str(host.get("networkBackend", "cni")),
        "graph_root": str(store["graphRoot"]),
        "networks": networks,
    }


def everything(engine: Podman) -> list[dict[str, Any]]:
    """``podman inspect`` of every container: holds secrets, and stays inside the look."""
    return engine.inspect("container", engine.must("ps", "-a", "-q", "--no-trunc").split())


def of_project(raws: Sequence[Raw], wanted: PreflightInputs, service: str) -> Raw | None:
    return next(
        (
            raw
            for raw in raws
            if core.labels(raw).get(core.COMPOSE_PROJECT) == wanted.project
            and core.labels(raw).get(core.COMPOSE_SERVICE) == service
        ),
        None,
    )


def edge_of(raws: Sequence[Raw], wanted: PreflightInputs) -> Raw | None:
    return of_project(raws, wanted, wanted.edge_service)


def of_live(raws: Sequence[Raw], wanted: PreflightInputs) -> dict[str, Raw]:
    """Coloured service -> its container in the live colour; before adopt, and for an adopted colour, the project's."""
    mine = {
        core.labels(raw)[core.COMPOSE_SERVICE]: raw
        for raw in raws
        if core.labels(raw).get(core.LABEL) == wanted.deployment
        and core.labels(raw).get(core.COLOUR) == wanted.live
        and core.labels(raw).get(core.KIND) == "service"
        and core.COMPOSE_SERVICE in core.labels(raw)
    }
    if mine:
        return {name: mine[name] for name in wanted.services if name in mine}
    found = {name: of_project(raws, wanted, name) for name in wanted.services}
    return {name: raw for name, raw in found.items() if raw is not None}


def pid_of(raw: Raw | None) -> int:
    return int(((raw or {}).get("State") or {}).get("Pid") or 0)


def containers(raws: Sequence[Raw], wanted: PreflightInputs, engine: Podman) -> dict[str, Any]:
    """What the judges need of the containers, and no value of any environment."""
    live = of_live(raws, wanted)
    edge = edge_of(raws, wanted)
    others = [of_project(raws, wanted, name) for name in wanted.shared] + [edge]
    all_ = [*live.values(), *[raw for raw in others if raw is not None]]
    tree = look_host.children()
    sizes = image_sizes(engine, [str(raw["Image"]) for raw in live.values()])
    hydras = {name: termination(read(live[name], engine, "hydra")) for name in wanted.of_kind("hydra") if name in live}
    return {
        "live": {
            name: {
                "pss": look_host.pss(pid_of(raw), tree) if pid_of(raw) else 0,
                "image_size": sizes.get(raw["Image"], 0),
            }
            for name, raw in live.items()
        },
        "restart": {str(raw["Name"]): policy(raw) for raw in all_},
        "auto_update": [
            str(raw["Name"]) for raw in all_ if core.labels(raw).get(AUTO_UPDATE, "disabled") != "disabled"
        ],
        "max_conns": {name: max_conns(core.environment(raw).get("DSN", "")) for name, raw in live.items()},
        "empty_secrets": [
            "%s %s" % (name, key) for name, raw in live.items() for key in empty_names(core.environment(raw))
        ],
        "hydra": hydras,
        "dependents": dependents(raws, wanted, live),
    }


def dependents(raws: Sequence[Raw], wanted: PreflightInputs, live: Mapping[str, Raw]) -> dict[str, list[str]]:
    """Running containers of no colour that Podman ties to adopted ones, each with the services that it needs."""
    coloured = {raw["Id"]: name for name, raw in live.items() if core.LABEL not in core.labels(raw)}
    return {
        str(raw["Name"]): sorted(coloured[need] for need in raw.get("Dependencies") or () if need in coloured)
        for raw in raws
        if raw["Id"] not in coloured
        and (raw.get("State") or {}).get("Status") == "running"
        and set(raw.get("Dependencies") or ()) & set(coloured)
    }


def policy(raw: Raw) -> str:
    return str(((raw.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name") or "no")


def max_conns(dsn: str) -> int | None:
    """Ory's pool parameter of a DSN."""
    given = query(dsn).get("max_conns", "")
    return int(given) if given.isdigit() else None


def image_sizes(engine: Podman, ids: Sequence[str]) -> dict[str, int]:
    return {str(one["Id"]): int(one.get("Size") or 0) for one in engine.inspect("image", sorted(set(ids)))}


def joined(raw: Raw | None) -> list[str]:
    """The subnets that a container is on."""
    members = ((raw or {}).get("NetworkSettings") or {}).get("Networks") or {}
    return [
        str(ipaddress.IPv4Network("%s/%d" % (member["IPAddress"], member["IPPrefixLen"]), strict=False))
        for member in members.values()
        if member.get("IPAddress")
    ]


def mount_at(raw: Raw | None, target: str) -> str:
    """Host path of what a container has mounted at or below ``target``."""
    for mount in (raw or {}).get("Mounts") or []:
        where = str(mount.get("Destination", ""))
        if where == target or where.startswith(target.rstrip("/") + "/"):
            return str(mount.get("Source", ""))
    return ""


# The addresses from which a running Hydra takes plain HTTP


def termination(settings: Settings) -> dict[str, Any]:
    """{tls, ranges, unknown}: ``unknown`` is '' or why the rest is no more than what its environment says."""
    ranges = _first(settings, "allow_termination_from")
    enabled = _first(settings, "enabled")
    return {
        "tls": str(enabled).strip().lower() in ("1", "t", "true"),
        "ranges": split(ranges) if isinstance(ranges, str) else [str(item) for item in ranges or ()],
        "unknown": settings.unknown,
    }


def _first(settings: Settings, name: str) -> Any:
    found = (settings.get(prefix + name) for prefix in PREFIXES)
    return next((one for one in found if one is not None), None)


def split(value: str) -> list[str]:
    return [part for part in (one.strip(" []\"'") for one in value.split(",")) if part]
