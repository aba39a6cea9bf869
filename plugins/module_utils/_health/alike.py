# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether two colours keep the same secrets, so that what one signed the other accepts. Values are never told.

Read from the containers as they run (environment, then the configuration files of the command line), not from what
was meant to run. A rotated list is alike as long as each side's first entry, with which it signs, is known to the
other: then nobody is logged out by the cutover, nor by the rollback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose import yamlio
from ansible_collections.olympus.bluegreen.plugins.module_utils._core import podman as core
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_text
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.ory import config_files, shell_line
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.podman import Podman
from ansible_collections.olympus.bluegreen.plugins.module_utils._health.model import CheckResult

# Ory takes any configuration key as an environment variable, which wins. Lists: the first signs, all verify.
LISTS = {
    "kratos": ("secrets.cookie", "secrets.cipher", "secrets.default"),
    "hydra": ("secrets.system", "secrets.cookie"),
}
EQUAL = {
    "kratos": ("session.cookie.name", "session.cookie.domain", "cookies.domain", "cookies.path"),
    "hydra": ("oidc.subject_identifiers.pairwise.salt", "urls.self.issuer", "serve.cookies.domain"),
}
# Other services have no schema to go by: what is called like a key has to be the same.
LIKE_A_KEY = re.compile(r"(^|_)(SECRET|SECRETS|SALT|ENCRYPTION_KEY|SIGNING_KEY|COOKIE_KEY)(_|$)")


@dataclass(frozen=True)
class Settings:
    """What one container was given. ``unknown`` is '' or why it can't be told; ``missing``: there is no container."""

    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unknown: str = ""
    missing: bool = False

    def get(self, key: str) -> Any:
        """The value of a dotted configuration key: the environment's, else the files'."""
        given = self.env.get(key.upper().replace(".", "_"))
        if given is not None:
            return given
        value: Any = self.files
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value


NOBODY_LOOKED = Settings(unknown="nobody looked at its container")


def entries(value: Any) -> list[str]:
    """A list of secrets as Ory reads it: a YAML list, or a string with JSON or commas."""
    if value in (None, ""):
        return []
    if isinstance(value, str):
        value = _listed(value.strip())
    return [str(one).strip() for one in value if str(one).strip()]


def _listed(text: str) -> list[Any]:
    try:
        found = json.loads(text) if text.startswith("[") else text
    except ValueError:
        found = text
    return found if isinstance(found, list) else text.split(",")


def differences(kind: str, here: Settings, there: Settings, also: Sequence[str] = ()) -> list[str]:
    """What is not alike, by name and reason; never a value. ``also`` are further environment names of the operator."""
    found = []
    for key in LISTS.get(kind, ()):
        ours, theirs = entries(here.get(key)), entries(there.get(key))
        if bool(ours) != bool(theirs):
            found.append("%s is set on one side only" % key)
        elif ours and ours[0] not in theirs:
            found.append("%s: what this colour signs the other does not know" % key)
        elif ours and theirs[0] not in ours:
            found.append("%s: what the other signs this colour does not know" % key)
    found += ["%s differs" % key for key in EQUAL.get(kind, ()) if here.get(key) != there.get(key)]
    names = set(also)
    if kind not in LISTS:
        names |= {name for name in {*here.env, *there.env} if LIKE_A_KEY.search(name)}
    found += ["%s differs" % name for name in sorted(names) if here.env.get(name) != there.env.get(name)]
    return found


def judge(name: str, kind: str, here: Settings, there: Settings, also: Sequence[str] = ()) -> CheckResult:
    """Whether a service of two colours keeps the same secrets."""
    if there.missing and not here.unknown:
        return CheckResult("secrets", name, True, there.unknown, 0.0, untested=there.unknown, other=there.unknown)
    unknown = here.unknown or there.unknown
    found = [unknown] if unknown else differences(kind, here, there, also)
    detail = "; ".join(found) or "%d settings are alike" % compared(kind, here, also)
    return CheckResult("secrets", name, not found, detail, 0.0)


def compared(kind: str, here: Settings, also: Sequence[str] = ()) -> int:
    """How many settings of ``here`` a comparison has looked at."""
    keys = [key for key in LISTS.get(kind, ()) + EQUAL.get(kind, ()) if here.get(key) not in (None, "")]
    names = [name for name in here.env if name in also or (kind not in LISTS and LIKE_A_KEY.search(name))]
    return len(keys) + len(names)


def containers(
    podman: Podman, deployment: str, project: str, colour: str, services: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """``podman inspect`` of the services of a colour; those of the operator's project where it is adopted."""
    ours = {
        str(core.labels(one).get(core.SERVICE)): one
        for one in podman.containers({core.LABEL: deployment, core.COLOUR: colour, core.KIND: "service"})
    }
    found = {name: ours.get(name) if ours else podman.compose_container(project, name) for name in services}
    return {name: raw for name, raw in found.items() if raw is not None}


def observe(podman: Podman, deployment: str, project: str, colour: str, services: Sequence[str]) -> dict[str, Settings]:
    """The settings of each running service of a colour."""
    there = containers(podman, deployment, project, colour, services)
    none = Settings(unknown="no container of %s" % colour, missing=True)
    return {name: read(there[name]) if name in there else none for name in services}


def read(container: Mapping[str, Any]) -> Settings:
    """From ``podman inspect``: the environment, and the configuration files named on the command line."""
    env = core.environment(container)
    files: dict[str, Any] = {}
    words = core.command_line(container)
    if shell_line(words):
        # Never the line: it may hold secrets.
        return Settings(env, unknown="its command is a shell line, so its configuration files can't be read from it")
    for path in config_files(words):
        host = core.on_host(container, path)
        text = read_text(host) if host else None
        if text is None:
            return Settings(env, unknown="its %s can't be read from here" % path)
        try:
            merge(files, yamlio.load(text, path))
        except BluegreenError as exc:
            return Settings(env, unknown=exc.msg)
    return Settings(env, files)


def merge(into: dict[str, Any], value: Any) -> None:
    """A later file wins key by key, as Ory merges several -c."""
    for key, given in (value or {}).items() if isinstance(value, Mapping) else ():
        if isinstance(given, Mapping) and isinstance(into.get(key), dict):
            merge(into[key], given)
        else:
            into[str(key)] = json.loads(json.dumps(given, default=str))
