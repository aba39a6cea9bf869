# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The compose files as they are written: which ones there are, and what podman-compose's own answer does not tell.

Nothing is interpolated here and no value leaves this module, only names: of files, profiles and variables.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.deployment.model import Deployment
from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.release import paths
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import yaml
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError

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
        content = yaml.load_tagged(paths.text_of(os.path.join(directory, name)), name)
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
