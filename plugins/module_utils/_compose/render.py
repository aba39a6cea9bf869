# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The compose file of one colour, from what podman-compose made of the release's copy. Pure: same input, same text."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import courier, dotenv, source
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.model import Service, Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

# A fingerprint of the rendered definition, so that a rerun knows whether a container is what the file says.
CONFIG = "olympus.bluegreen.config"
DROPPED = (
    "build", "configs", "container_name", "depends_on", "deploy", "env_file", "extra_hosts", "links", "mac_address",
    "networks", "ports", "profiles", "pull_policy", "scale", "environment", "labels", "volumes", "image", "restart",
)  # fmt: skip
REFUSED = {
    "extends": "write it out (a YAML anchor works): podman-compose config leaves it unresolved",
    "network_mode": "a coloured service has to be on its colour's own network",
    "volumes_from": "name the volumes",
    "pod": "coloured services run without a pod",
}


def escape(value: Any) -> Any:
    """``$` is special to podman-compose in every string, keys too; the value is already interpolated."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {escape(key): escape(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [escape(item) for item in value]
    return value


def unescape(value: str) -> str:
    return value.replace("$$", "$")


class Renderer:
    """One release in one colour. ``copy`` holds the release's files, ``project`` is its interpolated form."""

    def __init__(
        self, wanted: Wanted, release: str, images: Mapping[str, str], project: Mapping[str, Any], copy: str
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
        couriers: dict[str, Any] = {}
        for name in self._order():
            server, words = self._service(name)
            if name in self.wanted.couriers() and courier.watches(words):
                other = self.wanted.couriers()[name]
                couriers[other] = self._finish(
                    other, "courier", {**courier.definition(server, words), "networks": {"colour": {}}}
                )
                server["command"] = courier.without(words, name)
            services[name] = self._finish(name, "service", server)
        nets = {"colour": {"external": True, "name": self.wanted.nets.colour_name(self.wanted.colour)}}
        value: dict[str, Any] = {"services": {**services, **couriers}, "networks": nets, "x-podman": {"in_pod": False}}
        if self.named_volumes:
            value["volumes"] = self.named_volumes
        if self.secrets:
            value["secrets"] = self.secrets
        return dict(escape(value))

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
        for key, why in REFUSED.items():
            if key in given:
                raise BluegreenError("service %s uses %s" % (name, key), option="compose_files", mend=why)
        spec = self.wanted.service(name)
        address = self.wanted.nets.service(self.wanted.colour, name)
        kept = {key: value for key, value in given.items() if key not in DROPPED}
        if isinstance(given.get("deploy"), Mapping) and "resources" in given["deploy"]:
            kept["deploy"] = {"resources": given["deploy"]["resources"]}
        server = {
            **kept,
            "image": self.images[name],
            "pull_policy": "never",
            "environment": self._environment(given, spec),
            "labels": dict(given.get("labels") or {}),
            "restart": given.get("restart") or "unless-stopped",
            "extra_hosts": self._hosts(given),
            "networks": {"colour": {"ipv4_address": address.ip, "x-podman.mac_address": address.mac}},
        }
        volumes = [self._volume(entry) for entry in given.get("volumes") or []]
        if volumes:
            server["volumes"] = volumes
        self._keep_secrets(given)
        words = given.get("command") or []
        return server, [str(word) for word in ([words] if isinstance(words, str) else words)]

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
        labels[CONFIG] = hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:16]
        return whole

    def _environment(self, given: Mapping[str, Any], spec: Service) -> dict[str, str]:
        """Environment files and ``environment`` merged as podman would: the latter wins, a bare name asks .env."""
        merged: dict[str, str] = {}
        for written, required in source.env_files(given):
            path = self._moved(written)
            if required or os.path.exists(path):
                merged.update({key: value or "" for key, value in self._read_env(path).items()})
        asked = self._read_env(os.path.join(self.copy, ".env"))
        for key, value in (given.get("environment") or {}).items():
            found = asked.get(key) if value is None else value
            if found is not None:
                merged[key] = str(found)
        merged["BLUEGREEN_COLOUR"] = self.wanted.colour
        merged["BLUEGREEN_RELEASE"] = self.release
        return merged

    @staticmethod
    def _read_env(path: str) -> dict[str, str | None]:
        if not os.path.exists(path):
            return {}
        with open(path, encoding="utf-8", newline="") as handle:
            return dotenv.parse(handle.read())

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
        entries = given.get("extra_hosts") or []
        pairs = entries.items() if isinstance(entries, Mapping) else [_pair(str(entry)) for entry in entries]
        own = {str(name): str(address) for name, address in pairs if name not in known}
        return ["%s:%s" % pair for pair in {**known, **own}.items()]

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
        return list(dict.fromkeys(found))

    def _moved(self, written: str) -> str:
        """A path of the operator's project directory as it is in the release's copy; others stay."""
        path = source.host_path(self.copy, written)
        if source.inside(self.copy, path):
            return path
        relative = source.inside(self.wanted.source, path)
        if relative:
            return os.path.join(self.copy, relative)
        # Written relative to the project directory and pointing out of it.
        return path if os.path.isabs(os.path.expanduser(written)) else source.host_path(self.wanted.source, written)

    def _volume(self, entry: Any) -> Any:
        mount = source.parse_mount(entry)
        if mount.kind == "bind":
            path = self._moved(mount.source)
            if isinstance(entry, Mapping):
                return {**entry, "source": path}
            return ":".join(part for part in (path, mount.target, mount.options) if part)
        if mount.kind == "volume" and mount.source:
            declared = (self.project.get("volumes") or {}).get(mount.source) or {}
            external = declared.get("external")
            name = declared.get("name") or (external.get("name") if isinstance(external, Mapping) else None)
            default = mount.source if external else "%s_%s" % (self.wanted.project, mount.source)
            self.named_volumes[mount.source] = {"external": True, "name": str(name or default)}
        return entry

    def _keep_secrets(self, given: Mapping[str, Any]) -> None:
        declared = self.project.get("secrets") or {}
        for entry in given.get("secrets") or []:
            name = str(entry.get("source") if isinstance(entry, Mapping) else entry)
            secret = dict(declared.get(name) or {})
            if secret.get("file"):
                secret["file"] = self._moved(str(secret["file"]))
            self.secrets[name] = secret


def _pair(entry: str) -> tuple[str, str]:
    name, _sep, address = entry.partition("=") if "=" in entry else entry.partition(":")
    return name, address
