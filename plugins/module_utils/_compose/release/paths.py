# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths, mounts and environment files of a compose project, read as podman-compose reads them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import dotenv
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

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


def base(wanted: Deployment, directory: str) -> str:
    """Where paths in the compose files start: the directory of the first one, for podman-compose."""
    return os.path.abspath(os.path.join(directory, os.path.dirname(wanted.compose_files[0])))


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
    """The path relative to the directory ('.' for itself), or '' where it lies outside."""
    for top in (os.path.abspath(directory), os.path.realpath(directory)):
        relative = os.path.relpath(path, top)
        if relative != os.pardir and not relative.startswith(os.pardir + os.sep):
            return relative
    return ""


def read_only(entry: object) -> bool:
    if isinstance(entry, Mapping):
        return bool(entry.get("read_only"))
    return "ro" in parse_mount(entry).options.split(",")


def environment(wanted: Deployment, directory: str) -> dict[str, str | None]:
    """What the ``.env`` files of a project say. Holds secrets.

    podman-compose reads the one beside the first compose file, then the one where it is started.
    """
    found: dict[str, str | None] = {}
    for path in dotenv_files(wanted, directory):
        found.update(read_env(path))
    return found


def dotenv_files(wanted: Deployment, directory: str) -> list[str]:
    paths = [os.path.join(where, ".env") for where in (base(wanted, directory), os.path.abspath(directory))]
    return [path for path in dict.fromkeys(paths) if os.path.exists(path)]


def read_env(path: str) -> dict[str, str | None]:
    """Names to values; None for a name without ``=``. Holds secrets."""
    return dotenv.parse(text_of(path), {"HOME": os.path.expanduser("~")})


def text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8", newline="") as handle:
            return handle.read()
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8 text"
        raise BluegreenError(
            "%s cannot be read: %s" % (path, why), option="source", value=os.path.dirname(path), fix="correct the file"
        ) from None


def host_entries(given: Any) -> list[tuple[str, str]]:
    """``extra_hosts`` in either form as (name, address)."""
    if isinstance(given, Mapping):
        return [(str(name), str(address)) for name, address in given.items()]
    found = []
    for entry in given or []:
        name, _sep, address = str(entry).partition("=") if "=" in str(entry) else str(entry).partition(":")
        found.append((name, address))
    return found
