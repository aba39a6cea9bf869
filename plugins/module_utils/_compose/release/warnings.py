# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a colour has otherwise than the operator's own containers and is worth knowing: sentences, no values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import (
    compose_files,
    paths,
    service_keys,
)

# Set by podman-compose or by us, whatever .env says.
GIVEN = {"PWD", "HOME", "PATH", "LANG", "COMPOSE_PROJECT_DIR", "COMPOSE_PROJECT_NAME", "COMPOSE_FILE"}


def of(wanted: Wanted, project: Mapping[str, Any], files: compose_files.Files) -> list[str]:
    services = project["services"]
    found = _of_all(wanted, project)
    for name in wanted.imaged:
        found += ["%s: %s" % (name, words) for words in _of_one(wanted, project, services[name])]
    return found + _unset(wanted, services, files)


def _of_all(wanted: Wanted, project: Mapping[str, Any]) -> list[str]:
    """One sentence for what many services have."""
    services = project["services"]
    found = []
    with_ports = [name for name in wanted.imaged if services[name].get("ports") or services[name].get("publishall")]
    if with_ports:
        instead = "a colour publishes none" if wanted.publish == "network" else "a colour has its own"
        found.append("host ports of %s are not kept: %s" % (", ".join(with_ports), instead))
    named = [name for name in wanted.imaged if services[name].get("container_name")]
    if named:
        found.append("%s: container_name is not kept, the two colours would fight for it" % ", ".join(named))
    known = {*wanted.imaged, *wanted.shared, wanted.edge_service}
    left = {need for name in wanted.imaged for need in services[name].get("depends_on") or {} if need not in known}
    for need in sorted(left):
        found.append(
            "a colour does not run %s, which a coloured service depends on (name it in bluegreen_shared if it "
            "keeps running)" % need
        )
    for name, service in services.items():
        depends = sorted({*(service.get("depends_on") or {})} & set(wanted.names))
        if name not in known and depends and service.get("restart") not in (None, *service_keys.NO_RESTART):
            found.append(
                "%s uses %s by name: that leads to the adopted containers until their cleanup, then to the live colour"
                % (name, ", ".join(depends))
            )
    return found


def _of_one(wanted: Wanted, project: Mapping[str, Any], service: Mapping[str, Any]) -> list[str]:
    found = ["podman-compose does nothing with %s" % key for key in service_keys.ignored(service)]
    if service.get("restart", None) in service_keys.NO_RESTART:
        found.append("restart is no: a colour's containers get unless-stopped")
    if service_keys.AUTO_UPDATE in (service.get("labels") or {}):
        found.append("label %s is not kept: a release never changes" % service_keys.AUTO_UPDATE)
    found += _networks(project, service) + _volumes(wanted, service)
    own = {name for name, _address in paths.host_entries(service.get("extra_hosts"))}
    taken = sorted(own & {*wanted.names, *wanted.shared})
    if taken:
        found.append("extra_hosts of %s give way to the colour's own addresses" % ", ".join(taken))
    return found


def _networks(project: Mapping[str, Any], service: Mapping[str, Any]) -> list[str]:
    declared = project.get("networks") or {}
    away = [name for name in service.get("networks") or {} if (declared.get(name) or {}).get("external")]
    return ["it is not on the external network %s" % name for name in away]


def _volumes(wanted: Wanted, service: Mapping[str, Any]) -> list[str]:
    found = []
    for entry in service.get("volumes") or []:
        mount = paths.parse_mount(entry)
        if mount.kind == "volume" and not mount.source:
            found.append("each colour has its own volume at %s, empty at first" % mount.target)
        elif mount.kind == "volume" and not paths.read_only(entry):
            found.append("both colours write to volume %s" % mount.source)
        elif mount.kind == "bind" and not paths.read_only(entry):
            path = paths.host_path(paths.base(wanted, wanted.source), mount.source)
            if os.path.isdir(path) and paths.inside(wanted.source, path):
                found.append("what it writes to %s goes into the release's copy; use a named volume" % mount.source)
    return found


def _unset(wanted: Wanted, services: Mapping[str, Any], files: compose_files.Files) -> list[str]:
    """Variables that only the operator's shell could have."""
    known = GIVEN | set(paths.environment(wanted, wanted.source))
    found = []
    for name in wanted.imaged:
        own = services[name].get("environment") or {}
        asked = files.variables(name) | {str(key) for key, value in own.items() if value is None}
        strange = sorted(asked - known - {str(key) for key, value in own.items() if value is not None})
        if strange:
            found.append("%s: no .env has a value for %s, so it has none in a release" % (name, ", ".join(strange)))
    return found
