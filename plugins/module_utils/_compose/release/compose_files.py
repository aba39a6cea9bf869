# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The compose files and environment files as they are written, and what podman-compose's own answer does not say.

Of the compose files nothing is interpolated, and ``Files`` gives only names: of files, profiles and variables.
Environment files are read by python-dotenv, as podman-compose reads them.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._core import yaml
from ..._core.errors import BluegreenError
from ..deployment.model import Deployment

try:
    from dotenv.parser import parse_stream
    from dotenv.variables import parse_variables

    HAS_DOTENV = True
except ImportError:
    HAS_DOTENV = False

# ``$$`` first, so that it is passed over.
VARIABLE = re.compile(r"\$\$|\$\{(\w+)\}|\$([A-Za-z_]\w*)")
ABOVE = "keep it below bluegreen_source: name a directory above as bluegreen_source, and the compose file by its path"


@dataclass(frozen=True)
class Files:
    """``names``: the compose files with what they include and extend. ``contents``: each as it is written."""

    names: tuple[str, ...]
    contents: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def services(self, name: str) -> list[Mapping[str, Any]]:
        """Every definition of a service, in the order of the files."""
        found = [(content.get("services") or {}).get(name) for content in self.contents.values()]
        return [entry for entry in found if isinstance(entry, Mapping)]

    def profiles(self, names: Sequence[str]) -> list[str]:
        """The profiles of these services; without them podman-compose would leave the services out."""
        given = [entry.get("profiles") or [] for name in names for entry in self.services(name)]
        flat = [one for entry in given for one in ([entry] if isinstance(entry, str) else entry)]
        return list(dict.fromkeys(str(one) for one in flat))

    def variables(self, name: str) -> set[str]:
        """Variables that a service takes and gives no default for."""
        return {one for entry in self.services(name) for text in _texts(entry) for one in _named(text)}


def read(wanted: Deployment, directory: str) -> Files:
    """Every compose file below ``directory``. Errors name the file that is missing, elsewhere or not YAML."""
    contents: dict[str, Mapping[str, Any]] = {}
    queue = [(name, "compose_files") for name in wanted.compose_files]
    while queue:
        name, by = queue.pop(0)
        name = _checked(directory, name, by)
        if name in contents:
            continue
        content = yaml.load_tagged(text_of(os.path.join(directory, name)), name)
        if not isinstance(content, Mapping) or not isinstance(content.get("services") or {}, Mapping):
            raise BluegreenError(
                "%s is not a compose file" % name,
                option="compose_files",
                value=name,
                fix="name a file with services in it",
            )
        contents[name] = content
        if by != "extends":
            queue += [(os.path.join(os.path.dirname(name), path), name) for path in _included(content, name)]
            queue += [(path, "extends") for path in extended(content, name)]
    return Files(tuple(contents), contents)


def extended(content: Mapping[str, Any], name: str) -> list[str]:
    """Other files that services of this one extend."""
    found = []
    for service in (content.get("services") or {}).values():
        given = service.get("extends") if isinstance(service, Mapping) else None
        if isinstance(given, Mapping) and given.get("file"):
            found.append(os.path.join(os.path.dirname(name), str(given["file"])))
    return found


def _included(content: Mapping[str, Any], name: str) -> list[str]:
    found = []
    entries = content.get("include") or []
    if not isinstance(entries, list):
        raise BluegreenError(
            "its include is no list", option="compose_files", value=name, fix="write each file in a line after a dash"
        )
    for entry in entries:
        path = entry.get("path") if isinstance(entry, Mapping) else entry
        if not isinstance(path, str):
            raise BluegreenError(
                "%s includes a list of files in one entry, which podman-compose does not read" % name,
                option="compose_files",
                value=name,
                fix="write one entry of include for each file",
            )
        found.append(path)
    return found


def _checked(directory: str, name: str, by: str) -> str:
    """The path below ``directory``, normalised. Only what lies there can be kept with a release."""
    wrong, fix = "", ""
    clean = os.path.normpath(name)
    if "$" in name:
        wrong, fix = "has a variable in its path", "write the path out"
    elif os.path.isabs(clean) or clean.startswith(os.pardir):
        wrong, fix = "lies outside the project directory", ABOVE
    elif not os.path.isfile(os.path.join(directory, clean)):
        wrong, fix = "is not there", "correct bluegreen_source, bluegreen_compose_files or the file that names it"
    if wrong:
        raise BluegreenError("compose file %s (%s) %s" % (name, by, wrong), option="source", value=directory, fix=fix)
    return clean


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)


def _named(text: str) -> Iterator[str]:
    for match in VARIABLE.finditer(text):
        name = match.group(1) or match.group(2)
        if name:
            yield name


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
    return parse_env(text_of(path), {"HOME": os.path.expanduser("~")})


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


def parse_env(text: str, outside: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """Names to values; a name without ``=`` has None. ``outside`` is what ``${NAME}`` may refer to besides the file.

    ``dotenv_values`` would take it from the environment of this module's own process.
    """
    if not HAS_DOTENV:
        raise BluegreenError("python-dotenv is missing on this host", fix="install python3-dotenv")
    values: dict[str, str | None] = {}
    for found in parse_stream(io.StringIO(text, newline="")):
        if found.key is not None:
            known = {**(outside or {}), **values}
            parts = None if found.value is None else [one.resolve(known) for one in parse_variables(found.value)]
            values[found.key] = None if parts is None else "".join(parts)
    return values
