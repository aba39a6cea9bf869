# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What podman-compose makes of a directory, and which files the coloured services take from it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import (
    compose_errors,
    extends,
    paths,
    service_keys,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import (
    compose_files as reading,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import (
    warnings as remarks,
)
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import yaml
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Runner

# SQL that a release brings along for its migration.
BRIDGES = "bridges"


def without_bridges(files: Mapping[str, str]) -> dict[str, str]:
    """The files that what runs is made of."""
    return {
        name: digest
        for name, digest in files.items()
        if not (name.startswith(BRIDGES + os.sep) and name.endswith(".sql"))
    }


def config(runner: Runner, wanted: Wanted, directory: str) -> dict[str, Any]:
    """The merged and interpolated project, ``extends`` resolved. Its values hold secrets: never print it."""
    files = reading.read(wanted, directory)
    profiles = [part for name in files.profiles(_needed(wanted)) for part in ("--profile", name)]
    found = _ask(runner, wanted, directory, profiles)
    missing = [name for name in wanted.imaged if name not in found["services"]]
    if missing:
        raise BluegreenError(
            "%s has no service %s" % (", ".join(wanted.compose_files), ", ".join(missing)),
            option="services",
            value=missing,
            fix="correct the compose file or bluegreen_compose_files; where no colour has it any more, say"
            " bluegreen_services: {%s}" % ", ".join("%s: false" % name for name in missing),
        )
    names = extends.borrowed(found["services"])
    others: dict[tuple[str, str], Any] = {}
    if names:
        text = yaml.dump({"services": {name: _definition(files, *pair) for pair, name in names.items()}})
        whole = _ask(runner, wanted, directory, profiles, text)
        others = {pair: whole["services"][name] for pair, name in names.items()}
    found["services"] = extends.resolved(found["services"], others)
    service_keys.refuse(wanted, found)
    return found


def _needed(wanted: Wanted) -> list[str]:
    return [*wanted.imaged, *wanted.shared]


def _definition(files: reading.Files, file: str, service: str) -> dict[str, Any]:
    """A service of another file as it is written there, in no profile."""
    content = files.contents[os.path.normpath(file)]
    given = (content.get("services") or content).get(service)
    if not isinstance(given, Mapping):
        raise BluegreenError(
            "%s has no service %s, which is extended" % (file, service),
            option="compose_files",
            value=file,
            fix="correct extends",
        )
    return {key: value for key, value in given.items() if key not in ("profiles", "extends")}


def _ask(
    runner: Runner, wanted: Wanted, directory: str, profiles: list[str], more: str | None = None
) -> dict[str, Any]:
    """``podman-compose config``; ``more`` is one more file. Many write ``${PWD}`` and mean the project directory."""
    files = [part for name in (*wanted.compose_files, *(["-"] if more else [])) for part in ("-f", name)]
    argv = [wanted.podman_compose, "-p", wanted.project, *profiles, *files, "config"]
    result = runner.run(argv, cwd=directory, stdin=more, timeout=60, env={"PWD": os.path.abspath(directory)})
    if result.rc != 0:
        raise compose_errors.error(wanted, directory, result.rc, result.err)
    found = yaml.load(result.out, "the output of podman-compose config")
    if not isinstance(found, dict) or not isinstance(found.get("services"), dict):
        raise BluegreenError(
            "no services in %s" % directory,
            option="compose_files",
            value=wanted.compose_files,
            fix="name the file that has them in bluegreen_compose_files",
        )
    return found


def wanted_files(wanted: Wanted, project: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Files and directories of the source that a release needs, relative to it; and what the operator should know.

    Only what the coloured services use: a shared service's data directory is nothing to copy.
    """
    files = reading.read(wanted, wanted.source)
    found = list(files.names)
    found += [os.path.relpath(path, wanted.source) for path in paths.dotenv_files(wanted, wanted.source)]
    # No service reads them: they are for the databases (_schema/bridge.py).
    found += [BRIDGES] if os.path.isdir(os.path.join(wanted.source, BRIDGES)) else []
    warnings = remarks.of(wanted, project, files)
    for name in wanted.imaged:
        for used in _used(wanted, project, name):
            relative = paths.inside(wanted.source, used.path)
            if not os.path.exists(used.path):
                raise BluegreenError(
                    "service %s needs %s, which is not there" % (name, used.path),
                    option="source",
                    value=wanted.source,
                    fix="create it, or correct the compose file",
                )
            if not relative:
                warnings.append(used.outside)
            elif relative == ".":
                raise BluegreenError(
                    "service %s binds the whole project directory" % name,
                    option="source",
                    value=wanted.source,
                    fix="bind the files and directories that it needs; " + reading.ABOVE,
                )
            else:
                found.append(relative)
    return _outermost(found), sorted(set(warnings))


@dataclass(frozen=True)
class Used:
    """A path that a service uses, and what to say where it lies outside of the project directory."""

    path: str
    outside: str


def _used(wanted: Wanted, project: Mapping[str, Any], name: str) -> list[Used]:
    service = project["services"][name]
    here = paths.base(wanted, wanted.source)
    found = []
    for entry in service.get("volumes") or []:
        mount = paths.parse_mount(entry)
        if mount.kind == "bind":
            path = paths.host_path(here, mount.source)
            reaches = "%s uses %s outside the project directory: later edits of it reach a running colour" % (
                name,
                path,
            )
            found.append(Used(path, reaches))
    kept = "%s reads %s outside the project directory: no copy of it is kept with the release; %s"
    for written, required in paths.env_files(service):
        path = paths.host_path(here, written)
        if required or os.path.exists(path):
            found.append(Used(path, kept % (name, path, reading.ABOVE)))
    declared = project.get("secrets") or {}
    for entry in service.get("secrets") or []:
        secret = declared.get(entry.get("source") if isinstance(entry, Mapping) else entry) or {}
        if secret.get("file"):
            path = paths.host_path(here, str(secret["file"]))
            found.append(Used(path, kept % (name, path, reading.ABOVE)))
    return found


def _outermost(paths: list[str]) -> list[str]:
    """Without duplicates and without what lies in a directory that is named as well."""
    unique = sorted({os.path.normpath(path) for path in paths})
    return [path for path in unique if not any(path.startswith(other + os.sep) for other in unique)]
