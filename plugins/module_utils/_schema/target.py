# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A schema target: a database, and the program that migrates it, Ory's own or any other. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .._core.errors import Refused

# With no_log, as it holds what the program logs in with.
OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "product": {"type": "str", "choices": ["kratos", "hydra"]},
    "service": {"type": "str"},
    "database": {"type": "str"},
    "image": {"type": "str"},
    "command": {"type": "list", "elements": "str"},
    "status_command": {"type": "list", "elements": "str"},
    "status_pattern": {"type": "str"},
    "applied_query": {"type": "str"},
    "dsn_env": {"type": "str"},
    "environment": {"type": "dict", "no_log": True},
    "volumes": {"type": "list", "elements": "str"},
}


@dataclass(frozen=True)
class Target:
    """With ``command`` it is any migrator's, else Ory's. ``environment`` holds secrets."""

    name: str
    product: str = ""
    service: str = ""
    database: str = ""
    image: str = ""
    command: tuple[str, ...] = ()
    status_command: tuple[str, ...] = ()
    status_pattern: str = r"\S"
    applied_query: str = ""
    dsn_env: str = "DSN"
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    volumes: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        return self.database or self.name


def target_of(given: Mapping[str, Any], compose_file: str) -> Target:
    """From a module's options. Raises Refused for what says no program, or nothing to judge it by."""
    known = {one.name for one in fields(Target)}
    said = {key: value for key, value in given.items() if value is not None and key in known}
    said.update({key: tuple(map(str, value)) for key, value in said.items() if isinstance(value, list)})
    said["environment"] = {str(key): str(value) for key, value in (said.get("environment") or {}).items()}
    made = Target(**said)
    _refuse(made, compose_file)
    return made


def _refuse(target: Target, compose_file: str) -> None:
    def wrong(option: str, what: str, fix: str) -> Refused:
        return Refused("schema target %s: %s" % (target.name, what), option="target." + option, fix=fix)

    if bool(target.product) == bool(target.command):
        what = "it has both" if target.product else "it has neither"
        raise wrong(
            "command",
            "a product of Ory or a command says what migrates it, and " + what,
            "give product: kratos or hydra, or the command of another migrator",
        )
    if target.product:
        for key in ("service", "database"):
            if not getattr(target, key):
                raise wrong(key, "product %s needs it" % target.product, "name the %s" % key)
    elif not target.status_command and not target.applied_query:
        raise wrong(
            "status_command",
            "nothing says which migrations are pending or applied",
            "give a status_command that prints what is pending, or an applied_query",
        )
    elif not (target.service if compose_file else target.image):
        key = "service" if compose_file else "image"
        raise wrong(key, "nothing says which image migrates it", "name the %s of its migrator" % key)
    try:
        re.compile(target.status_pattern)
    except re.error as exc:
        raise wrong("status_pattern", "no regular expression (%s)" % exc, "correct it") from exc
