# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The old and the new program of a service: the running container's own, and the rendered release's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..._core import podman as core
from ..._core.podman import Podman
from ..._schema import image_migrations
from ..._schema import service as release

# As behind the edge, TLS has ended before a question gets here; no configuration knows the address that asks.
BEHIND_TLS = {
    "SERVE%s_TLS_ALLOW_TERMINATION_FROM" % which: "0.0.0.0/0" for which in ("", "_PUBLIC", "_ADMIN")
}  # fmt: skip
# Podman sets them itself.
OF_PODMAN = ("HOSTNAME", "container")


@dataclass(frozen=True)
class Binary:
    """``service``: image, entrypoint, command, environment and mounts (read only). ``tag`` is its name in sentences,
    ``form`` its migration command."""

    service: release.Service
    product: str
    image: image_migrations.Image
    form: image_migrations.Form
    tag: str

    @property
    def label(self) -> str:
        return "%s %s" % (self.product.capitalize(), self.tag)

    def migration(self) -> tuple[str, ...]:
        words = (*self.service.entrypoint, *self.service.command)
        return self.image.before + self.form.up + image_migrations.config_arguments(words)


def of_release(podman: Podman, document: Mapping[str, Any], name: str, product: str, state_dir: str) -> Binary:
    """As the rendered release would run it."""
    return _binary(podman, release.mounted(podman, document, name), product, state_dir)


def of_container(podman: Podman, raw: Mapping[str, Any], name: str, product: str, state_dir: str) -> Binary:
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
    return _binary(podman, service, product, state_dir)


def _binary(podman: Podman, service: release.Service, product: str, state_dir: str) -> Binary:
    service = replace(service, volumes=release.read_only(service.volumes))
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
    given = binary.service.environment
    production = given.get("DSN", "")
    return {
        **{key: value.replace(production, url) if production else value for key, value in given.items()},
        **(BEHIND_TLS if binary.product == "hydra" else {}),
        "DSN": url,
        "SQA_OPT_OUT": "true",
    }
