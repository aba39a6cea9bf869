# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One service of the rendered compose file of the new release: fully interpolated, so what is read is what runs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.olympus.bluegreen.plugins.module_utils._compose.render import unescape
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.errors import BluegreenError
from ansible_collections.olympus.bluegreen.plugins.module_utils._core.files import read_text
from ansible_collections.olympus.bluegreen.plugins.module_utils._schema import dsn

try:
    import yaml
except ImportError:
    YAML_MISSING = True
else:
    YAML_MISSING = False


@dataclass(frozen=True)
class Service:
    """``environment`` holds secrets: never print it. ``volumes`` are host:container[:options] texts."""

    name: str
    image: str
    environment: Mapping[str, str] = field(repr=False)
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    working_dir: str = ""
    user: str = ""

    @property
    def dsn(self) -> dsn.Dsn:
        url = self.environment.get("DSN", "")
        if not url:
            raise BluegreenError(
                "it has no environment variable DSN",
                option="target.service",
                value=self.name,
                mend="give the service its DSN in the compose file (environment or env_file)",
            )
        return dsn.parse(url, self.name)


def _words(value: Any) -> tuple[str, ...]:
    if not value:
        return ()
    return tuple(shlex.split(value)) if isinstance(value, str) else tuple(str(word) for word in value)


def _pairs(value: Any, sign: str) -> dict[str, str]:
    """A compose mapping, written as a mapping or as a list of NAME<sign>VALUE."""
    if isinstance(value, Mapping):
        return {str(key): "" if given is None else str(given) for key, given in value.items()}
    return {name: given for name, _sign, given in (str(item).partition(sign) for item in value or [])}


def _volume(value: Any) -> str:
    if isinstance(value, str):
        return value
    mode = ":ro" if value.get("read_only") else ""
    return "%s:%s%s" % (value.get("source", ""), value.get("target", ""), mode)


def _plain(value: Any) -> Any:
    """Without the rendered file's protection of ``$``, which is for podman-compose."""
    if isinstance(value, str):
        return unescape(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return value


def parse(document: Any, name: str) -> Service:
    services = document.get("services") if isinstance(document, dict) else None
    given = services.get(name) if isinstance(services, dict) else None
    if not isinstance(given, dict):
        raise BluegreenError(
            "not a service of the rendered compose file",
            option="target.service",
            value=name,
            mend="name a service of the compose file in bluegreen_schema_targets",
        )
    if not given.get("image"):
        raise BluegreenError(
            "the rendered service has no image",
            option="target.service",
            value=name,
            mend="give it an image in the compose file, or build it first",
        )
    given = _plain(given)
    return Service(
        name=name,
        image=str(given["image"]),
        environment=_pairs(given.get("environment"), "="),
        command=_words(given.get("command")),
        entrypoint=_words(given.get("entrypoint")),
        volumes=tuple(_volume(volume) for volume in given.get("volumes") or []),
        extra_hosts=tuple("%s:%s" % pair for pair in _pairs(given.get("extra_hosts"), ":").items()),
        working_dir=str(given.get("working_dir") or ""),
        user=str(given.get("user") or ""),
    )


def read(path: str, name: str) -> Service:
    if YAML_MISSING:
        raise BluegreenError("PyYAML is not there", mend="install python3-yaml on this host (podman-compose needs it)")
    text = read_text(path)
    if text is None:
        raise BluegreenError("no such file", option="compose_file", value=path, mend="render the release first")
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        # Without the parser's own words: they quote the file, and the file holds secrets.
        raise BluegreenError(
            "not YAML", option="compose_file", value=path, mend="render the release again: type the stage again"
        ) from exc
    return parse(document, name)
