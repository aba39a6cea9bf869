# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a service as it sees them: a DSN names its CA by the path inside the container, not by this host's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from .._core import podman as core
from .._core.errors import BluegreenError
from .._core.podman import Podman
from . import oneshot
from .service import Service

# Where programs written in Go look for the system's authorities, in their order.
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def _nowhere(path: str, to: str) -> str:
    return "no container to ask"


@dataclass(frozen=True)
class View:
    """``mounts`` as ``podman inspect`` has them; ``copy`` takes a path inside and a new file here, '' or why not."""

    name: str
    mounts: tuple[Mapping[str, str], ...] = ()
    workdir: Callable[[], str] = str
    copy: Callable[[str, str], str] = _nowhere
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    extra_hosts: tuple[str, ...] = ()

    def inside(self, path: str) -> str:
        return os.path.normpath(os.path.join(self.workdir() or "/", path)) if not os.path.isabs(path) else path

    def on_host(self, path: str) -> str:
        """The host's path of a file or directory that is in a mount; '' where it lies in the image."""
        return core.on_host({"Mounts": self.mounts}, self.inside(path))

    def read(self, path: str, to: str, what: str) -> None:
        """Copy a file of the service to ``to``, which only this user may read. ``what`` names it in the error."""
        source, why = self.on_host(path), ""
        with open(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
            try:
                if source:
                    with open(source, "rb") as given:
                        handle.write(given.read())
            except OSError as exc:
                why = "%s: %s" % (source, exc.strerror)
        if not source:
            why = self.copy(self.inside(path), to)
            with suppress(OSError):
                os.chmod(to, 0o600)
        if why:
            raise BluegreenError(
                "service %s has no %s %s (%s)" % (self.name, what, path, why),
                fix="mount the file into that service, or correct the path in its DSN",
            )

    def bundle(self, to: str) -> None:
        """Copy the authorities that the service's own system trusts."""
        given = self.environment.get("SSL_CERT_FILE", "")
        for path in [given] if given else BUNDLES:
            with suppress(BluegreenError):
                self.read(path, to, "file of authorities")
                return
        raise BluegreenError(
            "service %s has no system's authorities to verify PostgreSQL's certificate with" % self.name,
            fix="name the CA in its DSN: sslrootcert=<path in the container>",
        )


def of_container(podman: Podman, raw: Mapping[str, Any], name: str = "") -> View:
    """``raw``: ``podman inspect`` of the service's own container, running or not."""
    config, host = raw.get("Config") or {}, raw.get("HostConfig") or {}
    container = str(raw.get("Name", ""))
    return View(
        name or container,
        tuple(raw.get("Mounts") or ()),
        lambda: str(config.get("WorkingDir") or "/"),
        lambda path, to: _copied(podman, container, path, to),
        core.environment(raw),
        tuple(host.get("ExtraHosts") or ()),
    )


def of_release(podman: Podman, service: Service, labels: Mapping[str, str], extra_hosts: tuple[str, ...] = ()) -> View:
    """A service that has no container yet. What lies in no mount is copied from one that is made and never started."""
    mounts = (volume.split(":") for volume in service.volumes)

    def workdir() -> str:
        image = podman.one("image", service.image) or {}
        return service.working_dir or str((image.get("Config") or {}).get("WorkingDir") or "/")

    def copy(path: str, to: str) -> str:
        with _made(podman, service, labels) as (container, why):
            return why or _copied(podman, container, path, to)

    return View(
        service.name,
        tuple({"Source": one[0], "Destination": one[1]} for one in mounts if one[0].startswith("/") and len(one) > 1),
        workdir,
        copy,
        service.environment,
        extra_hosts or service.extra_hosts,
    )


@contextmanager
def _made(podman: Podman, service: Service, labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    name = "%s-files" % "-".join(labels.values())
    oneshot.clear(podman, labels, 10.0)
    given = [part for key, value in labels.items() for part in ("--label", "%s=%s" % (key, value))]
    given += [part for volume in service.volumes for part in ("--volume", volume)]
    made = podman.run("create", "--name", name, "--pull", "never", "--network", "none", *given, service.image, "-")
    try:
        yield name, "" if made.rc == 0 else made.last_words()
    finally:
        podman.run("rm", "-f", "-t", "0", name)


def _copied(podman: Podman, container: str, path: str, to: str) -> str:
    result = podman.run("cp", "%s:%s" % (container, path), to)
    if result.rc == 0 and os.path.isfile(to) and os.path.getsize(to):
        return ""
    return result.last_words() or "it is empty or no file"
