# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our own sessions in a service's database: by its DSN, to the same server, with the same proof of who answers."""

from __future__ import annotations

import ipaddress
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from .._core import dsn, postgres
from .._core import podman as core
from .._core.errors import BluegreenError
from .._core.netns import network_of
from .service_files import View

Raw = Mapping[str, Any]
Connect = Callable[[dict[str, Any], Callable[[], AbstractContextManager[None]]], postgres.Db]
# libpq takes this word for "the system's authorities" from here on; an older one looks for a file of that name.
SYSTEM_SINCE = 160000


@dataclass(frozen=True)
class Way:
    """How a server is reached: through the network of process ``pid`` (0: this host's), at these addresses."""

    pid: int = 0
    hostaddr: str = ""
    host: str = ""


def open_session(
    address: dsn.Dsn,
    application: str,
    view: View,
    servers: Sequence[Raw] = (),
    connect: Connect = postgres.connect,
    enter: Callable[[int], AbstractContextManager[None]] = network_of,
) -> postgres.Db:
    """``servers``: containers (podman inspect) that may be the DSN's; ``view``: the files of the DSN's own service.

    Raises BluegreenError where the server can't be reached, or can't prove what the DSN wants proven.
    """
    found = way(address, servers, view)
    with tempfile.TemporaryDirectory(prefix="olympus-bluegreen-") as private:
        given = keywords(address, found, files(address, view, private), application)
        try:
            return connect(given, lambda: enter(found.pid) if found.pid else nullcontext())
        except BluegreenError as exc:
            raise _in_its_words(exc, address, view, private) from None


def keywords(address: dsn.Dsn, found: Way, own: Mapping[str, str], application: str) -> dict[str, str]:
    """The DSN as libpq takes it where that way begins. ``own``: its files, by where they lie there."""
    given = {
        **address.keywords,
        **own,
        "sslmode": address.sslmode,
        "host": found.host or address.host,
        "application_name": application,
        "connect_timeout": "5",
    }
    return {**given, "hostaddr": found.hostaddr} if found.hostaddr else given


def way(address: dsn.Dsn, servers: Sequence[Raw], view: View) -> Way:
    """Pure. A host of the DSN is a container by its names or addresses, else what the service's extra_hosts say."""
    sockets = [host for host in address.hosts if host.startswith("/")]
    if sockets:
        return _socket(address, sockets, view)
    found = named(address, servers, view)
    for raw in found.values():
        if not _pid(raw):
            raise BluegreenError("container %s does not run" % raw.get("Name"), fix="podman start it")
    first = next(iter(found.values()), None)
    at = [_address(found[host], first) if host in found else _extra(host, view) for host in address.hosts]
    return Way(_pid(first) if first else 0, ",".join(at) if any(at) else "")


def named(address: dsn.Dsn, servers: Sequence[Raw], view: View) -> dict[str, Raw]:
    """Host of the DSN -> the container that it means."""
    return {host: raw for host in address.hosts for raw in servers if _called(host, view) & names(raw)}


def _socket(address: dsn.Dsn, sockets: Sequence[str], view: View) -> Way:
    here = [view.on_host(path) for path in sockets]
    if not all(here) or len(sockets) != len(address.hosts):
        raise BluegreenError(
            "the DSN of %s leads to a socket in %s, which is no mount of it" % (view.name, ", ".join(sockets)),
            fix="mount that directory of this host into the service, or name PostgreSQL's host and port",
        )
    return Way(host=",".join(here))


def names(raw: Raw) -> set[str]:
    """What others on its networks call a container."""
    networks = ((raw.get("NetworkSettings") or {}).get("Networks") or {}).values()
    found = {str(raw.get("Name", "")), core.labels(raw).get(core.COMPOSE_SERVICE, "")}
    found.add(str((raw.get("Config") or {}).get("Hostname") or ""))
    for one in networks:
        found.update([*(one.get("Aliases") or []), str(one.get("IPAddress") or "")])
        found.add(str(one.get("GlobalIPv6Address") or ""))
    return {name.lower() for name in found if name}


def _called(host: str, view: View) -> set[str]:
    return {host.rstrip(".").lower(), _extra(host, view)} - {""}


def _pid(raw: Raw) -> int:
    return int((raw.get("State") or {}).get("Pid") or 0)


def _address(raw: Raw, near: Raw | None) -> str:
    """Its address on a network of ``near``, whose network we enter. One without any is asked on its loopback."""
    own = (raw.get("NetworkSettings") or {}).get("Networks") or {}
    others = ((near or {}).get("NetworkSettings") or {}).get("Networks") or {}
    there = [str(own[name]["IPAddress"]) for name in own if name in others and own[name].get("IPAddress")]
    return there[0] if there else "127.0.0.1" if raw is near else ""


def _extra(host: str, view: View) -> str:
    for pair in view.extra_hosts:
        name, _sign, given = pair.partition(":")
        if name.lower() == host.lower():
            try:
                return str(ipaddress.ip_address(given.strip("[]")))
            except ValueError:
                return ""
    return ""


def files(address: dsn.Dsn, view: View, private: str) -> dict[str, str]:
    """The DSN's files as files of this host: the CA where it lies, what is secret or only inside as a private copy."""
    found = {}
    for key in dsn.FILES:
        path = address.keywords.get(key, "")
        if path and not (key == "sslrootcert" and (path == "system" or not _verifies(address))):
            found[key] = _file(view, key, path, private)
    root = address.keywords.get("sslrootcert", "")
    if root in ("", "system") and address.sslmode.startswith("verify-"):
        if root == "system" and postgres.libpq_version() >= SYSTEM_SINCE:
            return {**found, "sslrootcert": root}
        # By none pgx means the authorities of the service's own system; libpq means a file in a home directory.
        view.bundle(os.path.join(private, "authorities"))
        found["sslrootcert"] = os.path.join(private, "authorities")
    elif root and not _verifies(address):
        # A file that is not there: with prefer, libpq would fall back to no TLS at all where the CA does not fit.
        found["sslrootcert"] = os.path.join(private, "none")
    return found


def _verifies(address: dsn.Dsn) -> bool:
    return address.sslmode in ("require", "verify-ca", "verify-full")


def _file(view: View, key: str, path: str, private: str) -> str:
    here = view.on_host(path)
    if key in ("sslrootcert", "sslcert") and here and os.access(here, os.R_OK) and os.path.isfile(here):
        return here
    copy = os.path.join(private, key)
    view.read(path, copy, "%s file" % key)
    return copy


def _in_its_words(exc: BluegreenError, address: dsn.Dsn, view: View, private: str) -> BluegreenError:
    """Whose connection it was, files by the names that the DSN has, and no password."""
    text = dsn.redact(exc.msg, address)
    for key in dsn.FILES:
        if address.keywords.get(key):
            text = text.replace(os.path.join(private, key), address.keywords[key])
    fix = exc.fix.replace("<CA>", address.keywords.get("sslrootcert") or "the system's authorities")
    return type(exc)("%s: %s" % (view.name, text), fix=fix.replace("<service>", view.name), partial=exc.partial)
