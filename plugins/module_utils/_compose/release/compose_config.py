# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What podman-compose makes of a directory, and which files the coloured services take from it.

``extends``, which ``podman-compose config`` leaves as it is: resolved as podman-compose does when it starts.

What podman-compose says when it cannot read a project: its own words may quote a secret, names alone may not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..._core import yaml
from ..._core.errors import BluegreenError, CommandError
from ..._core.runner import Runner
from ..deployment.model import Deployment
from . import compose_files, service_keys

# SQL that a release brings along for its migration.
BRIDGES = "bridges"


def without_bridges(files: Mapping[str, str]) -> dict[str, str]:
    """The files that what runs is made of."""
    return {
        name: digest
        for name, digest in files.items()
        if not (name.startswith(BRIDGES + os.sep) and name.endswith(".sql"))
    }


def config(runner: Runner, wanted: Deployment, directory: str) -> dict[str, Any]:
    """The merged and interpolated project, ``extends`` resolved. Its values hold secrets: never print it."""
    files = compose_files.read(wanted, directory)
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
    names = borrowed(found["services"])
    others: dict[tuple[str, str], Any] = {}
    if names:
        text = yaml.dump({"services": {name: _definition(files, *pair) for pair, name in names.items()}})
        whole = _ask(runner, wanted, directory, profiles, text)
        others = {pair: whole["services"][name] for pair, name in names.items()}
    found["services"] = resolved(found["services"], others)
    service_keys.refuse(wanted, found)
    return found


def _needed(wanted: Deployment) -> list[str]:
    return [*wanted.imaged, *wanted.shared]


def _definition(files: compose_files.Files, file: str, service: str) -> dict[str, Any]:
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
    runner: Runner, wanted: Deployment, directory: str, profiles: list[str], more: str | None = None
) -> dict[str, Any]:
    """``podman-compose config``; ``more`` is one more file. Many write ``${PWD}`` and mean the project directory."""
    files = [part for name in (*wanted.compose_files, *(["-"] if more else [])) for part in ("-f", name)]
    argv = [wanted.podman_compose, "-p", wanted.project, *profiles, *files, "config"]
    result = runner.run(argv, cwd=directory, stdin=more, timeout=60, env={"PWD": os.path.abspath(directory)})
    if result.rc != 0:
        raise unreadable(wanted, directory, result.rc, result.err)
    found = yaml.load(result.out, "the output of podman-compose config")
    if not isinstance(found, dict) or not isinstance(found.get("services"), dict):
        raise BluegreenError(
            "no services in %s" % directory,
            option="compose_files",
            value=wanted.compose_files,
            fix="name the file that has them in bluegreen_compose_files",
        )
    return found


def wanted_files(wanted: Deployment, project: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Files and directories of the source that a release needs, relative to it; and what the operator should know.

    Only what the coloured services use: a shared service's data directory is nothing to copy.
    """
    files = compose_files.read(wanted, wanted.source)
    found = list(files.names)
    found += [os.path.relpath(path, wanted.source) for path in compose_files.dotenv_files(wanted, wanted.source)]
    # No service reads them: they are for the databases (_schema/bridge.py).
    found += [BRIDGES] if os.path.isdir(os.path.join(wanted.source, BRIDGES)) else []
    warnings = service_keys.warnings(wanted, project, files)
    for name in wanted.imaged:
        for used in _used(wanted, project, name):
            relative = compose_files.inside(wanted.source, used.path)
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
                    fix="bind the files and directories that it needs; " + compose_files.ABOVE,
                )
            else:
                found.append(relative)
    return _outermost(found), sorted(set(warnings))


@dataclass(frozen=True)
class Used:
    """A path that a service uses, and what to say where it lies outside of the project directory."""

    path: str
    outside: str


def _used(wanted: Deployment, project: Mapping[str, Any], name: str) -> list[Used]:
    service = project["services"][name]
    here = compose_files.base(wanted, wanted.source)
    found = []
    for entry in service.get("volumes") or []:
        mount = compose_files.parse_mount(entry)
        if mount.kind == "bind":
            path = compose_files.host_path(here, mount.source)
            reaches = "%s uses %s outside the project directory: later edits of it reach a running colour" % (
                name,
                path,
            )
            found.append(Used(path, reaches))
    kept = "%s reads %s outside the project directory: no copy of it is kept with the release; %s"
    for written, required in compose_files.env_files(service):
        path = compose_files.host_path(here, written)
        if required or os.path.exists(path):
            found.append(Used(path, kept % (name, path, compose_files.ABOVE)))
    declared = project.get("secrets") or {}
    for entry in service.get("secrets") or []:
        secret = declared.get(entry.get("source") if isinstance(entry, Mapping) else entry) or {}
        if secret.get("file"):
            path = compose_files.host_path(here, str(secret["file"]))
            found.append(Used(path, kept % (name, path, compose_files.ABOVE)))
    return found


def _outermost(paths: list[str]) -> list[str]:
    """Without duplicates and without what lies in a directory that is named as well."""
    unique = sorted({os.path.normpath(path) for path in paths})
    return [path for path in unique if not any(path.startswith(other + os.sep) for other in unique)]


# In a file of our own making, a service of another file; podman-compose then interpolates it with the project's values.
BORROWED = "bluegreen-extended-%d"
LISTS_OF_WORDS = ("command", "entrypoint")


def borrowed(services: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """(file, service) that is extended -> the name it gets in our own file."""
    pairs = [_parent(service) for service in services.values()]
    unique = dict.fromkeys(pair for pair in pairs if pair[0])
    return {pair: BORROWED % number for number, pair in enumerate(unique)}


def resolved(services: Mapping[str, Any], others: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    """Every service with what it extends merged in. ``others``: (file, service) -> its interpolated definition."""
    done: dict[str, Any] = {}

    def one(name: str, above: tuple[str, ...]) -> Any:
        service = services[name]
        file, parent = _parent(service)
        if name in done or not parent:
            return done.setdefault(name, service)
        if file:
            base = _moved(others[(file, parent)], os.path.dirname(file))
        elif parent in services and parent not in above:
            base = one(parent, (*above, name))
        else:
            return service
        done[name] = merged(
            {key: value for key, value in base.items() if key != "extends"},
            {key: value for key, value in service.items() if key != "extends"},
        )
        return done[name]

    return {name: one(name, ()) for name in services}


def _parent(service: Any) -> tuple[str, str]:
    """(file, service), each '' where there is none. A file of the same directory may be written ``./x``."""
    given = service.get("extends") if isinstance(service, Mapping) else None
    if not given:
        return "", ""
    if isinstance(given, str):
        return "", given
    file = str(given.get("file") or "")
    return file[2:] if file.startswith("./") else file, str(given.get("service") or "")


def _moved(base: Mapping[str, Any], directory: str) -> dict[str, Any]:
    """The binds of another file are relative to it; nothing else is (podman-compose's rule)."""
    found = dict(base)
    if found.get("volumes") and directory:
        found["volumes"] = [_mount(entry, directory) for entry in found["volumes"]]
    return found


def _mount(entry: Any, directory: str) -> Any:
    path = str(entry.get("source") or "") if isinstance(entry, Mapping) else str(entry)
    if not path.startswith(("./", "../", ".:", "..:")):
        return entry
    there = os.path.join(directory, path)
    return {**entry, "source": there} if isinstance(entry, Mapping) else there


def merged(base: Any, over: Any, key: str = "") -> Any:
    """Mappings by key, lists one after the other, commands replaced, volumes by their target."""
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        whole = dict(base)
        for name, value in over.items():
            whole[name] = merged(base[name], value, name) if name in base else value
        return whole
    if isinstance(base, list) and isinstance(over, list) and key not in LISTS_OF_WORDS:
        taken = set(_targets(over)) if key == "volumes" else set()
        return [entry for entry in base if not taken & set(_targets([entry]))] + over
    return over


def _targets(volumes: Any) -> Iterator[str]:
    for entry in volumes:
        if isinstance(entry, str) and ":" in entry:
            yield entry.split(":", 2)[1]


SHELL = "write it into %s/.env: what the shell of an operator or a deploy script exports is no part of a release"
# What it says, what is wrong, what fixes it; only a name is taken over.
KNOWN = (
    (r"required variable (\w+) is missing a value", "variable %s has no value", SHELL),
    (
        r"(No closing brace) found|Invalid (?:variable )?interpolation",
        "a ${...} cannot be read (%s); a command is split at its spaces before variables are filled in",
        "write $$ for a plain dollar, and a command with such a variable as a list",
    ),
    (r"volume \[([\w./ -]+)\] not defined in top level", "volume %s is not declared", "declare it below volumes"),
    (r"missing networks: ([\w., -]+)", "network %s is not declared", "declare it below networks"),
    (
        r"KeyError: '(\S+) not found at services\.",
        "service %s is extended but not there, or only in a profile",
        "move it into a file of its own, or take it out of its profile",
    ),
    (r"Object of type (date(?:time)?) is not JSON", "a value is an unquoted %s", "put it in quotes"),
    (
        r"'(set)' object has no attribute 'extend'",
        "a service that extends another one of the same file is extended or depended on itself (a %s is in its way)",
        "use a YAML anchor, or move the base into a file of its own",
    ),
    (
        r"'(dict)' object has no attribute 'strip'",
        "an entry of include is a mapping (%s)",
        "write the path alone, or use podman-compose 1.6.0",
    ),
    (
        r"could not determine a constructor for the tag '(!\w+)'",
        "this podman-compose does not know the tag %s",
        "do without it, or use podman-compose 1.4 or later",
    ),
    (
        r"No such file or directory: '([\w./-]+)'",
        "this podman-compose looks for %s in the wrong folder",
        "put the compose file into bluegreen_source itself, or use podman-compose 1.4 or later",
    ),
    (r"can't merge value of \[([\w.-]+)\]", "the files give %s as a list and as a mapping", "write it one way"),
)


def unreadable(wanted: Deployment, directory: str, code: int, said: str) -> CommandError:
    where = "podman-compose cannot read %s in %s (rc %d)" % (", ".join(wanted.compose_files), directory, code)
    for pattern, wrong, fix in KNOWN:
        match = re.search(pattern, said)
        if match:
            fix = fix % directory if "%s" in fix else fix
            return CommandError(
                "%s: %s" % (where, wrong % match.group(1)), option="source", value=wanted.source, fix=fix
            )
    asked = "run '%s config -q' there and read its message" % os.path.basename(wanted.podman_compose)
    return CommandError(where, option="source", value=wanted.source, fix=asked)
