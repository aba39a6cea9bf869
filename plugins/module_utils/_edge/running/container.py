# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An edge that podman-compose started."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from ..._core.errors import BluegreenError
from ..._core.netns import network_of
from ..._core.podman import Podman
from ..._core.podman import environment as container_environment
from ..._core.runner import Result
from ..config.snippets import DIRECTORY
from .base import EdgeOptions, Place, environment, same_place, seen_file

BY_A_SHELL = ("HOME", "HOSTNAME", "OLDPWD", "PATH", "PWD", "SHLVL", "TERM", "_", "container")


@dataclass
class PodmanEdge:
    """A Caddy that podman-compose started: found by its labels, as names differ between releases."""

    podman: Podman
    project: str
    options: EdgeOptions
    _found: dict[str, Any] = field(default_factory=dict)

    def _container(self) -> dict[str, Any]:
        if not self._found:
            name = self.options.service
            by_name, by_label = self.podman.one, self.podman.compose_container
            found = by_label(self.project, name) if self.project else by_name("container", name)
            if found is None:
                raise BluegreenError(
                    "no container of project %s" % self.project if self.project else "no container has this name",
                    option="edge.service",
                    value=name,
                    fix="name the compose project and its Caddy service, or without a project the container",
                )
            self._found = found
        return self._found

    def place(self) -> Place:
        container = self._container()
        name, pid = str(container["Name"]), int(container["State"]["Pid"])
        if not self.options.mount and self.options.method != "switch":
            # It names a colour and looks at no file.
            return Place(name, pid, os.path.join(self.options.switch_dir, DIRECTORY), (0, 0))
        for mount in container.get("Mounts", []):
            if mount.get("Destination") == self.options.mount and mount.get("RW") and os.path.isdir(mount["Source"]):
                status = os.stat(mount["Source"])
                directory = os.path.join(mount["Source"], DIRECTORY)
                return Place(name, pid, directory, (status.st_uid, status.st_gid))
        raise BluegreenError(
            "the edge %s has no writable volume at %s, where the switch must lie" % (name, self.options.mount),
            option="edge.mount",
            value=self.options.mount,
            fix="name another named volume of it; if it has none, add `%(service)s: {volumes:"
            " [caddy_config:%(mount)s]}` to the services and `caddy_config: {}` to the volumes of your compose file,"
            " and recreate that one container in a quiet minute: podman-compose -p %(project)s up -d --no-deps"
            " %(service)s (requests during its start are lost)"
            % {"service": self.options.service, "mount": self.options.mount, "project": self.project},
        )

    def _pid(self) -> int:
        pid = int(self._container()["State"]["Pid"])
        if not pid:
            raise BluegreenError("the edge %s is not running" % self._container()["Name"], fix="start it")
        return pid

    def caddy(self, *args: str, stdin: str | None = None) -> Result:
        where = os.path.dirname(self.options.config_path)
        container = str(self._container()["Id"])
        return self.podman.run("exec", "-i", "--workdir", where, container, "caddy", *args, stdin=stdin)

    def network(self) -> AbstractContextManager[None]:
        return network_of(self._pid())

    def seen_caddyfile(self) -> bytes | None:
        return seen_file(self._pid(), self.options.config_path)

    def exported(self) -> Sequence[str]:
        """What its entrypoint made of the container's environment, but for what a shell sets by itself."""
        given, has = container_environment(self._container()), environment(self._pid())
        return sorted(name for name, value in has.items() if name not in BY_A_SHELL and given.get(name) != value)

    def hidden(self, directory: str) -> str:
        inside = "%s/%s" % (self.options.mount.rstrip("/"), DIRECTORY)
        if not self.options.mount or same_place(self._pid(), inside, directory):
            return ""
        return "its %s is not %s: the volume was recreated under the running container" % (inside, directory)
