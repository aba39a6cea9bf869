# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What podman-compose makes of a directory, and which files the coloured services take from it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import yamlio
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.model import Wanted
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError, CommandError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.runner import Runner

BIND = re.compile(r"^(\.|~|/)")


@dataclass(frozen=True)
class Mount:
    """One entry of a service's ``volumes``. ``source`` is as written, '' for an anonymous volume."""

    kind: str
    source: str
    target: str
    options: str = ""


def parse_mount(entry: object) -> Mount:
    """The short and the long form. A long form keeps its other keys with the caller."""
    if isinstance(entry, Mapping):
        return Mount(str(entry.get("type", "volume")), str(entry.get("source") or ""), str(entry.get("target", "")))
    parts = str(entry).split(":")
    if len(parts) == 1 or (len(parts) == 2 and not parts[1].startswith("/")):
        return Mount("volume", "", parts[0], parts[1] if len(parts) == 2 else "")
    kind = "bind" if BIND.match(parts[0]) else "volume"
    return Mount(kind, parts[0], parts[1], ":".join(parts[2:]))


def config(runner: Runner, wanted: Wanted, directory: str) -> dict[str, Any]:
    """The merged and interpolated project. Its values hold secrets: never print it."""
    files = [part for name in wanted.compose_files for part in ("-f", name)]
    result = runner.run([wanted.podman_compose, "-p", wanted.project, *files, "config"], cwd=directory, timeout=60)
    if result.rc != 0:
        # Its last words may quote the files, and so a secret.
        raise CommandError(
            "podman-compose cannot read %s in %s (rc %d)" % (", ".join(wanted.compose_files), directory, result.rc),
            mend="run '%s config -q' there and read its message" % os.path.basename(wanted.podman_compose),
        )
    found = yamlio.load(result.out, "the output of podman-compose config")
    if not isinstance(found, dict) or not isinstance(found.get("services"), dict):
        raise BluegreenError("no services in %s" % directory, option="compose_files", value=wanted.compose_files)
    missing = [name for name in wanted.names if name not in found["services"]]
    if missing:
        raise BluegreenError(
            "%s has no service %s" % (", ".join(wanted.compose_files), ", ".join(missing)),
            option="services",
            value=missing,
            mend="correct bluegreen_services or the compose file (a service with a profile counts as missing)",
        )
    return found


def env_files(service: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """(path as written, required) of a service's environment files, in order."""
    given = service.get("env_file") or []
    entries = [given] if isinstance(given, (str, Mapping)) else list(given)
    return [
        (str(entry["path"]), bool(entry.get("required", True))) if isinstance(entry, Mapping) else (str(entry), True)
        for entry in entries
    ]


def host_path(directory: str, written: str) -> str:
    return os.path.abspath(os.path.join(directory, os.path.expanduser(written)))


def inside(directory: str, path: str) -> str:
    """The path relative to the directory, or '' where it lies outside."""
    relative = os.path.relpath(path, os.path.abspath(directory))
    return "" if relative == os.pardir or relative.startswith(os.pardir + os.sep) else relative


def wanted_files(wanted: Wanted, project: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Files and directories of the source that a release needs, relative to it; and warnings about what stays outside.

    Only what the coloured services use: a shared service's data directory is nothing to copy.
    """
    found = list(wanted.compose_files) + _included(wanted, list(wanted.compose_files))
    if os.path.exists(os.path.join(wanted.source, ".env")):
        found.append(".env")
    warnings = []
    for name in wanted.names:
        for path in _paths_of(wanted, project, name):
            relative = inside(wanted.source, path)
            if not relative or relative == ".":
                warnings.append(
                    "%s uses %s outside the project directory: later edits of it reach a running colour" % (name, path)
                )
            elif not os.path.exists(path):
                raise BluegreenError(
                    "service %s needs %s, which is not there" % (name, path), option="source", value=wanted.source
                )
            else:
                found.append(relative)
    return _outermost(found), sorted(set(warnings))


def _paths_of(wanted: Wanted, project: Mapping[str, Any], name: str) -> list[str]:
    service = project["services"][name]
    paths = []
    for entry in service.get("volumes") or []:
        mount = parse_mount(entry)
        if mount.kind == "bind":
            paths.append(host_path(wanted.source, mount.source))
    for written, required in env_files(service):
        path = host_path(wanted.source, written)
        if required or os.path.exists(path):
            paths.append(path)
    declared = project.get("secrets") or {}
    for entry in service.get("secrets") or []:
        secret = declared.get(entry.get("source") if isinstance(entry, Mapping) else entry) or {}
        if secret.get("file"):
            paths.append(host_path(wanted.source, str(secret["file"])))
    return paths


def _included(wanted: Wanted, names: list[str]) -> list[str]:
    """Files named by ``include:``, followed to the end."""
    found: list[str] = []
    queue = list(names)
    while queue:
        name = queue.pop(0)
        with open(os.path.join(wanted.source, name), encoding="utf-8") as handle:
            content = yamlio.load(handle.read(), name)
        for entry in (content or {}).get("include") or []:
            path = str(entry.get("path") if isinstance(entry, Mapping) else entry)
            relative = os.path.normpath(os.path.join(os.path.dirname(name), path))
            if relative not in found:
                found.append(relative)
                queue.append(relative)
    return found


def _outermost(paths: list[str]) -> list[str]:
    """Without duplicates and without what lies in a directory that is named as well."""
    unique = sorted({os.path.normpath(path) for path in paths})
    return [path for path in unique if not any(path.startswith(other + os.sep) for other in unique)]
