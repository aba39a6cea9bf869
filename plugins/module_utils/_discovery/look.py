# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The look: containers, the running edge, the operator's files. Everything is asked once and nothing is changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from .._core import podman as core
from .._core import sockets, yaml
from .._core.errors import BluegreenError
from .._core.podman import Podman
from .._core.runner import Runner
from .._health.container_settings import merge, parsed
from . import edge, fronts, host, kinds
from .fronts import Front
from .learn import Looked
from .observed import Seen, configuration, from_compose, from_inspect

# A configuration file larger than this is none of Kratos' or Hydra's.
LARGEST = 1 << 20


class Look:
    """``told``: the operator's settings by their key of the description."""

    def __init__(self, runner: Runner, deployment: str, state_dir: str, told: Mapping[str, Any]) -> None:
        self.runner, self.podman = runner, Podman(runner)
        self.deployment, self.state_dir, self.told = deployment, state_dir, told

    def look(self) -> Looked:
        inspects = self._inspects()
        every: Sequence[Seen] = [from_inspect(one) for one in inspects]
        front = self._front(every, inspects)
        every = fronts.also_known(every, front.config, front.seen.pid if front.seen else front.process)
        project, why = self._project(every, front)
        mine = [one for one in every if one.project == project or one.labels.get(core.LABEL) == self.deployment]
        members = [self._closer(one) for one in mine]
        plain = {"project": (project, why), **self._files(members, front)}
        written = self._written(plain)
        names = fronts.public_hosts(front.config, members)
        values = self._edge(front, names)
        plain["podman_compose"] = host.podman_compose(self.runner)
        plain["network_range"] = host.network_range(self.podman, self.state_dir)
        if front.seen is None:
            why = "the edge is a process of this host" if front.process else "Cloudflare sends to a front on this host"
            plain["publish"] = ("loopback", why)
        service = front.seen.service if front.seen else ""
        return Looked(self.deployment, project, tuple(members), front.config, service, written, values, plain)

    def _inspects(self) -> list[dict[str, Any]]:
        ids = self.podman.must("ps", "-a", "-q", "--no-trunc").split()
        return self.podman.inspect("container", ids)

    def _front(self, every: Sequence[Seen], inspects: Sequence[dict[str, Any]]) -> Front:
        told = self.told.get("edge") or {}
        if told.get("kind") == "cloudflare":
            return Front()
        if told.get("kind") == "native":
            return fronts.process(self.runner, told)
        asked = [
            (one, raw)
            for one, raw in zip(every, inspects)
            if edge.is_caddy(one)
            and one.project
            and self.told.get("project") in (None, "", one.project)
            and told.get("service") in (None, "", one.service)
        ]
        return fronts.container(self.podman, every, asked, self.told)

    def _project(self, every: Sequence[Seen], front: Front) -> tuple[str, str]:
        if front.seen is not None:
            return front.seen.project, "label of the edge %s" % front.seen.name
        found = {one.project for one in every if one.project and not one.ours and kinds.of(one)[0] in kinds.ORY}
        if self.told.get("project"):
            found &= {str(self.told["project"])}
        if len(found) == 1:
            return found.pop(), "label of its Kratos and Hydra"
        if not found and self.told.get("project"):
            return str(self.told["project"]), "bluegreen_project"
        raise fronts.several("run Kratos or Hydra", found) if found else fronts.none_there(every, self.told)

    def _closer(self, seen: Seen) -> Seen:
        """With the ports that it has open, and what its configuration files say."""
        if kinds.of(seen)[0] not in kinds.ORY or kinds.job(seen):
            return replace(seen, listens=listening(seen.pid)) if seen.running else seen
        files: dict[str, str] = {}
        config: dict[str, Any] = {}
        for path in configuration(seen):
            text = _text(core.on_host({"Mounts": list(seen.mounts)}, path))
            with suppress(BluegreenError):
                merge(config, parsed(text, path))
            files[path] = text
        return replace(seen, listens=listening(seen.pid), files=files, config=config)

    def _files(self, members: Sequence[Seen], front: Front) -> dict[str, tuple[Any, str]]:
        """The operator's directory and compose files, as his containers' labels name them."""
        told = self.told.get("source")
        labelled = [one for one in [front.seen, *members] if one and not one.ours and self._label(one, "working_dir")]
        if not labelled:
            return {"source": (told, "bluegreen_source")} if told else {}
        one = labelled[0]
        directory = os.path.normpath(self._label(one, "working_dir"))
        files = [os.path.join(directory, name) for name in self._label(one, "config_files").split(",") if name]
        # What lies above the directory can't be kept with a release: then the directory above is the source.
        inside = [directory, *(os.path.dirname(path) for path in files)]
        source = str(told) if told else os.path.commonpath(inside)
        why = "label of %s" % one.name
        names = [os.path.relpath(path, source) for path in files]
        found: dict[str, tuple[Any, str]] = {"source": (source, "bluegreen_source" if told else why)}
        return {**found, **({"compose_files": (names, why)} if names else {})}

    @staticmethod
    def _label(seen: Seen, name: str) -> str:
        return str(seen.labels.get("%s.%s" % (core.COMPOSE_PROJECT, name)) or "")

    def _written(self, plain: Mapping[str, tuple[Any, str]]) -> dict[str, Seen]:
        """The services of the compose files as they are now: their order, and what each waits for."""
        names = self.told.get("compose_files") or (plain.get("compose_files") or ((), ""))[0]
        found: dict[str, Seen] = {}
        for name in names:
            path = os.path.join(str((plain.get("source") or ("", ""))[0]), name)
            value = yaml.load_tagged(_text(path), path) or {}
            services = (value.get("services") or {}) if isinstance(value, dict) else {}
            found.update({str(key): from_compose(str(key), one or {}) for key, one in services.items()})
        return found

    def _edge(self, front: Front, names: Iterable[str]) -> dict[str, tuple[Any, str]]:
        asked = list(names)
        if front.seen is not None:
            return {**edge.of_container(front.seen, front.config, asked), **fronts.trust(front, asked)}
        if front.process:
            process = edge.of_process(front.words, front.workdir, front.config, asked)
            return {**process, **fronts.trust(front, asked)}
        return {"kind": ("cloudflare", "bluegreen_edge"), "service": ("", "it is not on this host")}


def listening(pid: int) -> frozenset[int]:
    """The TCP ports that a container's processes have open to others."""
    if not pid:
        return frozenset()
    try:
        return frozenset(
            row.local[1] for row in sockets.rows(sockets.LISTEN, pid) if not row.local[0].startswith(("127.", "::1"))
        )
    except OSError:
        return frozenset()


def _text(path: str) -> str:
    """A file of the operator's; '' where it is not there, too large or no text."""
    try:
        if not path or os.path.getsize(path) > LARGEST:
            return ""
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except (OSError, ValueError):
        return ""
