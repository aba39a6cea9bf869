# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a container was given: its environment, and the configuration files of Ory's command line. Holds secrets.

What can't be read is said, and never counts as an empty setting.
"""

from __future__ import annotations

import importlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core import podman as core
from .._core import untrusted_files, yaml
from .._core.errors import BluegreenError
from .._core.podman import Podman
from .._ory.cli import config_files, shell_line

# No configuration is longer; what is would only fill the memory.
MOST = 4 * 1024 * 1024
SHELL_LINE = "its command is a shell line, so its configuration files can't be told from it"
PLAIN = "write it as a plain command line (%s serve -c FILE) and give values by environment or env_file"


@dataclass(frozen=True)
class Settings:
    """What one container was given. ``unknown`` is '' or why it can't be told, and what to do; ``missing``: there is
    no container."""

    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unknown: str = ""
    missing: bool = False

    def get(self, key: str) -> Any:
        """The value of a dotted configuration key: the environment's, else the files'. Ory takes any case."""
        name = key.upper().replace(".", "_")
        given = next((value for variable, value in self.env.items() if variable.upper() == name), None)
        if given is not None:
            return given
        value: Any = self.files
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value


def read(
    container: Mapping[str, Any],
    podman: Podman | None = None,
    product: str = "kratos",
    secret_files: Callable[[str], bool] = lambda name: False,
) -> Settings:
    """From ``podman inspect``. ``product``: kratos or hydra; '' is a program whose ``-c`` means nothing to us.

    ``secret_files``: whether the file that a variable names stands for the variable's value. ``podman`` copies out
    what lies in no mount; without it such a file is unknown.
    """
    env = {**core.environment(container), **_running(container)}
    files: dict[str, Any] = {}
    try:
        for name in [name for name in env if secret_files(name) and env[name].startswith("/")]:
            env[name] = text_of(container, env[name], podman)
        words = core.command_line(container)
        if product and shell_line(words):
            # Never the line: it may hold secrets.
            raise BluegreenError(SHELL_LINE, fix=PLAIN % product)
        for path in config_files(words) if product else ():
            merge(files, parsed(text_of(container, path, podman), path))
    except BluegreenError as exc:
        return Settings(env, unknown=str(exc))
    return Settings(env, files)


def _running(container: Mapping[str, Any]) -> dict[str, str]:
    """The variables of the process itself: an entrypoint may have exported more than the container was made with."""
    try:
        with open("/proc/%d/environ" % int((container.get("State") or {}).get("Pid") or 0), "rb") as handle:
            pairs = (entry.partition("=") for entry in handle.read(MOST).decode("utf-8", "replace").split("\0"))
            return {name: value for name, _sign, value in pairs if name}
    except OSError:
        return {}


def text_of(container: Mapping[str, Any], path: str, podman: Podman | None = None) -> str:
    """A file as the container sees it. Raises BluegreenError where it can't be read from here."""
    inside = os.path.normpath(os.path.join((container.get("Config") or {}).get("WorkingDir") or "/", path))
    found = _mounted(container, inside)
    if found is None and podman is not None:
        found = _copied(podman, str(container.get("Name", "")), inside)
    if found is None:
        raise BluegreenError("its %s can't be read from here" % path, fix="mount it into the service as a plain file")
    return found


def _mounted(container: Mapping[str, Any], inside: str) -> str | None:
    """None where it is in no mount, or where a link leads out of the mount: on this host that is another file."""
    source = core.on_host(container, inside)
    roots = [os.path.realpath(str(mount.get("Source", ""))) for mount in container.get("Mounts") or []]
    real = os.path.realpath(source) if source else ""
    if not any(real == root or real.startswith(root.rstrip("/") + "/") for root in roots if real):
        return None
    return _plain(real)


def _copied(podman: Podman, name: str, inside: str) -> str | None:
    with tempfile.TemporaryDirectory(prefix="olympus-bluegreen-") as private:
        to = os.path.join(private, "file")
        return _plain(to) if podman.run("cp", "%s:%s" % (name, inside), to, timeout=30).rc == 0 else None


def _plain(path: str) -> str | None:
    """The container may have put a pipe there: that is not waited for."""
    try:
        with untrusted_files.folder(os.path.dirname(path)) as where:
            data = untrusted_files.read(where, os.path.basename(path), path, MOST)
    except (BluegreenError, OSError):
        return None
    return data.decode("utf-8", "replace") if data else None


def parsed(text: str, path: str) -> Mapping[str, Any]:
    """A configuration file by its ending, as Ory takes it. Raises BluegreenError, without a word of the file."""
    if path.endswith(".toml"):
        value = _toml(text, path)
    elif path.endswith(".json"):
        try:
            value = json.loads(text)
        except ValueError:
            raise BluegreenError("its %s is not JSON" % path, fix="correct that file") from None
    else:
        value = yaml.load(text, path)
    if not isinstance(value, Mapping):
        raise BluegreenError("its %s holds no settings" % path, fix="correct that file")
    return value


def _toml(text: str, path: str) -> Any:
    for name in ("tomllib", "tomli"):
        try:
            return importlib.import_module(name).loads(text)
        except ImportError:
            continue
        except ValueError:
            raise BluegreenError("its %s is not TOML" % path, fix="correct that file") from None
    raise BluegreenError(
        "its %s is TOML, which this host's Python can't read" % path,
        fix="install python3-tomli on this host, or write the file as YAML",
    )


def merge(into: dict[str, Any], value: Mapping[str, Any]) -> None:
    """A later file wins key by key, as Ory merges several -c."""
    for key, given in value.items():
        if isinstance(given, Mapping) and isinstance(into.get(key), dict):
            merge(into[key], given)
        else:
            into[str(key)] = json.loads(json.dumps(given, default=str))
