# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of each key of a service: kept, changed on purpose, or refused. docs/compose.md tells the same.

What a colour has otherwise than the operator's own containers and is worth knowing: sentences, no values.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..._core.errors import BluegreenError
from ..deployment.model import Deployment
from . import compose_files

# podman-compose hands these to podman, and so does a colour, value by value.
KEPT = (
    "annotations", "cap_add", "cap_drop", "command", "cpu_shares", "cpus", "cpuset", "device_cgroup_rules", "devices",
    "dns", "dns_opt", "dns_search", "entrypoint", "expose", "group_add", "healthcheck", "hostname", "http_proxy",
    "init", "init-path", "logging", "mem_limit", "mem_reservation", "pid", "pids_limit", "platform", "privileged",
    "read_only", "runtime", "secrets", "security_opt", "shm_size", "stdin_open", "stop_grace_period", "stop_signal",
    "sysctls", "tmpfs", "tty", "ulimits", "user", "userns_mode", "working_dir", "x-podman.gidmaps",
    "x-podman.uidmaps",
)  # fmt: skip
# Rendered by us, or left out: what a colour has instead.
CHANGED = {
    "build": "nothing is built: `image`, or the service's entry in bluegreen_images",
    "configs": "left out: podman-compose does not know it",
    "container_name": "left out; the old name is still known to the other services of the colour",
    "depends_on": "the order of the start; what is neither coloured nor shared is not run",
    "deploy": "`resources` alone, as podman-compose",
    "env_file": "read into `environment` when the release is rendered",
    "environment": "one merged mapping, with `BLUEGREEN_COLOUR` and `BLUEGREEN_RELEASE`",
    "extends": "resolved as podman-compose does",
    "extra_hosts": "with the address of every coloured and shared service",
    "image": "the id of the release's image",
    "labels": "with ours, without `io.containers.autoupdate`",
    "links": "the alias is known to the other services of the colour",
    "mac_address": "derived from the address",
    "network_mode": "`bridge` is replaced as `networks` is, anything else is refused",
    "networks": "the colour's own network, at a fixed address; aliases are known to the other services of the colour",
    "ports": "as `bluegreen_publish` says",
    "profiles": "enabled where a coloured or shared service has one",
    "publishall": "as `bluegreen_publish` says",
    "pull_policy": "`never`: the image is there before anything starts",
    "restart": "`unless-stopped` where there is none, or `no`",
    "scale": "one container",
    "volumes": "paths in the project directory lead to the release's copy; named volumes keep their name",
}
REFUSED = {
    "network_mode": ("a coloured service has to be on its colour's own network", "remove network_mode"),
    "pod": ("coloured services run without a pod", "remove pod"),
    "volumes_from": ("the other container may be of another colour", "name the volumes"),
    "x-podman.no_hosts": ("the other services of a colour are known by /etc/hosts", "remove x-podman.no_hosts"),
    "x-podman.rootfs": ("a release is pinned by the id of its image", "use an image"),
}

# Podman would replace the image of a container behind our back.
AUTO_UPDATE = "io.containers.autoupdate"
NO_RESTART = (False, "no", "")


def restart(service: Mapping[str, Any]) -> str:
    """A colour comes back after a crash and a boot, so every service has a policy."""
    given = service.get("restart")
    return "unless-stopped" if given is None or given in NO_RESTART else str(given)


def labels(service: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in (service.get("labels") or {}).items() if key != AUTO_UPDATE}


def kept(service: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a definition that is rendered as it is. A key that podman-compose does not know (yet) is in it."""
    return {key: value for key, value in service.items() if key not in CHANGED}


def ignored(service: Mapping[str, Any]) -> list[str]:
    """Keys that podman-compose gives podman nothing for."""
    known = {*KEPT, *(key for key in CHANGED if key != "configs"), *REFUSED}
    return sorted(key for key in service if key not in known and not key.startswith("x-"))


def refuse(wanted: Deployment, project: Mapping[str, Any]) -> None:
    """One error that names service, key, reason and fix, for what a colour cannot have."""
    for name in wanted.imaged:
        service = project["services"][name]
        for key, (why, fix) in REFUSED.items():
            if service.get(key) and not (key == "network_mode" and service[key] == "bridge"):
                raise _refused(wanted, name, key, why, fix)
        if replicas(service) != 1:
            raise _refused(wanted, name, "scale", "a colour runs one container of a service", "ask for one replica")
        _refuse_secrets(wanted, name, service, project.get("secrets") or {})


def replicas(service: Mapping[str, Any]) -> int:
    """How many containers podman-compose would make."""
    deploy = service.get("deploy") or {}
    given = service.get("scale") if "scale" in service else None
    if given is None and deploy.get("mode") == "replicated":
        given = deploy.get("replicas")
    try:
        return 1 if given is None else int(given)
    except ValueError:
        return 1


def _refuse_secrets(wanted: Deployment, name: str, service: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    for entry in service.get("secrets") or []:
        secret = str(entry.get("source") if isinstance(entry, Mapping) else entry)
        found = declared.get(secret)
        if not found:
            raise _refused(wanted, name, "secrets", "secret %s is not declared" % secret, "declare it below secrets")
        if found.get("environment"):
            why = "secret %s comes from the environment, which podman-compose cannot give a container" % secret
            raise _refused(wanted, name, "secrets", why, "use file or external")


def _refused(wanted: Deployment, service: str, key: str, why: str, fix: str) -> BluegreenError:
    files = list(wanted.compose_files)
    return BluegreenError("service %s uses %s: %s" % (service, key, why), option="compose_files", value=files, fix=fix)


# Set by podman-compose or by us, whatever .env says.
GIVEN = {"PWD", "HOME", "PATH", "LANG", "COMPOSE_PROJECT_DIR", "COMPOSE_PROJECT_NAME", "COMPOSE_FILE"}


def warnings(wanted: Deployment, project: Mapping[str, Any], files: compose_files.Files) -> list[str]:
    services = project["services"]
    found = _of_all(wanted, project)
    for name in wanted.imaged:
        found += ["%s: %s" % (name, words) for words in _of_one(wanted, project, services[name])]
    return found + _unset(wanted, services, files)


def _of_all(wanted: Deployment, project: Mapping[str, Any]) -> list[str]:
    """One sentence for what many services have."""
    services = project["services"]
    found = []
    with_ports = [name for name in wanted.imaged if services[name].get("ports") or services[name].get("publishall")]
    if with_ports:
        instead = "a colour publishes none" if wanted.publish == "network" else "a colour has its own"
        found.append("host ports of %s are not kept: %s" % (", ".join(with_ports), instead))
    named = [name for name in wanted.imaged if services[name].get("container_name")]
    if named:
        found.append("%s: container_name is not kept, because both colours would need it" % ", ".join(named))
    known = {*wanted.imaged, *wanted.shared, wanted.edge_service}
    left = {need for name in wanted.imaged for need in services[name].get("depends_on") or {} if need not in known}
    for need in sorted(left):
        found.append(
            "a colour does not run %s, which a coloured service depends on (name it in bluegreen_shared if it "
            "keeps running)" % need
        )
    for name, service in services.items():
        depends = sorted({*(service.get("depends_on") or {})} & set(wanted.names))
        if name not in known and depends and service.get("restart") not in (None, *NO_RESTART):
            found.append(
                "%s uses %s by name: that leads to the adopted containers until their cleanup, then to the live colour"
                % (name, ", ".join(depends))
            )
    return found


def _of_one(wanted: Deployment, project: Mapping[str, Any], service: Mapping[str, Any]) -> list[str]:
    found = ["podman-compose does nothing with %s" % key for key in ignored(service)]
    if service.get("restart", None) in NO_RESTART:
        found.append("restart is no: a colour's containers get unless-stopped")
    if AUTO_UPDATE in (service.get("labels") or {}):
        found.append("label %s is not kept: a release never changes" % AUTO_UPDATE)
    found += _networks(project, service) + _volumes(wanted, service)
    own = {name for name, _address in compose_files.host_entries(service.get("extra_hosts"))}
    taken = sorted(own & {*wanted.names, *wanted.shared})
    if taken:
        found.append("the colour's own addresses replace extra_hosts of %s" % ", ".join(taken))
    return found


def _networks(project: Mapping[str, Any], service: Mapping[str, Any]) -> list[str]:
    declared = project.get("networks") or {}
    away = [name for name in service.get("networks") or {} if (declared.get(name) or {}).get("external")]
    return ["it is not on the external network %s" % name for name in away]


def _volumes(wanted: Deployment, service: Mapping[str, Any]) -> list[str]:
    found = []
    for entry in service.get("volumes") or []:
        mount = compose_files.parse_mount(entry)
        if mount.kind == "volume" and not mount.source:
            found.append("each colour has its own volume at %s, empty at first" % mount.target)
        elif mount.kind == "volume" and not compose_files.read_only(entry):
            found.append("both colours write to volume %s" % mount.source)
        elif mount.kind == "bind" and not compose_files.read_only(entry):
            path = compose_files.host_path(compose_files.base(wanted, wanted.source), mount.source)
            if os.path.isdir(path) and compose_files.inside(wanted.source, path):
                found.append("what it writes to %s goes into the release's copy; use a named volume" % mount.source)
    return found


def _unset(wanted: Deployment, services: Mapping[str, Any], files: compose_files.Files) -> list[str]:
    """Variables that only the operator's shell could have."""
    known = GIVEN | set(compose_files.environment(wanted, wanted.source))
    found = []
    for name in wanted.imaged:
        own = services[name].get("environment") or {}
        asked = files.variables(name) | {str(key) for key, value in own.items() if value is None}
        strange = sorted(asked - known - {str(key) for key, value in own.items() if value is not None})
        if strange:
            found.append("%s: no .env has a value for %s, so it has none in a release" % (name, ", ".join(strange)))
    return found
