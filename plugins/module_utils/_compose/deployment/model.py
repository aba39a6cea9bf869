# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator wants of a deployment, and what is known of one colour: values only.

A source in git as the operator names it: repository, ref, directory, and what is laid over it. Pure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._core import addresses, publish
from ..._core.errors import BluegreenError
from ..._core.names import PORT_BASE, Networks, networks
from ..._deployment.tree import SERVICE_KINDS
from . import singletons
from .singletons import Singleton

COURIER = "-courier"
# Options that are taken over as they are.
AS_GIVEN = (
    "deployment", "project", "network_range", "version", "images", "allow_mutable", "keep", "podman_compose",
    "remove_unmanaged", "dependents",
)  # fmt: skip


@dataclass(frozen=True)
class Service:
    """A coloured service. ``edge``: it joins its colour's edge network as well."""

    name: str
    kind: str = "other"
    port: int = 0
    admin_port: int = 0
    edge: bool = True


@dataclass(frozen=True)
class Image:
    """``id`` is the local image id that containers are pinned by; ``digest`` the registry's, when there is one."""

    reference: str
    id: str
    digest: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"reference": self.reference, "id": self.id, "digest": self.digest}


@dataclass(frozen=True)
class Deployment:
    """One deployment as the module's options give it."""

    deployment: str
    state_dir: str
    project: str = ""
    source: str = ""
    compose_files: tuple[str, ...] = ("compose.yml",)
    services: tuple[Service, ...] = ()
    shared: tuple[str, ...] = ()
    edge_service: str = ""
    network_range: str = "10.231.16.0/20"
    colour: str = ""
    live_colour: str = ""
    version: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    allow_mutable: bool = False
    git: Git | None = None
    keep: int = 3
    protect: tuple[str, ...] = ()
    podman_compose: str = "podman-compose"
    wake: tuple[str, ...] = ()
    remove_unmanaged: bool = False
    singletons: tuple[Singleton, ...] = ()
    publish: str = "network"
    port_base: Mapping[str, int] = field(default_factory=lambda: dict(PORT_BASE))
    dependents: str = "recreate"

    @property
    def nets(self) -> Networks:
        return networks(self.deployment, self.state_dir, self.network_range, self.names, self.shared)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(service.name for service in self.services)

    @property
    def shared_and_edge(self) -> tuple[str, ...]:
        """The shared services in their order, then the edge where it is a container."""
        return (*self.shared, self.edge_service) if self.edge_service else self.shared

    def container_name(self, colour: str, service: str) -> str:
        """As podman-compose names the container of a rendered service."""
        return "%s_%s_1" % (self.stack_project(colour), service)

    def service(self, name: str) -> Service:
        for service in self.services:
            if service.name == name:
                return service
        raise BluegreenError("unknown service", option="services", value=name, fix="name it in bluegreen_services")

    def couriers(self) -> dict[str, str]:
        """Kratos service -> the name of its courier service."""
        return {service.name: service.name + COURIER for service in self.services if service.kind == "kratos"}

    @property
    def all_singletons(self) -> tuple[Singleton, ...]:
        """The couriers and what the operator declared."""
        built_in = [Singleton(name, service, singletons.COURIER) for service, name in self.couriers().items()]
        return (*built_in, *self.singletons)

    @property
    def imaged(self) -> tuple[str, ...]:
        """Every service that a release has an image and files of: the coloured ones and the singletons' own."""
        return (*self.names, *(one.service for one in self.singletons if one.kind == singletons.SERVICE))

    def path(self, *parts: str) -> str:
        return os.path.join(self.state_dir, *parts)

    def stack_file(self, colour: str, name: str) -> str:
        return self.path("stacks", colour, name)

    def stack_project(self, colour: str) -> str:
        """The compose project of a colour that we rendered."""
        return "%s-%s" % (self.deployment, colour)


def services_from(option: Mapping[str, Mapping[str, Any]]) -> tuple[Service, ...]:
    """The module's ``services`` option as values, checked."""
    found = []
    for name, given in option.items():
        if not isinstance(given, Mapping):
            raise BluegreenError(
                "no options of the service", option="services", value=name, fix="write kind and port below it"
            )
        kind = str(given.get("kind", "other"))
        if kind not in SERVICE_KINDS:
            raise BluegreenError(
                "unknown kind of service %s" % name,
                option="services",
                value=kind,
                fix="use one of %s" % ", ".join(SERVICE_KINDS),
            )
        port, admin_port = (_port(name, given.get(key, 0)) for key in ("port", "admin_port"))
        found.append(Service(name, kind, port, admin_port, bool(given.get("edge", True))))
    return tuple(found)


def _port(service: str, value: Any) -> int:
    if not str(value).isdecimal() or int(value) > 65535:
        raise BluegreenError(
            "no port of the service %s" % service, option="services", value=value, fix="give a whole number to 65535"
        )
    return int(value)


def declared(
    given: Mapping[str, Any], services: Mapping[str, Mapping[str, Any]], shared: Iterable[str], edge_service: str
) -> tuple[Singleton, ...]:
    """The operator's singletons, checked against the services and the couriers that there are."""
    couriers = [name + COURIER for name, one in services.items() if one.get("kind") == "kratos"]
    return singletons.declared(given, services, {*shared, edge_service}, couriers)


def _refuse_hostile(params: Mapping[str, Any]) -> None:
    for option in ("deployment", "project", "version", "release"):
        if params[option] and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", params[option]):
            raise BluegreenError(
                "may have letters, digits and _ . + - only",
                option=option,
                value=params[option],
                fix="choose a plain name",
            )


def _refuse_both(params: Mapping[str, Any]) -> None:
    if params["edge_service"] in params["shared"]:
        raise BluegreenError(
            "must not list the edge service",
            option="shared",
            value=params["edge_service"],
            fix="take it out of bluegreen_shared: the edge does not join the colours' own networks",
        )
    clash = {*params["services"]} & {*params["shared"], params["edge_service"]}
    if clash:
        raise BluegreenError(
            "coloured and shared at once",
            option="services",
            value=sorted(clash),
            fix="leave them out of one of bluegreen_services and bluegreen_shared",
        )


def wanted_from(params: Mapping[str, Any]) -> Deployment:
    """A module's parameters as a deployment. What becomes a file name is checked here."""
    _refuse_hostile(params)
    making = params["state"] in ("rendered", "started") and not params["release"]
    if not params["version"] and (making or (params["state"] == "adopted" and not params["undo"])):
        raise BluegreenError(
            "is needed for state %s" % params["state"], option="version", value="", fix="give -e version=<release>"
        )
    _refuse_both(params)
    state_dir = os.path.abspath(params["state_dir"])
    where = publish.address(params["publish"])
    known = addresses.read(state_dir) or addresses.Addresses(params["network_range"])
    services = {name: params["services"][name] for name in addresses.in_order(params["services"], known.services)}
    given: dict[str, Any] = {name: params[name] for name in AS_GIVEN}
    return Deployment(
        **given,
        colour=params["colour"] or "",
        live_colour=params["live_colour"] or "",
        compose_files=tuple(params["compose_files"]),
        protect=tuple(params["protect"]),
        wake=tuple(dict.fromkeys(params["wake"])),
        state_dir=state_dir,
        source=os.path.abspath(params["source"]),
        services=services_from(services),
        shared=tuple(addresses.in_order(dict.fromkeys(params["shared"]), known.shared)),
        # An edge that reaches colours by published ports joins none of their networks and is of no concern here.
        edge_service=params["edge_service"] if where == publish.NETWORK else "",
        git=git_from(params["git"], params["version"]) if making else None,
        singletons=declared(params["singletons"], params["services"], params["shared"], params["edge_service"]),
        publish=where,
        port_base=publish.bases(params["port_base"]),
    )


# ``user:password@`` of an address; ``git@host:path`` has none of it.
USER = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>[^/@]*)@")
REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]*\Z")


@dataclass(frozen=True)
class Git:
    """``path`` of the repository is the project directory; ``overlay`` names are taken from the one on the host."""

    repo: str
    ref: str
    path: str = "."
    overlay: tuple[str, ...] = ()


def git_from(given: Mapping[str, Any] | None, version: str) -> Git | None:
    """The module's ``git`` option, ``{version}`` filled in. Raises BluegreenError for what cannot be meant."""
    if not given:
        return None
    repo, ref = str(given["repo"]), str(given["ref"]).replace("{version}", version)
    _refuse_credentials(repo)
    if repo.startswith("-") or not repo:
        raise BluegreenError(
            "not an address of a repository", option="bluegreen_source.repo", value=repo, fix="give a URL or a path"
        )
    if not REF.match(ref) or ".." in ref:
        raise BluegreenError(
            "not a branch, a tag or a commit", option="bluegreen_source.ref", value=ref, fix="give one, or {version}"
        )
    path, overlay = _inside(str(given["path"] or ".")), tuple(_inside(str(name)) for name in given["overlay"] or [])
    return Git(repo, ref, path, overlay)


def _refuse_credentials(repo: str) -> None:
    """A login name for SSH is none; for HTTP the name alone can be a token."""
    found = USER.match(repo)
    if found is None or (found.group("scheme") == "ssh" and ":" not in found.group("user")):
        return
    raise BluegreenError(
        "the address of the repository holds credentials",
        option="bluegreen_source.repo",
        value="%s://***@%s" % (found.group("scheme"), repo[found.end() :]),
        fix="leave them out and give them to git on this host: an SSH key, a credential helper or .netrc",
    )


def _inside(name: str) -> str:
    plain = os.path.normpath(name)
    if os.path.isabs(plain) or plain.split(os.sep)[0] == os.pardir:
        raise BluegreenError(
            "leads out of the project directory",
            option="bluegreen_source",
            value=name,
            fix="give a path relative to it",
        )
    return plain
