# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The compose file of one colour, from what podman-compose made of the release's copy. Pure: same input, same text."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Mapping
from typing import Any

from ..._core import podman, publish
from ..._ory import courier_command
from ..deployment.model import Deployment
from . import compose_files, service_keys


def escape(value: Any) -> Any:
    """``$` is special to podman-compose in every string, keys too; the value is already interpolated."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {escape(key): escape(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [escape(item) for item in value]
    return value


def words(given: Any) -> list[str]:
    """A command of a compose file; a text is cut as podman-compose does it."""
    return shlex.split(given) if isinstance(given, str) else [str(word) for word in given or []]


class Renderer:
    """One release in one colour. ``copy`` holds the release's files, ``project`` is its interpolated form."""

    def __init__(
        self, wanted: Deployment, release: str, images: Mapping[str, str], project: Mapping[str, Any], copy: str
    ) -> None:
        self.wanted = wanted
        self.release = release
        self.images = images
        self.project = project
        self.copy = copy
        self.named_volumes: dict[str, Any] = {}
        self.secrets: dict[str, Any] = {}

    def render(self) -> dict[str, Any]:
        """The whole file as a value, ``$` escaped."""
        services: dict[str, Any] = {}
        once: dict[str, Any] = {}
        for name in self._order():
            server, sender = self._parted(name, *self._service(name))
            if sender:
                other = self.wanted.couriers()[name]
                once[other] = self._finish(other, podman.SINGLETON, sender)
            services[name] = self._finish(name, "service", {**server, **self._ports(name)})
        for single in self.wanted.singletons:
            server, command = self._service(single.service)
            definition = courier_command.definition(server, single.command or command)
            once[single.name] = self._finish(single.name, podman.SINGLETON, definition)
        nets = {"colour": {"external": True, "name": self.wanted.nets.colour_name(self.wanted.colour)}}
        value: dict[str, Any] = {"services": {**services, **once}, "networks": nets, "x-podman": {"in_pod": False}}
        if self.named_volumes:
            value["volumes"] = self.named_volumes
        if self.secrets:
            value["secrets"] = self.secrets
        return dict(escape(value))

    def _parted(
        self, name: str, server: dict[str, Any], command: list[str]
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The server without a courier in it, and its courier's definition if it had one."""
        kind = self.wanted.service(name).kind
        if kind not in courier_command.PRODUCTS:
            return server, None
        entrypoint = words(server.get("entrypoint"))
        line = courier_command.server_line(name, entrypoint, command, kind)
        if name not in self.wanted.couriers() or not courier_command.watches((*entrypoint, *command)):
            return server, None
        sender = courier_command.definition(server, courier_command.command(line))
        if list(line.entrypoint) != entrypoint:
            # Its entrypoint holds the server's own arguments.
            sender["entrypoint"] = list(line.entrypoint)
        alone = {"command": courier_command.without(command, name)} if command else {}
        if entrypoint:
            alone["entrypoint"] = courier_command.without(entrypoint, name)
        return {**server, **alone}, sender

    def _order(self) -> list[str]:
        """Dependencies first; otherwise the operator's order. A cycle is podman-compose's to complain about."""
        order: list[str] = []

        def visit(name: str, above: tuple[str, ...]) -> None:
            if name in order or name in above:
                return
            for needed in self.project["services"][name].get("depends_on") or {}:
                if needed in self.wanted.names:
                    visit(needed, (*above, name))
            order.append(name)

        for name in self.wanted.names:
            visit(name, ())
        return order

    def _service(self, name: str) -> tuple[dict[str, Any], list[str]]:
        """The definition without labels, and its command as words."""
        given = self.project["services"][name]
        kept = service_keys.kept(given)
        if isinstance(given.get("deploy"), Mapping) and "resources" in given["deploy"]:
            kept["deploy"] = {"resources": given["deploy"]["resources"]}
        server = {
            **kept,
            "image": self.images[name],
            "pull_policy": "never",
            "environment": self._environment(given),
            "labels": service_keys.labels(given),
            "restart": service_keys.restart(given),
            "extra_hosts": self._hosts(given),
            "networks": {"colour": self._address(name)},
        }
        volumes = [self._volume(entry) for entry in given.get("volumes") or []]
        if volumes:
            server["volumes"] = volumes
        self._keep_secrets(given)
        return server, words(given.get("command"))

    def _ports(self, name: str) -> dict[str, Any]:
        wanted, service = self.wanted, self.wanted.service(name)
        published = wanted.nets.published(wanted.colour, name, wanted.port_base)
        found = publish.ports(wanted.publish, published, (service.port, service.admin_port))
        return {"ports": found} if found else {}

    def _address(self, name: str) -> dict[str, str]:
        if name not in self.wanted.names:
            return {}
        address = self.wanted.nets.service(self.wanted.colour, name)
        return {"ipv4_address": address.ip, "x-podman.mac_address": address.mac}

    def _finish(self, name: str, kind: str, server: dict[str, Any]) -> dict[str, Any]:
        labels = {
            **server["labels"],
            podman.LABEL: self.wanted.deployment,
            podman.COLOUR: self.wanted.colour,
            podman.RELEASE: self.release,
            podman.SERVICE: name,
            podman.KIND: kind,
        }
        whole = {**server, "labels": labels}
        labels[podman.CONFIG] = hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:16]
        return whole

    def _environment(self, given: Mapping[str, Any]) -> dict[str, str]:
        """Environment files and ``environment`` merged as podman would: the latter wins, a bare name asks .env."""
        merged: dict[str, str] = {}
        for written, required in compose_files.env_files(given):
            path = self._moved(written)
            if required or os.path.exists(path):
                # A bare name would ask the environment of the process that runs podman-compose.
                merged.update({key: value for key, value in compose_files.read_env(path).items() if value is not None})
        asked = compose_files.environment(self.wanted, self.copy)
        for key, value in (given.get("environment") or {}).items():
            found = asked.get(key) if value is None else value
            if found is not None:
                # YAML reads a bare YES as true, and podman-compose names the variable True.
                merged[str(key)] = str(found)
        merged["BLUEGREEN_COLOUR"] = self.wanted.colour
        merged["BLUEGREEN_RELEASE"] = self.release
        return merged

    def _hosts(self, given: Mapping[str, Any]) -> list[str]:
        """Every name by which this service may know another one; the colour's networks have no DNS."""
        nets, colour = self.wanted.nets, self.wanted.colour
        known: dict[str, str] = {}
        for name in self.wanted.shared:
            for alias in self._names_of(name):
                known[alias] = nets.shared_on(colour, name).ip
        for name in self.wanted.names:
            for alias in self._names_of(name):
                known[alias] = nets.service(colour, name).ip
        own = [pair for pair in compose_files.host_entries(given.get("extra_hosts")) if pair[0] not in known]
        return ["%s:%s" % pair for pair in [*known.items(), *own]]

    def _names_of(self, name: str) -> list[str]:
        service = self.project["services"].get(name) or {}
        found = [name]
        for key in ("container_name", "hostname"):
            if service.get(key):
                found.append(str(service[key]))
        networks = service.get("networks")
        if isinstance(networks, Mapping):
            for options in networks.values():
                found += [str(alias) for alias in (options or {}).get("aliases") or []]
        for other in self.project["services"].values():
            links = (str(link).partition(":") for link in other.get("links") or [])
            found += [alias for linked, _sep, alias in links if linked == name and alias]
        return list(dict.fromkeys(found))

    def _moved(self, written: str) -> str:
        """A path of the operator's project directory as it is in the release's copy; others stay."""
        path = compose_files.host_path(compose_files.base(self.wanted, self.copy), written)
        if compose_files.inside(self.copy, path):
            return path
        if not os.path.isabs(os.path.expanduser(written)):
            # Written relative and pointing out of the project directory.
            path = compose_files.host_path(compose_files.base(self.wanted, self.wanted.source), written)
        relative = compose_files.inside(self.wanted.source, path)
        return os.path.join(self.copy, relative) if relative else path

    def _volume(self, entry: Any) -> Any:
        mount = compose_files.parse_mount(entry)
        if mount.kind == "bind":
            path = self._moved(mount.source)
            if isinstance(entry, Mapping):
                return {**entry, "source": path}
            return ":".join(part for part in (path, mount.target, mount.options) if part)
        if mount.kind == "volume" and mount.source:
            self.named_volumes[mount.source] = self._named(mount.source)
        return entry

    def _named(self, key: str) -> dict[str, Any]:
        """The operator's volume by its full name. One that a new release is the first to use is made from the rest."""
        declared = (self.project.get("volumes") or {}).get(key) or {}
        external = declared.get("external")
        name = declared.get("name") or (external.get("name") if isinstance(external, Mapping) else None)
        default = key if external else "%s_%s" % (self.wanted.project, key)
        whole = {"external": True} if external else dict(declared)
        return {**whole, "name": str(name or default)}

    def _keep_secrets(self, given: Mapping[str, Any]) -> None:
        declared = self.project.get("secrets") or {}
        for entry in given.get("secrets") or []:
            name = str(entry.get("source") if isinstance(entry, Mapping) else entry)
            secret = dict(declared.get(name) or {})
            if secret.get("file"):
                secret["file"] = self._moved(str(secret["file"]))
            self.secrets[name] = secret
