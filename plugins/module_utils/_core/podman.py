# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Podman as we ask it: inspect and ps as JSON, labels as the only claim of ownership."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import BluegreenError, CommandError
from .runner import Result, Runner, check

# Every container, network and volume of ours carries LABEL=<deployment>; nothing without it is ever changed.
LABEL = "olympus.bluegreen.deployment"
COLOUR = "olympus.bluegreen.colour"
RELEASE = "olympus.bluegreen.release"
SERVICE = "olympus.bluegreen.service"
KIND = "olympus.bluegreen.kind"
# A fingerprint of the rendered definition, so that a rerun knows whether a container is what the file says.
CONFIG = "olympus.bluegreen.config"
# Label KIND of what runs once for both colours.
SINGLETON = "singleton"
# And of what answers to the compose names of the coloured services.
RELAY = "relay"
COMPOSE_PROJECT = "com.docker.compose.project"
COMPOSE_SERVICE = "com.docker.compose.service"


# Podman keeps the address for a container that it died over, until the host boots.
HELD = re.compile(r"requested ip address \S+ is already allocated to container ID")
# Not any file that is "not found": an object.
ABSENT = re.compile(
    r"no such (container|image|network|volume|object|pod)|(network|volume) not found|image not known"
    r"|unable to find network|no container with name"
)
HALF_JOINED = "network inspection mismatch"
# What podman, podman-compose and the programs that they start read for themselves. A service's own variable of such a
# name would lead root's podman to another host, another library or another proxy.
STEERS = re.compile(
    r"^(PATH|HOME|USER|LOGNAME|SHELL|ENV|BASH_ENV|IFS|TERM|TMPDIR|TMP|TEMP|TZ|LANG|LANGUAGE|LC_.*|XDG_.*|LD_.*"
    r"|PYTHON(PATH|HOME|STARTUP|WARNINGS|DEBUG|INSPECT|OPTIMIZE"
    r"|VERBOSE|UNBUFFERED|HASHSEED|UTF8|IOENCODING|DONTWRITEBYTECODE|SAFEPATH|NOUSERSITE|DEVMODE|BREAKPOINT|MALLOC)"
    r"|GLIBC_TUNABLES|MALLOC_.*|GCONV_PATH|LOCPATH|NLSPATH|LOCALDOMAIN|RES_OPTIONS|HOSTALIASES"
    r"|CONTAINERS_(CONF|CONF_OVERRIDE|STORAGE_CONF|REGISTRIES_CONF|REGISTRIES_CONF_DIR|SHORT_NAME_ALIASES_CONF)"
    r"|_CONTAINERS_.*|CONTAINER_(HOST|CONNECTION|SSHKEY|PASSPHRASE|PROXY|TLS_.*)|PODMAN_.*|BUILDAH_.*|NETAVARK_.*"
    r"|STORAGE_(DRIVER|OPTS)|DOCKER_(CONFIG|HOST)|SSH_AUTH_SOCK|SSL_CERT_(FILE|DIR)|GNUPGHOME"
    r"|COMPOSE_(FILE|PROJECT_NAME|PROJECT_DIR|PROFILES|PATH_SEPARATOR|ENV_FILES|PODMAN_.*|PARALLEL_LIMIT|ANSI)"
    r"|REGISTRY_AUTH_FILE|REGISTRIES_CONFIG_PATH|DBUS_.*|NOTIFY_SOCKET|LISTEN_.*|GO[A-Z]+|RUST_(LOG|BACKTRACE)|NO_COLOR"
    r"|(HTTPS?|NO|ALL|FTP)_PROXY)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Handed:
    """How a container gets its variables: no value stands on a command line, none reaches podman as its own setting.

    ``arguments`` of ``podman run`` or ``create``; ``env`` for that call; ``file``: the text of ``--env-file``.
    """

    arguments: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    file: str = field(default="", repr=False)


def handed(environment: Mapping[str, str], path: str = "/dev/stdin") -> Handed:
    """``path``: where the call finds ``file``; by default ``file`` is its standard input."""
    env = {name: value for name, value in environment.items() if not STEERS.match(name)}
    file = "".join("%s=%s\n" % pair for pair in environment.items() if pair[0] not in env)
    words = [word for name in sorted(env) for word in ("--env", name)]
    return Handed((*(("--env-file", path) if file else ()), *words), env, file)


class Podman:
    def __init__(self, runner: Runner, executable: str = "podman") -> None:
        self.runner = runner
        self.executable = executable

    def run(
        self, *args: str, env: Mapping[str, str] | None = None, stdin: str | None = None, timeout: float = 120
    ) -> Result:
        return self.runner.run([self.executable, *args], env=env, stdin=stdin, timeout=timeout)

    def must(self, *args: str, fix: str = "", timeout: float = 120) -> str:
        """Standard output of a command that has to succeed."""
        return check(self.run(*args, timeout=timeout), "podman " + " ".join(args[:2]), fix).out

    def containers(self, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        """``podman inspect`` of every container, running or not, that carries all of ``labels``."""
        filters = [part for key, value in labels.items() for part in ("--filter", "label=%s=%s" % (key, value))]
        ids = self.must("ps", "-a", "-q", "--no-trunc", *filters).split()
        return self.inspect("container", ids)

    def inspect(self, kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
        """What exists of ``names`` (kind: container, image, network, volume); one that does not is left out."""
        if not names:
            return []
        # One call for all: what is missing is an error line each, what is there is printed all the same.
        result = self.run(kind, "inspect", *names)
        strange = [line for line in result.err.splitlines() if line.strip() and not _absent(line)]
        if result.rc != 0 and (strange or not result.err.strip()):
            half = any(HALF_JOINED in line for line in strange)
            raise CommandError(
                "podman %s inspect: %s" % (kind, " | ".join(strange[-3:]) or "ended with %d" % result.rc),
                fix="podman was killed while it joined a container to a network: run adopt, which joins it again"
                if half
                else "look whether podman works on this host: podman ps -a",
            )
        return list(json.loads(result.out or "[]"))

    def one(self, kind: str, name: str) -> dict[str, Any] | None:
        found = self.inspect(kind, [name])
        return found[0] if found else None

    def pid(self, container: str) -> int:
        """Of the container's first process; 0 where it does not run or is not there."""
        return int(((self.one("container", container) or {}).get("State") or {}).get("Pid") or 0)

    def compose_container(self, project: str, service: str) -> dict[str, Any] | None:
        """The container that podman-compose made for a service, by its labels (names differ between releases)."""
        found = self.containers({COMPOSE_PROJECT: project, COMPOSE_SERVICE: service})
        return found[0] if found else None

    def service(self, project: str, service: str) -> str:
        """Name of the container of a compose service. Raises BluegreenError where there is none."""
        found = self.compose_container(project, service)
        if found is None:
            raise BluegreenError(
                "project %s has no container of it" % project,
                option="service",
                value=service,
                fix="name the compose project (bluegreen_project) and the service as podman ps shows them",
            )
        return str(found["Name"])


def labels(container: Mapping[str, Any]) -> dict[str, str]:
    return dict((container.get("Config") or {}).get("Labels") or {})


def environment(container: Mapping[str, Any]) -> dict[str, str]:
    """Of ``podman inspect``. Holds secrets."""
    pairs = (str(entry).partition("=") for entry in (container.get("Config") or {}).get("Env") or [])
    return {name: value for name, _sign, value in pairs}


def command(container: Mapping[str, Any]) -> tuple[str, ...]:
    """What the container's entry point was given."""
    return tuple(str(word) for word in (container.get("Config") or {}).get("Cmd") or ())


def command_line(container: Mapping[str, Any]) -> tuple[str, ...]:
    """The entry point and what it is given. Podman 4 tells an entry point of several words as one text."""
    first = (container.get("Config") or {}).get("Entrypoint") or ()
    words = first.split() if isinstance(first, str) else [str(word) for word in first]
    return (*words, *command(container))


def on_host(container: Mapping[str, Any], path: str) -> str:
    """Where a path of the container lies on this host, by the innermost mount over it; '' where it is in none."""
    best = source = ""
    for mount in container.get("Mounts") or []:
        inside = str(mount.get("Destination", "")).rstrip("/")
        if (path == inside or path.startswith(inside + "/")) and len(inside) >= len(best):
            best, source = inside, str(mount.get("Source", ""))
    return os.path.normpath(source + path[len(best) :]) if source else ""


def _absent(err: str) -> bool:
    return bool(ABSENT.search(err.lower()))


def compose_version(out: str) -> str:
    """From ``podman-compose --version``, whose first releases print podman's version too."""
    for line in out.splitlines():
        words = line.lower().replace("podman-compose", "podman_compose")
        if "podman_compose" in words or "compose version" in words:
            return line.split()[-1]
    return ""


def routes(engine: Podman) -> list[dict[str, Any]]:
    """IPv4 routes; a blackhole leads nowhere and holds a range free, so it is left out."""
    result = engine.runner.run(["ip", "-j", "-4", "route", "show"], timeout=10)
    found = json.loads(result.out or "[]") if result.rc == 0 else []
    dead = ("blackhole", "unreachable", "prohibit")
    return [
        {"dst": str(one["dst"]), "dev": str(one.get("dev", ""))}
        for one in found
        if one.get("dst") not in (None, "default") and one.get("type") not in dead
    ]
