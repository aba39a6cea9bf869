# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of each key of a service: kept, changed on purpose, or refused. docs/compose.md tells the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

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


def refuse(wanted: Wanted, project: Mapping[str, Any]) -> None:
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


def _refuse_secrets(wanted: Wanted, name: str, service: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    for entry in service.get("secrets") or []:
        secret = str(entry.get("source") if isinstance(entry, Mapping) else entry)
        found = declared.get(secret)
        if not found:
            raise _refused(wanted, name, "secrets", "secret %s is not declared" % secret, "declare it below secrets")
        if found.get("environment"):
            why = "secret %s comes from the environment, which podman-compose cannot give a container" % secret
            raise _refused(wanted, name, "secrets", why, "use file or external")


def _refused(wanted: Wanted, service: str, key: str, why: str, fix: str) -> BluegreenError:
    files = list(wanted.compose_files)
    return BluegreenError("service %s uses %s: %s" % (service, key, why), option="compose_files", value=files, fix=fix)
