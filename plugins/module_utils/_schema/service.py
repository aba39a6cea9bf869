# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One service of the rendered compose file of the new release: fully interpolated, so what is read is what runs."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._core import dsn, yaml
from .._core.errors import BluegreenError
from .._core.files import read_text
from .._core.podman import Podman


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
    dsn_env: str = "DSN"
    # Whether PGHOST and the like say where the database is, if that variable does not.
    libpq: bool = False

    @property
    def dsn(self) -> dsn.Dsn:
        url = dsn.plain(self.environment.get(self.dsn_env, ""))
        if not url and self.libpq and self.environment.get("PGHOST"):
            url = "postgres://"
        if not url:
            raise BluegreenError(
                "it has no environment variable %s" % self.dsn_env,
                option="target.service",
                value=self.name,
                fix="give it the database's address there, as postgres://user:password@host:5432/name (in the compose"
                " file: environment or env_file)",
            )
        return dsn.parse(url, self.name, self.environment)


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
        return yaml.unescape(value)
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
            fix="name a service of the compose file in bluegreen_schema_targets",
        )
    if not given.get("image"):
        raise BluegreenError(
            "the rendered service has no image",
            option="target.service",
            value=name,
            fix="give it an image in the compose file, or build it first",
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


def mounted(podman: Podman, document: Mapping[str, Any], name: str) -> Service:
    """A service with named volumes by their full names; podman would make one that is not there yet, and without its
    options. And with the files of its secrets where podman-compose puts them."""
    service, volumes = parse(document, name), []
    for volume in service.volumes:
        source, _sign, rest = volume.partition(":")
        if source and not source.startswith("/"):
            declared = (document.get("volumes") or {}).get(source) or {}
            source = str(declared.get("name") or source)
            if podman.one("volume", source) is None:
                continue
        # One without a source, or a target alone, has nothing of this host.
        volumes.append("%s:%s" % (source, rest) if source and rest else (source or rest).partition(":")[0])
    return replace(service, volumes=(*volumes, *_secrets(document, name)))


def _secrets(document: Mapping[str, Any], name: str) -> Iterator[str]:
    """One that podman itself keeps is not among them."""
    for given in document["services"][name].get("secrets") or []:
        entry = given if isinstance(given, Mapping) else {"source": given}
        path = ((document.get("secrets") or {}).get(entry["source"]) or {}).get("file")
        if path:
            target = os.path.join("/run/secrets", str(entry.get("target") or entry["source"]))
            yield yaml.unescape("%s:%s:ro" % (path, target))


def read_only(volumes: Iterable[str]) -> tuple[str, ...]:
    """The same mounts of which nothing is written: what is tried must leave no trace in the operator's files."""
    return tuple(_read_only(volume) for volume in volumes)


def _read_only(volume: str) -> str:
    if ":" not in volume:
        return volume
    source, target, *options = volume.split(":")
    others = [word for word in ",".join(options).split(",") if word not in ("", "rw", "ro")]
    return ":".join((source, target, ",".join([*others, "ro"])))


def read(path: str, name: str) -> Service:
    return parse(load(path), name)


def load(path: str) -> Any:
    """The rendered compose file."""
    text = read_text(path)
    if text is None:
        raise BluegreenError("no such file", option="compose_file", value=path, fix="render the release first")
    return yaml.load(text, path)
