# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether two colours keep the same secrets, so that what one signed the other accepts. Values are never printed.

Read from the containers as they run, not from what was meant to run. A rotated list is alike as long as each side's
first entry, with which it signs, is known to the other: no session is lost by the cutover, nor by the rollback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._core import podman as core
from .._core.podman import Podman
from .container_settings import Settings, read
from .model import CheckResult

# Ory takes any configuration key as an environment variable, which wins. Lists: the first signs, all verify.
LISTS = {
    "kratos": ("secrets.cookie", "secrets.cipher", "secrets.default"),
    "hydra": ("secrets.system", "secrets.cookie"),
}
EQUAL = {
    "kratos": ("session.cookie.name", "session.cookie.domain", "cookies.domain", "cookies.path"),
    "hydra": ("oidc.subject_identifiers.pairwise.salt", "urls.self.issuer", "serve.cookies.domain"),
}
NO_SECRET = (
    "nothing was compared: neither colour is given a secret (%s), so each container makes its own. Fix: set them by "
    "environment, by env_file or in a file of -c"
)
NO_KEY = (
    "nothing was compared: no variable of it is called like a key. Fix: list the names that both colours must share "
    "under alike of the service in bluegreen_services ([] where there are none)"
)
NOWHERE = "%s is set on neither side. Fix: correct alike of the service in bluegreen_services"
# Other services have no schema to go by: what is called like a key has to be the same.
LIKE_A_KEY = re.compile(r"(^|_)(SECRET|SECRETS|SALT|ENCRYPTION_KEY|SIGNING_KEY|COOKIE_KEY)(_|$)")


UNSEEN = Settings(unknown="its container was not looked at")


def entries(value: Any) -> list[str]:
    """A list of secrets as Ory reads it: a YAML list, or a string with JSON or commas."""
    if value in (None, ""):
        return []
    if isinstance(value, str):
        value = _listed(value.strip())
    listed = value if isinstance(value, (list, tuple)) else [value]
    return [str(one).strip() for one in listed if str(one).strip()]


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
        mine, others = entries(here.get(key)), entries(there.get(key))
        if bool(mine) != bool(others):
            found.append("%s is set on one side only" % key)
        elif mine and mine[0] not in others:
            found.append("%s: what this colour signs the other does not know" % key)
        elif mine and others[0] not in mine:
            found.append("%s: what the other signs this colour does not know" % key)
    found += ["%s differs" % key for key in EQUAL.get(kind, ()) if here.get(key) != there.get(key)]
    given = _variables(kind, here, there, also)
    found += ["%s differs" % name for name in given if here.env.get(name) != there.env.get(name)]
    lost = sorted(set(also) - {*here.env, *there.env})
    return found + [NOWHERE % name for name in lost]


def _variables(kind: str, here: Settings, there: Settings, also: Sequence[str]) -> list[str]:
    """Names of variables that are compared as they are: the operator's, keys by their name, single entries of lists."""
    every = {*here.env, *there.env}
    if kind not in LISTS:
        return sorted(name for name in every if name in also or LIKE_A_KEY.search(name))
    starts = tuple(key.upper().replace(".", "_") + "_" for key in LISTS[kind])
    numbered = {name for name in every if name.upper().startswith(starts) and name.rpartition("_")[2].isdigit()}
    return sorted(numbered | (every & set(also)))


def judge(name: str, kind: str, here: Settings, there: Settings, alike: Sequence[str] | None = None) -> CheckResult:
    """Whether a service of two colours keeps the same secrets. What can't be told is no pass.

    ``alike``: further names of the operator; an empty list says that there is nothing to share, None says nothing.
    """
    if there.missing and not here.unknown:
        return CheckResult("secrets", name, True, there.unknown, 0.0, untested=there.unknown, other=there.unknown)
    unknown = [one.unknown for one in (here, there) if one.unknown]
    found = list(dict.fromkeys(unknown)) or differences(kind, here, there, alike or ())
    names = compared(kind, here, there, alike or ())
    if not found and kind in LISTS and not any(key in names for key in LISTS[kind]):
        found = [NO_SECRET % ", ".join(LISTS[kind])]
    same = "%d settings are alike: %s" % (len(names), ", ".join(names)) if names else NO_KEY
    # A site has no sessions of its own.
    silent = bool(found or names) or kind == "site" or alike is not None
    detail = "; ".join(found) or same
    return CheckResult("secrets", name, not found, detail, 0.0, untested="" if silent else NO_KEY)


def compared(kind: str, here: Settings, there: Settings, also: Sequence[str] = ()) -> list[str]:
    """Names of the settings that both sides have, and that a comparison has looked at."""
    keys = [key for key in LISTS.get(kind, ()) if entries(here.get(key)) and entries(there.get(key))]
    keys += [key for key in EQUAL.get(kind, ()) if here.get(key) not in (None, "")]
    # A list that is given entry by entry is that list.
    given = _variables(kind, here, there, also)
    numbered = [key for key in LISTS.get(kind, ()) if any(_entry(name, key) for name in given)]
    others = [name for name in given if not any(_entry(name, key) for key in numbered)]
    return [*dict.fromkeys([*keys, *numbered]), *others]


def _entry(name: str, key: str) -> bool:
    return name.upper().rpartition("_")[0] == key.upper().replace(".", "_")


def containers(
    podman: Podman, deployment: str, project: str, colour: str, services: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """``podman inspect`` of the services of a colour; those of the operator's project where it is adopted."""
    found = {
        str(core.labels(one).get(core.SERVICE)): one
        for one in podman.containers({core.LABEL: deployment, core.COLOUR: colour, core.KIND: "service"})
    }
    by_name = {name: found.get(name) if found else podman.compose_container(project, name) for name in services}
    return {name: raw for name, raw in by_name.items() if raw is not None}


def observe(
    podman: Podman, deployment: str, project: str, colour: str, services: Mapping[str, Mapping[str, Any]]
) -> dict[str, Settings]:
    """The settings of each running service of a colour. ``services``: as in bluegreen_services."""
    there = containers(podman, deployment, project, colour, list(services))
    none = Settings(unknown="no container of %s" % colour, missing=True)
    return {name: settings_of(podman, there[name], one) if name in there else none for name, one in services.items()}


def settings_of(podman: Podman, container: Mapping[str, Any], service: Mapping[str, Any]) -> Settings:
    """``service``: its entry in bluegreen_services."""
    kind, also = str(service.get("kind", "other")), service.get("alike") or ()

    def secret_file(name: str) -> bool:
        """``SESSION_SECRET_FILE=/run/secrets/x``: the path may be alike where the secret is not."""
        return name.endswith("_FILE") and (name in also or (kind not in LISTS and bool(LIKE_A_KEY.search(name))))

    return read(container, podman, kind if kind in LISTS else "", secret_file)
