# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The old and the new program of a service, and what migrates its database, each with an environment of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..._core import podman as core
from ..._core.dsn import Dsn
from ..._core.errors import BluegreenError
from ..._core.podman import Podman
from ..._schema import any_migrator, image_migrations
from ..._schema import service as release
from . import address

# As behind the edge, TLS has ended before a question gets here; no configuration knows the address that asks.
BEHIND_TLS = {
    "SERVE%s_TLS_ALLOW_TERMINATION_FROM" % which: "0.0.0.0/0" for which in ("", "_PUBLIC", "_ADMIN")
}  # fmt: skip
# Podman sets them itself.
OF_PODMAN = ("HOSTNAME", "container")


@dataclass(frozen=True)
class Binary:
    """``service``: image, entrypoint, command, environment and mounts (read only). ``tag`` is its name in sentences,
    ``form`` its migration command. ``product`` is '' for a program that is no Ory."""

    service: release.Service
    product: str
    image: image_migrations.Image
    form: image_migrations.Form
    tag: str

    @property
    def label(self) -> str:
        return "%s %s" % (self.product.capitalize() or self.service.name, self.tag)

    def migration(self) -> tuple[str, ...]:
        if not self.product:
            return self.image.before + self.form.up
        words = (*self.service.entrypoint, *self.service.command)
        return self.image.before + self.form.up + image_migrations.config_arguments(words)


def of_release(
    podman: Podman, document: Mapping[str, Any], name: str, product: str, state_dir: str, dsn_env: str = "DSN"
) -> Binary:
    """As the rendered release would run it."""
    return _binary(podman, release.mounted(podman, document, name), product, state_dir, dsn_env)


def of_target(podman: Podman, document: Mapping[str, Any], target: any_migrator.Target, compose_file: str) -> Binary:
    """Any migrator of the rendered release."""
    service = any_migrator.service_of(target, compose_file)
    volumes = (*release.mounted(podman, document, target.service).volumes, *target.volumes)
    service = replace(service, volumes=release.read_only(volumes))
    image = any_migrator.image_of(podman, service)
    return Binary(service, "", image, image_migrations.Form(target.command), tag(podman, image.id))


def of_container(
    podman: Podman, raw: Mapping[str, Any], name: str, product: str, state_dir: str, dsn_env: str = "DSN"
) -> Binary:
    """As it runs now. ``raw``: ``podman inspect``; its whole command line, as Podman tells it in Path and Args."""
    environment = {key: value for key, value in core.environment(raw).items() if key not in OF_PODMAN}
    mounts = raw.get("Mounts") or []
    service = release.Service(
        name=name,
        image=str(raw["Image"]),
        environment=environment,
        command=tuple(str(word) for word in raw.get("Args") or ()),
        entrypoint=(str(raw["Path"]),),
        volumes=tuple("%s:%s" % (one["Source"], one["Destination"]) for one in mounts if one.get("Source")),
        working_dir=str((raw.get("Config") or {}).get("WorkingDir") or ""),
        user=str((raw.get("Config") or {}).get("User") or ""),
    )
    return _binary(podman, service, product, state_dir, dsn_env)


def _binary(podman: Podman, service: release.Service, product: str, state_dir: str, dsn_env: str) -> Binary:
    service = replace(service, volumes=release.read_only(service.volumes), dsn_env=dsn_env, libpq=not product)
    if not product:
        image = any_migrator.image_of(podman, service)
        return Binary(service, "", image, image_migrations.Form(()), tag(podman, image.id))
    image = image_migrations.find_image(podman, service, product, state_dir)
    kept = image_migrations.cached(image)
    form = kept.form if kept else image_migrations.ask_form(podman, image)
    return Binary(service, product, image, form, tag(podman, image.id))


def tag(podman: Podman, image: str) -> str:
    """What people call the image; a tag that moves says nothing."""
    tags = [str(one).rpartition(":")[2] for one in (podman.one("image", image) or {}).get("RepoTags") or []]
    telling = [one for one in tags if one not in ("latest", "") and "/" not in one]
    return telling[0] if telling else image[:12]


def isolated(binary: Binary, url: str) -> dict[str, str]:
    """Its environment with our database in place of production's, wherever that is named."""
    service = binary.service
    try:
        production: Dsn | None = service.dsn
    except BluegreenError:
        # It is in a file of the program's configuration; a variable goes before that.
        production = None
    given = address.moved(service.environment, production, url)
    if not binary.product:
        return given
    return {**given, **(BEHIND_TLS if binary.product == "hydra" else {}), "DSN": url, "SQA_OPT_OUT": "true"}
