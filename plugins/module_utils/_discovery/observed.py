# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container as discovery sees it: what its inspect says, or what a compose file says of a service. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core import podman
from .._ory.cli import config_files

PROJECT = (podman.COMPOSE_PROJECT, "io.podman.compose.project")
SERVICE = (podman.COMPOSE_SERVICE, "io.podman.compose.service")
# scheme://user:password@host:port, whatever the password holds.
URL = re.compile(
    r"\b([a-z][a-z0-9+.-]*)://(?:[^/\s]*@)?(\[[0-9a-f:]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?(/[^\s\"'|;)]*)?"
)
# host:port without a scheme.
BARE = re.compile(r"(?<![\w.:@/-])([A-Za-z0-9][A-Za-z0-9_.-]*):(\d{1,5})(?![\d.])")
# Variables whose whole value may be a host name.
HOSTLIKE = re.compile(r"(HOST|ADDR|SERVER|ENDPOINT|URL|URI)")


@dataclass(frozen=True)
class Seen:
    """``files``: text of the configuration files that its command names, by path inside; ``config``: what they say
    together. ``listens``: ports that its processes have open to others; empty where nothing looked. ``published``: port
    inside -> (address, port) of the host.
    ``env``, ``files`` and ``config`` hold secrets and are never shown.
    """

    name: str
    service: str
    project: str = ""
    image: str = ""
    words: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    running: bool = True
    exit_code: int = 0
    restart: str = ""
    health: str = ""
    mounts: tuple[Mapping[str, Any], ...] = ()
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    published: Mapping[int, tuple[str, int]] = field(default_factory=dict)
    exposed: tuple[int, ...] = ()
    workdir: str = ""
    pid: int = 0
    id: str = ""
    needs: tuple[str, ...] = ()
    listens: frozenset[int] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def setting(self, variable: str, *path: str) -> str:
        """What a variable of its environment says, or else the key of its configuration that it stands for."""
        value: Any = self.env.get(variable) or self.config
        for key in path if not isinstance(value, str) else ():
            value = value.get(key) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) else ""

    @property
    def colour(self) -> str:
        """Which colour of ours it is of; '' for the operator's own container."""
        return self.labels.get(podman.COLOUR, "")

    @property
    def ours(self) -> bool:
        return podman.LABEL in self.labels

    @property
    def tokens(self) -> list[str]:
        """Its command line with shell lines taken apart."""
        return [token for word in self.words for token in word.split()]

    def texts(self) -> Iterator[str]:
        yield from self.env.values()
        yield from self.files.values()

    def dials(self) -> list[str]:
        """Host names in its environment and its configuration files, each once."""
        found = [host for text in self.texts() for host in hosts(text)]
        found += [value for name, value in self.env.items() if HOSTLIKE.search(name)]
        return list(dict.fromkeys(found))


def hosts(text: str) -> list[str]:
    return [match[2] for match in URL.finditer(text)] + [match[1] for match in BARE.finditer(text)]


def urls(text: str) -> Iterator[tuple[str, str, int, str]]:
    """(scheme, host, port or 0, path)."""
    for match in URL.finditer(text):
        yield match[1], match[2].strip("[]"), int(match[3] or 0), match[4] or ""


def _words(value: Any) -> list[str]:
    """An entrypoint or a command: a list, or (Podman 4, compose files) one text."""
    if isinstance(value, str):
        return value.split()
    return [str(word) for word in value or ()]


def _label(labels: Mapping[str, str], names: Iterable[str]) -> str:
    return next((str(labels[name]) for name in names if labels.get(name)), "")


def _published(bindings: Mapping[str, Any]) -> dict[int, tuple[str, int]]:
    found: dict[int, tuple[str, int]] = {}
    for inside, bound in bindings.items():
        number, _slash, protocol = str(inside).partition("/")
        for one in bound or ():
            if protocol in ("", "tcp") and number.isdigit() and str(one.get("HostPort", "")).isdigit():
                found.setdefault(int(number), (str(one.get("HostIp") or ""), int(one["HostPort"])))
    return found


def from_inspect(inspect: Mapping[str, Any], listens: Iterable[int] = ()) -> Seen:
    """Of one ``podman inspect``. A container of ours goes by the service that its label names."""
    config, host, state = (inspect.get(key) or {} for key in ("Config", "HostConfig", "State"))
    network = inspect.get("NetworkSettings") or {}
    nets = [one for one in (network.get("Networks") or {}).values() if isinstance(one, Mapping)]
    labels = podman.labels(inspect)
    bound = network.get("Ports") or host.get("PortBindings") or {}
    exposed = [str(one).partition("/")[0] for one in [*(config.get("ExposedPorts") or {}), *bound]]
    health = config.get("Healthcheck") or {}
    return Seen(
        name=str(inspect.get("Name", "")),
        service=labels.get(podman.SERVICE) or _label(labels, SERVICE),
        project=_label(labels, PROJECT),
        image=str(inspect.get("ImageName") or config.get("Image") or ""),
        words=(*_words(config.get("Entrypoint")), *_words(config.get("Cmd"))),
        env=podman.environment(inspect),
        labels=labels,
        running=bool(state.get("Running")),
        exit_code=int(state.get("ExitCode") or 0),
        restart=str((host.get("RestartPolicy") or {}).get("Name") or ""),
        health=" ".join(_words(health.get("Test") if isinstance(health, Mapping) else None)),
        mounts=tuple(inspect.get("Mounts") or ()),
        addresses=tuple(str(one["IPAddress"]) for one in nets if one.get("IPAddress")),
        aliases=tuple(str(alias) for one in nets for alias in one.get("Aliases") or ()),
        published=_published(bound),
        exposed=tuple(dict.fromkeys(int(one) for one in exposed if one.isdigit())),
        workdir=str(config.get("WorkingDir") or ""),
        pid=int(state.get("Pid") or 0),
        id=str(inspect.get("Id") or ""),
        needs=tuple(str(one) for one in inspect.get("Dependencies") or ()),
        listens=frozenset(listens),
    )


def from_compose(name: str, given: Mapping[str, Any]) -> Seen:
    """Of one service of a compose file, as podman-compose prints it or as it is written."""
    health = given.get("healthcheck") or {}
    depends = given.get("depends_on") or ()
    return Seen(
        name=str(given.get("container_name") or ""),
        service=name,
        image=str(given.get("image") or ""),
        words=(*_words(given.get("entrypoint")), *_words(given.get("command"))),
        env=environment(given.get("environment")),
        restart=str(given.get("restart") or ""),
        health=" ".join(_words(health.get("test") if isinstance(health, Mapping) else None)),
        exposed=tuple(int(one) for one in map(str, given.get("expose") or ()) if one.isdigit()),
        needs=tuple(str(one) for one in depends),
    )


def environment(value: Any) -> dict[str, str]:
    """A compose file's ``environment``: a mapping or a list of NAME=value."""
    if isinstance(value, Mapping):
        return {str(name): "" if one is None else str(one) for name, one in value.items()}
    pairs = (str(entry).partition("=") for entry in value or ())
    return {name: one for name, _sign, one in pairs}


def configuration(seen: Seen) -> list[str]:
    """Paths of the configuration files that a Kratos or Hydra is started with (``-c`` after the program's name)."""
    tokens = seen.tokens
    at = next((at for at, token in enumerate(tokens) if token.rpartition("/")[2] in ("kratos", "hydra")), -1)
    return config_files(tokens[at + 1 :] if at >= 0 else tokens)
